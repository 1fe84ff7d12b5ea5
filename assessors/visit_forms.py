"""Posted fields of a visit, read into what the services take."""

from dataclasses import replace

from assessors.forms import RecordValues, read_record, recording_of
from assessors.rules.talk import TALKS
from assessors.service.recording import Recording
from assessors.service.visits import Notes
from assessors.talk_forms import read_rows, stored_rows
from criteria.rules import EvidenceKind
from evidence.rules import QUESTION_ROWS
from portfolio.core.text import clean_line
from portfolio.web.forms import Fields


def read_visit(
    posted: Fields, kind: EvidenceKind, without: int | None = None
) -> tuple[RecordValues, Recording]:
    """The fields of a visit or a talk as they were typed, and the record they make; `without` one of its rows."""
    values = read_record(posted, kind)
    if kind not in TALKS:
        return values, recording_of(values, kind, posted)
    values = replace(values, talk=read_rows(posted, without))
    recording = recording_of(values, kind, posted)
    details = {**recording.fields.details, QUESTION_ROWS: stored_rows(values.talk)}
    return values, replace(recording, fields=replace(recording.fields, details=details))


def notes_of(values: RecordValues, recording: Recording, posted: Fields) -> Notes:
    """What the window holds, as far as the visit keeps it beside the draft."""
    version = clean_line(posted.raw("revision"))
    return Notes(
        fields=recording.fields,
        answers={
            code: {
                "decision": typed.decision if typed.decision in ("met", "not_yet") else "",
                "note": typed.note,
                "feedback": typed.feedback,
                **({"times": typed.times} if typed.times else {}),
            }
            for code, typed in values.by_criterion.items()
        },
        comment=values.comment,
        version=int(version) if version.isdecimal() and len(version) < 10 else 0,
        tab=clean_line(posted.raw("tab"))[:40],
        recordings=posted.raw("recordings").split()[:200] if posted.has("recordings") else None,
    )


def chosen_criteria(posted: Fields) -> list[str]:
    """The ticked criteria, each once, in the order of the form."""
    return list(dict.fromkeys(clean_line(code) for code in posted.many("criterion")))
