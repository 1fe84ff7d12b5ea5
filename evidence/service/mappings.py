"""Mappings: what an item is said to show, while it is a draft; and an assessor's corrections afterwards."""

from collections.abc import Collection, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import Node
from criteria.queries import range_by_criterion
from evidence.models import Evidence, Mapping, Revision
from evidence.queries import (
    Draft,
    Target,
    extents_of,
    fingerprint,
    get_draft,
    may_map_into,
    own_target,
    targets,
)
from evidence.rules import (
    WHOLE,
    EvidenceState,
    Extent,
    MappingOrigin,
    format_fragment,
    locator_words,
    parse_fragment,
    problem_of,
)
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked, NotFound, Stale
from portfolio.core.touched import touch_criteria
from portfolio.records.models import Portfolio
from portfolio.records.permissions import ASSESSING, PORTFOLIO_ASSESS
from portfolio.records.queries import get_portfolio_by_id

MAX_REASON = 5_000
MAX_LOCATORS = 50


@dataclass(frozen=True, slots=True)
class Claim:
    """That an item, or parts of it, meets a criterion.

    `locators` are (file code or None for the item as a whole, media fragment or "" for the whole file);
    `range_items` are references of range items that apply to the criterion.
    """

    criterion_code: str
    reason: str = ""
    locators: tuple[tuple[str | None, str], ...] = ()
    range_items: tuple[str, ...] = ()


def map_criteria(
    session: Session,
    actor: Actor,
    code: str,
    claims: Sequence[Claim],
    *,
    keep_existing: bool = False,
    shown: Dict[str, str] | None = None,
) -> list[Mapping]:
    """Map a draft to criteria, across any units of its portfolio; what is mapped already is replaced, or
    (`keep_existing`) left as it stands. What was written comes back. Nothing changes unless all claims are good.

    `shown` maps criterion codes to the `fingerprint` that the page showed. Raises Stale (`criteria`: codes)
    when one says something else by now, unless it says what is claimed.
    Raises Invalid (`errors` by criterion code: not in the chosen units, not the assessor's unit, locators
    that no file has or that lie outside what was measured of it,
    range items, too long), Locked when a unit is signed (`units`: their references), NotFound.
    """
    draft = get_draft(session, actor, code, for_update=True)
    if shown:
        _refuse_overtaken(session, draft, claims, shown)
    return write_claims(session, actor, draft, claims, keep_existing=keep_existing)


def _refuse_overtaken(session: Session, draft: Draft, claims: Sequence[Claim], shown: Dict[str, str]) -> None:
    rows = session.execute(
        select(Node.code, Mapping)
        .join(Mapping, Mapping.criterion_id == Node.id)
        .where(Mapping.revision_id == draft.revision.id, Mapping.dropped_at.is_(None))
    )
    stored = dict(rows.all())
    overtaken = [
        claim.criterion_code
        for claim in claims
        if claim.criterion_code in shown and not _agrees(stored.get(claim.criterion_code), claim, shown)
    ]
    if overtaken:
        raise Stale(
            "What this item shows was changed in another window since you opened the page. Nothing was "
            "overwritten: compare, then save again.",
            criteria=overtaken,
        )


def _agrees(mapping: Mapping | None, claim: Claim, shown: Dict[str, str]) -> bool:
    if mapping is None:
        return False
    said = [(each.get("file"), each.get("fragment") or "") for each in mapping.locators]
    same = (mapping.reason, said, mapping.range_items) == (
        claim.reason,
        list(claim.locators),
        list(claim.range_items),
    )
    return same or fingerprint(mapping) == shown[claim.criterion_code]


def write_claims(
    session: Session, actor: Actor, draft: Draft, claims: Sequence[Claim], *, keep_existing: bool = False
) -> list[Mapping]:
    """`map_criteria` for a draft that is loaded already."""
    files = extents_of(session, draft.revision.id)
    found, ready = check_claims(session, actor, draft.portfolio, claims, files)
    known = {m.criterion_id: m for m in live_mappings(session, draft.revision.id)}
    written = []
    for code, (reason, locators, range_items) in ready.items():
        mapping = known.get(found[code].criterion.id)
        if mapping is None:
            mapping = _new_mapping(actor, draft.revision, found[code])
            session.add(mapping)
        elif keep_existing:
            continue
        mapping.reason, mapping.locators, mapping.range_items = reason, locators, range_items
        written.append(mapping)
    touch_criteria(session, draft.portfolio.id, [m.criterion_id for m in written])
    draft.portfolio.last_activity_at = clock.now()
    session.flush()
    return written


def unmap_criterion(session: Session, actor: Actor, code: str, criterion_code: str) -> None:
    """Take a criterion off a draft; nothing happens when it is not mapped. Raises NotFound, Locked."""
    draft = get_draft(session, actor, code, for_update=True)
    found = targets(session, draft.portfolio, [criterion_code])
    for mapping in live_mappings(session, draft.revision.id):
        if criterion_code in found and mapping.criterion_id == found[criterion_code].criterion.id:
            session.delete(mapping)
            touch_criteria(session, draft.portfolio.id, [mapping.criterion_id])
    session.flush()


def map_drafts(
    session: Session,
    actor: Actor,
    criterion_code: str,
    evidence_codes: Sequence[str],
    *,
    reason: str = "",
    portfolio_code: str = "",
) -> int:
    """From the gap: say that these drafts of the actor's own portfolio show one criterion. How many were new.

    Drafts that map it already keep what they say. Raises as `map_criteria`; NotFound also for an item of
    another portfolio.
    """
    portfolio, target = own_target(session, actor, criterion_code, portfolio_code)
    added = 0
    for code in dict.fromkeys(evidence_codes):
        draft = get_draft(session, actor, code, for_update=True)
        if draft.portfolio.id != portfolio.id:
            raise NotFound()
        before = {m.criterion_id for m in live_mappings(session, draft.revision.id)}
        if target.criterion.id not in before:
            write_claims(session, actor, draft, [Claim(criterion_code, reason)])
            added += 1
    return added


def add_mapping_in_review(
    session: Session, actor: Actor, revision: Revision, claim: Claim, why: str
) -> Mapping:
    """An assessor adds a criterion to a submitted revision, with the reason for it.

    Raises NotFound unless the actor assesses the unit; Invalid without a reason, for a wrong claim, or when
    the criterion is mapped already; Locked when the unit is signed or the revision is a draft.
    """
    evidence, portfolio = _for_review(session, actor, revision)
    if not why.strip():
        raise Invalid("Say why you add it.", {"why": "A reason is needed."})
    target = _checked_targets(session, actor, portfolio, [claim.criterion_code])[claim.criterion_code]
    if any(m.criterion_id == target.criterion.id for m in live_mappings(session, revision.id)):
        raise Invalid("The item is mapped to this criterion already.", {"criterion": "Mapped already."})
    files = extents_of(session, revision.id)
    allowed = range_by_criterion(session, portfolio.version_id).get(target.criterion.id, ())
    _, locators, range_items = _checked(claim, files, {item.ref for item in allowed})
    mapping = _new_mapping(actor, revision, target)
    mapping.reason, mapping.locators, mapping.range_items = why.strip(), locators, range_items
    # The digest of the revision covers what stood there at `frozen_at`; this came later, whatever the clock
    assert revision.frozen_at is not None
    mapping.added_at = max(mapping.added_at, revision.frozen_at + timedelta(microseconds=1))
    session.add(mapping)
    session.flush()
    _after_review(session, actor, portfolio, evidence, "mapping.added", target.criterion.code, mapping)
    touch_criteria(session, portfolio.id, [mapping.criterion_id])
    return mapping


def drop_mapping_in_review(session: Session, actor: Actor, mapping: Mapping, why: str) -> None:
    """An assessor takes a criterion off a submitted revision, with the reason. It stays in the history.

    The caller makes sure that no judgement on it is in force. Raises as `add_mapping_in_review`.
    """
    revision = session.get_one(Revision, mapping.revision_id)
    evidence, portfolio = _for_review(session, actor, revision)
    if mapping.dropped_at is not None:
        return
    if not why.strip():
        raise Invalid("Say why you drop it.", {"why": "A reason is needed."})
    criterion = session.get_one(Node, mapping.criterion_id).code
    _checked_targets(session, actor, portfolio, [criterion])
    mapping.dropped_at, mapping.dropped_by_id = clock.now(), actor.person_id
    mapping.dropped_reason = why.strip()
    session.flush()
    _after_review(session, actor, portfolio, evidence, "mapping.dropped", criterion, mapping)
    touch_criteria(session, portfolio.id, [mapping.criterion_id])


def live_mappings(session: Session, revision_id: int) -> Sequence[Mapping]:
    """The mappings of a revision that were not dropped."""
    return session.scalars(
        select(Mapping)
        .where(Mapping.revision_id == revision_id, Mapping.dropped_at.is_(None))
        .order_by(Mapping.id)
    ).all()


def refuse_closed(session: Session, found: Collection[Target]) -> None:
    """Raise Locked when any of the targets lies in a signed unit."""
    closed = {target.unit_id for target in found if target.closed}
    if not closed:
        return
    refs = list(session.scalars(select(Node.ref).where(Node.id.in_(closed)).order_by(Node.position)))
    raise Locked(
        f"Unit {', '.join(refs)} is signed off, so nothing new can be mapped into it. Nothing was changed.",
        units=refs,
    )


def _checked_targets(
    session: Session, actor: Actor, portfolio: Portfolio, codes: Collection[str]
) -> dict[str, Target]:
    found = targets(session, portfolio, codes)
    errors = {code: "This criterion is not in the chosen units." for code in codes if code not in found}
    errors |= {
        code: "You are not allocated to the unit of this criterion."
        for code, target in found.items()
        if not may_map_into(actor, portfolio, target.unit_id)
    }
    if errors:
        raise Invalid("Not every criterion can be mapped. Nothing was saved yet.", errors)
    refuse_closed(session, found.values())
    return found


_Checked = tuple[str, list[dict[str, Any]], list[str]]


def check_claims(
    session: Session,
    actor: Actor,
    portfolio: Portfolio,
    claims: Sequence[Claim],
    files: Dict[str, Extent] | None = None,
) -> tuple[dict[str, Target], dict[str, _Checked]]:
    """The criteria, and what to store, per criterion code. Raises as `map_criteria`; changes nothing."""
    wanted = {claim.criterion_code: claim for claim in claims}
    found = _checked_targets(session, actor, portfolio, wanted)
    ranges = range_by_criterion(session, portfolio.version_id) if wanted else {}
    errors, ready = {}, {}
    for code, claim in wanted.items():
        allowed = {item.ref for item in ranges.get(found[code].criterion.id, ())}
        try:
            ready[code] = _checked(claim, files or {}, allowed)
        except Invalid as error:
            errors[code] = error.message
    if errors:
        raise Invalid("Some of this needs another look. Nothing was saved yet.", errors)
    return found, ready


def _checked(claim: Claim, files: Dict[str, Extent], ranges: Collection[str]) -> _Checked:
    if len(claim.reason) > MAX_REASON:
        raise Invalid(
            f"The reason has {len(claim.reason):,} characters; at most {MAX_REASON:,} are possible."
        )
    if len(claim.locators) > MAX_LOCATORS:
        raise Invalid(f"At most {MAX_LOCATORS} parts can be named for one criterion.")
    if unknown := [ref for ref in claim.range_items if ref not in ranges]:
        raise Invalid(f"“{unknown[0][:60]}” is no range item of this criterion.")
    locators: list[dict[str, Any]] = []
    for file_code, fragment in claim.locators:
        if file_code is not None and file_code not in files:
            raise Invalid("A part points into a file that is not among the files of this item.")
        locator = parse_fragment(fragment) if fragment else WHOLE
        if problem := problem_of(locator, files.get(file_code or "")):
            raise Invalid(f"The part “{locator_words(locator)}” lies outside its file. {problem}")
        text = format_fragment(locator)
        if (each := {"file": file_code, "fragment": text}) not in locators:
            locators.append(each)
    return claim.reason, locators, list(dict.fromkeys(claim.range_items))


def _new_mapping(actor: Actor, revision: Revision, target: Target) -> Mapping:
    origin = MappingOrigin.ASSESSOR if actor.role in ASSESSING else MappingOrigin.CANDIDATE
    return Mapping(
        code=ids.new_code(),
        revision_id=revision.id,
        criterion_id=target.criterion.id,
        origin=origin,
        added_by_id=actor.person_id,
        added_at=clock.now(),
    )


def _for_review(session: Session, actor: Actor, revision: Revision) -> tuple[Evidence, Portfolio]:
    evidence = session.get_one(Evidence, revision.evidence_id)
    portfolio = get_portfolio_by_id(session, actor, evidence.portfolio_id, PORTFOLIO_ASSESS)
    if revision.frozen_at is None or evidence.state is EvidenceState.WITHDRAWN:
        raise Locked("This revision was not submitted, so its author maps it.")
    return evidence, portfolio


def _after_review(
    session: Session, actor: Actor, portfolio: Portfolio, evidence: Evidence, action: str,
    criterion_code: str, mapping: Mapping,
) -> None:  # fmt: skip
    """No digest covers a mapping that an assessor added or dropped, so the log says all of it."""
    data: dict[str, Any] = {
        "mapping": mapping.code,
        "criterion": criterion_code,
        "reason": mapping.dropped_reason or mapping.reason,
    }
    if mapping.dropped_at is None:
        data |= {"locators": mapping.locators, "range_items": mapping.range_items}
    log.append(session, actor, log.Stream.portfolio(portfolio.code), action, evidence.code, data)
