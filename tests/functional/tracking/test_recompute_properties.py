"""Whatever happens in whatever order: step-by-step recomputing leaves what recomputing everything would give."""

from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.models import Countersignature, Judgement, SignOff, Unlock
from assessors.rules import Countersign, Decision
from evidence.models import Mapping, Revision, Submission
from portfolio.core import clock, ids
from portfolio.core.db import Database
from portfolio.core.touched import touch_criteria, touch_portfolio
from portfolio.records.models import PortfolioUnit
from portfolio.tracking.recompute import differences
from tests.factories import work
from tests.factories.world import World

pytestmark = pytest.mark.databases("sqlite")

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "draft",
                "submit",
                "judge",
                "judge as trainee",
                "send back",
                "answer",
                "countersign",
                "sign",
                "unlock",
                "drop",
            ]
        ),
        st.integers(0, 7),
        st.booleans(),
    ),
    max_size=14,
)


class RolledBackError(Exception):
    """Ends an example without keeping anything."""


@dataclass
class Play:
    """Plays steps on the first portfolio; a step that has nothing to work on does nothing."""

    session: Session
    world: World
    drafts: list[Revision] = field(default_factory=list)
    submissions: list[Submission] = field(default_factory=list)

    def step(self, what: str, number: int, positive: bool) -> None:
        getattr(self, "_" + what.replace(" ", "_"))(number, positive)

    def _draft(self, number: int, positive: bool) -> None:
        chosen = self.world.criterion_ids[number : number + (3 if positive else 1)]
        self.drafts.append(work.make_draft(self.session, self.world, chosen))

    def _submit(self, number: int, positive: bool) -> None:
        if self.drafts:
            draft = self.drafts.pop(number % len(self.drafts))
            self.submissions.append(work.submit(self.session, draft))

    def _judge(self, number: int, positive: bool, by: str = "assessor") -> None:
        if self.submissions:
            submission = self.submissions[number % len(self.submissions)]
            revision = self.session.get_one(Revision, submission.revision_id)
            decisions = {
                m.criterion_id: Decision.MET if (i % 2 == 0) is positive else Decision.NOT_YET
                for i, m in enumerate(revision.mappings)
            }
            work.judge(self.session, self.world, submission, decisions, by=by)

    def _judge_as_trainee(self, number: int, positive: bool) -> None:
        self._judge(number, positive, by="trainee")

    def _send_back(self, number: int, positive: bool) -> None:
        if self.submissions:
            work.send_back(self.session, self.world, self.submissions[number % len(self.submissions)])

    def _answer(self, number: int, positive: bool) -> None:
        if self.submissions:
            submission = self.submissions[number % len(self.submissions)]
            item = self.session.get_one(Revision, submission.revision_id).evidence
            if any(revision.frozen_at is None for revision in item.revisions):
                return
            chosen = [m.criterion_id for m in item.revisions[-1].mappings][: 1 if positive else None]
            self.drafts.append(work.make_revision(self.session, self.world, item, chosen))

    def _countersign(self, number: int, positive: bool) -> None:
        waiting = self.session.scalars(
            select(Judgement)
            .outerjoin(Countersignature, Countersignature.judgement_id == Judgement.id)
            .where(Judgement.needs_countersignature, Countersignature.id.is_(None))
        ).first()
        if waiting is None:
            return
        self.session.add(
            Countersignature(
                code=ids.new_code(),
                judgement_id=waiting.id,
                person_id=self.world.people["assessor"],
                answer=Countersign.CONFIRMED if positive else Countersign.REFUSED,
                comment="Looked at it.",
                answered_at=clock.now(),
            )
        )
        mapping = self.session.get_one(Mapping, waiting.mapping_id)
        touch_criteria(self.session, self.world.portfolio_id, [mapping.criterion_id])

    def _sign(self, number: int, positive: bool) -> None:
        unit = self.session.scalars(
            select(PortfolioUnit).where(
                PortfolioUnit.portfolio_id == self.world.portfolio_id,
                PortfolioUnit.unit_id == self.world.unit_ids[number % 2],
            )
        ).one()
        work.sign(self.session, self.world, unit)

    def _unlock(self, number: int, positive: bool) -> None:
        signed = self.session.scalars(
            select(SignOff)
            .outerjoin(Unlock, Unlock.sign_off_id == SignOff.id)
            .where(Unlock.id.is_(None))
            .order_by(SignOff.id.desc())
        ).first()
        if signed is not None:
            work.unlock(self.session, self.world, signed)

    def _drop(self, number: int, positive: bool) -> None:
        mapping = self.session.scalars(
            select(Mapping).where(Mapping.dropped_at.is_(None)).order_by(Mapping.id).offset(number).limit(1)
        ).one_or_none()
        if mapping is not None:
            mapping.dropped_at, mapping.dropped_reason = clock.now(), "Not shown here."
            mapping.dropped_by_id = self.world.people["assessor"]
            touch_criteria(self.session, self.world.portfolio_id, [mapping.criterion_id])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_recomputing_step_by_step_equals_recomputing_everything(
    database: Database, world: World, steps: list[tuple[str, int, bool]]
) -> None:
    with suppress(RolledBackError), database.write() as session:
        touch_portfolio(session, world.other_portfolio_id)
        play = Play(session, world)
        for what, number, positive in steps:
            play.step(what, number, positive)
            database.settle(session)
        assert list(differences(session)) == []
        raise RolledBackError
