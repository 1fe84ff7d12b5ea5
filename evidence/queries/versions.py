"""Reads of versions of a draft's text, for whoever writes it; and which units an account is about."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import Node
from criteria.queries import Aside, Point, aside_of
from criteria.rules.terms import terms_used
from evidence.models import Mapping, Revision
from evidence.queries.items import Item, get_own_item
from evidence.version_models import DraftVersion
from portfolio.core.actor import Actor
from portfolio.core.errors import NotFound
from portfolio.records.queries import units_of

MAX_SHOWN = 200
MAX_TERMS = 300


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version in the list, without its text. `change`: words more (or, below zero, fewer) than the one before."""

    code: str
    number: int
    revision_number: int
    words: int
    change: int
    automatic: bool
    restored_from: int | None
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Writing:
    """What stands beside an account while it is written: guidance of its units, key terms used and not used."""

    aside: Aside
    used: Sequence[Point]
    unused: Sequence[Point]


def versions_of(session: Session, evidence_id: int, start: int = 0) -> list[VersionLine]:
    """The versions of an item that the caller has authorised, newest first, at most `MAX_SHOWN` from `start`."""
    rows = session.execute(
        select(
            DraftVersion.code,
            DraftVersion.number,
            DraftVersion.revision_number,
            DraftVersion.words,
            DraftVersion.automatic,
            DraftVersion.restored_from,
            DraftVersion.saved_at,
        )
        .where(DraftVersion.evidence_id == evidence_id)
        .order_by(DraftVersion.number.desc())
        .offset(start)
        .limit(MAX_SHOWN + 1)
    ).all()
    words = [row.words for row in rows[1:]]
    words += [0] * (len(rows) - len(words))
    return [
        VersionLine(
            row.code, row.number, row.revision_number, row.words, row.words - before, row.automatic,
            row.restored_from, row.saved_at,
        )
        for row, before in zip(rows[:MAX_SHOWN], words, strict=False)
    ]  # fmt: skip


def newest_version(session: Session, evidence_id: int) -> DraftVersion | None:
    """The last version of an item; None when none was kept yet."""
    return session.scalars(
        select(DraftVersion)
        .where(DraftVersion.evidence_id == evidence_id)
        .order_by(DraftVersion.number.desc())
        .limit(1)
    ).one_or_none()


def get_version(session: Session, actor: Actor, code: str, version_code: str) -> tuple[Item, DraftVersion]:
    """A version of one's own item. Raises NotFound."""
    item = get_own_item(session, actor, code)
    found = session.scalars(
        select(DraftVersion).where(
            DraftVersion.evidence_id == item.evidence.id, DraftVersion.code == version_code
        )
    ).one_or_none()
    if found is None:
        raise NotFound()
    return item, found


def standing_revision(session: Session, item: Item) -> Revision:
    """The newest revision of the item: its draft, when there is one."""
    return session.scalars(
        select(Revision)
        .where(Revision.evidence_id == item.evidence.id)
        .order_by(Revision.number.desc())
        .limit(1)
    ).one()


def units_to_write_about(session: Session, portfolio_id: int) -> list[tuple[str, str]]:
    """The chosen units as (code, words) to tick."""
    return [(node.code, f"{node.ref} {node.text}") for _, node in units_of(session, portfolio_id)]


def writing_help(
    session: Session, portfolio_id: int, revision_id: int, about: Collection[str], text: str
) -> Writing:
    """Guidance and key terms of the units that the draft is about: those named (codes) and those it is mapped to."""
    mapped = select(Node.unit_id).join(Mapping, Mapping.criterion_id == Node.id)
    mapped = mapped.where(Mapping.revision_id == revision_id, Mapping.dropped_at.is_(None))
    wanted = {unit_id for unit_id in session.scalars(mapped) if unit_id is not None}
    wanted |= {node.id for _, node in units_of(session, portfolio_id) if node.code in about}
    aside = aside_of(session, wanted)
    terms = aside.terms[:MAX_TERMS]
    found = terms_used(text, [point.term for point in terms])
    return Writing(
        aside,
        [point for point, used in zip(terms, found, strict=True) if used],
        [point for point, used in zip(terms, found, strict=True) if not used],
    )
