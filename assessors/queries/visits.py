"""Reads of visits: one with its plan, and those of an assessor that are not finished."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from assessors.rules.talk import TALKS
from assessors.visit_models import Visit
from criteria.models import Node
from criteria.rules import EvidenceKind
from evidence.models import Evidence, Revision
from evidence.models import Mapping as MappingRow
from evidence.queries import (
    CriterionChoice,
    Draft,
    OutcomeChoice,
    UnitChoice,
    criteria_to_choose,
    get_draft,
)
from evidence.rules import EvidenceState, reference
from portfolio.core.actor import Actor
from portfolio.core.errors import NotFound
from portfolio.people.models import Person, Site
from portfolio.records.models import Portfolio

PAGE_SIZE = 50
VISITS = (EvidenceKind.OBSERVATION, *TALKS)
"""What is planned and written down while it lasts."""


@dataclass(frozen=True, slots=True)
class VisitView:
    """The draft of an observation or a talk with its plan. `visit` is None where nobody planned one.

    What the visit keeps of an earlier revision does not count. `version` grows with every change of either; a window
    that knows an older one may not save.
    """

    draft: Draft
    visit: Visit | None
    planned: Sequence[str]

    @property
    def version(self) -> int:
        """What a window says it knows."""
        return (self.visit.edit_version if self.visit else 0) + self.draft.revision.edit_version

    @property
    def kept(self) -> Mapping[str, Any]:
        """What the visit keeps of this revision."""
        return kept_of(self.visit, self.draft.revision)

    @property
    def answers(self) -> Mapping[str, Mapping[str, str]]:
        """What was written down so far, by the code of the criterion."""
        found: Mapping[str, Mapping[str, str]] = self.kept.get("answers", {})
        return found

    @property
    def comment(self) -> str:
        """Feedback on the whole, so far."""
        return str(self.kept.get("comment", ""))


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A visit in a list. `count` criteria are planned, `answered` of them have a decision."""

    item: Evidence
    revision: Revision
    portfolio: Portfolio
    candidate: str
    site: str
    visit: Visit

    @property
    def reference(self) -> str:
        """Such as "E007"."""
        return reference(self.item.number)

    @property
    def count(self) -> int:
        """How many criteria are planned."""
        return len(self._planned)

    @property
    def answered(self) -> int:
        """How many of them have a decision."""
        answers = kept_of(self.visit, self.revision).get("answers", {})
        return sum(1 for code in self._planned if answers.get(code, {}).get("decision"))

    @property
    def _planned(self) -> Sequence[str]:
        found: Sequence[str] = kept_of(self.visit, self.revision).get("planned", ())
        return found


def get_visit(
    session: Session, actor: Actor, portfolio_code: str, evidence_code: str, *, for_update: bool = False
) -> VisitView:
    """The observation or talk that the actor is writing, with its plan.

    Where nothing was planned the criteria count that the draft is mapped to. Raises NotFound (absent, somebody else's,
    another kind or portfolio), Locked (finished, closed).
    """
    draft = get_draft(session, actor, evidence_code, for_update=for_update)
    if draft.portfolio.code != portfolio_code or draft.evidence.kind not in VISITS:
        raise NotFound()
    visit = session.get(Visit, draft.evidence.id, populate_existing=for_update)
    if planned := kept_of(visit, draft.revision).get("planned"):
        return VisitView(draft, visit, list(planned))
    mapped = session.scalars(
        select(Node.code)
        .join(MappingRow, MappingRow.criterion_id == Node.id)
        .where(MappingRow.revision_id == draft.revision.id, MappingRow.dropped_at.is_(None))
        .order_by(Node.position)
    )
    return VisitView(draft, visit, list(mapped))


def kept_decisions(session: Session, draft: Draft) -> dict[str, Any]:
    """What `keep_record` put aside beside the draft: "answers" by the code of the criterion, and "comment"."""
    return dict(kept_of(session.get(Visit, draft.evidence.id), draft.revision))


def version_of(session: Session, draft: Draft) -> int:
    """Grows with every change of a record's draft, and of what is kept beside it."""
    visit = session.get(Visit, draft.evidence.id)
    return (visit.edit_version if visit else 0) + draft.revision.edit_version


def kept_of(visit: Visit | None, draft: Revision) -> Mapping[str, Any]:
    """What is kept beside this draft: nothing of what was kept, and used, beside that of an earlier revision."""
    if visit is None or visit.data.get("number", 1) != draft.number:
        return {}
    return visit.data


def planned_units(units: Sequence[UnitChoice], planned: Sequence[str]) -> list[UnitChoice]:
    """The units with only those of their criteria that are planned; units and outcomes without any are left out."""
    wanted = set(planned)
    found = []
    for unit in units:
        outcomes = [OutcomeChoice(each.node, _chosen(each.criteria, wanted)) for each in unit.outcomes]
        kept = [outcome for outcome in outcomes if outcome.criteria]
        if kept:
            found.append(UnitChoice(unit.node, unit.closed, kept))
    return found


def _chosen(criteria: Sequence[CriterionChoice], wanted: set[str]) -> list[CriterionChoice]:
    return [each for each in criteria if each.node.code in wanted]


def open_codes(session: Session, actor: Actor, portfolio: Portfolio) -> list[str]:
    """The codes of the criteria that the actor may judge now, in the framework's order."""
    return [
        each.node.code
        for unit in criteria_to_choose(session, actor, portfolio)
        if not unit.closed
        for outcome in unit.outcomes
        for each in outcome.criteria
    ]


def open_visits(session: Session, actor: Actor, start: int = 0) -> tuple[list[VisitRow], int]:
    """The actor's visits that are not finished, by day, those without one last; and how many there are."""
    wanted = (
        Visit.person_id == actor.person_id,
        Evidence.kind.in_(VISITS),
        Evidence.state == EvidenceState.DRAFT,
        Portfolio.centre_id == actor.centre_id,
        Portfolio.id.in_(sorted({grant.portfolio_id for grant in actor.grants})),
    )
    whole = (
        select(Visit, Evidence, Revision, Portfolio, Person.name, Site.name)
        .join(Evidence, Evidence.id == Visit.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == Portfolio.candidate_id)
        .join(Revision, (Revision.evidence_id == Evidence.id) & Revision.frozen_at.is_(None))
        .outerjoin(Site, Site.id == Revision.site_id)
        .where(*wanted)
    )
    total = session.scalar(select(func.count()).select_from(whole.subquery())) or 0
    rows = session.execute(
        whole.order_by(Revision.occurred_on.is_(None), Revision.occurred_on, Evidence.id)
        .offset(start)
        .limit(PAGE_SIZE)
    )
    found = [
        VisitRow(item, revision, portfolio, candidate, site or "", visit)
        for visit, item, revision, portfolio, candidate, site in rows
    ]
    return found, total
