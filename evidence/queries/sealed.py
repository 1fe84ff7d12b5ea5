"""What the digests of revisions cover, read for one that is handed in, and for many that are checked."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from criteria.models import Node
from evidence.models import Blob, Evidence, EvidenceFile, Mapping, Revision
from evidence.rules import FileContent, MappingContent, RevisionContent, canonical_content, reference
from evidence.rules.timed_text import TimedTextForm
from evidence.sniff import Family, family
from evidence.timed_models import TimedText
from portfolio.core.log import digest_of
from portfolio.people.models import Site
from portfolio.records.models import Portfolio

_PLAYED = (Family.AUDIO, Family.VIDEO)


def revision_content(session: Session, revision: Revision) -> RevisionContent:
    """What the digest of a revision covers. Of a frozen one: the mappings it was submitted with, also
    those an assessor dropped since, and none that one added."""
    return contents_of(session, Revision.id == revision.id)[revision.id]


def content_digest(session: Session, revision: Revision) -> str:
    """The digest of what a revision says now (SHA-256, hexadecimal). For a frozen one it must equal
    `revision.digest`; `portfolio verify` compares them."""
    return digest_of(canonical_content(revision_content(session, revision)))


def content_digests(session: Session, *which: ColumnElement[bool]) -> dict[int, str]:
    """`content_digest` of all revisions that fit conditions on revisions and items, by id. Four queries."""
    return {
        revision_id: digest_of(canonical_content(content))
        for revision_id, content in contents_of(session, *which).items()
    }


def contents_of(session: Session, *which: ColumnElement[bool]) -> dict[int, RevisionContent]:
    """`revision_content` of all revisions that fit conditions on revisions and items, by id. Four queries."""
    files = _files(session, which)
    mappings = _mappings(session, which)
    rows = session.execute(
        select(Revision, Evidence, Portfolio.code, Site.code)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .outerjoin(Site, Site.id == Revision.site_id)
        .where(*which)
    )
    return {
        revision.id: RevisionContent(
            portfolio=portfolio_code,
            evidence=reference(evidence.number),
            number=revision.number,
            kind=evidence.kind,
            title=revision.title,
            text=revision.text,
            details=revision.details,
            occurred_on=revision.occurred_on,
            site=site_code,
            simulated=revision.simulated,
            rpl=revision.rpl,
            files=files.get(revision.id, ()),
            mappings=mappings.get(revision.id, ()),
        )
        for revision, evidence, portfolio_code, site_code in rows
    }


def _files(session: Session, which: Sequence[ColumnElement[bool]]) -> dict[int, list[FileContent]]:
    """By revision, in the order of the item."""
    captions = _captions(session, which)
    rows = session.execute(
        select(Revision, EvidenceFile, Blob)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(EvidenceFile, EvidenceFile.revision_id == Revision.id)
        .join(Blob, Blob.id == EvidenceFile.blob_id)
        .where(*which)
        .order_by(Revision.id, EvidenceFile.position, EvidenceFile.id)
    )
    found: dict[int, list[FileContent]] = {}
    for revision, file, blob in rows:
        said = captions.get((revision.evidence_id, blob.id), []) if family(blob.media_type) in _PLAYED else []
        newest = next((digest for number, digest in reversed(said) if number <= revision.number), "")
        content = FileContent(file.code, file.name, blob.sha256, blob.size_bytes, captions=newest)
        found.setdefault(revision.id, []).append(content)
    return found


def _captions(
    session: Session, which: Sequence[ColumnElement[bool]]
) -> dict[tuple[int, int], list[tuple[int, str]]]:
    """The author's captions by (item, content), in the order they were added: (number of the revision, digest).

    The digest is "" where they were taken off.
    """
    items = select(Revision.evidence_id).join(Evidence, Evidence.id == Revision.evidence_id).where(*which)
    rows = session.execute(
        select(Revision.evidence_id, EvidenceFile.blob_id, Revision.number, TimedText.form, TimedText.sha256)
        .join(EvidenceFile, EvidenceFile.revision_id == Revision.id)
        .join(TimedText, TimedText.file_id == EvidenceFile.id)
        .where(TimedText.added_later.is_(False), Revision.evidence_id.in_(items))
        .order_by(TimedText.id)
    )
    found: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for evidence_id, blob_id, number, form, sha256 in rows:
        said = "" if form is TimedTextForm.NONE else sha256
        found.setdefault((evidence_id, blob_id), []).append((number, said))
    return found


def _mappings(session: Session, which: Sequence[ColumnElement[bool]]) -> dict[int, list[MappingContent]]:
    rows = session.execute(
        select(Revision.frozen_at, Mapping, Node.code)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Mapping, Mapping.revision_id == Revision.id)
        .join(Node, Node.id == Mapping.criterion_id)
        .where(*which)
    )
    found: dict[int, list[MappingContent]] = {}
    for frozen_at, mapping, criterion in rows:
        if _is_submitted(mapping, frozen_at):
            content = MappingContent(criterion, mapping.reason, mapping.locators, mapping.range_items)
            found.setdefault(mapping.revision_id, []).append(content)
    return found


def _is_submitted(mapping: Mapping, frozen_at: datetime | None) -> bool:
    if frozen_at is None:
        return mapping.dropped_at is None
    is_dropped = mapping.dropped_at is not None and mapping.dropped_at < frozen_at
    return mapping.added_at <= frozen_at and not is_dropped
