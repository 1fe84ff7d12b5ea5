"""Posted fields of a visit, read into what the services take."""

from assessors.forms import RecordValues
from assessors.service.records import Recording
from assessors.service.visits import Notes
from portfolio.core.text import clean_line
from portfolio.web.forms import Fields


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
            }
            for code, typed in values.by_criterion.items()
        },
        comment=values.comment,
        version=int(version) if version.isdecimal() and len(version) < 10 else 0,
        tab=clean_line(posted.raw("tab"))[:40],
    )


def chosen_criteria(posted: Fields) -> list[str]:
    """The ticked criteria, each once, in the order of the form."""
    return list(dict.fromkeys(clean_line(code) for code in posted.many("criterion")))
