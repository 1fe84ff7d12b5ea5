"""What candidates and centres keep, and how much more may come: stored files, each content once per person, captions
and transcripts, those that are being written too, and uploads on their way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Integer, LargeBinary, Select, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from evidence.models import Blob, Evidence, EvidenceFile, Revision, Upload
from evidence.rules.keeping import Room
from evidence.rules.tus import UploadState
from evidence.storage_models import CandidateStorage, CentreLimit
from evidence.timed_models import TimedText, TranscriptDraft
from evidence.witness_models import WitnessFile, WitnessRequest
from portfolio.core import clock
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import NotFound
from portfolio.people.models import Centre, Membership, Person
from portfolio.people.queries import manager_ids
from portfolio.records.models import Portfolio

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Whose:
    """A candidate in a centre."""

    centre_id: int
    person_id: int

    @classmethod
    def of(cls, portfolio: Portfolio) -> "Whose":
        """The one whose portfolio it is."""
        return cls(portfolio.centre_id, portfolio.candidate_id)


@dataclass(frozen=True, slots=True)
class Limits:
    """In bytes; None: no limit. `own` is the candidate's, be it theirs alone or that of all candidates."""

    own: int | None
    centre: int | None


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A candidate in the manager's list. `own_limit`: one that differs from the centre's for all."""

    code: str
    name: str
    room: Room
    own_limit: int | None


@dataclass(frozen=True, slots=True)
class CandidatePage:
    """One page of candidates, those who keep most first."""

    rows: Sequence[CandidateRow]
    page: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class CentreRow:
    """A centre in the operator's list."""

    code: str
    name: str
    room: Room


def limits_of(session: Session, whose: Whose) -> Limits:
    """What holds for a candidate and for their centre."""
    centre = session.get(CentreLimit, whose.centre_id)
    own = session.get(CandidateStorage, (whose.centre_id, whose.person_id))
    alone = own.max_bytes if own else None
    everyone = centre.candidate_max_bytes if centre else None
    return Limits(everyone if alone is None else alone, centre.max_bytes if centre else None)


def stored_bytes(session: Session, whose: Whose) -> int:
    """Bytes of all files in the candidate's portfolios of this centre, each content once, drafts included; of every
    version of captions and transcripts beside them, whoever added it, as they were sent or typed; and of transcripts
    that somebody is still writing."""
    files = select(func.coalesce(func.sum(Blob.size_bytes), 0)).where(Blob.id.in_(_blobs_of(whose)))
    texts = (
        select(func.coalesce(func.sum(TimedText.size_bytes), 0))
        .join(EvidenceFile, EvidenceFile.id == TimedText.file_id)
        .where(EvidenceFile.revision_id.in_(_revisions_of(whose)))
    )
    unfinished = (
        select(func.coalesce(func.sum(_utf8_bytes(session, TranscriptDraft.text)), 0))
        .join(EvidenceFile, EvidenceFile.id == TranscriptDraft.file_id)
        .where(EvidenceFile.revision_id.in_(_revisions_of(whose)))
    )
    return sum(int(session.scalar(query) or 0) for query in (files, texts, unfinished))


def holds(session: Session, whose: Whose, sha256: str) -> bool:
    """Whether the candidate keeps this content already, so that it costs nothing more."""
    query = select(Blob.id).where(Blob.sha256 == sha256, Blob.id.in_(_blobs_of(whose))).limit(1)
    return session.scalar(query) is not None


def arriving_bytes(session: Session, centre_id: int, now: datetime, person_id: int | None = None) -> int:
    """Announced bytes of unfinished uploads for a centre's candidates, or for one of them, whoever sends them."""
    query = (
        select(func.coalesce(func.sum(Upload.length_bytes), 0))
        .join(Evidence, Evidence.id == Upload.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .where(Upload.state == UploadState.OPEN, Upload.expires_at > now, Portfolio.centre_id == centre_id)
    )
    if person_id is not None:
        query = query.where(Portfolio.candidate_id == person_id)
    return int(session.scalar(query) or 0)


def candidate_room(session: Session, whose: Whose, limit: int | None) -> Room:
    """What a candidate uses of a limit; counted exactly, at a cost that grows with what they keep."""
    arriving = arriving_bytes(session, whose.centre_id, clock.now(), whose.person_id)
    return Room(stored_bytes(session, whose) + arriving, limit)


def centre_room(session: Session, centre_id: int, limit: int | None) -> Room:
    """What a centre uses of a limit: the sum of what was counted for its candidates."""
    kept = select(func.coalesce(func.sum(CandidateStorage.used_bytes), 0)).where(
        CandidateStorage.centre_id == centre_id
    )
    return Room(int(session.scalar(kept) or 0) + arriving_bytes(session, centre_id, clock.now()), limit)


def room_shown(session: Session, portfolio: Portfolio) -> Room | None:
    """The candidate's room, when it is nearly used up; None otherwise."""
    limit = limits_of(session, Whose.of(portfolio)).own
    if limit is None:
        return None
    room = candidate_room(session, Whose.of(portfolio), limit)
    return room if room.is_nearly_full else None


def managers_of(session: Session, centre_id: int) -> list[str]:
    """The names of those who manage a centre today, in order of name."""
    managers = manager_ids(session, centre_id)
    return list(session.scalars(select(Person.name).where(Person.id.in_(managers)).order_by(Person.name)))


def get_candidate(session: Session, actor: Actor, code: str) -> Person:
    """A person who is or was a candidate of the actor's centre. Raises NotFound."""
    member = select(Membership.person_id).where(
        Membership.centre_id == actor.centre_id, Membership.role == Role.CANDIDATE
    )
    person = session.scalars(select(Person).where(Person.code == code, Person.id.in_(member))).one_or_none()
    if person is None:
        raise NotFound()
    return person


def candidates_by_use(session: Session, actor: Actor, page: int) -> CandidatePage:
    """A page (from 1) of the centre's candidates who keep files or have a limit of their own, most first.

    Stored files only; what is on its way counts when more comes.
    """
    centre = session.get(CentreLimit, actor.centre_id)
    everyone = centre.candidate_max_bytes if centre else None
    found = session.execute(
        select(Person.code, Person.name, CandidateStorage.used_bytes, CandidateStorage.max_bytes)
        .join(CandidateStorage, CandidateStorage.person_id == Person.id)
        .where(CandidateStorage.centre_id == actor.centre_id)
        .order_by(CandidateStorage.used_bytes.desc(), Person.id)
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE + 1)
    )
    rows = [
        CandidateRow(code, name, Room(used, everyone if own is None else own), own)
        for code, name, used, own in found
    ]
    return CandidatePage(rows[:PAGE_SIZE], page, len(rows) > PAGE_SIZE)


def centres_by_use(session: Session) -> list[CentreRow]:
    """All centres with what they use, in order of name; at most 1,000."""
    used = (
        select(CandidateStorage.centre_id, func.sum(CandidateStorage.used_bytes).label("used"))
        .group_by(CandidateStorage.centre_id)
        .subquery()
    )
    found = session.execute(
        select(Centre.code, Centre.name, func.coalesce(used.c.used, 0), CentreLimit.max_bytes)
        .outerjoin(used, used.c.centre_id == Centre.id)
        .outerjoin(CentreLimit, CentreLimit.centre_id == Centre.id)
        .order_by(Centre.name, Centre.id)
        .limit(1000)
    )
    return [CentreRow(code, name, Room(int(kept), limit)) for code, name, kept, limit in found]


def _utf8_bytes(session: Session, text: InstrumentedAttribute[str]) -> ColumnElement[int]:
    """The length of a text as it is stored. SQLite has octet_length from 3.43 on only."""
    if session.get_bind().dialect.name == "sqlite":
        return func.length(cast(text, LargeBinary), type_=Integer)
    return func.octet_length(text, type_=Integer)


def _items_of(whose: Whose) -> Select[int]:
    portfolios = select(Portfolio.id).where(
        Portfolio.candidate_id == whose.person_id, Portfolio.centre_id == whose.centre_id
    )
    return select(Evidence.id).where(Evidence.portfolio_id.in_(portfolios))


def _revisions_of(whose: Whose) -> Select[int]:
    return select(Revision.id).where(Revision.evidence_id.in_(_items_of(whose)))


def _blobs_of(whose: Whose) -> Select[int]:
    files = select(EvidenceFile.blob_id).where(EvidenceFile.revision_id.in_(_revisions_of(whose)))
    requests = select(WitnessRequest.id).where(WitnessRequest.evidence_id.in_(_items_of(whose)))
    recordings = select(WitnessFile.blob_id).where(WitnessFile.request_id.in_(requests))
    both = files.union_all(recordings).subquery()
    return select(both.c.blob_id)
