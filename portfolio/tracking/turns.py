"""Whose turn a next action is, seen by one person, and where they do it. Pure: no session."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from criteria.rules import ActionCode, NextAction, Who
from portfolio.core.actor import Actor, Role
from portfolio.records.permissions import ASSESSING
from portfolio.tracking.views import Column, Place


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a portfolio: the parts they play in it, in every unit or only in `units` (node ids)."""

    acts: frozenset[Who] = frozenset()
    units: frozenset[int] | None = None

    def takes(self, who: Who, unit_id: int) -> bool:
        """Whether what `who` has to do in this unit is theirs to do."""
        return who in self.acts and (self.units is None or unit_id in self.units)


OWNER = Viewer(frozenset({Who.CANDIDATE}))
"""The candidate whose portfolio it is."""


def viewer_of(actor: Actor, portfolio_id: int) -> Viewer:
    """The parts of somebody who may see the portfolio. Who only reads plays none.

    A trainee judges and never countersigns.
    """
    if actor.role is Role.CANDIDATE:
        return OWNER
    if actor.role is Role.CENTRE_MANAGER:
        return Viewer(frozenset({Who.MANAGER}))
    if actor.role not in ASSESSING:
        return Viewer()
    acts = {Who.ASSESSOR} | ({Who.COUNTERSIGNER} if actor.role is Role.ASSESSOR else set())
    units = {grant.unit_id for grant in actor.grants if grant.portfolio_id == portfolio_id}
    return Viewer(frozenset(acts), None if None in units else frozenset(n for n in units if n is not None))


@dataclass(frozen=True, slots=True)
class Links:
    """Where the next actions of a portfolio are done by its viewer.

    `items` by code of the item; `reviews` holds the code of the submission that is in assessment by criterion id
    and evidence id.
    """

    viewer: Viewer
    portfolio_code: str
    items: Mapping[str, Column] = field(default_factory=dict)
    reviews: Mapping[tuple[int, int], str] = field(default_factory=dict)

    def url(self, action: NextAction, place: Place, unit_code: str) -> str:
        """The address for an action about the criterion at `place`; "" when the viewer has no part in it.

        The witness has no account: whoever may open the testimony sees where it stands, and may remind them.
        """
        if action.who is Who.WITNESS:
            item = self.items.get(action.evidence_code or "")
            closed = (
                item is None or item.held_back or (item.only_for is not None and self.viewer is not OWNER)
            )
            return "" if closed else f"/evidence/{action.evidence_code}/witness"
        if not self.viewer.takes(action.who, place.unit_id):
            return ""
        if action.who is Who.CANDIDATE:
            return _own_url(action, place.code)
        if action.code is ActionCode.COUNTERSIGN:
            return "/countersign"
        if action.code is ActionCode.ALLOCATE:
            return f"/portfolios/{self.portfolio_code}/settings#staff-h"
        return self._assessors_url(action, place, unit_code)

    def _assessors_url(self, action: NextAction, place: Place, unit_code: str) -> str:
        if action.evidence_code is None:
            return f"/portfolios/{self.portfolio_code}/units/{unit_code}"
        item = self.items.get(action.evidence_code)
        review = self.reviews.get((place.id, item.evidence_id)) if item else None
        if action.code is ActionCode.JUDGE and review:
            return f"/reviews/{review}"
        return f"/evidence/{action.evidence_code}/decisions"


def _own_url(action: NextAction, criterion_code: str) -> str:
    """Where the candidate does it."""
    if action.code is ActionCode.ADD_EVIDENCE or action.evidence_code is None:
        return f"/evidence/gap/{criterion_code}"
    if action.code is ActionCode.SUBMIT_DRAFT:
        return f"/evidence/{action.evidence_code}/submit"
    return f"/evidence/{action.evidence_code}"
