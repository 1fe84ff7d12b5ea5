"""The cast of every test (style.md §7): one centre, its people in all roles, a small framework, a portfolio.

Rows are written directly, so that a test of one package does not depend on the services of another.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy.orm import Session

from criteria.models import FrameworkVersion, Node, Qualification, VersionState
from criteria.rules import NodeKind, Status
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor, Role
from portfolio.people.models import Allocation, Assurance, Centre, Membership, Person, SignInSession, Site
from portfolio.people.queries import actor_for
from portfolio.people.rules import AllocationRole
from portfolio.records.models import CoverageRow, Portfolio, PortfolioUnit

CRITERIA_PER_OUTCOME = 2
OUTCOMES_PER_UNIT = 2


@dataclass
class World:
    """Ids of everything made. `people` maps a short name to a person id; see `make_world`."""

    centre_id: int = 0
    centre_code: str = ""
    site_id: int = 0
    site_code: str = ""
    people: dict[str, int] = field(default_factory=dict)
    version_id: int = 0
    version_code: str = ""
    unit_ids: list[int] = field(default_factory=list)
    unit_codes: list[str] = field(default_factory=list)
    criterion_ids: list[int] = field(default_factory=list)
    criterion_codes: list[str] = field(default_factory=list)
    portfolio_id: int = 0
    portfolio_code: str = ""
    other_portfolio_id: int = 0
    other_portfolio_code: str = ""

    def actor(self, session: Session, name: str) -> Actor:
        """The Actor of a person of the cast, freshly loaded."""
        person = session.get_one(Person, self.people[name])
        found = actor_for(session, person, None, None)
        assert found is not None
        return found


CAST: dict[str, Role] = {
    "candidate": Role.CANDIDATE,
    "other_candidate": Role.CANDIDATE,
    "assessor": Role.ASSESSOR,
    "unallocated_assessor": Role.ASSESSOR,
    "trainee": Role.TRAINEE_ASSESSOR,
    "iqa": Role.IQA,
    "unallocated_iqa": Role.IQA,
    "lead_iqa": Role.LEAD_IQA,
    "eqa": Role.EQA,
    "manager": Role.CENTRE_MANAGER,
    "operator": Role.OPERATOR,
}


def make_world(session: Session) -> World:
    """The cast in centre "Northfield Training", the stranger "foreign_manager" in another one, two portfolios.

    The assessor and the trainee are allocated to the first portfolio, the IQA to the assessor. The EQA's
    visit lasts from yesterday to tomorrow.
    """
    world = World()
    centre = make_centre(session, "Northfield Training")
    world.centre_id, world.centre_code = centre.id, centre.code
    site = Site(code=ids.new_code(), centre_id=centre.id, name="Leeds", created_at=clock.now())
    session.add(site)
    session.flush()
    world.site_id, world.site_code = site.id, site.code
    for name, role in CAST.items():
        world.people[name] = make_person(session, name, centre.id, role).id
    other = make_centre(session, "Elsewhere College")
    world.people["foreign_manager"] = make_person(
        session, "foreign_manager", other.id, Role.CENTRE_MANAGER
    ).id
    _restrict_visit(session, world)
    make_framework(session, world)
    own = make_portfolio(session, world, "candidate")
    world.portfolio_id, world.portfolio_code = own.id, own.code
    second = make_portfolio(session, world, "other_candidate")
    world.other_portfolio_id, world.other_portfolio_code = second.id, second.code
    allocate(session, world, "assessor", AllocationRole.ASSESSOR)
    allocate(session, world, "trainee", AllocationRole.TRAINEE_ASSESSOR)
    allocate(session, world, "eqa", AllocationRole.EQA)
    session.add(
        Assurance(
            code=ids.new_code(),
            centre_id=centre.id,
            iqa_id=world.people["iqa"],
            assessor_id=world.people["assessor"],
            created_at=clock.now(),
        )
    )
    session.flush()
    return world


def make_centre(session: Session, name: str) -> Centre:
    """A centre with its log stream begun."""
    centre = Centre(code=ids.new_code(), name=name, created_at=clock.now())
    session.add(centre)
    session.flush()
    log.append(session, None, log.Stream.centre(centre.code), "centre.created", centre.code, {"name": name})
    return centre


def make_person(session: Session, name: str, centre_id: int, role: Role) -> Person:
    """A person with one role. The address is name@example.org; there is no password."""
    person = Person(
        code=ids.new_code(),
        name=name.replace("_", " ").title(),
        email=f"{name}@example.org",
        created_at=clock.now(),
    )
    session.add(person)
    session.flush()
    session.add(
        Membership(
            code=ids.new_code(), person_id=person.id, centre_id=centre_id, role=role, created_at=clock.now()
        )
    )
    session.flush()
    return person


def make_framework(session: Session, world: World, units: int = 2) -> None:
    """An active version with `units` units of two outcomes of two criteria each."""
    now = clock.now()
    qualification = Qualification(
        code=ids.new_code(),
        centre_id=world.centre_id,
        title="Diploma in testing",
        number="600/0000/0",
        created_at=now,
    )
    session.add(qualification)
    session.flush()
    version = FrameworkVersion(
        code=ids.new_code(),
        qualification_id=qualification.id,
        label="1",
        state=VersionState.ACTIVE,
        created_at=now,
        activated_at=now,
    )
    session.add(version)
    session.flush()
    world.version_id, world.version_code = version.id, version.code
    per_unit = 1 + OUTCOMES_PER_UNIT * (1 + CRITERIA_PER_OUTCOME)
    root = _node(
        session, world, None, None, NodeKind.QUALIFICATION, 0, units * per_unit, "", qualification.title
    )
    position = 1
    for u in range(1, units + 1):
        end = position + per_unit - 1
        unit = _node(session, world, root, None, NodeKind.UNIT, position, end, f"U/{u}", f"Unit {u}")
        world.unit_ids.append(unit.id)
        world.unit_codes.append(unit.code)
        position += 1
        for o in range(1, OUTCOMES_PER_UNIT + 1):
            last = position + CRITERIA_PER_OUTCOME
            outcome = _node(
                session, world, unit, unit.id, NodeKind.OUTCOME, position, last, str(o), f"Outcome {o}"
            )
            position += 1
            for c in range(1, CRITERIA_PER_OUTCOME + 1):
                leaf = _node(
                    session, world, outcome, unit.id, NodeKind.CRITERION, position, position,
                    f"{o}.{c}", f"Do thing {o}.{c} of unit {u}",
                )  # fmt: skip
                world.criterion_ids.append(leaf.id)
                world.criterion_codes.append(leaf.code)
                position += 1


def make_portfolio(session: Session, world: World, candidate: str) -> Portfolio:
    """A portfolio with all units of the framework, and its coverage rows at "not started"."""
    now = clock.now()
    portfolio = Portfolio(
        code=ids.new_code(),
        centre_id=world.centre_id,
        candidate_id=world.people[candidate],
        version_id=world.version_id,
        site_id=world.site_id,
        cohort="Autumn",
        enrolled_on=date(2026, 9, 1),
        target_on=date(2027, 6, 30),
        created_at=now,
        last_activity_at=now,
    )
    session.add(portfolio)
    session.flush()
    log.append(session, None, log.Stream.portfolio(portfolio.code), "portfolio.enrolled", portfolio.code)
    half = len(world.criterion_ids) // len(world.unit_ids)
    for index, unit_id in enumerate(world.unit_ids):
        session.add(
            PortfolioUnit(
                code=ids.new_code(),
                portfolio_id=portfolio.id,
                unit_id=unit_id,
                added_at=now,
                total_count=half,
            )
        )
        for criterion_id in world.criterion_ids[index * half : (index + 1) * half]:
            session.add(
                CoverageRow(
                    portfolio_id=portfolio.id,
                    criterion_id=criterion_id,
                    unit_id=unit_id,
                    status=Status.NOT_STARTED,
                    reasons=[{"code": "no_evidence"}],
                    next_action={"who": "candidate", "code": "add_evidence"},
                    counted=[],
                    computed_at=now,
                )
            )
    session.flush()
    return portfolio


def allocate(
    session: Session, world: World, name: str, role: AllocationRole, unit_id: int | None = None
) -> None:
    """Give a person of the cast the first portfolio, or one unit of it."""
    session.add(
        Allocation(
            code=ids.new_code(),
            centre_id=world.centre_id,
            portfolio_id=world.portfolio_id,
            unit_id=unit_id,
            person_id=world.people[name],
            role=role,
            created_at=clock.now(),
        )
    )
    session.flush()


def sign_in_token(session: Session, person_id: int) -> str:
    """A signed-in session for a person; the value of its cookie."""
    token, now = ids.new_token(), clock.now()
    session.add(
        SignInSession(
            token_hash=ids.token_hash(token),
            person_id=person_id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(days=1),
        )
    )
    session.flush()
    return token


def _restrict_visit(session: Session, world: World) -> None:
    member = session.query(Membership).filter_by(person_id=world.people["eqa"]).one()
    today = clock.today()
    member.starts_on, member.ends_on = today - timedelta(days=1), today + timedelta(days=1)
    session.flush()


def _node(
    session: Session,
    world: World,
    parent: Node | None,
    unit_id: int | None,
    kind: NodeKind,
    position: int,
    last: int,
    ref: str,
    text: str,
) -> Node:
    node = Node(
        code=ids.new_code(),
        version_id=world.version_id,
        parent_id=parent.id if parent else None,
        unit_id=unit_id,
        kind=kind,
        position=position,
        last=last,
        ref=ref,
        text=text,
        credits=5 if kind is NodeKind.UNIT else None,
    )
    session.add(node)
    session.flush()
    if kind is NodeKind.UNIT:
        node.unit_id = node.id
        session.flush()
    return node
