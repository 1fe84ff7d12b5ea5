"""The field in which a limit of storage is written, in gigabytes."""

from decimal import Decimal, InvalidOperation

from portfolio.web.forms import Fields

GIGABYTE = 10**9
_LARGEST = 1_000_000  # gigabytes


def read_limit(posted: Fields, name: str = "limit") -> int | None:
    """Bytes of a limit written as "5" or "2.5" gigabytes, to the megabyte; None when left empty, for no limit."""
    written = posted.line(name, "The limit", limit=20).replace(",", ".")
    if not written:
        return None
    try:
        value = Decimal(written) if set(written) <= set("0123456789.") else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if value.is_nan() or not 0 <= value <= _LARGEST:
        posted.error(name, f"Write gigabytes, such as 5 or 2.5: at most {_LARGEST:,}.")
        return None
    return int((value * 1000).to_integral_value()) * (GIGABYTE // 1000)


def limit_words(max_bytes: int | None) -> str:
    """A limit as the field shows it: "2.5"; "" for none."""
    if max_bytes is None:
        return ""
    return f"{Decimal(max_bytes) / GIGABYTE:.3f}".rstrip("0").rstrip(".")
