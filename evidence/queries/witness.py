"""Reads of witness testimony: what stands about it on pages, and what a witness's link leads to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from criteria.models import FrameworkVersion, Node, Qualification
from criteria.rules import EvidenceKind
from evidence.models import Blob, Evidence, Mapping, Revision
from evidence.queries.answers import newest_frozen
from evidence.queries.items import Item, get_evidence
from evidence.rules import EvidenceState, witness_confirmed
from evidence.rules.kinds import REQUEST_KEY
from evidence.rules.witness import Asks, RequestState, is_open, request_state
from evidence.witness_models import WitnessContact, WitnessFile, WitnessRequest
from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.errors import Locked, NotFound
from portfolio.core.ids import token_hash
from portfolio.people.models import Centre, Person, SingleUseLink
from portfolio.people.queries import usable_link
from portfolio.people.rules import LinkPurpose
from portfolio.records.models import Portfolio
from portfolio.records.rules import PortfolioState


@dataclass(frozen=True, slots=True)
class WitnessFileView:
    """A recording that came with a testimony."""

    code: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    blob_id: int


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request with who asked and where it stands."""

    row: WitnessRequest
    asked_by: str
    state: RequestState

    @property
    def is_open(self) -> bool:
        """Whether the witness can still answer."""
        return is_open(self.state)


@dataclass(frozen=True, slots=True)
class ContactView:
    """That an assessor spoke to the witness."""

    row: WitnessContact
    who: str


@dataclass(frozen=True, slots=True)
class TestimonyView:
    """What pages show beside a testimony. `requests` and `contacts` newest first.

    `confirmed` is the request by which the witness stands behind the revision shown; `on_paper`: the author
    says that there is a signed statement among the files.
    """

    requests: Sequence[RequestView]
    contacts: Sequence[ContactView]
    confirmed: RequestView | None
    on_paper: bool

    @property
    def open(self) -> RequestView | None:
        """The request that waits for the witness."""
        return next((each for each in self.requests if each.is_open), None)

    @property
    def is_confirmed(self) -> bool:
        """Whether it counts as confirmed."""
        return self.confirmed is not None or self.on_paper


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """What a witness's link leads to."""

    row: WitnessRequest
    evidence: Evidence
    revision: Revision
    portfolio: Portfolio
    candidate: Person
    centre: Centre
    qualification: str
    asked_by: str  # "" when the candidate asks
    asks: Asks

    @property
    def shown(self) -> str:
        """What the page was drawn for: a form carries it, so that an overtaken one is noticed."""
        return f"{self.asks.value}:{(self.revision.digest or '')[:16]}"


def get_testimony_item(session: Session, actor: Actor, code: str) -> Item:
    """A witness testimony that the actor may see. Raises NotFound; Locked for every other kind."""
    item = get_evidence(session, actor, code)
    if item.evidence.kind is not EvidenceKind.WITNESS_TESTIMONY:
        raise Locked("Only a witness testimony has a witness to ask.")
    return item


def revision_to_confirm(session: Session, item: Item) -> Revision:
    """What a witness would be asked about: the author's draft, else what was handed in last, else
    the draft that the actor may read."""
    draft = None
    if (item.is_author or item.sees_draft) and item.evidence.state is EvidenceState.DRAFT:
        draft = session.scalars(
            select(Revision).where(Revision.evidence_id == item.evidence.id, Revision.frozen_at.is_(None))
        ).one_or_none()
    revision = (draft if item.is_author else None) or newest_frozen(session, item.evidence.id) or draft
    if revision is None:
        raise Locked("This testimony was withdrawn. Bring it back, then ask the witness.")
    return revision


def testimony_view(session: Session, evidence: Evidence, revision: Revision) -> TestimonyView | None:
    """What stands about the testimony of an item the caller has authorised; None for every other kind."""
    if evidence.kind is not EvidenceKind.WITNESS_TESTIMONY:
        return None
    now = clock.now()
    rows = session.execute(
        select(WitnessRequest, Person.name)
        .join(Person, Person.id == WitnessRequest.asked_by_id)
        .where(WitnessRequest.evidence_id == evidence.id)
        .order_by(WitnessRequest.id.desc())
        .limit(50)
    )
    requests = [RequestView(row, name, request_state(row.times, now)) for row, name in rows]
    contacts = session.execute(
        select(WitnessContact, Person.name)
        .join(Person, Person.id == WitnessContact.person_id)
        .where(WitnessContact.evidence_id == evidence.id)
        .order_by(WitnessContact.id.desc())
        .limit(50)
    )
    confirmed = next((each for each in requests if _confirms(each.row, revision)), None)
    return TestimonyView(
        requests,
        [ContactView(row, name) for row, name in contacts],
        confirmed,
        on_paper=confirmed is None and bool(witness_confirmed(evidence.kind, revision.details)),
    )


def _confirms(row: WitnessRequest, revision: Revision) -> bool:
    if row.confirmed_at is None:
        return False
    named = revision.details.get(REQUEST_KEY) == row.code
    return named or (row.revision_id == revision.id and row.set_aside_at is None)


def confirmed_request(session: Session, revision: Revision) -> WitnessRequest | None:
    """The request by which a witness stands behind a revision; None when there is none."""
    rows = session.scalars(
        select(WitnessRequest)
        .where(
            WitnessRequest.confirmed_at.is_not(None),
            or_(
                WitnessRequest.revision_id == revision.id,
                WitnessRequest.code == str(revision.details.get(REQUEST_KEY) or ""),
            ),
        )
        .order_by(WitnessRequest.id.desc())
    )
    return next((row for row in rows if _confirms(row, revision)), None)


def confirmed_revisions(session: Session, revision_ids: Collection[int]) -> set[int]:
    """Those of the revisions that a witness confirmed as they stand. One query, none for no revisions."""
    if not revision_ids:
        return set()
    found = session.scalars(
        select(WitnessRequest.revision_id).where(
            WitnessRequest.revision_id.in_(revision_ids),
            WitnessRequest.confirmed_at.is_not(None),
            WitnessRequest.set_aside_at.is_(None),
        )
    )
    return {revision_id for revision_id in found if revision_id is not None}


def open_request(session: Session, token: str, *, for_update: bool = False) -> OpenRequest:
    """What a witness's link leads to while it can be answered.

    Raises NotFound, and always the same, when the link is unknown, has expired or was answered or cancelled,
    or when the item or the portfolio takes nothing any more.
    """
    link = usable_link(session, LinkPurpose.WITNESS, token)
    row = request_by_code(session, link.subject, for_update=for_update) if link else None
    found = about_request(session, row) if row and is_open(request_state(row.times, clock.now())) else None
    if found is None:
        raise NotFound("This link does not work any more.")
    return found


def about_request(session: Session, row: WitnessRequest) -> OpenRequest | None:
    """A request with what it is about; None when the draft was discarded or withdrawn, or the portfolio closed."""
    found = session.execute(
        select(Evidence, Revision, Portfolio, Person, Centre, Qualification.title)
        .select_from(Evidence)
        .join(Revision, Revision.id == row.revision_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == Portfolio.candidate_id)
        .join(Centre, Centre.id == Portfolio.centre_id)
        .join(FrameworkVersion, FrameworkVersion.id == Portfolio.version_id)
        .join(Qualification, Qualification.id == FrameworkVersion.qualification_id)
        .where(Evidence.id == row.evidence_id)
    ).one_or_none()
    if found is None:
        return None
    evidence, revision, portfolio, candidate, centre, title = found
    if evidence.state is EvidenceState.WITHDRAWN or portfolio.state is not PortfolioState.ACTIVE:
        return None
    asker = "" if row.asked_by_id == candidate.id else session.get_one(Person, row.asked_by_id).name
    asks = Asks.WRITE if revision.frozen_at is None else Asks.CONFIRM
    return OpenRequest(row, evidence, revision, portfolio, candidate, centre, title, asker, asks)


def answered_request(session: Session, token: str) -> WitnessRequest | None:
    """The request behind a link that was answered through it; for a second click. None for any other link."""
    subject = session.scalar(
        select(SingleUseLink.subject).where(
            SingleUseLink.token_hash == token_hash(token), SingleUseLink.purpose == LinkPurpose.WITNESS
        )
    )
    row = request_by_code(session, subject) if subject else None
    return row if row is not None and (row.confirmed_at or row.declined_at) else None


def request_by_code(session: Session, code: str, *, for_update: bool = False) -> WitnessRequest | None:
    """The request of this code. With `for_update` the row stays locked until the transaction ends."""
    query = select(WitnessRequest).where(WitnessRequest.code == code)
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def newest_request(session: Session, evidence_id: int, *, for_update: bool = False) -> WitnessRequest | None:
    """The request that was made last about an item."""
    query = (
        select(WitnessRequest)
        .where(WitnessRequest.evidence_id == evidence_id)
        .order_by(WitnessRequest.id.desc())
        .limit(1)
    )
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def asked_lately(session: Session, person_id: int, within: timedelta) -> int:
    """How many witnesses a person has asked in the time until now."""
    since = clock.now() - within
    query = select(func.count()).where(
        WitnessRequest.asked_by_id == person_id, WitnessRequest.asked_at > since
    )
    return session.scalar(query) or 0


def witness_files(session: Session, request_id: int) -> list[WitnessFileView]:
    """The recordings that came with a request, in the order of arrival."""
    rows = session.execute(
        select(WitnessFile, Blob)
        .join(Blob, Blob.id == WitnessFile.blob_id)
        .where(WitnessFile.request_id == request_id)
        .order_by(WitnessFile.id)
    )
    return [
        WitnessFileView(file.code, file.name, blob.media_type, blob.size_bytes, blob.sha256, blob.id)
        for file, blob in rows
    ]


def criteria_to_name(session: Session, revision: Revision) -> list[dict[str, Any]]:
    """The criteria that a revision is mapped to, as a witness is shown them: code, ref, unit, text."""
    unit = Node.__table__.alias("unit")
    rows = session.execute(
        select(Node.code, Node.ref, unit.c.text, Node.text)
        .join(Mapping, Mapping.criterion_id == Node.id)
        .join(unit, unit.c.id == Node.unit_id)
        .where(Mapping.revision_id == revision.id, Mapping.dropped_at.is_(None))
        .order_by(Node.position)
    )
    return [{"code": code, "ref": ref, "unit": title, "text": text} for code, ref, title, text in rows]


def requests_due(session: Session, now: datetime, limit: int = 100) -> Sequence[int]:
    """Ids of open requests whose reminder is due or whose time has run out."""
    query = (
        select(WitnessRequest.id)
        .where(
            WitnessRequest.closed_at.is_(None),
            or_(WitnessRequest.next_reminder_at <= now, WitnessRequest.expires_at <= now),
        )
        .order_by(WitnessRequest.id)
        .limit(limit)
    )
    return session.scalars(query).all()
