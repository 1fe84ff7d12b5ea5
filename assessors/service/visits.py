"""A visit or a talk: planned with its criteria, written down while it lasts, finished as a record.

Until it is finished nothing is mapped and nothing decided. What the record says is in its draft, the rest in
the row of the visit; both are saved together.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.models import Review
from assessors.permissions import JUDGE
from assessors.queries.talks import recordings_among
from assessors.queries.visits import VisitView, get_visit, kept_of, open_codes
from assessors.rules.talk import TALKS, TalkRow, aimed, reaimed
from assessors.service.recording import Recording, Seen
from assessors.service.records import record_evidence
from assessors.service.repeats import recorded, refuse_other_words, revision_of
from assessors.service.shared import take_portfolio_by_code, tell_candidate
from assessors.service.talks import chosen_questions, criteria_asked, settled, with_questions
from assessors.visit_models import Visit
from criteria.models import Node
from criteria.rules import EvidenceKind
from evidence.models import Evidence, Revision
from evidence.queries import files_of, unfinished_uploads
from evidence.rules import QUESTION_ROWS, reference
from evidence.service import DraftFields, create_draft, save_draft
from portfolio.core import clock, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked, NotFound, Stale
from portfolio.records.models import Portfolio

_OVERTAKEN = "You wrote to this in another window. Nothing was overwritten."
_PLANNED_ALREADY = "From this page you planned something else already. Nothing was overwritten."
_NEVER = -1  # no version of a draft: saving then only succeeds where nothing changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A visit or talk to come. `planned` are codes of criteria; `code`, proposed by the page, names the item.

    `wordings` are those of the bank to ask; their criteria are planned, too. `replaces`: it stands instead of the plan
    that is there under this code.
    """

    fields: DraftFields
    planned: Sequence[str]
    code: str
    tell: bool = False
    day_words: str = ""
    kind: EvidenceKind = EvidenceKind.OBSERVATION
    wordings: Sequence[str] = ()
    replaces: bool = False

    @property
    def digest(self) -> str:
        """The same for a plan that is sent twice, whatever became of the first since."""
        said = (self.fields.title, self.fields.occurred_on, self.fields.site_code, dict(self.fields.details))
        return log.digest_of([*said, self.kind, sorted(self.planned), list(self.wordings), self.tell])


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What a window holds. `answers` by criterion: {"decision", "note", "feedback"}, each "" for nothing.

    `version` is the one the window knows, `tab` names it, so that it never conflicts with its own saving. Its times
    count the `recordings` (codes of files) that it shows; None for those that are there now.
    """

    fields: DraftFields
    answers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    comment: str = ""
    version: int = 0
    tab: str = ""
    recordings: Sequence[str] | None = None

    def reaimed(self, now: Sequence[str]) -> "Notes":
        """The same, with times that count the recordings of `now`."""
        if self.recordings is None or list(self.recordings) == list(now):
            return replace(self, recordings=now)
        details, answers = dict(self.fields.details), aimed(self.answers, self.recordings, now)
        if rows := details.get(QUESTION_ROWS):
            details[QUESTION_ROWS] = [
                {**row, "at": reaimed(row["at"], self.recordings, now)} if row.get("at") else row
                for row in rows
            ]
        return replace(self, fields=replace(self.fields, details=details), answers=answers, recordings=now)


def plan_visit(session: Session, actor: Actor, portfolio_code: str, plan: Plan) -> Evidence:
    """Begin the draft of an observation or a talk with its plan, and tell the candidate if wanted.

    The same form sent twice plans one visit. Raises NotFound, Locked (closed), Invalid (`criteria`, `site`), and Stale
    when another plan is there under the code (`data["may_replace"]`: it is still nothing but a plan, so that this one
    may stand instead if it `replaces` it).
    """
    portfolio = take_portfolio_by_code(session, actor, portfolio_code, JUDGE)
    chosen = chosen_questions(session, actor, portfolio, plan.kind, plan.wordings)
    planned = _allowed(session, actor, portfolio, [*plan.planned, *criteria_asked(chosen)], bool(chosen))
    fields = with_questions(plan.fields, chosen)
    item = create_draft(session, actor, portfolio_code, plan.kind, fields, code=plan.code)
    row, sent = session.get(Visit, item.id), plan.digest
    if row is None:
        row = _add_row(session, actor, item, planned)
    elif row.data.get("sent") == sent:
        return item
    else:
        _replace(session, actor, portfolio_code, item, replace(plan, fields=fields), planned)
    session.flush()
    left = get_visit(session, actor, portfolio_code, item.code).version
    row.data = {**row.data, "sent": sent, "left": left}
    _log_plan(session, actor, portfolio, item, planned)
    if plan.tell and planned:
        _tell(session, actor, portfolio, plan, planned)
    return item


def _replace(
    session: Session, actor: Actor, portfolio_code: str, item: Evidence, plan: Plan, planned: Sequence[str]
) -> None:
    """Let the plan stand instead of the earlier one. Raises Stale unless that is wanted, and loses nothing."""
    view = _mere_plan(session, actor, portfolio_code, item, plan.kind)
    if view is None or view.visit is None or not plan.replaces:
        raise Stale(_PLANNED_ALREADY, may_replace=view is not None)
    save_draft(session, actor, item.code, plan.fields, view.draft.revision.edit_version)
    _write(view.visit, {**_data(view.visit, view), "planned": list(planned)})


def _mere_plan(
    session: Session, actor: Actor, portfolio_code: str, item: Evidence, kind: EvidenceKind
) -> VisitView | None:
    """The visit while nobody has written to it, added a file or changed its plan since it was planned; else None."""
    try:
        view = get_visit(session, actor, portfolio_code, item.code, for_update=True)
    except Locked:
        return None
    if item.kind is not kind or view.kept.get("left") != view.version:
        return None
    begun = unfinished_uploads(session, actor, item.id, clock.now())
    return None if begun or files_of(session, view.draft.revision.id) else view


def keep_as_visit(
    session: Session, actor: Actor, portfolio_code: str, recording: Recording, notes: Notes
) -> Evidence:
    """Keep a record that is not finished yet as a visit, with the criteria that it decides as its plan.

    Kept again under the same code, it says what was posted last (`keep_form` asks before). Raises NotFound, Locked,
    Invalid (site).
    """
    portfolio = take_portfolio_by_code(session, actor, portfolio_code, JUDGE)
    item = create_draft(session, actor, portfolio_code, recording.kind, recording.fields, code=recording.code)
    if session.get(Visit, item.id) is None:
        decided = [code for code in open_codes(session, actor, portfolio) if code in recording.seen]
        _add_row(session, actor, item, decided)
    view = get_visit(session, actor, portfolio_code, item.code)
    save_visit(session, actor, portfolio_code, item.code, replace(notes, version=view.version))
    return item


def change_plan(
    session: Session, actor: Actor, portfolio_code: str, evidence_code: str, planned: Sequence[str]
) -> None:
    """Look for these criteria instead. What was written about one that is left out stays, and comes back with it.

    Raises NotFound, Locked, Invalid (`criteria`).
    """
    portfolio = take_portfolio_by_code(session, actor, portfolio_code, JUDGE)
    view = get_visit(session, actor, portfolio_code, evidence_code, for_update=True)
    chosen = _allowed(session, actor, portfolio, planned, view.draft.evidence.kind in TALKS)
    if list(view.planned) == chosen and view.kept:
        return
    row = view.visit or _add_row(session, actor, view.draft.evidence, chosen)
    _write(row, {**_data(row, view), "planned": chosen})
    _log_plan(session, actor, portfolio, view.draft.evidence, chosen)


def save_visit(
    session: Session, actor: Actor, portfolio_code: str, evidence_code: str, notes: Notes
) -> VisitView:
    """Keep what was written so far.

    Saving what stands there already changes nothing and never fails. Raises Stale when another window saved
    something else since, and nothing is overwritten; NotFound, Locked, Invalid (site).
    """
    view = get_visit(session, actor, portfolio_code, evidence_code, for_update=True)
    row = view.visit or _add_row(session, actor, view.draft.evidence, view.planned)
    now = recordings_among(session, view.draft.evidence.kind, view.draft.revision.id)
    data, notes = _data(row, view, now), notes.reaimed(now)
    answers = {**data["answers"], **{code: dict(each) for code, each in notes.answers.items()}}
    wanted = {**data, "answers": _said(answers), "comment": notes.comment}
    if view.draft.evidence.kind in TALKS:
        wanted["recordings"] = list(now)
    knows = notes.version == view.version or _left_by(data, notes.tab, view)
    if not knows and not _same(data, wanted):
        raise Stale(_OVERTAKEN)
    known = view.draft.revision.edit_version if knows else _NEVER
    try:
        revision = save_draft(session, actor, evidence_code, notes.fields, known)
    except Stale as error:
        raise Stale(_OVERTAKEN) from error
    # The same words may count other recordings than those that they counted when they were kept
    counts_others = knows and data.get("recordings", []) != wanted.get("recordings", [])
    if not _same(data, wanted) or data.get("revision") != revision.edit_version or counts_others:
        _write(row, {**wanted, "tab": notes.tab, "revision": revision.edit_version})
    session.flush()
    return get_visit(session, actor, portfolio_code, evidence_code)


def ask_more(
    session: Session,
    actor: Actor,
    portfolio_code: str,
    evidence_code: str,
    notes: Notes,
    wordings: Sequence[str],
) -> VisitView:
    """Save, and put questions of the bank at the end, with their criteria into the plan; none of them twice.

    Raises as `save_visit`; Invalid (`wording`) for a question that is not in the bank of the candidate's open units.
    """
    view = get_visit(session, actor, portfolio_code, evidence_code)
    portfolio, item = view.draft.portfolio, view.draft.evidence
    asked = {str(row.get("wording")) for row in notes.fields.details.get(QUESTION_ROWS) or []}
    new = [code for code in wordings if code not in asked]
    chosen = chosen_questions(session, actor, portfolio, item.kind, new)
    notes = replace(notes, fields=with_questions(notes.fields, chosen))
    view = save_visit(session, actor, portfolio_code, evidence_code, notes)
    wanted = {*view.planned, *criteria_asked(chosen)}
    planned = [code for code in open_codes(session, actor, portfolio) if code in wanted]
    if set(planned) - set(view.planned) and view.visit:
        _write(view.visit, {**view.kept, "planned": planned})
        _log_plan(session, actor, portfolio, item, planned)
        session.flush()
    return get_visit(session, actor, portfolio_code, evidence_code)


def finish_visit(
    session: Session,
    actor: Actor,
    portfolio_code: str,
    notes: Notes,
    recording: Recording,
    rows: Sequence[TalkRow] = (),
) -> Review:
    """Save, record and judge in one go. Sent twice, it is done once. `rows` are the questions of a talk.

    Raises as `save_visit`, `settled` and `record_evidence`; RecordedAlready when it was finished with other words.
    """
    portfolio = take_portfolio_by_code(session, actor, portfolio_code, JUDGE)
    if done := recorded(session, actor, portfolio, recording.code):
        _refuse_other_words(session, done, notes, recording, rows)
        return done
    with session.begin_nested():
        view = save_visit(session, actor, portfolio_code, recording.code, notes)
        recording = _settled(session, view.draft.revision, notes, recording, rows)
        review = record_evidence(session, actor, portfolio_code, recording)
        assert view.visit is not None  # saving made it
        view.visit.finished_at = clock.now()
        decided = set(recording.seen)
        log.append(
            session,
            actor,
            log.Stream.portfolio(portfolio_code),
            f"{_word(recording.kind)}.finished",
            recording.code,
            {
                "decided": [code for code in view.planned if code in decided],
                "not_seen": [code for code in view.planned if code not in decided],
            },
        )
    return review


def _settled(
    session: Session, revision: Revision, notes: Notes, recording: Recording, rows: Sequence[TalkRow]
) -> Recording:
    """The record of a talk with its times as parts of recordings; another one as it is. Raises as `settled`."""
    if recording.kind not in TALKS:
        return recording
    now = recordings_among(session, recording.kind, revision.id)
    shown = now if notes.recordings is None else notes.recordings
    times = {code: each.get("times", "") for code, each in notes.reaimed(now).answers.items()}
    return settled(session, revision, recording, [row.reaimed(shown, now) for row in rows], times)


def _refuse_other_words(
    session: Session,
    done: Review,
    notes: Notes,
    recording: Recording,
    rows: Sequence[TalkRow],
) -> None:
    """Raise RecordedAlready unless the record says all that is sent, and the visit keeps what is said beside it."""
    revision = revision_of(session, done)
    now = recordings_among(session, recording.kind, revision.id)
    beside_it = kept_of(session.get(Visit, revision.evidence_id), revision)
    kept = aimed(beside_it.get("answers", {}), beside_it.get("recordings", now), now)
    with suppress(Invalid):  # a time or a row that cannot be read differs in any case
        recording = _settled(session, revision, notes, recording, rows)
    beside = [_left_out(answers, recording) for answers in (notes.reaimed(now).answers, kept)]
    refuse_other_words(session, done, recording, *beside)


def _left_out(answers: Mapping[str, Mapping[str, str]], recording: Recording) -> dict[str, Seen]:
    """What was typed about criteria without a decision."""
    said = {
        code: Seen(
            decision=None,
            note=each.get("note", ""),
            feedback=each.get("feedback", ""),
            times=each.get("times", ""),
        )
        for code, each in answers.items()
        if code not in recording.seen and not each.get("decision")
    }
    return {code: each for code, each in said.items() if each.note or each.feedback or each.times}


def _word(kind: EvidenceKind) -> str:
    return "talk" if kind in TALKS else "visit"


def _allowed(
    session: Session, actor: Actor, portfolio: Portfolio, planned: Sequence[str], may_be_none: bool = False
) -> list[str]:
    """The wanted criteria in the framework's order. Invalid when there are none, or not the actor's to judge."""
    wanted = set(planned)
    found = [code for code in open_codes(session, actor, portfolio) if code in wanted]
    if not found and not (may_be_none and not wanted):
        raise Invalid("Nothing was planned.", {"criteria": "Choose at least one criterion to look for."})
    if len(found) < len(wanted):
        raise Invalid(
            "The plan was not saved.",
            {"criteria": "One of them is not yours to judge, or its unit was signed off. Choose again."},
        )
    return found


def _add_row(session: Session, actor: Actor, item: Evidence, planned: Sequence[str]) -> Visit:
    now = clock.now()
    row = Visit(
        evidence_id=item.id,
        person_id=actor.person_id,
        data={"planned": list(planned), "answers": {}, "comment": "", "tab": "", "revision": 0},
        edit_version=0,
        planned_at=now,
        saved_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _data(row: Visit, view: VisitView, now: Sequence[str] | None = None) -> dict[str, Any]:
    """What the row keeps beside this draft, with the number of its revision. Times count the recordings of `now`."""
    revision = view.draft.revision
    empty = {"planned": list(view.planned), "answers": {}, "comment": ""}
    data = {**empty, **kept_of(row, revision), "number": revision.number}
    if now is not None and "recordings" in data:
        data["answers"] = aimed(data["answers"], data["recordings"], now)
    return data


def _write(row: Visit, data: dict[str, Any]) -> None:
    row.data, row.edit_version, row.saved_at = data, row.edit_version + 1, clock.now()


def _said(answers: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """The answers that say something."""
    return {code: dict(each) for code, each in answers.items() if any(each.values())}


def _same(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(stored.get(name) == wanted.get(name) for name in ("answers", "comment"))


def _left_by(stored: Mapping[str, Any], tab: str, view: VisitView) -> bool:
    """Whether this window was the last to save, and nobody changed the draft elsewhere since."""
    return (
        bool(tab) and stored.get("tab") == tab and stored.get("revision") == view.draft.revision.edit_version
    )


def _log_plan(
    session: Session, actor: Actor, portfolio: Portfolio, item: Evidence, planned: Sequence[str]
) -> None:
    log.append(
        session,
        actor,
        log.Stream.portfolio(portfolio.code),
        f"{_word(item.kind)}.planned",
        item.code,
        {"reference": reference(item.number), "criteria": list(planned)},
    )


def _tell(session: Session, actor: Actor, portfolio: Portfolio, plan: Plan, planned: Sequence[str]) -> None:
    nodes = session.scalars(select(Node).where(Node.code.in_(planned)).order_by(Node.position)).all()
    if not nodes:
        raise NotFound()
    place = str(plan.fields.details.get("place") or "")
    looks = "\n".join(f"{node.ref} {node.text}" for node in nodes)
    about = "What it will be about" if plan.kind in TALKS else "What will be looked for"
    body = (f"Place: {place}\n\n" if place else "") + f"{about}:\n{looks}"
    what = "to talk with you" if plan.kind in TALKS else "to observe you"
    title = f"{actor.name} plans {what}{plan.day_words}: {plan.fields.title or 'a visit'}"
    tell_candidate(session, portfolio, f"{_word(plan.kind)}.planned", title, "/portfolio", body)
