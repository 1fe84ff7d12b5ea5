"""From the points gathered under a page's headings to outcomes, criteria and guidance."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from criteria.importers.page_lines import Label, split_label
from criteria.importers.page_words import STANDARDS, Section, key
from criteria.importers.parsed import (
    ParsedCriterion,
    ParsedGuidance,
    ParsedOutcome,
    ParsedRangeItem,
    Problem,
    in_outcome_order,
)
from criteria.importers.source import clean_text

_QUESTION = re.compile(r"^(?:q(?:uestion)?\s?\d{0,3}\s?[:.)]\s?)", re.IGNORECASE)
_ANSWER = re.compile(r"^(?:a(?:nswer)?\s?\d{0,3}\s?[:.)]\s?)", re.IGNORECASE)


@dataclass
class Point:
    """One point or paragraph: its lines (numbers) and texts, and how it began."""

    section: Section
    line: int
    texts: list[str]
    lines: list[int]
    marker: str = ""
    indent: int = 0
    where: str = ""
    use: str = "guidance"

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@dataclass
class Standards:
    """Outcomes and criteria as they are found, with references that are unique among their like."""

    outcomes: dict[str, str] = field(default_factory=dict)
    criteria: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    ranges: dict[str, list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def finished(self) -> tuple[tuple[ParsedOutcome, ...], tuple[ParsedCriterion, ...]]:
        outcomes = tuple(ParsedOutcome(ref, text) for ref, text in self.outcomes.items())
        criteria = tuple(
            ParsedCriterion(ref, text, self._parent(ref), _range_items(self.ranges.get(ref, ())))
            for ref, text in self.criteria.items()
        )
        return outcomes, in_outcome_order(outcomes, criteria)

    def _parent(self, ref: str) -> str | None:
        parent = self.parents[ref]
        if parent is None or parent in self.outcomes:
            return parent
        message = f"Criterion {ref} is numbered as part of outcome {parent}, which the page does not list."
        self.problems.append(Problem(self.lines[ref], "unknown_outcome", message))
        return None


def build_standards(points: Iterable[Point]) -> Standards:
    """Outcomes and criteria from the points of those two sections, in the order of the page.

    A dotted number makes a criterion and ties it to its outcome wherever it stands. Without one, the section
    decides; such a criterion is AC1, AC2, … and belongs to no outcome, because such pages tell none. Each
    point's `use` and `where` are set.
    """
    relevant = [point for point in points if point.section in STANDARDS]
    labelled = [(point, *split_label(point.text, standards=True)) for point in relevant]
    tabled = any(label is not None and label.kind == "dotted" for _, label, _ in labelled)
    builder = _Builder(Standards(), tabled)
    for point, label, rest in labelled:
        builder.add(point, label, rest)
    return builder.found


class _Builder:
    def __init__(self, found: Standards, tabled: bool) -> None:
        self.found = found
        self._tabled = tabled  # the page numbers its criteria 1.1, 1.2, …
        self._numbered: str | None = None  # the criterion with a number of its own that came last
        self._seen: dict[str, str] = {}

    def add(self, point: Point, label: Label | None, rest: str) -> None:
        if label is not None and not rest.strip():
            label, rest = None, point.text
        if label is not None and label.kind == "loose" and not self._is_next_outcome(point, label):
            label, rest = None, point.text
        if label is not None and label.kind == "dotted":
            self._criterion(point, label.ref, rest, label.ref.split(".")[0])
        elif label is not None and label.kind == "lettered" and point.section == Section.CRITERIA:
            self._criterion(point, label.ref, rest, None)
        elif self._is_outcome(point, label):
            numbered = label is not None and label.ref.isdigit()
            self._outcome(point, label.ref if label is not None and numbered else None, rest)
        elif self._numbered is not None and point.marker == "bullet":
            self._range(point, rest)
        elif self._numbered is not None and label is not None and not label.ref.isdigit():
            self._range(point, rest)  # a) and b) under 1.1
        else:
            self._criterion(point, None, rest, None)

    def _is_next_outcome(self, point: Point, label: Label) -> bool:
        expected = str(len(self.found.outcomes) + 1)
        return label.ref == expected and (self._tabled or point.section == Section.OUTCOMES)

    def _is_outcome(self, point: Point, label: Label | None) -> bool:
        if label is not None and label.kind == "outcome":
            return True
        if point.section == Section.OUTCOMES:
            return self._numbered is None or point.marker != "bullet"
        return self._tabled and label is not None and label.ref.isdigit()

    def _outcome(self, point: Point, ref: str | None, text: str) -> None:
        self._numbered = None
        known = self._seen.get(key(text))
        if known is not None:
            point.use, point.where = "duplicate", f"repeats outcome {known}"
            return
        if ref is None or ref in self.found.outcomes:
            given, ref = ref, _free(self.found.outcomes, "")
            if given is not None:
                self._renumbered(point, "outcome", given, ref)
        self._seen[key(text)] = ref
        self.found.outcomes[ref] = clean_text(text)
        point.use, point.where = "outcome", f"outcome {ref}"

    def _criterion(self, point: Point, ref: str | None, text: str, parent: str | None) -> None:
        own = ref
        if ref is None or ref in self.found.criteria:
            if ref is not None and key(text) == key(self.found.criteria[ref]):
                point.use, point.where = "duplicate", f"repeats criterion {ref}"
                return
            ref = _free(self.found.criteria, "AC")
            if own is not None:
                self._renumbered(point, "criterion", own, ref)
        self._numbered = ref if own is not None else None
        self.found.criteria[ref], self.found.parents[ref] = clean_text(text), parent
        self.found.lines[ref] = point.line
        point.use, point.where = "criterion", f"criterion {ref}"

    def _range(self, point: Point, text: str) -> None:
        items = self.found.ranges.setdefault(self._numbered or "", [])
        items.append(clean_text(text))
        point.use, point.where = "range", f"range item {_letters(len(items))} of criterion {self._numbered}"

    def _renumbered(self, point: Point, what: str, given: str, ref: str) -> None:
        message = f"The number {given} is used for a second {what}; this one is kept as {ref}."
        self.found.problems.append(Problem(point.line, "duplicate_ref", message))


def _free(taken: dict[str, str], prefix: str) -> str:
    number = len(taken) + 1
    while f"{prefix}{number}" in taken:
        number += 1
    return f"{prefix}{number}"


def _range_items(texts: Iterable[str]) -> tuple[ParsedRangeItem, ...]:
    return tuple(ParsedRangeItem(_letters(at), text) for at, text in enumerate(texts, start=1))


def _letters(number: int) -> str:
    """1 → a, 26 → z, 27 → aa."""
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("a") + rest) + name
    return name


def build_guidance(points: Iterable[Point]) -> ParsedGuidance:
    """The guidance of a page, list numbers taken off; sets each point's `where`."""
    found: dict[str, list[str]] = {}
    questions: list[Point] = []
    for point in points:
        if point.section == Section.FAQ:
            questions.append(point)
        elif point.section not in STANDARDS:
            _, text = split_label(point.text, standards=False)
            texts = found.setdefault(point.section.value, [])
            texts.append(clean_text(text))
            point.where = f"{point.section} {len(texts)}"
    found["faq"] = list(_answered(questions))
    return ParsedGuidance(**{kind: tuple(texts) for kind, texts in found.items()})


def _answered(points: Iterable[Point]) -> Iterator[str]:
    """Questions with their answers, "question\\nanswer"; text before the first question stands alone."""
    open_question: list[str] = []
    count = 0
    for point in points:
        text = clean_text(_bare_question(point.text))
        question, answer = _split_question(text)
        if question and open_question:
            yield "\n".join(open_question)
            open_question = []
        if not open_question:
            count += 1
        open_question += [part for part in (question, answer) if part]
        point.where = f"faq {count}"
    if open_question:
        yield "\n".join(open_question)


def _bare_question(text: str) -> str:
    _, rest = split_label(text, standards=False)
    if rest != text and "?" not in rest:
        rest = text  # a numbered step of an answer keeps its number
    return _QUESTION.sub("", rest) if "?" in rest else _ANSWER.sub("", rest)


def _split_question(text: str) -> tuple[str, str]:
    head, mark, rest = text.partition("?")
    if not mark or len(head) > 300 or ". " in head:
        return "", text
    return f"{head}?", rest.strip()
