"""Drafts: beginning an item, saving it without overwriting another tab, withdrawing and bringing back."""

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from criteria.rules import EvidenceKind
from evidence.models import Evidence, Mapping, Revision
from evidence.permissions import EVIDENCE_WRITE
from evidence.queries import check_open, get_draft, get_own_item, is_author, lock_draft, newest_frozen
from evidence.rules import (
    ASSESSOR_BEGINS,
    ASSESSOR_KINDS,
    RPL_NAMES,
    EvidenceState,
    Step,
    next_state,
    reference,
)
from evidence.service.confirmed import refuse_changed_testimony
from evidence.service.mappings import Claim, check_claims, write_claims
from evidence.service.versions import keep_version
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, NotFound, Stale
from portfolio.core.touched import touch_criteria
from portfolio.people.models import Site
from portfolio.records.models import Portfolio
from portfolio.records.permissions import ASSESSING
from portfolio.records.queries import get_portfolio


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftFields:
    """What a draft says beside files and mappings. `details` as in `evidence.rules.FIELDS`; `site_code` ""
    for none."""

    title: str = ""
    text: str = ""
    details: Dict[str, Any] = field(default_factory=dict)
    occurred_on: date | None = None
    site_code: str = ""
    simulated: bool = False
    rpl: bool = False


def create_draft(
    session: Session,
    actor: Actor,
    portfolio_code: str,
    kind: EvidenceKind,
    fields: DraftFields | None = None,
    *,
    claims: Sequence[Claim] = (),
    code: str | None = None,
) -> Evidence:
    """Begin an item with the next reference of the portfolio, and map it to `claims`.

    `code`, proposed by the page, makes a second click harmless: the item of the first one comes back.
    An assessor begins what assessors may (`ASSESSOR_BEGINS`), and records in their own name.
    Raises NotFound (not the actor's to write), Locked (portfolio closed, unit signed), Invalid (kind,
    criteria, site).
    """
    portfolio = get_portfolio(session, actor, portfolio_code, EVIDENCE_WRITE)
    check_open(portfolio)
    _check_kind(actor, kind)
    if known := _already_begun(session, actor, portfolio, code):
        return known
    fields = fields or DraftFields()
    site_id = _site_id(session, portfolio, fields.site_code)
    check_claims(session, actor, portfolio, claims)
    now = clock.now()
    evidence = Evidence(
        code=code or ids.new_code(),
        portfolio_id=portfolio.id,
        number=_next_number(session, portfolio),
        kind=kind,
        title=fields.title,
        created_by_id=actor.person_id,
        created_at=now,
    )
    session.add(evidence)
    session.flush()
    revision = Revision(code=ids.new_code(), evidence_id=evidence.id, number=1, created_at=now, saved_at=now)
    _fill(revision, fields, _details(actor, kind, fields), site_id)
    session.add(revision)
    session.flush()
    log.append(
        session,
        actor,
        log.Stream.portfolio(portfolio.code),
        "evidence.created",
        evidence.code,
        {"reference": reference(evidence.number), "kind": kind.value},
    )
    if claims:
        write_claims(session, actor, get_draft(session, actor, evidence.code), claims)
    portfolio.last_activity_at = now
    session.flush()
    return evidence


def save_draft(
    session: Session,
    actor: Actor,
    code: str,
    fields: DraftFields,
    edit_version: int,
    *,
    automatic: bool = False,
) -> Revision:
    """Save what a draft says; `edit_version` is the one the page was drawn with, `automatic` says that it
    was saved in the background. The text of a reflective account is kept as a version.

    Saving what already stands there changes nothing and never fails, so a second click or a late autosave
    is harmless. What a witness confirmed stays as it is. Raises Stale when somebody saved something else since
    (`data["edit_version"]` is the newest one; nothing is overwritten), NotFound, Locked (also for another text
    than the confirmed one), or Invalid (site).
    """
    draft = get_draft(session, actor, code, for_update=True)
    revision, evidence = draft.revision, draft.evidence
    site_id = _site_id(session, draft.portfolio, fields.site_code, revision.site_id)
    fields = _with_testimony(session, revision, fields)
    details = _details(actor, evidence.kind, fields)
    wanted = (
        fields.title, fields.text, details, fields.occurred_on, site_id, fields.simulated, fields.rpl,
    )  # fmt: skip
    if wanted == _said(revision):
        return revision
    if revision.edit_version != edit_version:
        raise overtaken(revision)
    counted = _said(revision)[2:]
    before, before_at = revision.text, revision.saved_at
    _fill(revision, fields, details, site_id)
    revision.edit_version += 1
    revision.saved_at = draft.portfolio.last_activity_at = clock.now()
    if revision.started_from is None:  # others read the title of what was handed in
        evidence.title = fields.title
    if evidence.kind is EvidenceKind.REFLECTIVE_ACCOUNT and before != revision.text:
        keep_version(session, actor, revision, before, before_at, automatic=automatic)
    if _said(revision)[2:] != counted:
        _touch(session, draft.portfolio, revision)
    session.flush()
    return revision


def overtaken(revision: Revision) -> Stale:
    """The refusal of what was typed into a page from before the draft was changed."""
    return Stale(
        "This draft was changed in another window since you opened it. Nothing was overwritten: both "
        "versions are shown.",
        edit_version=revision.edit_version,
    )


def withdraw_draft(session: Session, actor: Actor, code: str) -> Evidence:
    """Take back an item that was never submitted; `restore_draft` undoes it. Withdrawing twice is once.

    Raises NotFound, or Locked when it is no draft or was submitted before.
    """
    item = get_own_item(session, actor, code)
    lock_draft(session, item)
    evidence = item.evidence
    if evidence.state is EvidenceState.WITHDRAWN:
        return evidence
    check_open(item.portfolio)
    submitted = newest_frozen(session, evidence.id) is not None
    evidence.state = next_state(evidence.state, Step.WITHDRAW, ever_submitted=submitted)
    evidence.withdrawn_at = clock.now()
    _record(session, actor, item.portfolio, evidence, "evidence.withdrawn")
    return evidence


def restore_draft(session: Session, actor: Actor, code: str) -> Evidence:
    """Bring back a withdrawn item as the draft it was. Twice is once. Raises NotFound or Locked."""
    item = get_own_item(session, actor, code)
    lock_draft(session, item)
    evidence = item.evidence
    if evidence.state is EvidenceState.DRAFT:
        return evidence
    check_open(item.portfolio)
    evidence.state = next_state(evidence.state, Step.RESTORE)
    evidence.withdrawn_at = None
    _record(session, actor, item.portfolio, evidence, "evidence.restored")
    return evidence


def _record(session: Session, actor: Actor, portfolio: Portfolio, evidence: Evidence, action: str) -> None:
    data = {"reference": reference(evidence.number)}
    log.append(session, actor, log.Stream.portfolio(portfolio.code), action, evidence.code, data)
    draft = session.scalars(
        select(Revision).where(Revision.evidence_id == evidence.id, Revision.frozen_at.is_(None))
    ).one()
    _touch(session, portfolio, draft)
    session.flush()


def _touch(session: Session, portfolio: Portfolio, revision: Revision) -> None:
    touch_criteria(
        session,
        portfolio.id,
        session.scalars(select(Mapping.criterion_id).where(Mapping.revision_id == revision.id)),
    )


def _check_kind(actor: Actor, kind: EvidenceKind) -> None:
    if actor.role in ASSESSING and kind not in ASSESSOR_BEGINS:
        raise Invalid(
            "The candidate adds this kind of evidence. Nothing was saved.",
            {
                "kind": "Choose an observation, questioning, a discussion, something seen where it is kept, "
                "or a testimony to ask a witness for."
            },
        )


def _already_begun(session: Session, actor: Actor, portfolio: Portfolio, code: str | None) -> Evidence | None:
    if code is None:
        return None
    if len(code) > 20 or not set(code) <= set(ids.ALPHABET) or len(code) < 8:
        raise NotFound()
    known = session.scalars(select(Evidence).where(Evidence.code == code)).one_or_none()
    if known is not None and not (known.portfolio_id == portfolio.id and is_author(actor, known, portfolio)):
        raise NotFound()
    return known


def _next_number(session: Session, portfolio: Portfolio) -> int:
    """The next reference; the row is locked by the update, so two items never share one."""
    number = session.scalar(
        update(Portfolio)
        .where(Portfolio.id == portfolio.id)
        .values(last_evidence_number=Portfolio.last_evidence_number + 1)
        .returning(Portfolio.last_evidence_number)
        .execution_options(synchronize_session=False)
    )
    assert number is not None
    session.expire(portfolio, ["last_evidence_number"])
    return number


def _site_id(session: Session, portfolio: Portfolio, code: str, kept_id: int | None = None) -> int | None:
    """The site's id. An archived one is refused unless the draft has it already."""
    if not code:
        return None
    site = session.scalars(
        select(Site).where(Site.code == code, Site.centre_id == portfolio.centre_id)
    ).one_or_none()
    if site is None or (site.archived_at is not None and site.id != kept_id):
        raise Invalid("Some answers need another look.", {"site": "Choose one of the sites listed."})
    return site.id


def _details(actor: Actor, kind: EvidenceKind, fields: DraftFields) -> dict[str, Any]:
    """The details to store: without empty ones; what an assessor records stands in their own name."""
    details = {name: value for name, value in fields.details.items() if value}
    if actor.role in ASSESSING and kind in ASSESSOR_KINDS:
        details["seen_by" if kind is EvidenceKind.IN_SITU else "assessor"] = actor.name
    return details


def _with_testimony(session: Session, revision: Revision, fields: DraftFields) -> DraftFields:
    """The fields with those that a witness confirmed as they are. Raises Locked when they would change."""
    said = {"text": fields.text, "occurred_on": fields.occurred_on, **fields.details}
    kept = refuse_changed_testimony(session, revision, said)
    if not kept:
        return fields
    details = {name: value for name, value in kept.items() if name not in ("text", "occurred_on")}
    details |= {name: fields.details.get(name, "") for name in RPL_NAMES}
    return replace(fields, text=kept["text"], occurred_on=kept["occurred_on"], details=details)


def _fill(revision: Revision, fields: DraftFields, details: dict[str, Any], site_id: int | None) -> None:
    revision.title, revision.text, revision.details = fields.title, fields.text, details
    revision.occurred_on, revision.site_id = fields.occurred_on, site_id
    revision.simulated, revision.rpl = fields.simulated, fields.rpl


def _said(revision: Revision) -> tuple[Any, ...]:
    return (
        revision.title, revision.text, revision.details, revision.occurred_on, revision.site_id,
        revision.simulated, revision.rpl,
    )  # fmt: skip
