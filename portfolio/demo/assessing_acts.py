"""What assessors and the centre do in the story: judge, return, record, countersign, sign, unlock, archive."""

from dataclasses import replace

from sqlalchemy.orm import Session

from assessors.queries.desk import Desk, get_desk
from assessors.queries.live import LiveMapping, live_mappings
from assessors.queries.units import unit_picture
from assessors.rules import VACSR, Answer, Countersign, Decision
from assessors.rules.talk import TALKS, TalkRow
from assessors.service import (
    STATEMENT,
    DraftContent,
    Finished,
    Recording,
    Reply,
    Seen,
    SigningOff,
    basis_digest,
    begin_record,
    countersign_judgements,
    finish_review,
    judge_again,
    record_evidence,
    return_submission,
    save_draft,
    sign_off_unit,
    unlock_unit,
)
from assessors.service.talks import settled
from assessors.service.visits import Plan, plan_visit
from criteria.wording import date_words
from evidence.models import Evidence
from evidence.queries import get_draft
from evidence.rules import QUESTION_ROWS
from portfolio.core import clock, ids
from portfolio.demo.evidence_acts import attach, fields_of
from portfolio.demo.players import Player
from portfolio.demo.story import Item, ItemClaim, Step
from portfolio.records.models import Portfolio
from portfolio.records.service import archive_portfolio

_ARCHIVED = "Left the employer in the summer and asked to pause. The work is kept for a later return."
_UNLOCKED = (
    "The report in E005 turned out to belong to another team. I would like to look at outcome 2 once more "
    "with the right file before the unit goes to the quality assurer."
)
_RETHOUGHT = (
    "The sheet shows figures of another team from the third week on. It was my oversight; the candidate has the "
    "right file."
)
_RIGHT_FILE = (
    "From the third week on the sheet shows another team, and I had overlooked it; I am sorry. Please begin a "
    "new revision with the right file. Nothing else has to change."
)
_WAIVED = (
    "The team works from home and has no huddle. Presenting was seen by me in the weekly call on two "
    "occasions; no recording may be made there."
)
_REFUSED = (
    "The figures of the week are not in the item, only the single call. For a result above and one below "
    "target more than one call is needed. Please look at it again together with me."
)


def judge(session: Session, player: Player, step: Step) -> None:
    """The assessor decides everything of the item that waits for them."""
    actor = player.assessor(session, step.options.get("by", ""))
    desk = get_desk(session, actor, player.submissions[step.what])
    item = player.item(step.what)
    finished = Finished(
        answers=_answers(player, item, desk, step.listed("not_yet")),
        comment=item.comment,
        seen_digest=desk.submission.digest,
    )
    finish_review(session, actor, desk.submission.code, finished)


def hold(session: Session, player: Player, step: Step) -> None:
    """The assessor decides the first mapping, writes a line and is called away."""
    actor = player.assessor(session, step.options.get("by", ""))
    desk = get_desk(session, actor, player.submissions[step.what])
    answers = _answers(player, player.item(step.what), desk, ())[:1]
    content = DraftContent(answers=answers, comment="Second half still to watch.")
    save_draft(session, actor, desk.submission.code, content)


def give_back(session: Session, player: Player, step: Step) -> None:
    """The assessor returns the item unjudged, with the reason."""
    actor = player.assessor(session, step.options.get("by", ""))
    return_submission(session, actor, player.submissions[step.what], player.item(step.what).returned)


def record(session: Session, player: Player, step: Step) -> None:
    """The assessor records what was seen or said, maps it and judges it at once."""
    actor = player.assessor(session, step.options.get("by", ""))
    item = player.item(step.what)
    day = player.work_day(item, step.days_ago)
    recording = Recording(
        kind=item.kind,
        fields=fields_of(player, item, day, step.days_ago),
        seen={
            player.stage.company.nodes[claim.criterion].code: _seen(player, claim, step)
            for claim in item.claims
            if claim.criterion.split("/")[0] in player.journey.units
        },
        comment=item.comment,
        declared=True,
        code=ids.new_code(),
    )
    player.items[item.key] = begin_record(session, actor, player.portfolio_code, recording).code
    attach(session, actor, player, item)
    if item.kind in TALKS:
        draft = get_draft(session, actor, recording.code)
        recording = settled(session, draft.revision, recording, _rows(player, recording), {})
    record_evidence(session, actor, player.portfolio_code, recording)


def plan(session: Session, player: Player, step: Step) -> None:
    """The assessor plans what they will observe or talk about, and tells the candidate."""
    item, nodes = player.item(step.what), player.stage.company.nodes
    day = player.stage.history.day(-int(step.options["in"]))
    said = fields_of(player, item, day, step.days_ago)
    how = {name: value for name, value in said.details.items() if name in ("place", "held_by")}
    planned = [c.criterion for c in item.claims if c.criterion.split("/")[0] in player.journey.units]
    wanted = Plan(
        fields=replace(said, text="", details=how),
        planned=[nodes[ref].code for ref in planned],
        code=ids.new_code(),
        tell=True,
        day_words=f" on {date_words(day)}",
        kind=item.kind,
    )
    made = plan_visit(session, player.assessor(session), player.portfolio_code, wanted)
    player.items[item.key] = made.code


def _rows(player: Player, recording: Recording) -> list[TalkRow]:
    """The questions of the script: the criteria in `shows`, as far as they are recorded here, and the time in `at`."""
    nodes = player.stage.company.nodes
    return [
        TalkRow(
            question=row["question"],
            answer=row["answer"],
            at=row.get("at", ""),
            criteria=tuple(
                nodes[ref].code for ref in row.get("shows", ()) if nodes[ref].code in recording.seen
            ),
        )
        for row in recording.fields.details[QUESTION_ROWS]
    ]


def countersign(session: Session, player: Player, step: Step) -> None:
    """The assessor answers the trainee's decisions on an item."""
    actor = player.assessor(session)
    refused = step.listed("refuse")
    waiting = live_mappings(session, Evidence.code == player.items[step.what])
    replies = [
        _reply(live, refuse=_short_ref(player, live) in refused)
        for live in waiting
        if live.awaits_countersignature
    ]
    countersign_judgements(session, actor, replies)


def rethink(session: Session, player: Player, step: Step) -> None:
    """The assessor replaces an earlier decision by "not yet", with the reason."""
    actor = player.assessor(session)
    claims = {claim.criterion: claim for claim in player.item(step.what).claims}
    for live in live_mappings(session, Evidence.code == player.items[step.what]):
        ref = _short_ref(player, live)
        if ref in step.listed("not_yet"):
            answer = replace(_answer(player, live, claims[ref], met=False), feedback=_RIGHT_FILE)
            judge_again(session, actor, answer, _RETHOUGHT)


def sign(session: Session, player: Player, step: Step) -> None:
    """The assessor, or the trainee, confirms a whole unit."""
    actor = player.assessor(session, step.options.get("by", ""))
    nodes = player.stage.company.nodes
    portfolio = session.get_one(Portfolio, player.portfolio_id)
    picture = unit_picture(session, portfolio, nodes[step.what].code, clock.today(actor.zone))
    signing = SigningOff(
        statement=STATEMENT,
        seen_digest=basis_digest(picture),
        waivers={nodes[ref].code: _WAIVED for ref in step.listed("waive")},
    )
    sign_off_unit(session, actor, player.portfolio_code, nodes[step.what].code, signing)


def unlock(session: Session, player: Player, step: Step) -> None:
    """The assessor takes a signed unit back to work."""
    actor = player.assessor(session, step.options.get("by", ""))
    node = player.stage.company.nodes[step.what]
    portfolio = session.get_one(Portfolio, player.portfolio_id)
    standing = unit_picture(session, portfolio, node.code, clock.today(actor.zone)).in_force
    assert standing is not None
    unlock_unit(session, actor, player.portfolio_code, node.code, standing.sign_off.code, _UNLOCKED)


def archive(session: Session, player: Player, step: Step) -> None:
    """The centre manager archives the portfolio."""
    company = player.stage.company
    portfolio = session.get_one(Portfolio, player.portfolio_id)
    archive_portfolio(session, company.actor(session, company.manager), portfolio, _ARCHIVED)


def _answers(player: Player, item: Item, desk: Desk, not_yet: tuple[str, ...]) -> tuple[Answer, ...]:
    claims = {claim.criterion: claim for claim in item.claims}
    found = []
    for live in desk.own:
        if live.awaits_judgement:
            ref = _short_ref(player, live)
            found.append(_answer(player, live, claims[ref], met=ref not in not_yet))
    return tuple(found)


def _answer(player: Player, live: LiveMapping, claim: ItemClaim, *, met: bool) -> Answer:
    day = live.revision.occurred_on or player.stage.history.today
    return Answer(
        mapping=live.mapping.code,
        decision=Decision.MET if met else Decision.NOT_YET,
        feedback=player.setting.fill(claim.met if met else claim.not_yet, day),
        vacsr=frozenset(VACSR) if met else frozenset(VACSR) - {"sufficient"},
        seen=live.last_judgement,
    )


def _seen(player: Player, claim: ItemClaim, step: Step) -> Seen:
    met = claim.criterion not in step.listed("not_yet")
    day = player.stage.history.day(step.days_ago)
    return Seen(
        decision=Decision.MET if met else Decision.NOT_YET,
        note=player.setting.fill(claim.why, day),
        feedback=player.setting.fill(claim.met if met else claim.not_yet, day),
        range_items=claim.range,
    )


def _reply(live: LiveMapping, *, refuse: bool) -> Reply:
    assert live.judgement is not None
    if refuse:
        return Reply(judgement=live.judgement.code, answer=Countersign.REFUSED, comment=_REFUSED)
    return Reply(judgement=live.judgement.code, answer=Countersign.CONFIRMED)


def _short_ref(player: Player, live: LiveMapping) -> str:
    """The criterion as the script names it: "101/2.3"."""
    nodes = player.stage.company.nodes
    return next(ref for ref, node in nodes.items() if node.id == live.criterion.id)
