"""Reads of single items, revisions and files: loaded and authorised together.

What was submitted is visible to whoever may see the portfolio. A draft is visible to its author only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.rules import EvidenceKind
from evidence.models import Blob, Evidence, EvidenceFile, Revision, Submission
from evidence.permissions import EVIDENCE_OWN, EVIDENCE_VIEW, EVIDENCE_WRITE, is_external
from evidence.queries.confidential import newest_mark
from evidence.rules import EvidenceState, reference, state_word
from evidence.rules.keeping import Quarantined, ScanState
from evidence.storage_models import BlobScan
from portfolio.core.actor import Actor
from portfolio.core.errors import Locked, NotFound
from portfolio.records.models import Portfolio
from portfolio.records.queries import get_portfolio_by_id
from portfolio.records.rules import PortfolioState


@dataclass(frozen=True, slots=True)
class Item:
    """An item with its portfolio. `is_author`: the actor wrote it and may still change drafts of it.
    `sees_draft`: also who reads the draft without changing it."""

    evidence: Evidence
    portfolio: Portfolio
    is_author: bool
    sees_draft: bool = False

    @property
    def reference(self) -> str:
        """Such as "E007"."""
        return reference(self.evidence.number)


@dataclass(frozen=True, slots=True)
class Draft:
    """The draft revision of an item, for its author."""

    evidence: Evidence
    revision: Revision
    portfolio: Portfolio

    @property
    def reference(self) -> str:
        """Such as "E007"."""
        return reference(self.evidence.number)


@dataclass(frozen=True, slots=True)
class FileFound:
    """A file that the actor may see, with its bytes' whereabouts."""

    file: EvidenceFile
    blob: Blob


def get_evidence(session: Session, actor: Actor, code: str) -> Item:
    """The item of this code. Raises NotFound when it is absent, not the actor's to see, was never submitted and
    somebody else writes it, or is held back from external eyes."""
    evidence = session.scalars(select(Evidence).where(Evidence.code == code)).one_or_none()
    if evidence is None:
        raise NotFound()
    portfolio = get_portfolio_by_id(session, actor, evidence.portfolio_id, EVIDENCE_VIEW)
    refuse_external(session, actor, evidence.id)
    item = Item(
        evidence, portfolio, is_author(actor, evidence, portfolio), sees_draft(actor, evidence, portfolio)
    )
    if not item.sees_draft and not visible_revisions(session, item):
        raise NotFound()
    return item


def refuse_external(session: Session, actor: Actor, evidence_id: int) -> None:
    """Raise NotFound when the actor looks from outside, and the item is held back as confidential."""
    if is_external(actor) and (mark := newest_mark(session, evidence_id)) is not None and mark.held_back:
        raise NotFound()


def is_author(actor: Actor, evidence: Evidence, portfolio: Portfolio) -> bool:
    """Whether the actor wrote the item, and is still who may write in this portfolio."""
    return evidence.created_by_id == actor.person_id and EVIDENCE_WRITE.allows(actor, portfolio)


def sees_draft(actor: Actor, evidence: Evidence, portfolio: Portfolio) -> bool:
    """Whether the actor may see what is not yet submitted: its author, and the candidate of whom an assessor asks
    a witness."""
    asked_about = evidence.kind is EvidenceKind.WITNESS_TESTIMONY and EVIDENCE_OWN.allows(actor, portfolio)
    return asked_about or is_author(actor, evidence, portfolio)


def visible_revisions(session: Session, item: Item) -> Sequence[Revision]:
    """The revisions that the actor may see, newest first."""
    query = select(Revision).where(Revision.evidence_id == item.evidence.id)
    if not (item.is_author or item.sees_draft):
        query = query.where(Revision.frozen_at.is_not(None))
    return session.scalars(query.order_by(Revision.number.desc())).all()


def get_revision(
    session: Session, actor: Actor, code: str, number: int | None = None
) -> tuple[Item, Revision]:
    """The item with its newest visible revision, or the one of this number. Raises NotFound."""
    item = get_evidence(session, actor, code)
    for revision in visible_revisions(session, item):
        if number is None or revision.number == number:
            return item, revision
    raise NotFound()


def get_own_item(session: Session, actor: Actor, code: str) -> Item:
    """The item of this code, for its author. Raises NotFound for everybody else."""
    item = get_evidence(session, actor, code)
    if not item.is_author:
        raise NotFound()
    return item


def get_draft(session: Session, actor: Actor, code: str, *, for_update: bool = False) -> Draft:
    """The draft of an item, for its author.

    Raises NotFound for everybody else; Locked (with `state`) when there is no draft to change, or when the
    portfolio is closed. With `for_update` the row stays locked until the transaction ends.
    """
    item = get_own_item(session, actor, code)
    check_open(item.portfolio)
    if for_update:
        lock_draft(session, item)
    if item.evidence.state is EvidenceState.WITHDRAWN:
        raise Locked("This item was withdrawn. Bring it back to change it.", state=item.evidence.state)
    query = select(Revision).where(Revision.evidence_id == item.evidence.id, Revision.frozen_at.is_(None))
    if for_update:
        query = query.execution_options(populate_existing=True)
    revision = session.scalars(query).one_or_none()
    if revision is None:
        word = state_word(item.evidence.state).lower()
        raise Locked(
            f"{item.reference} is {word}, so what it says is frozen. Nothing was changed.",
            state=item.evidence.state,
        )
    return Draft(item.evidence, revision, item.portfolio)


def lock_draft(session: Session, item: Item) -> None:
    """Wait for whoever changes the item's draft or takes it back, and see the item as they left it."""
    draft = select(Revision.id).where(Revision.evidence_id == item.evidence.id, Revision.frozen_at.is_(None))
    session.execute(draft.with_for_update())
    session.refresh(item.evidence)


def check_open(portfolio: Portfolio) -> None:
    """Raise Locked when nothing may be added to the portfolio any more."""
    if portfolio.state is not PortfolioState.ACTIVE:
        raise Locked(f"This portfolio is {portfolio.state.value}. It can be read, not changed.")


def get_file(session: Session, actor: Actor, code: str, *, even_infected: bool = False) -> FileFound:
    """The file of this code, by the rights to the revision it belongs to.

    Raises NotFound; Quarantined for an infected one, unless only what is known about it is asked for.
    """
    row = session.execute(
        select(EvidenceFile, Blob, Revision, Evidence, BlobScan)
        .outerjoin(BlobScan, BlobScan.blob_id == EvidenceFile.blob_id)
        .join(Blob, Blob.id == EvidenceFile.blob_id)
        .join(Revision, Revision.id == EvidenceFile.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .where(EvidenceFile.code == code)
    ).one_or_none()
    if row is None:
        raise NotFound()
    file, blob, revision, evidence, scan = row
    portfolio = get_portfolio_by_id(session, actor, evidence.portfolio_id, EVIDENCE_VIEW)
    refuse_external(session, actor, evidence.id)
    if revision.frozen_at is None and not sees_draft(actor, evidence, portfolio):
        raise NotFound()
    if scan is not None and scan.state is ScanState.INFECTED and not even_infected:
        raise Quarantined(f"This file is kept back: the virus scan found {scan.found}. Nobody can open it.")
    return FileFound(file, blob)


def submissions_of(session: Session, evidence_id: int) -> dict[int, Submission]:
    """The submissions of an item by revision id."""
    rows = session.scalars(
        select(Submission)
        .join(Revision, Revision.id == Submission.revision_id)
        .where(Revision.evidence_id == evidence_id)
    )
    return {row.revision_id: row for row in rows}
