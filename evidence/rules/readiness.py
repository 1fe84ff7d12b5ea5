"""What an item must say before it can be submitted, and the declaration that goes with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from criteria.rules import EvidenceKind
from evidence.rules.asked import asked_rows, has_half_row, has_typed_time
from evidence.rules.kinds import (
    GUIDES,
    QUESTION_ROWS,
    REQUEST_KEY,
    RPL_FIELDS,
    DetailField,
    FieldKind,
    detail_date,
    detail_fields,
)
from evidence.rules.locators import WHOLE, Extent, locator_words, parse_fragment, problem_of
from portfolio.core.errors import Invalid

OLDEST_YEARS = 60


@dataclass(frozen=True, slots=True)
class MappingPicture:
    """One draft mapping as the rules see it: criterion reference, locators with the files they name."""

    criterion_ref: str
    reason: str = ""
    locators: tuple[tuple[str | None, str], ...] = ()  # (file code, fragment)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPicture:
    """A draft as the rules see it."""

    kind: EvidenceKind
    title: str = ""
    text: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    occurred_on: date | None = None
    has_site: bool = False
    rpl: bool = False
    file_codes: frozenset[str] = frozenset()
    extents: Mapping[str, Extent] = field(default_factory=dict)  # by file code, as far as files were measured
    mappings: tuple[MappingPicture, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """What is missing: the name of the form's field, and a sentence. Names of details as in `DetailField`;
    "files" and "mappings" for those."""

    field: str
    sentence: str


def problems_before_submission(draft: DraftPicture, today: date) -> tuple[Problem, ...]:
    """Everything that keeps a draft from being submitted, in the order of the form; empty when it is ready.

    `today` is the date in the centre's zone.
    """
    return (
        *_common(draft, today),
        *_details(draft, today),
        *_kind_of_its_own(draft, today),
        *_files(draft),
        *_mappings(draft),
    )


def occurred_on_problem(day: date | None, today: date) -> str | None:
    """Why a date of work cannot be right; None when it can."""
    if day is None:
        return "Say when the work was done."
    if day > today:
        return "The date of work lies in the future."
    if day.year < today.year - OLDEST_YEARS:
        return f"The date of work lies more than {OLDEST_YEARS} years back. Check the year."
    return None


def _common(draft: DraftPicture, today: date) -> Iterator[Problem]:
    if not draft.title:
        yield Problem("title", "Give the item a title.")
    if sentence := occurred_on_problem(draft.occurred_on, today):
        yield Problem("occurred_on", sentence)
    if GUIDES[draft.kind].text_required and not draft.text:
        yield Problem("text", f"“{GUIDES[draft.kind].text_label}” is empty.")


def _details(draft: DraftPicture, today: date) -> Iterator[Problem]:
    for wanted in detail_fields(draft.kind, rpl=draft.rpl):
        if wanted.required and not _is_given(wanted, draft.details):
            yield Problem(wanted.name, f"“{wanted.label}” is needed.")
        elif wanted.kind is FieldKind.DATE:
            day = detail_date(draft.details, wanted.name)
            if day is not None and day > today:
                yield Problem(wanted.name, f"“{wanted.label}” lies in the future.")

    if not draft.rpl and any(_is_given(wanted, draft.details) for wanted in RPL_FIELDS):
        yield Problem(
            "rpl",
            "Something is written about prior learning, but the item is not marked as that. Mark it, or empty those "
            "fields.",
        )


def _is_given(wanted: DetailField, details: Mapping[str, Any]) -> bool:
    if wanted.kind is FieldKind.ROWS:
        return bool(asked_rows(details))
    return bool(details.get(wanted.name))


def _kind_of_its_own(draft: DraftPicture, today: date) -> Iterator[Problem]:
    check = _CHECKS.get(draft.kind)
    if check is not None:
        yield from check(draft)
    if has_half_row(draft.details):
        yield Problem(QUESTION_ROWS, "A row has only one of its two parts. Fill it in or empty it.")
    if has_typed_time(draft.details):
        yield Problem(
            QUESTION_ROWS,
            "The time of an answer would be lost here. Finish the record on the page where you wrote it down.",
        )
    for row in asked_rows(draft.details):
        if row.file and row.file not in draft.file_codes:
            yield Problem(QUESTION_ROWS, "An answer lies in a recording that is no longer there.")


def _observation(draft: DraftPicture) -> Iterator[Problem]:
    start, end = draft.details.get("started_at"), draft.details.get("ended_at")
    if start and end and end <= start:
        yield Problem("ended_at", "The observation must end after it started.")
    if not draft.has_site and not draft.details.get("place"):
        yield Problem("place", "Say where it took place: choose the site or write the place.")


def _testimony(draft: DraftPicture) -> Iterator[Problem]:
    by, on = draft.details.get("confirmed_by"), detail_date(draft.details, "confirmed_on")
    if by and on is None:
        yield Problem("confirmed_on", "Say when the witness confirmed it.")
    if on is not None and not by:
        yield Problem("confirmed_by", "Say how the witness confirmed it.")
    if on is not None and draft.occurred_on is not None and on < draft.occurred_on:
        yield Problem("confirmed_on", "It was confirmed before the work was done. Check the dates.")
    if by and not draft.details.get(REQUEST_KEY) and not draft.file_codes:
        yield Problem(
            "files", "Add the statement that the witness signed, or ask the witness by mail instead."
        )


def _product(draft: DraftPicture) -> Iterator[Problem]:
    link = draft.details.get("link")
    if not draft.file_codes and not link:
        yield Problem("files", "Add a file, or a link to the product.")
    if not link:
        return
    seen = detail_date(draft.details, "link_seen_on")
    if seen is None:
        yield Problem("link_seen_on", "Say when the link was looked at: pages change.")
    elif draft.occurred_on is not None and seen < draft.occurred_on:
        yield Problem("link_seen_on", "The link was looked at before the work was done. Check the dates.")
    if not draft.details.get("link_note"):
        yield Problem("link_note", "Say what the link showed on that day: pages change.")


def _discussion(draft: DraftPicture) -> Iterator[Problem]:
    if not draft.file_codes and not asked_rows(draft.details):
        yield Problem(QUESTION_ROWS, "Write down at least one topic and what was said, or add a recording.")


def _in_situ(draft: DraftPicture) -> Iterator[Problem]:
    seen = detail_date(draft.details, "seen_on")
    if seen is not None and draft.occurred_on is not None and seen < draft.occurred_on:
        yield Problem("seen_on", "It was seen before the work was done. Check the dates.")


_CHECKS = {
    EvidenceKind.OBSERVATION: _observation,
    EvidenceKind.WITNESS_TESTIMONY: _testimony,
    EvidenceKind.PRODUCT: _product,
    EvidenceKind.PROFESSIONAL_DISCUSSION: _discussion,
    EvidenceKind.IN_SITU: _in_situ,
}


def _files(draft: DraftPicture) -> Iterator[Problem]:
    guide = GUIDES[draft.kind]
    if guide.files_required and not draft.file_codes:
        yield Problem("files", "Add at least one file.")
    if not guide.takes_files and draft.file_codes:
        yield Problem("files", "This stays where it is kept: take the files off again.")


def _mappings(draft: DraftPicture) -> Iterator[Problem]:
    if not draft.mappings:
        yield Problem("mappings", "Say what it shows: choose at least one criterion.")
    for mapping in draft.mappings:
        for file_code, fragment in mapping.locators:
            if file_code is not None and file_code not in draft.file_codes:
                sentence = "points into a file that is no longer there. Choose the part again."
                yield Problem("mappings", f"{mapping.criterion_ref} {sentence}")
            elif sentence := _part_problem(fragment, draft.extents.get(file_code or "")):
                yield Problem("mappings", f"{mapping.criterion_ref} {sentence}")


def _part_problem(fragment: str, extent: Extent | None) -> str:
    """Why a part cannot be shown, after the reference of its criterion; "" when it can.

    A part may have been marked before its file was measured.
    """
    try:
        part = parse_fragment(fragment) if fragment else WHOLE
    except Invalid:
        return "names a part that cannot be read."
    problem = problem_of(part, extent)
    return (
        f"names the part “{locator_words(part)}”, which lies outside its file. {problem}" if problem else ""
    )


DECLARATION = (
    "I declare that this evidence is my own work, that what it says is true, and that I have named everyone "
    "who helped. I have left out, hidden or marked what must stay confidential. I understand that it cannot "
    "be changed once it is submitted, and that a false declaration can cost me the qualification."
)
"""What a candidate declares at each submission."""

ASSESSOR_STATEMENT = (
    "I confirm that I recorded this myself, that it took place as described, and that the person assessed "
    "is the candidate of this portfolio."
)
"""What an assessor confirms instead, for an observation, a discussion or questioning they recorded."""

BROUGHT_STATEMENT = (
    "I confirm that I asked this witness, that the testimony stands here as it was given to me, and that the "
    "person assessed is the candidate of this portfolio."
)
"""What an assessor confirms for a testimony that they asked for."""


def declaration_of(kind: EvidenceKind, *, by_assessor: bool) -> str:
    """What whoever submits an item of this kind declares."""
    if not by_assessor:
        return DECLARATION
    return BROUGHT_STATEMENT if kind is EvidenceKind.WITNESS_TESTIMONY else ASSESSOR_STATEMENT
