"""Short ways to make evidence through the services, committed."""

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from criteria.rules import EvidenceKind
from evidence.models import Evidence, EvidenceFile
from evidence.queries import content_digest, get_draft
from evidence.service import Claim, DraftFields, Upload, attach_file, create_draft, submit_evidence
from evidence.storage import BlobStore, StoredBlob
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.people.models import Allocation
from portfolio.people.rules import AllocationRole
from portfolio.records.models import CoverageRow, PortfolioUnit
from portfolio.records.rules import UnitState
from tests.factories.world import World

YESTERDAY = timedelta(days=1)


def fields(**changes: Any) -> DraftFields:
    """Enough for a reflective account."""
    said: dict[str, Any] = {
        "title": "Coaching a new colleague",
        "text": "I listened first.",
        "occurred_on": clock.today() - YESTERDAY,
    }
    return DraftFields(**{**said, **changes})


def begin(
    database: Database,
    world: World,
    *,
    kind: EvidenceKind = EvidenceKind.REFLECTIVE_ACCOUNT,
    criteria: tuple[int, ...] = (0,),
    who: str = "candidate",
    **changes: Any,
) -> str:
    """A draft mapped to the n-th criteria of the world; its code."""
    with database.write() as session:
        evidence = create_draft(
            session,
            world.actor(session, who),
            world.other_portfolio_code if who == "other_candidate" else world.portfolio_code,
            kind,
            fields(**changes),
            claims=[Claim(world.criterion_codes[n], f"Because of {n}.") for n in criteria],
        )
        return evidence.code


def hand_in(database: Database, world: World, code: str, who: str = "candidate") -> str:
    """Submit a draft; the code of the submission."""
    with database.write() as session:
        return submit_evidence(session, world.actor(session, who), code, declared=True).code


def store_bytes(store: BlobStore, content: bytes) -> StoredBlob:
    """A blob in the store."""
    with store.writer(10_000_000) as writer:
        writer.write(content)
        return writer.finish()


def attach(
    database: Database, world: World, store: BlobStore, code: str, name: str = "notes.txt",
    content: bytes = b"notes", who: str = "candidate", media_type: str = "text/plain",
) -> str:  # fmt: skip
    """A file on a draft; its code."""
    blob = store_bytes(store, content)
    with database.write() as session:
        upload = Upload(blob, name, media_type, media_type)
        return attach_file(session, world.actor(session, who), code, upload).code


def digest_shown(session: Session, world: World, code: str) -> str:
    """What the submit page would carry."""
    return content_digest(session, get_draft(session, world.actor(session, "candidate"), code).revision)


def status_of(database: Database, world: World, n: int) -> str:
    """The coverage of the n-th criterion in the first portfolio."""
    with database.read() as session:
        row = session.get_one(CoverageRow, (world.portfolio_id, world.criterion_ids[n]))
        return row.status.value


def sign(database: Database, world: World, unit: int = 0) -> None:
    """Close a unit of the first portfolio, as a sign-off would."""
    with database.write() as session:
        row = (
            session.query(PortfolioUnit)
            .filter_by(portfolio_id=world.portfolio_id, unit_id=world.unit_ids[unit])
            .one()
        )
        row.state = UnitState.SIGNED


def restrict(database: Database, world: World, name: str, unit: int) -> None:
    """Narrow the allocation of an assessor to one unit."""
    with database.write() as session:
        row = session.query(Allocation).filter_by(person_id=world.people[name]).one()
        row.unit_id = world.unit_ids[unit]
        assert row.role in (AllocationRole.ASSESSOR, AllocationRole.TRAINEE_ASSESSOR)


def item(database: Database, code: str) -> Evidence:
    """The row of an item."""
    with database.read() as session:
        return session.query(Evidence).filter_by(code=code).one()


def file_rows(database: Database) -> list[EvidenceFile]:
    """All files, in order."""
    with database.read() as session:
        return session.query(EvidenceFile).order_by(EvidenceFile.id).all()
