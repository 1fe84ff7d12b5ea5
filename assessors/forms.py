"""Posted fields of assessing, read into what the services take; and the same fields for drawing a form again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assessors.models import ReviewDraft
from assessors.rules import VACSR, Answer, Countersign, Decision
from assessors.rules.talk import TalkRow
from assessors.service import DraftContent, Finished, NewMapping, Recording, Reply, Seen
from criteria.rules import EvidenceKind
from evidence.forms import read_mark
from evidence.queries import FileView
from evidence.rules import QUESTION_ROWS, FieldKind, detail_fields
from evidence.service import DraftFields
from portfolio.core import log
from portfolio.core.text import clean_line, clean_text
from portfolio.web.forms import Fields

QUESTION_COUNT = 5
"""Empty rows that a form of questions begins with."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the fields of one criterion."""

    decision: str = ""
    feedback: str = ""
    vacsr: frozenset[str] = frozenset(VACSR)
    note: str = ""
    times: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewValues:
    """What stands in the fields of a review form; `by_mapping` by code."""

    by_mapping: Mapping[str, Typed] = field(default_factory=dict)
    comment: str = ""
    return_reason: str = ""
    revision: int = 0
    tab: str = ""

    def of(self, code: str) -> Typed:
        """What stands at a mapping; the empty form's values when nothing was typed."""
        return self.by_mapping.get(code, Typed())


def read_review(posted: Fields) -> ReviewValues:
    """The fields of a review form as they were typed; rubbish reads as empty."""
    codes = dict.fromkeys(posted.many("mapping"))
    revision = clean_line(posted.raw("revision"))
    return ReviewValues(
        by_mapping={code: _typed(posted, code) for code in codes},
        comment=posted.text("comment", "Feedback on the whole item", limit=20_000),
        return_reason=posted.text("return_reason", "Reason", limit=20_000),
        revision=int(revision) if revision.isdecimal() and len(revision) < 10 else 0,
        tab=clean_line(posted.raw("tab"))[:40],
    )


def _typed(posted: Fields, code: str) -> Typed:
    return Typed(
        decision=clean_line(posted.raw(f"decision-{code}")),
        feedback=posted.text(f"feedback-{code}", "Feedback", limit=50_000),
        vacsr=frozenset(posted.many(f"vacsr-{code}")),
        note=posted.text(f"note-{code}", "What showed it", limit=5_000),
        times=posted.line(f"times-{code}", "The times", limit=2_000),
    )


def values_of(draft: ReviewDraft | None, tab: str) -> ReviewValues:
    """The fields as the saved draft holds them."""
    if draft is None:
        return ReviewValues(tab=tab)
    answers: Mapping[str, Mapping[str, Any]] = draft.data.get("answers", {})
    return ReviewValues(
        by_mapping={
            code: Typed(each["decision"], each["feedback"], frozenset(each["vacsr"]))
            for code, each in answers.items()
        },
        comment=draft.data.get("comment", ""),
        return_reason=draft.data.get("return_reason", ""),
        revision=draft.edit_version,
        tab=tab,
    )


def answers_of(values: ReviewValues, posted: Fields) -> tuple[Answer, ...]:
    """The answers in the order of the form."""
    return tuple(
        Answer(
            mapping=code,
            decision=_decision(typed.decision),
            feedback=typed.feedback,
            vacsr=typed.vacsr & set(VACSR),
            seen=clean_line(posted.raw(f"seen-{code}")),
        )
        for code, typed in values.by_mapping.items()
    )


def _decision(value: str) -> Decision | None:
    return Decision(value) if value in set(Decision) else None


def finished_of(values: ReviewValues, posted: Fields) -> Finished:
    """The review to finish."""
    return Finished(
        answers=answers_of(values, posted),
        comment=values.comment,
        seen_digest=clean_line(posted.raw("seen_digest")),
        draft_version=values.revision,
        tab=values.tab,
    )


def draft_content(values: ReviewValues, posted: Fields) -> DraftContent:
    """The draft to keep."""
    return DraftContent(
        answers=answers_of(values, posted),
        comment=values.comment,
        return_reason=values.return_reason,
        draft_version=values.revision,
        tab=values.tab,
    )


def new_mapping(posted: Fields, files: Sequence[FileView] = ()) -> NewMapping:
    """The criterion to add, with the parts of `files` that were marked."""
    marks = [read_mark(posted, file) for file in files]
    return NewMapping(
        criterion=posted.line("criterion", "Criterion", limit=60),
        reason=posted.text("add_reason", "Reason", limit=5_000),
        locators=tuple(mark for mark in marks if mark),
    )


def again_answer(posted: Fields, mapping_code: str) -> tuple[Answer, str]:
    """A later decision on one mapping, and why the earlier one no longer stands."""
    answer = Answer(
        mapping=mapping_code,
        decision=_decision(clean_line(posted.raw("decision"))),
        feedback=posted.text("feedback", "Feedback", limit=20_000),
        vacsr=frozenset(posted.many("vacsr")) & set(VACSR),
        seen=clean_line(posted.raw("seen")),
    )
    return answer, posted.text("reason", "Reason", limit=5_000)


def read_replies(posted: Fields) -> list[Reply]:
    """The answers to a trainee's judgements that were chosen; those left for later are left out."""
    replies = []
    for code in dict.fromkeys(posted.many("judgement")):
        answer = clean_line(posted.raw(f"answer-{code}"))
        if answer in set(Countersign):
            comment = posted.text(f"comment-{code}", "Comment", limit=5_000)
            replies.append(Reply(judgement=code, answer=Countersign(answer), comment=comment))
    return replies


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordValues:
    """What stands in the fields of a record; `details` and `by_criterion` by name and by criterion code.

    `rows` are those of the one long form, `talk` those of a talk that is kept as it goes. `version` is that of the
    draft which the long form was drawn with; `earlier` the code of what the same page kept before, and whether this
    form `replaces` it.
    """

    code: str
    title: str = ""
    text: str = ""
    occurred_on: str = ""
    site: str = ""
    simulated: bool = False
    details: Mapping[str, str] = field(default_factory=dict)
    rows: Sequence[tuple[str, str]] = ()
    talk: Sequence[TalkRow] = ()
    by_criterion: Mapping[str, Typed] = field(default_factory=dict)
    comment: str = ""
    declared: bool = False
    version: int = 0
    earlier: str = ""
    replaces: bool = False

    def of(self, code: str) -> Typed:
        """What stands at a criterion."""
        return self.by_criterion.get(code, Typed())

    @property
    def digest(self) -> str:
        """The same for a long form that is sent twice, confirmed or not."""
        said = [self.title, self.text, self.occurred_on, self.site, self.simulated, self.comment]
        criteria = {
            code: [each.decision, each.feedback, sorted(each.vacsr), each.note]
            for code, each in self.by_criterion.items()
        }
        return log.digest_of([*said, dict(self.details), [list(row) for row in self.rows], criteria])


def read_record(posted: Fields, kind: EvidenceKind) -> RecordValues:
    """The fields of a record as they were typed."""
    chosen = [name.removeprefix("decision-") for name, _ in posted.items if name.startswith("decision-")]
    version = clean_line(posted.raw("version"))
    return RecordValues(
        code=clean_line(posted.raw("code"))[:20],
        title=posted.line("title", "Title"),
        text=posted.text("text", "What was done and seen"),
        occurred_on=clean_line(posted.raw("occurred_on")),
        site=clean_line(posted.raw("site"))[:20],
        simulated=posted.flag("simulated"),
        details={
            each.name: posted.line(each.name, each.label)
            for each in detail_fields(kind, rpl=False)
            if each.kind is not FieldKind.ROWS
        },
        rows=_rows(posted),
        by_criterion={code: _typed(posted, code) for code in dict.fromkeys(chosen)},
        comment=posted.text("comment", "Feedback on the whole item", limit=20_000),
        declared=posted.flag("declared"),
        version=int(version) if version.isdecimal() and len(version) < 10 else 0,
        earlier=clean_line(posted.raw("earlier"))[:20],
        replaces=posted.flag("replaces"),
    )


def _rows(posted: Fields) -> list[tuple[str, str]]:
    questions = [clean_text(v) for k, v in posted.items if k == "question"]
    answers = [clean_text(v) for k, v in posted.items if k == "answer"]
    return [pair for pair in zip(questions, answers, strict=False) if any(pair)][:100]


def recording_of(values: RecordValues, kind: EvidenceKind, posted: Fields) -> Recording:
    """The record to store. A date that cannot be read is noted among the errors of `posted`."""
    details: dict[str, Any] = dict(values.details)
    if values.rows:
        details[QUESTION_ROWS] = [{"question": q, "answer": a} for q, a in values.rows]
    return Recording(
        kind=kind,
        fields=DraftFields(
            title=values.title,
            text=values.text,
            details=details,
            occurred_on=posted.date("occurred_on", "Date of work"),
            site_code=values.site,
            simulated=values.simulated,
        ),
        seen={
            code: Seen(
                decision=_decision(typed.decision),
                note=typed.note,
                feedback=typed.feedback,
                vacsr=typed.vacsr & set(VACSR) if typed.vacsr else frozenset(VACSR),
            )
            for code, typed in values.by_criterion.items()
            if typed.decision and typed.decision != "none"
        },
        comment=values.comment,
        declared=values.declared,
        code=values.earlier if values.earlier and values.replaces else values.code,
    )
