"""Questions with their answers (topics and what was said), as the details of an item keep them.

A row is `{"question", "answer"}`; rows that an assessor recorded may also say `"criteria"` (codes that the answer
shows), `"file"` and `"fragment"` (where it is in a recording), `"wording"` (of the bank from which it was asked), and,
in a draft only, `"at"`: the time as it was typed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evidence.rules.kinds import QUESTION_ROWS
from evidence.rules.locators import locator_words, parse_fragment

EXTRAS = ("criteria", "file", "fragment", "wording", "at")


@dataclass(frozen=True, slots=True)
class AskedRow:
    """One question: the answer in words, or where it is heard (`file` and `fragment`), or both."""

    question: str
    answer: str = ""
    criteria: tuple[str, ...] = ()
    file: str = ""
    fragment: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether there is a question and something that answers it."""
        return bool(self.question and (self.answer or self.fragment))


def asked_rows(details: Mapping[str, Any]) -> list[AskedRow]:
    """The rows that are complete, in order.

    >>> asked_rows({"questions": [{"question": "Why?", "answer": "Because."}]})[0].answer
    'Because.'
    """
    found = (
        AskedRow(
            str(row.get("question") or ""),
            str(row.get("answer") or ""),
            tuple(row.get("criteria") or ()),
            str(row.get("file") or ""),
            str(row.get("fragment") or ""),
        )
        for row in details.get(QUESTION_ROWS) or []
    )
    return [row for row in found if row.is_complete]


def has_half_row(details: Mapping[str, Any]) -> bool:
    """Whether a row has an answer and no question, or a question that nothing answers."""
    for row in details.get(QUESTION_ROWS) or []:
        answered = row.get("answer") or row.get("fragment") or row.get("at")
        if bool(row.get("question")) != bool(answered):
            return True
    return False


def has_typed_time(details: Mapping[str, Any]) -> bool:
    """Whether a row still says when it is heard as somebody typed it: no part of a recording yet."""
    return any(row.get("at") for row in details.get(QUESTION_ROWS) or [])


def with_extras(
    rows: Iterable[Mapping[str, Any]], stored: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows of a form that knows questions and answers only, with what the stored row of the same question adds."""
    known = {row.get("question"): row for row in stored}
    return [
        {**row, **{name: known[row["question"]][name] for name in EXTRAS if known[row["question"]].get(name)}}
        if row["question"] in known
        else dict(row)
        for row in rows
    ]


def with_files(rows: Iterable[Mapping[str, Any]], codes: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows with other codes of files. What lies in a file that has none says in words when it was heard."""
    found = []
    for row in rows:
        new = dict(row)
        if new.get("file"):
            code = codes.get(str(new.pop("file")), "")
            fragment = new.pop("fragment", "")
            new |= {"file": code, "fragment": fragment} if code else _as_words(fragment)
        found.append(new)
    return found


def _as_words(fragment: str) -> dict[str, str]:
    """When it was heard, in a recording that is gone: "R? 0:12-0:40"."""
    if not fragment.startswith("t="):
        return {}
    words = locator_words(parse_fragment(fragment)).removeprefix("from ").replace("–", "-")
    return {"at": f"R? {words}{'' if '-' in words else '-'}"}
