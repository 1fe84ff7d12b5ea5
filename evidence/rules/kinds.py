"""The eight kinds of evidence: what each is for, and the fields each needs beside the common ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from criteria.rules import EvidenceKind, WitnessStatus


class FieldKind(StrEnum):
    """How a field is asked for and kept. Dates as "2026-03-31", times as "14:05", rows as a list, units as a
    list of codes."""

    LINE = "line"
    TEXT = "text"
    DATE = "date"
    TIME = "time"
    LINK = "link"
    WITNESS_STATUS = "witness_status"
    ROWS = "rows"
    UNITS = "units"


@dataclass(frozen=True, slots=True)
class DetailField:
    """One field of `Revision.details`. `required`: the item cannot be submitted without it."""

    name: str
    label: str
    kind: FieldKind = FieldKind.LINE
    required: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class KindGuide:
    """What a kind is, for the page on which it is chosen, and how its pages ask for text and files."""

    sentence: str
    good_for: str
    text_label: str
    text_hint: str
    text_required: bool = False
    files_required: bool = False
    takes_files: bool = True


QUESTION_ROWS = "questions"
REQUEST_KEY = "testimony"
"""In the details of a testimony: the code of the request by which the witness confirmed it. No field of a form."""
ABOUT = "about"
"""In the details of a reflective account: codes of the units whose guidance stands beside it while it is written."""
RPL_FIELDS = (
    DetailField(
        "rpl_source",
        "Where the prior learning comes from",
        required=True,
        hint="The course, job or certificate, and who gave it.",
    ),
    DetailField(
        "rpl_achieved_on",
        "Prior learning achieved on",
        FieldKind.DATE,
        required=True,
        hint="The day on the certificate, or the last day of the course or job.",
    ),
)
"""Asked for when an item is marked as prior learning, whatever its kind. Shown to whoever judges it; how recent work
is, is measured from the date of work alone."""
RPL_NAMES = frozenset(wanted.name for wanted in RPL_FIELDS)

_ASSESSOR = DetailField("assessor", "Assessor", required=True, hint="Who observed or asked.")
_MODE = DetailField(
    "held_by", "How it took place", hint="For instance face to face, by phone, by video call."
)

FIELDS: dict[EvidenceKind, tuple[DetailField, ...]] = {
    EvidenceKind.RECORDING: (
        DetailField(
            "people",
            "Who can be seen or heard",
            FieldKind.TEXT,
            hint="Say who they are and that they agreed to be recorded.",
        ),
    ),
    EvidenceKind.OBSERVATION: (
        _ASSESSOR,
        DetailField("started_at", "Started at", FieldKind.TIME, required=True),
        DetailField("ended_at", "Ended at", FieldKind.TIME, required=True),
        DetailField("place", "Place", hint="Where exactly, when the site alone does not say it."),
    ),
    EvidenceKind.WITNESS_TESTIMONY: (
        DetailField("witness_name", "Name of the witness", required=True),
        DetailField("witness_role", "Role of the witness", hint="Their position at work."),
        DetailField(
            "witness_status",
            "Status of the witness",
            FieldKind.WITNESS_STATUS,
            required=True,
            hint="How well the witness knows the work and the standards.",
        ),
        DetailField(
            "relationship", "Relationship to the candidate", required=True, hint="For instance line manager."
        ),
        DetailField(
            "contact", "Contact", required=True, hint="A phone number or an email address for questions."
        ),
        DetailField("place", "Place", hint="Where they saw it, when the site alone does not say it."),
        DetailField(
            "confirmed_by",
            "Confirmed by",
            hint="Only for a statement on paper: who signed it. Add the signed statement as a file.",
        ),
        DetailField("confirmed_on", "Confirmed on", FieldKind.DATE),
    ),
    EvidenceKind.REFLECTIVE_ACCOUNT: (DetailField(ABOUT, "The units it is about", FieldKind.UNITS),),
    EvidenceKind.PRODUCT: (
        DetailField(
            "contribution",
            "Your own part in it",
            FieldKind.TEXT,
            hint="What you did yourself, when others worked on it too.",
        ),
        DetailField(
            "link",
            "Link",
            FieldKind.LINK,
            hint="When the product lives on a web page. The page itself is not kept here.",
        ),
        DetailField(
            "link_seen_on",
            "Link looked at on",
            FieldKind.DATE,
            hint="Needed with a link.",
        ),
        DetailField(
            "link_note",
            "What the link showed then",
            FieldKind.TEXT,
            hint="Needed with a link: pages change, and this note is what is judged. A picture of the page, added "
            "as a file, helps.",
        ),
    ),
    EvidenceKind.PROFESSIONAL_DISCUSSION: (
        _ASSESSOR,
        _MODE,
        DetailField(QUESTION_ROWS, "Topics and what was said", FieldKind.ROWS),
    ),
    EvidenceKind.QUESTIONING: (
        _ASSESSOR,
        _MODE,
        DetailField(QUESTION_ROWS, "Questions and answers", FieldKind.ROWS, required=True),
    ),
    EvidenceKind.IN_SITU: (
        DetailField("location", "Where it is kept", required=True),
        DetailField("custodian", "Who keeps it", required=True, hint="Name and position."),
        DetailField("seen_by", "Seen by", required=True, hint="Who looked at it there."),
        DetailField("seen_on", "Seen on", FieldKind.DATE, required=True),
    ),
}

GUIDES: dict[EvidenceKind, KindGuide] = {
    EvidenceKind.RECORDING: KindGuide(
        "Sound, video or pictures of you at work.",
        "Good for showing how you do something, several criteria at once.",
        "What happens in it",
        "Who is there, what you do, what to look at.",
        files_required=True,
    ),
    EvidenceKind.OBSERVATION: KindGuide(
        "What your assessor saw you do. Usually your assessor writes it here.",
        "Good for practical skills. Record one yourself only from a record on paper.",
        "What was done and seen",
        "In the order in which it happened.",
        text_required=True,
    ),
    EvidenceKind.WITNESS_TESTIMONY: KindGuide(
        "What somebody at work saw you do, in their words.",
        "Good for work that your assessor cannot watch.",
        "What the witness saw",
        "In the words of the witness: what, when, how often.",
        text_required=True,
    ),
    EvidenceKind.REFLECTIVE_ACCOUNT: KindGuide(
        "Your own account of what you did, why, and what you would do differently.",
        "Good for knowledge and reasons that cannot be seen.",
        "Your account",
        "Say what happened, what you decided and why, and what you learned.",
        text_required=True,
    ),
    EvidenceKind.PRODUCT: KindGuide(
        "Something you made at work: a report, a plan, an email, a spreadsheet.",
        "Good for showing results. Remove names that must stay confidential.",
        "What it is",
        "What it was made for and what became of it.",
    ),
    EvidenceKind.PROFESSIONAL_DISCUSSION: KindGuide(
        "A planned conversation with your assessor about your work.",
        "Good for depth and for criteria that belong together. Notes, a recording, or both.",
        "Summary",
        "What it was about and what it showed.",
    ),
    EvidenceKind.QUESTIONING: KindGuide(
        "Questions that your assessor asked, and your answers.",
        "Good for closing small gaps in knowledge.",
        "Summary",
        "What the questions were meant to find out.",
    ),
    EvidenceKind.IN_SITU: KindGuide(
        "Something confidential that was looked at where it is kept. No copy is made.",
        "Good for personal records and anything that must not leave the workplace.",
        "What it is and what it shows",
        "Without anything that must stay confidential.",
        text_required=True,
        takes_files=False,
    ),
}

_TO_ASSESSORS = {
    EvidenceKind.OBSERVATION: ("What you saw the candidate do.", "Good for practical skills."),
    EvidenceKind.QUESTIONING: (
        "What you asked, and what was answered.",
        "Good for closing small gaps in knowledge.",
    ),
    EvidenceKind.PROFESSIONAL_DISCUSSION: (
        "A planned conversation about the candidate's work: notes, a recording, or both.",
        "Good for depth and for criteria that belong together.",
    ),
    EvidenceKind.IN_SITU: (
        "Confidential work that you looked at on the spot. No copy is made.",
        "Good for personal records and anything that must not leave the workplace.",
    ),
    EvidenceKind.WITNESS_TESTIMONY: (
        "What somebody at work saw the candidate do, in their words.",
        "Good for work that you cannot watch.",
    ),
}


def guide_to(kind: EvidenceKind, *, assessor: bool) -> KindGuide:
    """The guide of a kind as it is put to a candidate, or to an assessor who adds evidence for one."""
    if not assessor or kind not in _TO_ASSESSORS:
        return GUIDES[kind]
    sentence, good_for = _TO_ASSESSORS[kind]
    return replace(GUIDES[kind], sentence=sentence, good_for=good_for)


ASSESSOR_KINDS = (
    EvidenceKind.OBSERVATION,
    EvidenceKind.QUESTIONING,
    EvidenceKind.PROFESSIONAL_DISCUSSION,
    EvidenceKind.IN_SITU,
)
"""What an assessor records; the candidate makes all the others too."""
ASSESSOR_BEGINS = (*ASSESSOR_KINDS, EvidenceKind.WITNESS_TESTIMONY)
"""What an assessor may begin for a candidate: a testimony too, which then is the witness's word."""


def detail_fields(kind: EvidenceKind, *, rpl: bool) -> tuple[DetailField, ...]:
    """The fields of `details` for an item, in the order of the form."""
    return (*FIELDS[kind], *RPL_FIELDS) if rpl else FIELDS[kind]


def witness_confirmed(kind: EvidenceKind, details: Mapping[str, Any]) -> bool | None:
    """Whether the witness stands behind a testimony; None for kinds that need no witness."""
    if kind is not EvidenceKind.WITNESS_TESTIMONY:
        return None
    return bool(details.get("confirmed_by")) and bool(details.get("confirmed_on"))


def shared_details(old: EvidenceKind, new: EvidenceKind, details: Mapping[str, Any]) -> dict[str, Any]:
    """What stays in its field when an item changes from one kind to another: fields of both, and what is no field of
    either."""
    asked = {wanted.name for wanted in FIELDS[old] if wanted.kind is not FieldKind.UNITS}
    gone = asked - {wanted.name for wanted in FIELDS[new]}
    return {name: value for name, value in details.items() if name not in gone}


def leftover_words(old: EvidenceKind, new: EvidenceKind, details: Mapping[str, Any]) -> str:
    """What only the old kind asked for, as paragraphs of Markdown for the end of the text; "" for nothing."""
    kept = shared_details(old, new, details)
    found = [
        words
        for wanted in FIELDS[old]
        if details.get(wanted.name) and wanted.name not in kept
        for words in _as_words(wanted, details[wanted.name])
    ]
    return "\n\n".join(found)


def _as_words(wanted: DetailField, value: Any) -> Iterator[str]:
    if wanted.kind is not FieldKind.ROWS:
        yield f"**{wanted.label}:** {value}"
        return
    for row in value:
        yield f"**{row.get('question', '')}** {row.get('answer', '')}".strip()


def detail_date(details: Mapping[str, Any], name: str) -> date | None:
    """A date among the details; None when it is absent or unreadable."""
    try:
        return date.fromisoformat(str(details.get(name) or ""))
    except ValueError:
        return None


def is_witness_status(value: str) -> bool:
    """Whether the text is one of the status categories of a witness."""
    return value in set(WitnessStatus)
