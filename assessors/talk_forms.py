"""Rows of questions in a posted form, and as the details of a draft keep them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assessors.rules.talk import MAX_ROWS, TalkRow, reaimed, times_text
from evidence.rules import QUESTION_ROWS, parse_fragment
from portfolio.core.errors import Invalid
from portfolio.core.text import clean_line
from portfolio.web.forms import Fields

_QUESTION = re.compile(r"question-(\d{1,4})")


def read_rows(posted: Fields, without: int | None = None) -> list[TalkRow]:
    """The rows "question-N", "answer-N", "at-N", "shows-N", "wording-N" in the order of their numbers.

    Empty rows are left out, and the one of the number `without`. Errors are noted in `posted`.
    """
    numbers = sorted({int(m[1]) for name, _ in posted.items if (m := _QUESTION.fullmatch(name))})
    rows = [_read_row(posted, number) for number in numbers if number != without]
    rows = [row for row in rows if row.says_something]
    if len(rows) > MAX_ROWS:
        posted.error(QUESTION_ROWS, f"At most {MAX_ROWS} questions are possible; there are {len(rows)}.")
    return rows


def _read_row(posted: Fields, number: int) -> TalkRow:
    return TalkRow(
        question=posted.text(f"question-{number}", "The question", limit=20_000),
        answer=posted.text(f"answer-{number}", "The answer", limit=20_000),
        at=posted.line(f"at-{number}", "The time", limit=200),
        criteria=tuple(dict.fromkeys(posted.many(f"shows-{number}"))),
        wording=clean_line(posted.raw(f"wording-{number}"))[:20],
    )


def stored_rows(rows: Sequence[TalkRow]) -> list[dict[str, Any]]:
    """The rows for the details of a draft; what is empty is left out."""
    return [
        {
            "question": row.question,
            "answer": row.answer,
            **({"criteria": list(row.criteria)} if row.criteria else {}),
            **({"at": row.at} if row.at else {}),
            **({"wording": row.wording} if row.wording else {}),
        }
        for row in rows
    ]


def kept_rows(details: Mapping[str, Any], recordings: Sequence[str], counted: Sequence[str]) -> list[TalkRow]:
    """The rows of a draft for its form; `recordings` are the codes of its recordings, as the page counts them.

    Times that were typed count those of `counted`.
    """
    return [
        TalkRow(
            question=str(row.get("question") or ""),
            answer=str(row.get("answer") or ""),
            at=reaimed(str(row.get("at") or ""), counted, recordings) or _time_of(row, recordings),
            criteria=tuple(row.get("criteria") or ()),
            wording=str(row.get("wording") or ""),
        )
        for row in details.get(QUESTION_ROWS) or []
    ]


def _time_of(row: Mapping[str, Any], recordings: Sequence[str]) -> str:
    try:
        locator = parse_fragment(str(row.get("fragment") or ""))
    except Invalid:
        return ""
    return times_text([(str(row.get("file") or ""), locator)], recordings)
