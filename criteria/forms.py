"""Posted fields of the framework pages to plain values, with errors by field. No database."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from criteria.importers import detect
from criteria.importers.apart import parse_apart
from criteria.importers.parsed import MAX_STATEMENT, LineUse, ParsedFramework
from criteria.importers.source import decode
from criteria.rule_wording import FIELD_LABELS
from criteria.rules import EvidenceKind, GroupRow, SufficiencyRule, rule_from_dict, rule_to_dict
from criteria.rules.sufficiency import MAXIMUM_AGE_MONTHS, MAXIMUM_ITEMS
from criteria.service import NodeText, PointText, VersionText, prepared
from portfolio.core.errors import Invalid, TooLarge
from portfolio.core.ids import new_code
from portfolio.web.forms import Fields

MAX_SOURCE_BYTES = 20 * 1024**2
MAX_FORM_BYTES = 32 * 1024**2
"""Room for a workbook of the largest size in base64, and the other fields."""
SHOWN_LINES = 3_000
MAX_ROWS = 5_000
MAX_GROUP_LIMIT = 1_000_000
"""As much as an import takes."""

FORMAT_LABELS: tuple[tuple[str, str], ...] = (
    ("auto", "Find out"),
    ("unit-page", "A unit page as text"),
    ("csv", "Table (CSV)"),
    ("xlsx", "Workbook (XLSX)"),
    ("yaml", "YAML"),
)

_USES: dict[str, str] = {
    "title": "Title",
    "detail": "Detail",
    "heading": "Heading",
    "caption": "Words under a heading",
    "counter": "Counter, left out",
    "furniture": "Part of the site, left out",
    "separator": "Separator",
    "duplicate": "Said before, left out",
    "qualification": "Qualification",
    "group": "Unit group",
    "unit": "Unit",
    "outcome": "Learning outcome",
    "criterion": "Criterion",
    "range": "Range item",
    "guidance": "Guidance",
    "problem": "Not understood",
}


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What is to be imported: a file's bytes, or pasted text as UTF-8."""

    data: bytes
    name: str
    format: detect.Format
    unit_title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a person says about a framework beside its source; "" leaves what the source says.

    code  opaque, from the preview: saving twice with it stores once
    into  the code of a draft that the units are added to, instead of a new version
    """

    title: str = ""
    number: str = ""
    level: str = ""
    awarding_body: str = ""
    label: str = ""
    code: str = ""
    into: str = ""


@dataclass(frozen=True, slots=True)
class LineShown:
    """A line of the source in the account of a preview."""

    number: int
    text: str
    use: str
    where: str
    is_problem: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would store, and what became of each line.

    `text` is the source when it is text, else "" and `packed` holds the bytes in base64.
    """

    parsed: ParsedFramework
    uploaded: Uploaded
    details: Details
    text: str
    packed: str
    lines: list[LineShown]
    hidden_lines: int
    found: detect.Format


def read_upload(fields: Fields) -> Uploaded:
    """The file, the bytes that a preview carried, or the pasted text. Raises Invalid when there is none."""
    form = fields.line("format", "Format", limit=20) or "auto"
    if form not in detect.FORMATS:
        fields.error("format", "Choose one of the formats.")
    title = fields.line("unit_title", "Title of the unit", limit=MAX_STATEMENT)
    file = fields.file("file")
    name = file.name if file else fields.raw("source_name")
    data = file.content if file else _carried(fields)
    if not data.strip():
        fields.error("source", "Paste the text of a page, or choose a file.")
    fields.check("There is nothing to import yet.")
    return Uploaded(data, name[:200], cast(detect.Format, form), title)


def _carried(fields: Fields) -> bytes:
    packed = fields.raw("source_base64")
    if packed:
        try:
            return base64.b64decode(packed, validate=True)
        except (binascii.Error, ValueError):
            fields.error("source", "The file did not survive the way here. Choose it again.")
            return b""
    return fields.raw("source").encode("utf-8", "replace")


def parse_upload(uploaded: Uploaded) -> ParsedFramework:
    """What the importer understood, in a child process. Raises Invalid, on the field of the source, for what is no
    such file, and Unavailable."""
    try:
        return parse_apart(
            uploaded.data,
            filename=uploaded.name or None,
            format=uploaded.format,
            title=uploaded.unit_title or None,
            max_bytes=MAX_SOURCE_BYTES,
        )
    except (Invalid, TooLarge) as error:
        raise Invalid(error.message, {"source": error.message}) from error


def read_details(fields: Fields) -> Details:
    """The editable details; the errors stay in `fields`."""
    return Details(
        title=fields.line("title", "Title of the qualification", limit=MAX_STATEMENT),
        number=fields.line("number", "Number", limit=60),
        level=fields.line("level", "Level", limit=40),
        awarding_body=fields.line("awarding_body", "Awarding body", limit=MAX_STATEMENT),
        label=fields.line("label", "Name of the version", limit=60),
        code=fields.line("code", "Code", limit=20) or new_code(),
        into=fields.line("into", "Draft", limit=20),
    )


def suggested(parsed: ParsedFramework, details: Details) -> Details:
    """The details with what the source says in the empty fields; a lone unit lends its title."""
    stated = parsed.qualification
    lone = parsed.units[0].title if len(parsed.units) == 1 else ""
    return replace(
        details,
        title=details.title or stated.title or lone,
        number=details.number or stated.number or "",
        level=details.level or stated.level or "",
        awarding_body=details.awarding_body or stated.awarding_body or "",
        label=details.label or stated.version or "1",
    )


def detailed(parsed: ParsedFramework, details: Details) -> ParsedFramework:
    """The framework with the details in place of what the source says."""
    found = suggested(parsed, details)
    return replace(
        parsed,
        qualification=replace(
            parsed.qualification,
            title=found.title or None,
            number=found.number or None,
            level=found.level or None,
            awarding_body=found.awarding_body or None,
            version=found.label or None,
        ),
    )


def make_preview(uploaded: Uploaded, parsed: ParsedFramework, details: Details) -> Preview:
    """Everything the preview page shows, and carries so that it can be saved."""
    found = (
        detect.detect(uploaded.data, filename=uploaded.name or None)
        if uploaded.format == "auto"
        else uploaded.format
    )
    text = "" if found == "xlsx" else decode(uploaded.data, MAX_SOURCE_BYTES)[0]
    uses = list(_shown(parsed, text))
    return Preview(
        parsed=prepared(parsed),
        uploaded=uploaded,
        details=suggested(parsed, details),
        text=text,
        packed=base64.b64encode(uploaded.data).decode() if found == "xlsx" else "",
        lines=uses[:SHOWN_LINES],
        hidden_lines=max(0, len(uses) - SHOWN_LINES),
        found=found,
    )


def _shown(parsed: ParsedFramework, text: str) -> Iterator[LineShown]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if text else []
    wrong = {problem.line: problem.message for problem in parsed.problems}
    told: set[int] = set()
    for use in parsed.lines:
        words = lines[use.line - 1].strip() if 0 < use.line <= len(lines) else ""
        told.add(use.line)
        yield _line(use, words[:300], wrong)
    for number in sorted(wrong.keys() - told):
        yield LineShown(number, "", _USES["problem"], wrong[number], is_problem=True)


def _line(use: LineUse, words: str, wrong: Mapping[int, str]) -> LineShown:
    is_problem = use.use == "problem" or use.line in wrong
    where = wrong.get(use.line, use.where) if is_problem else use.where
    return LineShown(use.line, words, _USES[use.use], where.replace("_", " "), is_problem)


def read_version_text(fields: Fields) -> VersionText:
    """Title, number, level, awarding body and label of a draft. Raises Invalid by field."""
    found = VersionText(
        title=fields.line("title", "Title", required=True, limit=MAX_STATEMENT),
        number=fields.line("number", "Number", limit=60),
        level=fields.line("level", "Level", limit=40),
        awarding_body=fields.line("awarding_body", "Awarding body", limit=MAX_STATEMENT),
        label=fields.line("label", "Name of the version", required=True, limit=60),
    )
    fields.check()
    return found


def read_node_text(fields: Fields) -> NodeText:
    """Reference and text of a node, credits and choice of a unit. Raises Invalid by field."""
    found = NodeText(
        ref=fields.line("ref", "Reference", required=True, limit=60),
        text=fields.text("text", "Text", required=True, limit=MAX_STATEMENT),
        credits=fields.whole("credits", "Credits", minimum=0, maximum=1000),
        mandatory=not fields.flag("optional"),
    )
    fields.check()
    return found


def read_group(fields: Fields) -> tuple[GroupRow, list[str]]:
    """A unit group, and the references of the units directly in it. Raises Invalid by field."""
    limits = {
        name: fields.whole(name, f"The {name[:7]} of {name[8:]}", minimum=0, maximum=MAX_GROUP_LIMIT)
        for name in ("minimum_units", "maximum_units", "minimum_credits", "maximum_credits")
    }
    group = GroupRow(
        ref=fields.line("ref", "Reference", required=True, limit=60),
        title=fields.line("title", "Title", required=True, limit=MAX_STATEMENT),
        parent=fields.line("parent", "The group around it", limit=60) or None,
        conditional=fields.flag("conditional"),
        **limits,
    )
    members = fields.many("units")
    fields.check()
    return group, members


@dataclass(frozen=True, slots=True)
class PointsForm:
    """A posted list: the rows that say something, the mark of what was shown, errors by field and row kept.

    more  the person asked for more rows, not yet for saving
    """

    points: list[PointText]
    shown: str
    errors: Mapping[str, str] = field(default_factory=dict)
    more: bool = False

    def check(self) -> None:
        """Raise Invalid when a row could not be read."""
        if self.errors:
            raise Invalid("Some rows need another look. Nothing was saved yet.", self.errors)


def read_points(fields: Fields, *, with_term: bool) -> PointsForm:
    """The rows `term-N` and `text-N` that are neither empty nor to be removed; errors count the rows kept."""
    points: list[PointText] = []
    errors: dict[str, str] = {}
    count = fields.whole("count", "The number of rows", minimum=0, maximum=MAX_ROWS) or 0
    for number in range(1, count + 1):
        term = fields.line(f"term-{number}", "This", limit=MAX_STATEMENT) if with_term else ""
        point = PointText(term, fields.text(f"text-{number}", "The text"))
        if fields.flag(f"remove-{number}") or not (point.term or point.text):
            continue
        points.append(point)
        for part in ("term", "text"):
            if said := fields.errors.get(f"{part}-{number}"):
                errors[f"{part}-{len(points)}"] = said
    if said := fields.errors.get("count"):
        errors[""] = said
    return PointsForm(points, fields.raw("shown"), errors, more=fields.raw("then") == "more")


def read_rule(fields: Fields) -> SufficiencyRule:
    """The rule of the editor. A field left empty is not set. Raises Invalid by field.

    Lists can be set and empty (`NAME_none`), which lifts what would be inherited.
    """
    values: dict[str, Any] = {
        "minimum_items": fields.whole(
            "minimum_items", FIELD_LABELS["minimum_items"], minimum=1, maximum=MAXIMUM_ITEMS
        ),
        "minimum_dates": fields.whole(
            "minimum_dates", FIELD_LABELS["minimum_dates"], minimum=1, maximum=MAXIMUM_ITEMS
        ),
        "maximum_age_months": fields.whole(
            "maximum_age_months", FIELD_LABELS["maximum_age_months"], minimum=1, maximum=MAXIMUM_AGE_MONTHS
        ),
        "simulation_allowed": {"yes": True, "no": False}.get(fields.raw("simulation_allowed")),
        "minimum_of_kind": _numbers(fields),
    }
    for name in ("required_kinds_all", "required_kinds_any", "range_required"):
        values[name] = fields.many(name) or ([] if fields.flag(f"{name}_none") else None)
    fields.check()
    return rule_from_dict(values)


def _numbers(fields: Fields) -> dict[str, int] | None:
    found = {
        kind.value: number
        for kind in EvidenceKind
        if (
            number := fields.whole(f"minimum_of_{kind.value}", "The number", minimum=1, maximum=MAXIMUM_ITEMS)
        )
    }
    return found or ({} if fields.flag("minimum_of_kind_none") else None)


def rule_values(rule: SufficiencyRule | None) -> dict[str, Any]:
    """What stands in the rule editor for a stored rule."""
    return rule_to_dict(rule) if rule else {}
