"""An installation with portfolios of a chosen size: real schema, rows written in bulk, coverage computed by the rule.

What is made is awkward on purpose: work in every state, half of the criteria not met, feedback of a sentence.
The same seed gives the same portfolio.
"""

import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from assessors.models import Judgement, Review
from assessors.rules import Decision, ReviewOutcome
from criteria.models import Node
from criteria.rules import EvidenceKind, NodeKind
from evidence.models import Evidence, Mapping, Revision, Submission
from evidence.rules import EvidenceState, MappingOrigin
from portfolio.app import Parts, open_parts
from portfolio.core import clock, ids, log, migrate
from portfolio.core.actor import Role
from portfolio.core.settings import Settings
from portfolio.core.touched import touch_portfolio
from portfolio.people.models import Allocation
from portfolio.people.rules import AllocationRole
from portfolio.records.models import Portfolio, PortfolioUnit
from tests.factories.world import World, make_centre, make_framework, make_person, sign_in_token

DATABASE_URL = "BENCH_DATABASE_URL"  # set by bench/run.py --database-url
SEED = 7
FEEDBACK = "The wallboard shows the figures; say what you decided from them, and what changed afterwards."
STATES = (EvidenceState.ASSESSED,) * 12 + (EvidenceState.SUBMITTED,) * 5 + (EvidenceState.DRAFT,) * 2


@dataclass(frozen=True, slots=True)
class Size:
    """Criteria are `units` × `outcomes` × `per_outcome`; every item maps `mappings` / `items` of them."""

    units: int
    outcomes: int
    per_outcome: int
    items: int
    mappings: int

    @property
    def criteria(self) -> int:
        """How many criteria there are."""
        return self.units * self.outcomes * self.per_outcome


LARGEST = Size(units=10, outcomes=5, per_outcome=10, items=1000, mappings=5000)
DENSE = Size(units=6, outcomes=5, per_outcome=10, items=100, mappings=6000)
NORMAL = Size(units=4, outcomes=3, per_outcome=5, items=40, mappings=160)
SMALL = Size(units=1, outcomes=1, per_outcome=3, items=2, mappings=4)


@dataclass(frozen=True, slots=True)
class Made:
    """A portfolio that was made, and the session cookies of its candidate and assessor."""

    portfolio_id: int
    code: str
    criterion_ids: Sequence[int]
    candidate: str
    assessor: str


@contextmanager
def installation(**settings: Any) -> Iterator[Parts]:
    """An installation in a temporary folder, gone afterwards; its database elsewhere when one is named."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        url = os.environ.get(DATABASE_URL, "")
        chosen = Settings(data_dir=Path(folder), database_url=url, inline_worker=False, **settings)
        migrate.upgrade(chosen.url)
        parts = open_parts(chosen)
        try:
            yield parts
        finally:
            parts.close()


def make(parts: Parts, size: Size) -> Made:
    """A centre with one portfolio of this size, committed, with computed coverage."""
    with parts.database.write() as session:
        world = _world(session, size)
        portfolio = _portfolio(session, world)
        _evidence(session, world, portfolio, size)
        touch_portfolio(session, portfolio.id)
        return Made(
            portfolio.id,
            portfolio.code,
            world.criterion_ids,
            sign_in_token(session, world.people["candidate"]),
            sign_in_token(session, world.people["assessor"]),
        )


def _world(session: Session, size: Size) -> World:
    world = World()
    centre = make_centre(session, "Northfield Training")
    world.centre_id, world.centre_code = centre.id, centre.code
    for name, role in (("candidate", Role.CANDIDATE), ("assessor", Role.ASSESSOR)):
        world.people[name] = make_person(session, f"{name}_{ids.new_code()}", centre.id, role).id
    make_framework(session, world, units=0)
    root_id = session.scalars(select(Node.id).where(Node.version_id == world.version_id)).one()
    _tree(session, world, size, root_id)
    return world


def _tree(session: Session, world: World, size: Size, root_id: int) -> None:
    """The nodes below the root, in pre-order, with ids counted on from the root's."""
    rows: list[dict[str, Any]] = []
    per_outcome = 1 + size.per_outcome
    per_unit = 1 + size.outcomes * per_outcome

    def add(kind: NodeKind, parent: int, unit: int, below: int, ref: str, text: str) -> int:
        position = len(rows) + 1
        node = {"id": root_id + position, "code": ids.new_code(), "version_id": world.version_id}
        node |= {"parent_id": parent, "unit_id": unit or root_id + position, "kind": kind}
        node |= {"position": position, "last": position + below, "ref": ref, "text": text, "mandatory": True}
        rows.append(node)
        return root_id + position

    for u in range(1, size.units + 1):
        unit = add(
            NodeKind.UNIT, root_id, 0, per_unit - 1, f"F/600/{7000 + u}", f"Monitor performance, part {u}"
        )
        world.unit_ids.append(unit)
        for o in range(1, size.outcomes + 1):
            text = f"Be able to use contact centre metrics for purpose {o}"
            outcome = add(NodeKind.OUTCOME, unit, unit, per_outcome - 1, str(o), text)
            for c in range(1, size.per_outcome + 1):
                text = f"Explain how measure {c} shows the performance of a team & of each person in it"
                world.criterion_ids.append(add(NodeKind.CRITERION, outcome, unit, 0, f"{o}.{c}", text))
    session.execute(insert(Node), rows)


def _portfolio(session: Session, world: World) -> Portfolio:
    now = clock.now()
    portfolio = Portfolio(
        code=ids.new_code(), centre_id=world.centre_id, candidate_id=world.people["candidate"],
        version_id=world.version_id, cohort="Autumn", enrolled_on=date(2026, 1, 5),
        target_on=date(2027, 6, 30), created_at=now, last_activity_at=now,
    )  # fmt: skip
    session.add(portfolio)
    session.flush()
    log.append(session, None, log.Stream.portfolio(portfolio.code), "portfolio.enrolled", portfolio.code)
    session.add_all(
        PortfolioUnit(code=ids.new_code(), portfolio_id=portfolio.id, unit_id=unit, added_at=now)
        for unit in world.unit_ids
    )
    session.add(
        Allocation(
            code=ids.new_code(), centre_id=world.centre_id, portfolio_id=portfolio.id,
            person_id=world.people["assessor"], role=AllocationRole.ASSESSOR, created_at=now,
        )
    )  # fmt: skip
    session.flush()
    return portfolio


def _evidence(session: Session, world: World, portfolio: Portfolio, size: Size) -> None:
    """Items in all states, each with its mappings; a criterion of an odd number is judged not yet met."""
    choose = random.Random(SEED)
    per_item = size.mappings // size.items
    now = clock.now() - timedelta(days=size.items + 1)
    for number in range(1, size.items + 1):
        state = choose.choice(STATES)
        mapped = sorted(choose.sample(range(size.criteria), per_item))
        _item(session, world, portfolio, number, state, mapped, now + timedelta(days=number))
    portfolio.last_evidence_number = size.items
    session.flush()


def _item(
    session: Session,
    world: World,
    portfolio: Portfolio,
    number: int,
    state: EvidenceState,
    mapped: Sequence[int],
    at: datetime,
) -> None:
    by, title = world.people["candidate"], f"Wallboard and notes of week {number}"
    item = Evidence(
        code=ids.new_code(), portfolio_id=portfolio.id, number=number, kind=EvidenceKind.PRODUCT,
        title=title, state=state, created_by_id=by, created_at=at,
    )  # fmt: skip
    session.add(item)
    session.flush()
    frozen = state is not EvidenceState.DRAFT
    digest = log.digest_of({"number": number}) if frozen else None
    revision = Revision(
        code=ids.new_code(), evidence_id=item.id, number=1, title=title, occurred_on=at.date(),
        created_at=at, saved_at=at, frozen_at=at if frozen else None, digest=digest,
    )  # fmt: skip
    session.add(revision)
    session.flush()
    rows = [
        {
            "code": ids.new_code(), "revision_id": revision.id, "criterion_id": world.criterion_ids[index],
            "reason": "It shows so.", "origin": MappingOrigin.CANDIDATE, "added_by_id": by, "added_at": at,
        }
        for index in mapped
    ]  # fmt: skip
    session.execute(insert(Mapping), rows)
    if digest:
        _decide(session, world, portfolio, revision, digest, mapped, judged=state is EvidenceState.ASSESSED)


def _decide(
    session: Session,
    world: World,
    portfolio: Portfolio,
    revision: Revision,
    digest: str,
    mapped: Sequence[int],
    *,
    judged: bool,
) -> None:
    at = revision.saved_at
    submission = Submission(
        code=ids.new_code(), portfolio_id=portfolio.id, revision_id=revision.id, digest=digest,
        submitted_by_id=world.people["candidate"], submitted_at=at, declaration="My own work.",
    )  # fmt: skip
    session.add(submission)
    session.flush()
    if not judged:
        return
    review = Review(
        code=ids.new_code(), submission_id=submission.id, person_id=world.people["assessor"],
        outcome=ReviewOutcome.JUDGED, finished_at=at + timedelta(hours=1),
    )  # fmt: skip
    session.add(review)
    session.flush()
    mappings = session.scalars(
        select(Mapping.id).where(Mapping.revision_id == revision.id).order_by(Mapping.id)
    )
    rows = [
        {
            "code": ids.new_code(), "review_id": review.id, "mapping_id": mapping_id, "vacsr": {},
            "person_id": world.people["assessor"], "seen_digest": digest, "judged_at": at + timedelta(hours=1),
            "decision": Decision.NOT_YET if index % 2 else Decision.MET,
            "feedback": FEEDBACK if index % 2 else "", "needs_countersignature": False,
        }
        for mapping_id, index in zip(mappings, mapped, strict=True)
    ]  # fmt: skip
    session.execute(insert(Judgement), rows)
