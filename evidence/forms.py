"""Posted fields of evidence pages → what the services take, or errors per field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from criteria.rules import EvidenceKind, WitnessStatus
from evidence.models import Revision
from evidence.queries import FileView, ListFilter, Shows
from evidence.queries.search import Within
from evidence.rules import (
    ABOUT,
    FIELDS,
    QUESTION_ROWS,
    RPL_FIELDS,
    DetailField,
    EvidenceState,
    FieldKind,
    format_fragment,
    parse_part,
    problem_of,
)
from evidence.rules.asked import with_extras
from evidence.rules.confidential import CHECKED
from evidence.rules.links import link_host
from evidence.service import Claim, DraftFields, Handling
from evidence.sniff import Family
from portfolio.core.errors import Invalid
from portfolio.core.text import clean_line, clean_text, has_nul
from portfolio.web.forms import Fields

MAX_ROWS = 100
MAX_REASON = 2_000
MAX_CODE = 20
SPARE_ROWS = 3
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def read_draft(
    fields: Fields, kind: EvidenceKind, stored: Mapping[str, Any] = MappingProxyType({})
) -> DraftFields:
    """The fields of the edit page. Errors are noted in `fields`; nothing is required of a draft.

    Rows keep what the details `stored` say beside question and answer, which the page does not ask for.
    """
    details: dict[str, Any] = {}
    for wanted in (*FIELDS[kind], *RPL_FIELDS):
        if value := _READERS[wanted.kind](fields, wanted):
            details[wanted.name] = value
    if QUESTION_ROWS in details:
        details[QUESTION_ROWS] = with_extras(details[QUESTION_ROWS], stored.get(QUESTION_ROWS) or [])
    return DraftFields(
        title=fields.line("title", "Title"),
        text=fields.text("text", "Text"),
        details=details,
        occurred_on=fields.date("occurred_on", "Date of work"),
        site_code=fields.line("site", "Site", limit=20),
        simulated=fields.flag("simulated"),
        rpl=fields.flag("rpl"),
    )


def says_more(fields: Fields, kind: EvidenceKind, text: str) -> bool:
    """Whether something stands in fields that only other kinds have, and not in `text` either."""
    every = {wanted.name for each in FIELDS.values() for wanted in each if wanted.kind is not FieldKind.UNITS}
    hidden = every - {wanted.name for wanted in FIELDS[kind]}
    if QUESTION_ROWS in hidden:
        hidden |= {"question", "answer"}
    return any(name in hidden and clean_text(value) not in text for name, value in fields.items)


def read_handling(fields: Fields) -> Handling:
    """What the submit page says of confidential things. Errors are noted in `fields`."""
    said = Handling(
        checked=tuple(key for key in fields.many("looked_at") if key in CHECKED),
        confidential=fields.flag("confidential"),
        reason=fields.text("confidential_reason", "What is confidential", limit=MAX_REASON),
    )
    if said.reason and not said.confidential:
        sentence = "Tick the box above if confidential material has to stay in it, or empty this."
        fields.error("confidential_reason", sentence)
    return said


def edit_version(fields: Fields) -> int:
    """The version of the draft that the page was drawn with; 0, which is none, when it is unreadable."""
    value = fields.raw("revision")
    return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else 0


def draft_values(revision: Revision, site_code: str) -> dict[str, Any]:
    """What stands in the edit page's fields, by name; rows as a list of (question, answer)."""
    values: dict[str, Any] = dict(revision.details.items())
    values |= {
        "title": revision.title,
        "text": revision.text,
        "occurred_on": revision.occurred_on.isoformat() if revision.occurred_on else "",
        "site": site_code,
        "simulated": revision.simulated,
        "rpl": revision.rpl,
    }
    stored = revision.details.get(QUESTION_ROWS) or []
    values[QUESTION_ROWS] = [(row["question"], row["answer"]) for row in stored]
    return values


def posted_values(fields: Fields) -> dict[str, Any]:
    """What was typed, for drawing the edit page again."""
    values: dict[str, Any] = dict(fields.values())
    values["simulated"], values["rpl"] = fields.flag("simulated"), fields.flag("rpl")
    values[QUESTION_ROWS] = [pair for pair in _pairs(fields) if any(pair)]
    values[ABOUT] = fields.many(ABOUT)
    return values


def _pairs(fields: Fields) -> list[tuple[str, str]]:
    questions = [clean_text(value) for name, value in fields.items if name == "question"]
    answers = [clean_text(value) for name, value in fields.items if name == "answer"]
    return list(zip(questions, answers, strict=False))


def _line(fields: Fields, wanted: DetailField) -> str:
    return fields.line(wanted.name, wanted.label, limit=500)


def _text(fields: Fields, wanted: DetailField) -> str:
    return fields.text(wanted.name, wanted.label, limit=20_000)


def _date(fields: Fields, wanted: DetailField) -> str:
    found: date | None = fields.date(wanted.name, wanted.label)
    return found.isoformat() if found else ""


def _time(fields: Fields, wanted: DetailField) -> str:
    value = fields.line(wanted.name, wanted.label, limit=20)
    if value and not _TIME.fullmatch(value):
        fields.error(wanted.name, f"{wanted.label} must be a time such as 14:05.")
        return ""
    return value


def _link(fields: Fields, wanted: DetailField) -> str:
    value = fields.line(wanted.name, wanted.label, limit=2000)
    if value and not link_host(value):
        fields.error(
            wanted.name,
            "A link begins with https:// or http://, names a site, and has no spaces and no password in it.",
        )
        return ""
    return value


def _witness_status(fields: Fields, wanted: DetailField) -> str:
    found = fields.choice(wanted.name, wanted.label, WitnessStatus, required=False)
    return found.value if found else ""


def _rows(fields: Fields, wanted: DetailField) -> list[dict[str, str]]:
    pairs = [pair for pair in _pairs(fields) if any(pair)]
    if any(has_nul(v) for n, v in fields.items if n in ("question", "answer")):
        fields.error(wanted.name, f"{wanted.label} hold a NUL character, which cannot be stored.")
    if len(pairs) > MAX_ROWS:
        fields.error(wanted.name, f"At most {MAX_ROWS} rows are possible; there are {len(pairs)}.")
    if any(len(part) > 20_000 for pair in pairs for part in pair):
        fields.error(wanted.name, "A part of a row has more than 20,000 characters.")
    return [{"question": question, "answer": answer} for question, answer in pairs]


def _units(fields: Fields, wanted: DetailField) -> list[str]:
    return sorted({code for code in fields.many(wanted.name) if 0 < len(code) <= MAX_CODE})[:MAX_ROWS]


_READERS = {
    FieldKind.LINE: _line,
    FieldKind.TEXT: _text,
    FieldKind.DATE: _date,
    FieldKind.TIME: _time,
    FieldKind.LINK: _link,
    FieldKind.WITNESS_STATUS: _witness_status,
    FieldKind.ROWS: _rows,
    FieldKind.UNITS: _units,
}


@dataclass(slots=True)
class MappingForm:
    """The mapping page as it was posted. `claims` are of what was mapped already, `shown` their
    fingerprints; `added` codes of ticked criteria; `use` the criterion that gets the marked parts."""

    claims: list[Claim] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    marks: list[tuple[str, str]] = field(default_factory=list)  # (file code, fragment)
    use: str = ""
    remove: str = ""
    search: str = ""


def read_mapping(fields: Fields, files: Sequence[FileView]) -> MappingForm:
    """The fields of the mapping page. Errors are noted in `fields` under "reason-CODE" and "mark-FILE"."""
    form = MappingForm(
        added=list(dict.fromkeys(fields.many("add"))),
        use=clean_line(fields.raw("use"))[:20],
        remove=clean_line(fields.raw("remove"))[:20],
        search=clean_line(fields.raw("q"))[:200],
    )
    form.marks = [mark for file in files if (mark := read_mark(fields, file))]
    for code in dict.fromkeys(fields.many("criterion")):
        form.claims.append(_claim(fields, code, form.marks if code == form.use else []))
        form.shown[code] = fields.raw(f"was-{code}")[:40]
    return form


def _claim(fields: Fields, code: str, marks: Sequence[tuple[str, str]]) -> Claim:
    parts: list[tuple[str | None, str]] = []
    for value in fields.many(f"part-{code}"):
        file_code, _, fragment = value.partition("#")
        parts.append((file_code or None, fragment))
    return Claim(
        code,
        fields.text(f"reason-{code}", "The reason", limit=5_000),
        (*parts, *marks),
        tuple(fields.many(f"range-{code}")),
    )


def read_mark(fields: Fields, file: FileView) -> tuple[str, str] | None:
    """The part of a file in the field "mark-FILE" as (file code, fragment); errors are noted there. None without."""
    name = f"mark-{file.code}"
    value = fields.line(name, "The part", limit=200)
    if not value:
        return None
    try:
        part = parse_part(value, timed=file.family in (Family.AUDIO, Family.VIDEO))
        if problem := problem_of(part, file.look.extent):
            raise Invalid(problem)
    except Invalid as error:
        fields.error(name, error.message)
        return None
    if file.family is Family.IMAGE and part.first_page is not None:
        fields.error(name, "A picture has no pages. Write an area such as xywh=percent:10,10,30,30.")
        return None
    return file.code, format_fragment(part)


def read_filter(query: Mapping[str, str]) -> ListFilter:
    """The filters of the list from the address; what makes no sense counts as not asked."""

    def known(kind: Any, name: str) -> Any:
        value = query.get(name, "")
        return kind(value) if value in set(kind) else None

    return ListFilter(
        state=known(EvidenceState, "state"),
        kind=known(EvidenceKind, "kind"),
        unit_code=clean_line(query.get("unit", ""))[:20],
        shows=known(Shows, "shows"),
        search=clean_line(query.get("q", ""))[:100],
    )


def read_within(query: Mapping[str, str]) -> Within:
    """What a search is confined to, from the address; what makes no sense counts as not asked."""
    kind = query.get("kind", "")
    return Within(
        portfolio_code=clean_line(query.get("portfolio", ""))[:20],
        kind=EvidenceKind(kind) if kind in set(EvidenceKind) else None,
        candidate=clean_line(query.get("candidate", ""))[:100],
    )


def read_page(query: Mapping[str, str]) -> int:
    """The number of the page asked for, at least 1."""
    value = query.get("page", "")
    return max(1, int(value)) if re.fullmatch(r"[0-9]{1,6}", value) else 1
