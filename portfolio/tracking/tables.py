"""CSV files of the matrix and of the progress list, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

from evidence.rules.confidential import HELD_BACK
from portfolio.tracking.progress import ProgressRow
from portfolio.tracking.views import Matrix

MATRIX_COLUMNS = (
    "unit", "outcome", "criterion", "text", "status", "reasons", "next_action", "who", "counted", "evidence",
)  # fmt: skip
PROGRESS_COLUMNS = (
    "candidate", "qualification", "cohort", "site", "assessors", "met", "claimed", "total", "met_percent",
    "waiting", "last_activity", "quiet_days", "target", "outlook", "units",
)  # fmt: skip


def matrix_csv(matrix: Matrix) -> str:
    """One line per criterion shown, with a header line."""
    rows = (
        (
            unit.ref,
            group.ref,
            row.ref,
            row.text,
            row.status_word,
            " ".join(row.reasons),
            row.next.sentence if row.next else "",
            row.next.who_word if row.next else "",
            " ".join(row.counted),
            "; ".join(
                f"{matrix.items[n].ref} {status.value.replace('_', ' ')}"
                + (f" ({HELD_BACK})" if matrix.items[n].held_back else "")
                for n, status in row.marks.items()
            ),
        )
        for unit in matrix.shown
        for group in unit.groups
        for row in group.rows
    )
    return _csv(MATRIX_COLUMNS, rows)


def progress_csv(rows: Iterable[ProgressRow]) -> str:
    """One line per portfolio, with a header line."""
    return _csv(
        PROGRESS_COLUMNS,
        (
            (
                row.candidate,
                row.qualification,
                row.cohort,
                row.site,
                row.assessors,
                str(row.met),
                str(row.claimed),
                str(row.total),
                str(row.met_percent),
                str(row.waiting),
                row.last_activity_on.isoformat(),
                str(row.quiet_days),
                row.target_on.isoformat() if row.target_on else "",
                row.outlook,
                "; ".join(f"{u.ref} {u.state.value} {u.met_percent}%" for u in row.units),
            )
            for row in rows
        ),
    )


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    for row in rows:
        writer.writerow([harmless(value) for value in row])
    return out.getvalue()


def harmless(value: str) -> str:
    """A value that a spreadsheet will not run as a formula: a leading sign gets an apostrophe (OWASP)."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
