"""A unit of a portfolio: what stands, what blocks the sign-off, the sign-off itself, its history, unlocking."""

from collections.abc import Collection, Mapping, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from assessors.permissions import DECISIONS, JUDGE, UNLOCK
from assessors.queries.cover import read_uncovered
from assessors.queries.live import unit_facts
from assessors.queries.units import UnitCriterion, UnitPicture, unit_picture
from assessors.rules import Blocker, BlockerCode, why_not_sign, why_not_unlock
from assessors.service import STATEMENT, SigningOff, basis_digest, sign_off_unit, unlock_unit
from criteria.rules import NextAction, Reason, percent, without_countersigner
from criteria.wording import kind_word, next_action_sentence, reason_sentence, who_word
from evidence.permissions import is_external
from evidence.queries.confidential import held_back_items
from evidence.rules.confidential import veiled
from portfolio.core import clock
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import AppError, Forbidden, Invalid, Locked, Stale
from portfolio.core.text import clean_line
from portfolio.records.models import Portfolio
from portfolio.records.permissions import PORTFOLIO_MANAGE
from portfolio.records.queries import get_portfolio, head_of
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.errors import status_of
from portfolio.web.forms import Fields
from portfolio.web.pages import render, see_other

routes = Routes()
_WAIVER = "waiver-"


@routes.page("/portfolios/{code}/units/{unit_code}", DECISIONS)
def show_unit(
    request: Request, code: str, unit_code: str, session: ReadSession, actor: CurrentActor
) -> Response:
    """The unit with everything that was decided in it."""
    return _draw(request, session, actor, get_portfolio(session, actor, code), unit_code, {}, None)


@routes.action("/portfolios/{code}/units/{unit_code}/sign-off", JUDGE)
def sign_off(
    request: Request,
    code: str,
    unit_code: str,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
) -> Response:
    """Sign the unit off."""
    portfolio = get_portfolio(session, actor, code, JUDGE)
    signing = _signing(posted)
    try:
        posted.check()
        row = sign_off_unit(session, actor, code, unit_code, signing)
    except (Invalid, Stale, Locked, Forbidden) as error:
        return _draw(request, session, actor, portfolio, unit_code, posted.values(), error)
    message = "Signed. It takes effect when a qualified assessor has countersigned it."
    if not row.needs_countersignature:
        message = "The unit is signed off."
    return see_other(request, f"/portfolios/{code}/units/{unit_code}", message)


@routes.action("/portfolios/{code}/units/{unit_code}/unlock", UNLOCK)
def unlock(
    request: Request,
    code: str,
    unit_code: str,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
) -> Response:
    """Take the signed unit back to work."""
    portfolio = get_portfolio(session, actor, code, UNLOCK)
    shown = clean_line(posted.raw("sign_off"))
    reason = posted.text("reason", "Reason", limit=5_000)
    try:
        posted.check()
        unlock_unit(session, actor, code, unit_code, shown, reason)
    except (Invalid, Stale, Locked, Forbidden) as error:
        return _draw(request, session, actor, portfolio, unit_code, posted.values(), error)
    return see_other(request, f"/portfolios/{code}/units/{unit_code}", "The unit is open again.")


def _signing(posted: Fields) -> SigningOff:
    waivers = {
        name.removeprefix(_WAIVER): posted.text(name, "Reason", limit=5_000)
        for name in dict.fromkeys(name for name, _ in posted.items if name.startswith(_WAIVER))
    }
    return SigningOff(
        statement=posted.text("statement", "What you confirm", limit=5_000),
        seen_digest=clean_line(posted.raw("seen_digest")),
        waivers=waivers,
    )


def _draw(
    request: Request,
    session: Session,
    actor: Actor,
    portfolio: Portfolio,
    unit_code: str,
    typed: Mapping[str, str],
    error: AppError | None,
) -> Response:
    picture = unit_picture(session, portfolio, unit_code, clock.today(actor.zone))
    facts = unit_facts(portfolio, picture.unit.unit_id, picture.unit)
    head = head_of(session, portfolio)
    own = actor.role is Role.CANDIDATE
    held_back = held_back_items(session, portfolio.id) if is_external(actor) else {}
    blockers = () if picture.in_force else picture.blockers()
    waits = picture.pending or any(live.awaits_countersignature for c in picture.criteria for live in c.live)
    alone = bool(waits) and any(
        each.unit_id == picture.unit.unit_id for each in read_uncovered(session, [portfolio.id])
    )
    return render(
        request,
        "assessors/unit.html",
        title=f"Unit {picture.node.ref}: {picture.node.text}",
        status=status_of(error) if error else 200,
        crumbs=[
            (
                "My portfolio" if own else head.candidate.name,
                "/portfolio" if own else f"/portfolios/{portfolio.code}",
            )
        ],
        picture=picture,
        head=head,
        groups=_groups(picture),
        words=_Words(actor, picture, set(held_back.values()), alone=alone),
        held_back=held_back,
        alone=alone,
        may_allocate=PORTFOLIO_MANAGE.allows(actor, portfolio),
        blockers=blockers,
        blocking=[each for each in blockers if not each.waivable],
        waivable=[each for each in blockers if each.waivable],
        may_sign=why_not_sign(actor, facts) is None and picture.pending is None,
        may_unlock=why_not_unlock(actor, facts) is None,
        opens=JUDGE.allows(actor, portfolio),
        is_candidate=own,
        statement=typed.get("statement", STATEMENT),
        seen_digest=basis_digest(picture),
        typed=typed,
        message=error.message if error else "",
        errors=error.errors if isinstance(error, Invalid) else {},
        met_percent=percent(picture.unit.met_count, picture.unit.total_count),
        claimed_percent=percent(picture.unit.claimed_count, picture.unit.total_count),
        kind_word=kind_word,
    )


def _groups(picture: UnitPicture) -> list[tuple[object, Sequence[UnitCriterion]]]:
    """Criteria under their outcomes, in the framework's order; those of the unit itself under None."""
    outcomes = {each.id: each for each in picture.outcomes}
    found: dict[int, list[UnitCriterion]] = {}
    for each in picture.criteria:
        found.setdefault(each.node.parent_id if each.node.parent_id in outcomes else 0, []).append(each)
    return [(outcomes.get(key), criteria) for key, criteria in found.items()]


class _Words:
    """Reasons, next actions and blockers in sentences, for the template."""

    def __init__(
        self, actor: Actor, picture: UnitPicture, held_back: Collection[str], *, alone: bool
    ) -> None:
        """`held_back`: codes of items whose words the viewer must not see. `alone`: nobody may countersign what waits
        in the unit."""
        self.alone, self.held_back = alone, held_back
        self.zone, self.today = ZoneInfo(actor.zone), picture.today

    def reasons(self, each: UnitCriterion) -> list[str]:
        """Why a criterion is not met."""
        picture = each.picture(self.today)
        return [self._sentence(reason) for reason in picture.reasons]

    def _sentence(self, reason: Reason) -> str:
        return reason_sentence(veiled(reason, self.held_back), self.today, self.zone)

    def next_action(self, each: UnitCriterion) -> str:
        """Who must do what next; "" for a met criterion."""
        if each.row is None or not each.row.next_action:
            return ""
        action = NextAction.from_dict(each.row.next_action)
        action = without_countersigner(action) if self.alone else action
        return f"{who_word(action.who)}: {next_action_sentence(action)}"

    def blocker(self, blocker: Blocker) -> str:
        """A blocker in one sentence or more."""
        if blocker.code is BlockerCode.SIGN_OFF_PENDING:
            return "A trainee's sign-off of this unit waits for a countersignature."
        if blocker.code is BlockerCode.OUT_OF_DATE:
            return f"{blocker.criterion_ref} is being worked out again for today. Try again in a minute."
        if blocker.code is BlockerCode.AWAITING_JUDGEMENT:
            return f"{blocker.items[0].evidence_ref} waits for a decision on {blocker.criterion_ref}."
        if blocker.code is BlockerCode.AWAITING_COUNTERSIGNATURE:
            return f"{blocker.items[0].evidence_ref} waits for a countersignature on {blocker.criterion_ref}."
        said = " ".join(self._sentence(reason) for reason in blocker.reasons)
        return f"{blocker.criterion_ref} is not met. {said}"
