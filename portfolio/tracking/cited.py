"""Who relies on stored bytes: the files, items and candidates that a blob belongs to, and what was decided on it."""

from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from assessors.models import Judgement
from evidence.models import Evidence, EvidenceFile, Mapping, Revision
from evidence.previews.models import Preview
from evidence.rules import reference
from evidence.witness_models import WitnessFile, WitnessRequest
from portfolio.people.models import Person
from portfolio.records.models import Portfolio


@dataclass(frozen=True, slots=True)
class Citation:
    """A file of an item whose bytes these are. All but `reference` ("E007") are codes, as in addresses.

    `decided`: somebody judged the revision that the file is part of. `preview`: the bytes only show the file;
    they can be made again.
    """

    file: str
    item: str
    reference: str
    portfolio: str
    candidate: str
    decided: bool
    preview: bool = False

    @property
    def words(self) -> str:
        """For a report."""
        what = "a preview of file" if self.preview else "file"
        end = "; a decision rests on it" if self.decided and not self.preview else ""
        return (
            f"{what} {self.file} of {self.reference} ({self.item}), candidate {self.candidate}, "
            f"portfolio {self.portfolio}{end}"
        )


def citations_of(session: Session, blob_id: int) -> list[Citation]:
    """Every file that has these bytes, oldest first; then recordings of witnesses; then files they only show."""
    own = _files(session, blob_id)
    shown = (
        select(Preview.blob_id).where(Preview.content_id == blob_id, Preview.blob_id != blob_id).distinct()
    )
    previews = [
        each for other in session.scalars(shown).all() for each in _files(session, other, preview=True)
    ]
    return [*own, *_of_witnesses(session, blob_id), *previews]


def _files(session: Session, blob_id: int, *, preview: bool = False) -> list[Citation]:
    judged = (
        exists()
        .where(Judgement.mapping_id == Mapping.id, Mapping.revision_id == EvidenceFile.revision_id)
        .correlate(EvidenceFile)
    )
    rows = session.execute(
        select(EvidenceFile.code, Evidence.code, Evidence.number, Portfolio.code, Person.code, judged)
        .join(Revision, Revision.id == EvidenceFile.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == Portfolio.candidate_id)
        .where(EvidenceFile.blob_id == blob_id)
        .order_by(EvidenceFile.id)
    )
    return [
        Citation(file, item, reference(number), portfolio, candidate, decided=bool(decided), preview=preview)
        for file, item, number, portfolio, candidate, decided in rows
    ]


def _of_witnesses(session: Session, blob_id: int) -> list[Citation]:
    rows = session.execute(
        select(WitnessFile.code, Evidence.code, Evidence.number, Portfolio.code, Person.code)
        .join(WitnessRequest, WitnessRequest.id == WitnessFile.request_id)
        .join(Evidence, Evidence.id == WitnessRequest.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == Portfolio.candidate_id)
        .where(WitnessFile.blob_id == blob_id)
        .order_by(WitnessFile.id)
    )
    return [
        Citation(file, item, reference(number), portfolio, candidate, decided=False)
        for file, item, number, portfolio, candidate in rows
    ]
