"""Unit groups of a draft, made, changed and removed. What follows for the rules of combination: `criteria.rules`."""

from collections.abc import Collection, Iterable
from dataclasses import asdict

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from criteria.importers.parsed import MAX_STATEMENT
from criteria.models import Node, UnitGroup
from criteria.queries.versions import GROUP_LIMITS, VersionHead, group_rows, groups_of_version
from criteria.rules import (
    Direction,
    GroupRow,
    Groups,
    NodeKind,
    group_errors,
    new_contradictions,
    with_group,
    without_group,
)
from criteria.service.drafts import lock_draft, log_edit
from criteria.service.plan import MAX_REF
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, NotFound, Stale
from portfolio.core.marks import check_fresh, mark_of


def mark_of_group(now: Groups, ref: str) -> str:
    """The mark of a group ("": of none yet) and of where each unit stands, as its form shows them."""
    return mark_of([_content(now, ref), sorted((unit.ref, unit.group or "") for unit in now.units)])


def set_group(
    session: Session,
    actor: Actor,
    head: VersionHead,
    was: str,
    new: GroupRow,
    members: Collection[str],
    *,
    shown: str,
) -> None:
    """Let the group `was` ("": a further one) of a draft be `new`, and hold these units (references) directly.

    `shown` is the `mark_of_group` that the person saw. A group that is so already, as after a double click, is left
    alone. Raises Locked unless draft; NotFound when the group was removed meanwhile; Stale when it, or where a unit
    stands, is another by now; Invalid by field as `group_errors`, or for a missing or too long title or reference.
    """
    lock_draft(session, actor, head)
    now = group_rows(session, head.version.id)
    is_gone = bool(was) and now.group(was) is None
    if (is_gone or was in ("", new.ref)) and _content(now, new.ref) == _described(new, members):
        return
    if is_gone:
        raise NotFound("This group was removed from the draft meanwhile.")
    check_fresh(shown, mark_of_group(now, was))
    errors = {**_text_errors(new), **group_errors(now, was, new, members)}
    if errors:
        raise Invalid("The group was not changed.", errors)
    row = _row(session, head, was)
    _write(session, row, new, with_group(now, was, new, members))
    action = "framework.group_edited" if was else "framework.group_added"
    data = {"before": _content(now, was), "after": _described(new, members)}
    log_edit(session, actor, head, action, data)


def remove_group(session: Session, actor: Actor, head: VersionHead, ref: str) -> None:
    """Remove a group of a draft. Its units, and groups in it, then stand in the group around it, or in none.

    Removed already: nothing. Raises Locked unless draft, and Invalid when other limits could not be kept then.
    """
    lock_draft(session, actor, head)
    now = group_rows(session, head.version.id)
    if now.group(ref) is None:
        return
    against = new_contradictions(now, without_group(now, ref))
    if against:
        raise Invalid(f"The group was not removed, because then {against[0].message}")
    row = _row(session, head, ref)
    session.execute(update(UnitGroup).where(UnitGroup.parent_id == row.id).values(parent_id=row.parent_id))
    session.execute(update(Node).where(Node.unit_group_id == row.id).values(unit_group_id=row.parent_id))
    session.delete(row)
    session.flush()
    log_edit(session, actor, head, "framework.group_removed", {"before": _content(now, ref)})


def mark_of_groups(refs: Iterable[str]) -> str:
    """The mark of the groups (references) in the order in which a page shows them."""
    return mark_of(list(refs))


def move_group(
    session: Session, actor: Actor, head: VersionHead, ref: str, direction: Direction, *, shown: str
) -> tuple[int, int]:
    """Let a group of a draft change places with its neighbour in the same group, everything in it included.

    Returns where it stands now and among how many, from 1; at either end nothing happens. `shown` is the
    `mark_of_groups` that the person saw. Raises Locked unless draft; Stale when the order is another by now, or the
    group was removed.
    """
    lock_draft(session, actor, head)
    rows = list(groups_of_version(session, head.version.id))
    check_fresh(shown, mark_of_groups(row.ref for row in rows))
    row = next((each for each in rows if each.ref == ref), None)
    if row is None:
        raise Stale("This group is not part of the draft by now. Nothing was moved.")
    beside = [each for each in rows if each.parent_id == row.parent_id]
    index = beside.index(row)
    place = index + (-1 if direction is Direction.UP else 1)
    if not 0 <= place < len(beside):
        return index + 1, len(beside)
    past = beside[place]
    here, there = rows.index(row), rows.index(past)
    rows[here], rows[there] = past, row
    for position, each in enumerate(rows):
        each.position = position
    session.flush()
    data = {"group": ref, "direction": direction.value, "past": past.ref}
    log_edit(session, actor, head, "framework.group_moved", data)
    return place + 1, len(beside)


def _content(now: Groups, ref: str) -> dict[str, object]:
    group = now.group(ref)
    return _described(group, now.members(ref)) if group else {}


def _described(group: GroupRow, members: Collection[str]) -> dict[str, object]:
    return {**asdict(group), "units": sorted(set(members))}


def _row(session: Session, head: VersionHead, ref: str) -> UnitGroup:
    """The row of a group, or a new one behind all others."""
    of_version = select(UnitGroup).where(UnitGroup.version_id == head.version.id)
    if ref:
        return session.scalars(of_version.where(UnitGroup.ref == ref)).one()
    behind = session.scalars(of_version.order_by(UnitGroup.position.desc()).limit(1)).one_or_none()
    row = UnitGroup(version_id=head.version.id, position=behind.position + 1 if behind else 0)
    session.add(row)
    return row


def _write(session: Session, row: UnitGroup, new: GroupRow, after: Groups) -> None:
    row.ref, row.title, row.conditional = new.ref, new.title, new.conditional
    row.parent_id = None
    if new.parent:
        around = select(UnitGroup.id).where(
            UnitGroup.version_id == row.version_id, UnitGroup.ref == new.parent
        )
        row.parent_id = session.scalars(around).one()
    for name in GROUP_LIMITS:
        setattr(row, name, getattr(new, name))
    session.flush()
    inside = after.members(new.ref)
    for unit in session.scalars(
        select(Node).where(Node.version_id == row.version_id, Node.kind == NodeKind.UNIT)
    ):
        if unit.ref in inside:
            unit.unit_group_id = row.id
        elif unit.unit_group_id == row.id:
            unit.unit_group_id = None
    session.flush()


def _text_errors(new: GroupRow) -> dict[str, str]:
    errors = {}
    if not new.title or len(new.title) > MAX_STATEMENT:
        errors["title"] = f"Give the group a title of 1 to {MAX_STATEMENT:,} characters."
    if not new.ref or len(new.ref) > MAX_REF:
        errors["ref"] = f"Give a reference of 1 to {MAX_REF} characters."
    return errors
