"""Posted fields: read with limits, checked field by field, errors gathered so that one page can show them all."""

import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeVar
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from portfolio.core.errors import Invalid, TooLarge
from portfolio.core.text import clean_line, clean_text, has_nul

MAX_FIELDS = 20_000
_EMAIL = re.compile(r"[^@\s,;:<>()\[\]\\\"]{1,64}@[^@\s,;:<>()\[\]\\\".]+(\.[^@\s,;:<>()\[\]\\\".]+)+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class SmallFile:
    """A file that came with a form and is small enough for memory (an import, a list)."""

    name: str
    content: bytes


@dataclass(slots=True)
class Fields:
    """Posted values, and the errors found so far (field name → sentence).

    Readers return a usable value even when they note an error; `check()` raises once all were read.
    """

    items: Sequence[tuple[str, str]] = ()
    files: dict[str, SmallFile] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)  # of the fields that were read as text

    def raw(self, name: str) -> str:
        """The last value posted under this name, untouched; "" when absent."""
        return next((v for k, v in reversed(self.items) if k == name), "")

    def many(self, name: str) -> list[str]:
        """All values posted under this name, in order, without empty ones."""
        return [clean_line(v) for k, v in self.items if k == name and v.strip()]

    def has(self, name: str) -> bool:
        """Whether the field was posted at all."""
        return any(k == name for k, _ in self.items)

    def values(self) -> dict[str, str]:
        """Last value per name, for drawing the form again."""
        return dict(self.items)

    def line(self, name: str, label: str, *, required: bool = False, limit: int = 300) -> str:
        """One line of text."""
        return self._checked(name, label, clean_line(self.raw(name)), required, limit)

    def text(self, name: str, label: str, *, required: bool = False, limit: int = 100_000) -> str:
        """Several lines of text, at most `limit` characters."""
        return self._checked(name, label, clean_text(self.raw(name)), required, limit)

    def email(self, name: str, label: str = "Email address", *, required: bool = True) -> str:
        """An email address in lower case."""
        value = self.line(name, label, required=required, limit=254).lower()
        if value and not _EMAIL.fullmatch(value):
            self.errors.setdefault(name, "Write an address such as name@example.org.")
        return value

    def date(self, name: str, label: str, *, required: bool = False) -> date | None:
        """A plain date, posted as YYYY-MM-DD."""
        value = self.line(name, label, required=required, limit=40)
        if not value:
            return None
        try:
            found = date.fromisoformat(value if _DATE.fullmatch(value) else "")
        except ValueError:
            self.error(name, f"{label} must be a date such as 2026-03-31.")
            return None
        if not 1900 <= found.year <= 2200:
            self.error(name, f"{label} must lie between 1900 and 2200.")
        return found

    def whole(self, name: str, label: str, *, minimum: int, maximum: int) -> int | None:
        """A whole number in a range, both ends included; None when left empty."""
        value = self.line(name, label, limit=40)
        if not value:
            return None
        if not re.fullmatch(r"[+-]?[0-9]{1,12}", value) or not minimum <= int(value) <= maximum:
            self.error(name, f"{label} must be a whole number from {minimum:,} to {maximum:,}.")
            return None
        return int(value)

    def choice(self, name: str, label: str, kind: type[_Choice], *, required: bool = True) -> _Choice | None:
        """One of an enum's values."""
        value = self.line(name, label, required=required, limit=100)
        try:
            return kind(value) if value else None
        except ValueError:
            self.error(name, f"{label}: choose one of the options.")
            return None

    def flag(self, name: str) -> bool:
        """A check box."""
        return self.raw(name) not in ("", "0", "false", "off")

    def file(self, name: str) -> SmallFile | None:
        """A small file that came with the form; None when none was chosen."""
        return self.files.get(name)

    def error(self, name: str, sentence: str) -> None:
        """Note an error; the first one of a field stays."""
        self.errors.setdefault(name, sentence)

    def check(self, message: str = "Some answers need another look. Nothing was saved yet.") -> None:
        """Raise Invalid when any reader or rule noted an error."""
        if self.errors:
            raise Invalid(message, self.errors)

    def _checked(self, name: str, label: str, value: str, required: bool, limit: int) -> str:
        self.labels[name] = label
        if has_nul(self.raw(name)):
            self.errors.setdefault(name, f"{label} holds a NUL character, which cannot be stored.")
        if required and not value:
            self.errors.setdefault(name, f"{label} is needed.")
        if len(value) > limit:
            self.errors.setdefault(
                name, f"{label} has {len(value):,} characters; at most {limit:,} are possible."
            )
        return value


async def read_fields(request: Request, max_bytes: int) -> Fields:
    """Read a form body of at most `max_bytes`. Raises TooLarge, or Invalid for a malformed body."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    body = await _limited_body(request, max_bytes)
    if kind == "application/x-www-form-urlencoded":
        return Fields(_parse_urlencoded(body))
    if kind == "multipart/form-data":
        return await _parse_multipart(request.headers, body)
    if not body:
        return Fields()
    raise Invalid("This address takes a form. Nothing was saved.")


async def _limited_body(request: Request, max_bytes: int) -> bytes:
    declared = request.headers.get("content-length", "0")
    if re.fullmatch(r"[0-9]{1,18}", declared) and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > max_bytes:
                raise _too_large(max_bytes)
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise Invalid("The connection broke before the form had arrived. Nothing was saved.") from error
    return b"".join(chunks)


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(
        f"The form is larger than {max_bytes / 1_000_000:,.1f} MB. Nothing was saved; "
        "what you typed is still in the previous page, so go back to find it.",
        limit=max_bytes,
    )


def _parse_urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise Invalid("The form has too many fields. Nothing was saved.") from error


async def _parse_multipart(headers: Headers, body: bytes) -> Fields:
    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    kind, options = parse_options_header(headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    # our pages are UTF-8; another declared encoding could make text that nothing can store
    plain = Headers(raw=[(b"content-type", kind + b'; boundary="' + boundary + b'"')])
    try:
        parser = MultiPartParser(plain, once(), max_fields=MAX_FIELDS, max_part_size=len(body) + 1)
        if not boundary or b"--" + boundary + b"--" not in body:
            raise MultiPartException("The end is missing.")
        form = await parser.parse()
    except (MultiPartException, FormParserError, KeyError, UnicodeError, ValueError) as error:
        raise Invalid("The form could not be read. Nothing was saved; go back and try again.") from error
    found = Fields([(k, v) for k, v in form.multi_items() if isinstance(v, str)])
    for name, value in form.multi_items():
        if isinstance(value, UploadFile) and value.filename:
            found.files[name] = SmallFile(value.filename, await value.read())
    await form.close()
    return found


def fields_from(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Fields from pairs (saved forms, tests)."""
    return Fields(list(pairs))
