"""Which other kinds a draft may become: as long as nobody but its candidate has had to do with it."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.rules import EvidenceKind
from evidence.queries.items import Draft
from evidence.witness_models import WitnessRequest


def kinds_to_change(session: Session, draft: Draft) -> Sequence[EvidenceKind]:
    """All kinds when the candidate may still choose another; none after a submission, for what staff record, and
    when a witness was asked: what they were asked about would change under their hands."""
    evidence = draft.evidence
    if evidence.created_by_id != draft.portfolio.candidate_id or draft.revision.started_from is not None:
        return ()
    asked = select(WitnessRequest.id).where(WitnessRequest.evidence_id == evidence.id).limit(1)
    if evidence.kind is EvidenceKind.WITNESS_TESTIMONY and session.scalar(asked) is not None:
        return ()
    return tuple(EvidenceKind)
