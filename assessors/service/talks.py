"""What makes a record of a talk: questions put into it, and, at the end, times turned into parts of its recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from assessors.queries.talks import entries_of, questions_to_ask, recordings_of
from assessors.rules.talk import MAX_ROWS, Part, TalkRow, parts_by_criterion, read_times, reason_of
from assessors.service.recording import Recording, Seen
from criteria.queries.bank import BankEntry
from criteria.rules import EvidenceKind
from evidence.models import Revision
from evidence.queries import criteria_to_choose, files_of
from evidence.rules import QUESTION_ROWS, Extent
from evidence.service import DraftFields
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid
from portfolio.records.models import Portfolio


def chosen_questions(
    session: Session, actor: Actor, portfolio: Portfolio, kind: EvidenceKind, wordings: Sequence[str]
) -> list[BankEntry]:
    """The questions of these wordings, from the banks of the open units that the actor judges, in the order asked for.

    Raises Invalid (`wording`) when one is not there, or was reworded or archived meanwhile.
    """
    if not wordings:
        return []
    units = [unit for unit in criteria_to_choose(session, actor, portfolio) if not unit.closed]
    known = entries_of(questions_to_ask(session, kind, units))
    if not set(wordings) <= known.keys():
        sentence = "A question was reworded or archived meanwhile. Choose it again."
        raise Invalid("Nothing was saved yet.", {"wording": sentence})
    return [known[code] for code in dict.fromkeys(wordings)]


def with_questions(fields: DraftFields, chosen: Sequence[BankEntry]) -> DraftFields:
    """The draft's fields with these questions at the end of its rows. Raises Invalid (`wording`) for too many."""
    if not chosen:
        return fields
    rows = [
        {
            "question": entry.wording.text,
            "answer": "",
            **({"criteria": list(entry.wording.criteria)} if entry.wording.criteria else {}),
            "wording": entry.wording.code,
        }
        for entry in chosen
    ]
    there = fields.details.get(QUESTION_ROWS) or []
    if (count := len(there) + len(rows)) > MAX_ROWS:
        sentence = f"At most {MAX_ROWS} questions are possible; these would make {count}."
        raise Invalid("Nothing was saved yet.", {"wording": sentence})
    return replace(fields, details={**fields.details, QUESTION_ROWS: [*there, *rows]})


def criteria_asked(chosen: Sequence[BankEntry]) -> list[str]:
    """The codes of the criteria that answers to these questions can show."""
    return [code for entry in chosen for code in entry.wording.criteria]


def settled(
    session: Session,
    revision: Revision,
    recording: Recording,
    rows: Sequence[TalkRow],
    times: Mapping[str, str],
) -> Recording:
    """The record with every time as a part of one of the draft's recordings, in its rows and in what it maps.

    `times` are those marked for criteria, by code, as typed. Raises Invalid (`at-N`, `times-<criterion>`: no time, no
    such recording, beyond its end; `decision-<criterion>`: a question shows it, and it is not decided; `question-N`).
    """
    recordings = recordings_of(files_of(session, revision.id))
    errors: dict[str, str] = {}
    read = [(row, _one_part(row, number, recordings, errors)) for number, row in enumerate(rows, start=1)]
    marked = {
        code: _parts(f"times-{code}", text, recordings, errors)
        for code, text in times.items()
        if text and code in recording.seen
    }
    _check_rows(rows, recording.seen, errors)
    if errors:
        raise Invalid("The record is not complete. Nothing was lost.", errors)
    word = "question" if recording.kind is EvidenceKind.QUESTIONING else "topic"
    parts = parts_by_criterion(read, marked)
    seen = {
        code: replace(each, parts=parts.get(code, ()), note=each.note.strip() or reason_of(code, rows, word))
        for code, each in recording.seen.items()
    }
    details = {**recording.fields.details, QUESTION_ROWS: [_final(row, part) for row, part in read]}
    return replace(recording, seen=seen, fields=replace(recording.fields, details=details))


def _check_rows(rows: Sequence[TalkRow], seen: Mapping[str, Seen], errors: dict[str, str]) -> None:
    for number, row in enumerate(rows, start=1):
        if not row.question:
            errors[f"question-{number}"] = "Write what you asked."
        elif not row.answer and not row.at:
            errors[f"answer-{number}"] = (
                "Write the answer, or when it is heard in the recording; or take it out."
            )
        for code in row.criteria:
            if code not in seen:
                errors[f"decision-{code}"] = (
                    f"Number {number} is said to show it: decide, or take the tick there away."
                )


def _one_part(
    row: TalkRow, number: int, recordings: Sequence[tuple[str, Extent]], errors: dict[str, str]
) -> Part | None:
    parts = _parts(f"at-{number}", row.at, recordings, errors)
    if len(parts) > 1:
        errors[f"at-{number}"] = "Write one span, from the question to the end of the answer."
    return parts[0] if parts else None


def _parts(
    field: str, text: str, recordings: Sequence[tuple[str, Extent]], errors: dict[str, str]
) -> list[Part]:
    try:
        return read_times(text, recordings)
    except Invalid as error:
        errors[field] = error.message
        return []


def _final(row: TalkRow, part: Part | None) -> dict[str, object]:
    """The row as it is frozen."""
    return {
        "question": row.question,
        "answer": row.answer,
        **({"criteria": list(row.criteria)} if row.criteria else {}),
        **({"file": part[0], "fragment": part[1]} if part else {}),
        **({"wording": row.wording} if row.wording else {}),
    }
