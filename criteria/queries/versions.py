"""Reads of framework versions: one by its code, a centre's list, the whole tree, the rules of combination."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from criteria.models import FrameworkVersion, Node, Qualification, UnitGroup, VersionState
from criteria.permissions import FRAMEWORK_DRAFT, FRAMEWORK_VIEW
from criteria.rules import GroupRow, Groups, MemberRow, NodeKind, limit_problems
from criteria.rules import UnitGroup as GroupRule
from portfolio.core.actor import Actor, Permission
from portfolio.core.errors import NotFound

PAGE = 50
GROUP_LIMITS = ("minimum_units", "maximum_units", "minimum_credits", "maximum_credits")


@dataclass(frozen=True, slots=True)
class VersionHead:
    """A version with its qualification: what permissions and page heads look at."""

    version: FrameworkVersion
    qualification: Qualification

    @property
    def centre_id(self) -> int:
        """The centre that brought it in."""
        return self.qualification.centre_id


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A line of the list of frameworks."""

    head: VersionHead
    units: int
    criteria: int


@dataclass(slots=True)
class Branch:
    """A node and what hangs below it, in the framework's order."""

    node: Node
    children: list["Branch"] = field(default_factory=list)

    def walk(self) -> Iterator["Branch"]:
        """This branch and all below, in pre-order."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def criteria(self) -> list[Node]:
        """All criteria at or below."""
        return [b.node for b in self.walk() if b.node.kind is NodeKind.CRITERION]

    def of(self, kind: NodeKind) -> list["Branch"]:
        """The branches directly below of one kind."""
        return [child for child in self.children if child.node.kind is kind]


def get_version(
    session: Session, actor: Actor, code: str, permission: Permission = FRAMEWORK_VIEW
) -> VersionHead:
    """The version of this code. Raises NotFound when absent, of another centre, or a draft not for this role."""
    row = session.execute(_heads().where(FrameworkVersion.code == code)).one_or_none()
    return _authorised(actor, row, permission)


def get_version_by_id(
    session: Session, actor: Actor, version_id: int, permission: Permission = FRAMEWORK_VIEW
) -> VersionHead:
    """The version of this id, with the same check."""
    row = session.execute(_heads().where(FrameworkVersion.id == version_id)).one_or_none()
    return _authorised(actor, row, permission)


def versions_of_centre(
    session: Session, actor: Actor, *, page: int = 1, state: VersionState | None = None
) -> list[VersionRow]:
    """The centre's versions with their size, newest first, `PAGE` at a time (one more says there is a next).

    Drafts only for who may see them. Two queries.
    """
    query = (
        _heads()
        .where(Qualification.centre_id == actor.centre_id)
        .order_by(FrameworkVersion.id.desc())
        .limit(PAGE + 1)
        .offset((max(page, 1) - 1) * PAGE)
    )
    if not FRAMEWORK_DRAFT.allows_role(actor):
        query = query.where(FrameworkVersion.state != VersionState.DRAFT)
    if state is not None:
        query = query.where(FrameworkVersion.state == state)
    heads = [VersionHead(*row) for row in session.execute(query)]
    sizes = _sizes(session, [head.version.id for head in heads])
    return [
        VersionRow(
            head,
            sizes.get((head.version.id, NodeKind.UNIT), 0),
            sizes.get((head.version.id, NodeKind.CRITERION), 0),
        )
        for head in heads
    ]


def tree_of(session: Session, version_id: int) -> Branch:
    """The whole tree of a version, from its root. One query."""
    nodes = session.scalars(select(Node).where(Node.version_id == version_id).order_by(Node.position))
    return _grow(nodes)[0]


def subtree_of(session: Session, node: Node) -> Branch:
    """A node with everything below it. One query."""
    nodes = session.scalars(
        select(Node)
        .where(Node.version_id == node.version_id, Node.position.between(node.position, node.last))
        .order_by(Node.position)
    )
    return _grow(nodes)[0]


def get_node(session: Session, head: VersionHead, code: str, kind: NodeKind | None = None) -> Node:
    """A node of the version by its code. Raises NotFound when absent, in another version, or of another kind."""
    node = session.scalars(
        select(Node).where(Node.code == code, Node.version_id == head.version.id)
    ).one_or_none()
    if node is None or (kind is not None and node.kind is not kind):
        raise NotFound()
    return node


def units_of_version(session: Session, version_id: int) -> Sequence[Node]:
    """The units of a version, in order."""
    return session.scalars(
        select(Node).where(Node.version_id == version_id, Node.kind == NodeKind.UNIT).order_by(Node.position)
    ).all()


def combination_of(session: Session, version_id: int) -> tuple[GroupRule, ...]:
    """The rules of combination for `check_choice`, as `criteria.rules.combination` builds them. Two queries."""
    return group_rows(session, version_id).combination()


def group_rows(session: Session, version_id: int) -> Groups:
    """The unit groups of a version as they are described, and its units with theirs. Two queries."""
    rows = groups_of_version(session, version_id)
    refs = {group.id: group.ref for group in rows}
    groups = (
        GroupRow(
            ref=group.ref,
            title=group.title,
            parent=refs.get(group.parent_id or 0),
            conditional=group.conditional,
            **{name: getattr(group, name) for name in GROUP_LIMITS},
        )
        for group in rows
    )
    units = (
        MemberRow(unit.ref, unit.credits, unit.mandatory, refs.get(unit.unit_group_id or 0))
        for unit in units_of_version(session, version_id)
    )
    return Groups(tuple(groups), tuple(units))


def unmet_limits(session: Session, version_id: int) -> list[str]:
    """In sentences, the limits of unit groups that no choice of units meets: why a draft cannot be activated."""
    return [problem.message for problem in limit_problems(combination_of(session, version_id))]


def groups_of_version(session: Session, version_id: int) -> Sequence[UnitGroup]:
    """The unit groups of a version, in order. One query."""
    return session.scalars(
        select(UnitGroup).where(UnitGroup.version_id == version_id).order_by(UnitGroup.position)
    ).all()


def _sizes(session: Session, version_ids: Sequence[int]) -> dict[tuple[int, NodeKind], int]:
    rows = session.execute(
        select(Node.version_id, Node.kind, func.count())
        .where(Node.version_id.in_(version_ids))
        .group_by(Node.version_id, Node.kind)
    )
    return {(version_id, kind): count for version_id, kind, count in rows}


def _grow(nodes: Iterable[Node]) -> list[Branch]:
    """Branches from nodes in pre-order; the first node is the top."""
    made: dict[int, Branch] = {}
    tops: list[Branch] = []
    for node in nodes:
        branch = made[node.id] = Branch(node)
        above = made.get(node.parent_id or 0)
        (above.children if above else tops).append(branch)
    return tops


def _heads() -> Select[FrameworkVersion, Qualification]:
    return select(FrameworkVersion, Qualification).join(
        Qualification, Qualification.id == FrameworkVersion.qualification_id
    )


def _authorised(
    actor: Actor, row: tuple[FrameworkVersion, Qualification] | None, permission: Permission
) -> VersionHead:
    if row is None:
        raise NotFound()
    head = VersionHead(*row)
    permission.require(actor, head)
    if head.version.state is VersionState.DRAFT:
        FRAMEWORK_DRAFT.require(actor, head)
    return head
