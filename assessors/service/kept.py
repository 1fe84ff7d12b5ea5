"""The long form of a record, kept or finished: sent again, it overwrites nothing unless asked to."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.models import Review
from assessors.permissions import JUDGE
from assessors.service.recording import Recording
from assessors.service.records import keep_record, record_evidence
from assessors.service.shared import take_portfolio_by_code
from assessors.service.visits import Notes, keep_as_visit
from assessors.visit_models import Visit
from evidence.models import Evidence, Revision
from portfolio.core.actor import Actor
from portfolio.core.errors import Stale

_KEPT_ALREADY = (
    "From this page you kept something else before, or you wrote to it since. Nothing was overwritten."
)


@dataclass(frozen=True, slots=True)
class Form:
    """How a form was sent: the `digest` of all that stands in it, and the version of the draft it was drawn with."""

    digest: str
    known: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    item: Evidence
    version: int
    visit: Visit | None

    def is_of(self, form: Form) -> bool:
        """Whether this very form made it."""
        return self.visit is not None and self.visit.data.get("form") == form.digest

    @property
    def is_untouched(self) -> bool:
        """Whether nobody wrote to it since."""
        return self.visit is not None and self.visit.data.get("form_left") == self.version


class KeptAlready(Stale):
    """Something else is kept under the code of a form. `version` is what it stands at."""

    def __init__(self, code: str, version: int) -> None:
        super().__init__(_KEPT_ALREADY, evidence=code)
        self.code, self.version = code, version


def keep_form(
    session: Session,
    actor: Actor,
    portfolio_code: str,
    recording: Recording,
    form: Form,
    notes: Notes | None = None,
) -> Evidence:
    """Keep what is not finished yet: with `notes` as a visit, else as a record.

    The same form sent twice is kept once, whatever was written since. Raises KeptAlready when something else is kept
    under the code, at another version than the form knows; NotFound, Locked, Invalid (site).
    """
    kept = _kept(session, actor, portfolio_code, recording.code)
    if kept and kept.version != form.known:
        if kept.is_of(form):
            return kept.item
        raise KeptAlready(kept.item.code, kept.version)
    if notes is None:
        item = keep_record(session, actor, portfolio_code, recording)
    else:
        item = keep_as_visit(session, actor, portfolio_code, recording, notes)
    now = _kept(session, actor, portfolio_code, item.code)
    assert now is not None
    assert now.visit is not None  # both ways of keeping make the row
    now.visit.data = {**now.visit.data, "form": form.digest, "form_left": now.version}
    session.flush()
    return item


def record_form(
    session: Session, actor: Actor, portfolio_code: str, recording: Recording, form: Form
) -> Review:
    """`record_evidence`, and what it raises; KeptAlready as in `keep_form`, also where it was written to since."""
    kept = _kept(session, actor, portfolio_code, recording.code)
    if kept and kept.version != form.known and not (kept.is_of(form) and kept.is_untouched):
        raise KeptAlready(kept.item.code, kept.version)
    return record_evidence(session, actor, portfolio_code, recording)


def _kept(session: Session, actor: Actor, portfolio_code: str, code: str) -> _Kept | None:
    """The actor's draft under this code, with the portfolio locked: a second click finds what the first did."""
    take_portfolio_by_code(session, actor, portfolio_code, JUDGE)
    row = session.execute(
        select(Evidence, Revision.edit_version, Visit)
        .join(Revision, Revision.evidence_id == Evidence.id)
        .outerjoin(Visit, Visit.evidence_id == Evidence.id)
        .where(
            Evidence.code == code,
            Evidence.created_by_id == actor.person_id,
            Revision.frozen_at.is_(None),
        )
    ).first()
    if row is None:
        return None
    item, edit_version, visit = row
    return _Kept(item, edit_version + (visit.edit_version if visit else 0), visit)
