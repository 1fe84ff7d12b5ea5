"""Reads of the bank of questions: of units, one with its wordings, and what could be copied from another version."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from criteria.bank_models import BankQuestion, BankWording
from criteria.models import FrameworkVersion, Node, Qualification, VersionState
from criteria.queries.versions import VersionHead, units_of_version
from criteria.rules import NodeKind
from portfolio.core.actor import Actor
from portfolio.core.errors import NotFound
from portfolio.core.text import fold
from portfolio.people.models import Person

_SHOWN_VERSIONS = 50


@dataclass(frozen=True, slots=True)
class BankEntry:
    """A question as it is asked now, with the criteria it can show, in the framework's order."""

    question: BankQuestion
    wording: BankWording
    criteria: Sequence[Node] = ()

    @property
    def refs(self) -> str:
        """Such as "1.1, 2.3"; "" for the unit in general."""
        return ", ".join(node.ref for node in self.criteria)


@dataclass(frozen=True, slots=True)
class CopyRow:
    """What copying brings to a unit: entries that it lacks; `known` it has already, `lost` references it has not."""

    unit: Node
    new: Sequence[tuple[BankEntry, tuple[str, ...]]]  # with the codes of the criteria in this version
    known: int
    lost: Sequence[str]


def bank_of(
    session: Session, unit_ids: Iterable[int], *, archived: bool = False
) -> dict[int, list[BankEntry]]:
    """The questions of some units (node ids), by unit, in order; those in use, or the archived ones. Two queries."""
    ids = sorted(set(unit_ids))
    rows = session.execute(
        _newest()
        .where(BankQuestion.unit_id.in_(ids), BankQuestion.archived_at.is_not(None) == archived)
        .order_by(BankQuestion.unit_id, BankQuestion.position, BankQuestion.id)
    ).all()
    criteria = _criteria(session, ids) if rows else {}
    found: dict[int, list[BankEntry]] = {}
    for question, wording in rows:
        found.setdefault(question.unit_id, []).append(_entry(question, wording, criteria))
    return found


def get_question(session: Session, unit: Node, code: str) -> BankEntry:
    """A question of a unit, archived or not. Raises NotFound."""
    row = session.execute(
        _newest().where(BankQuestion.code == code, BankQuestion.unit_id == unit.id)
    ).one_or_none()
    if row is None:
        raise NotFound()
    return _entry(row[0], row[1], _criteria(session, [unit.id]))


def wordings_of(session: Session, question: BankQuestion) -> list[tuple[BankWording, str]]:
    """All wordings of a question with who wrote them, newest first."""
    rows = session.execute(
        select(BankWording, Person.name)
        .join(Person, Person.id == BankWording.created_by_id)
        .where(BankWording.question_id == question.id)
        .order_by(BankWording.number.desc())
    )
    return [(wording, name) for wording, name in rows]


def question_counts(session: Session, version_id: int) -> dict[int, int]:
    """How many questions in use each unit (node id) of a version has; those without any are left out."""
    rows = session.execute(
        select(BankQuestion.unit_id, func.count())
        .join(Node, Node.id == BankQuestion.unit_id)
        .where(Node.version_id == version_id, BankQuestion.archived_at.is_(None))
        .group_by(BankQuestion.unit_id)
    )
    return dict(rows.all())


def versions_to_copy(session: Session, actor: Actor, head: VersionHead) -> list[VersionHead]:
    """The centre's other versions with questions for units that this one has, by reference; newest first."""
    own = select(Node.ref).where(Node.version_id == head.version.id, Node.kind == NodeKind.UNIT)
    has_questions = (
        select(Node.version_id)
        .join(BankQuestion, BankQuestion.unit_id == Node.id)
        .where(BankQuestion.archived_at.is_(None), Node.ref.in_(own))
    )
    rows = session.execute(
        select(FrameworkVersion, Qualification)
        .join(Qualification, Qualification.id == FrameworkVersion.qualification_id)
        .where(
            Qualification.centre_id == actor.centre_id,
            FrameworkVersion.id != head.version.id,
            FrameworkVersion.state != VersionState.DRAFT,
            FrameworkVersion.id.in_(has_questions),
        )
        .order_by(FrameworkVersion.id.desc())
        .limit(_SHOWN_VERSIONS)
    )
    return [VersionHead(*row) for row in rows]


def copy_plan(session: Session, source: VersionHead, target: VersionHead) -> list[CopyRow]:
    """What each unit of `target` would get from the unit of the same reference in `source`; the others are left out.

    A question goes with those of its criteria whose references the unit still has. Seven queries.
    """
    units = {unit.ref: unit for unit in units_of_version(session, target.version.id)}
    givers = [unit for unit in units_of_version(session, source.version.id) if unit.ref in units]
    banks = bank_of(session, [unit.id for unit in givers])
    takers = [units[unit.ref].id for unit in givers if unit.id in banks]
    there = bank_of(session, takers)
    criteria = _criteria_by_ref(session, takers)
    return [
        _copy_row(units[unit.ref], banks[unit.id], there.get(units[unit.ref].id, []), criteria)
        for unit in givers
        if unit.id in banks
    ]


def _copy_row(
    unit: Node,
    entries: Sequence[BankEntry],
    there: Sequence[BankEntry],
    criteria: Mapping[tuple[int, str], str],
) -> CopyRow:
    seen = {fold(entry.wording.text) for entry in there}
    new = [entry for entry in entries if fold(entry.wording.text) not in seen]
    lost = {node.ref: None for entry in new for node in entry.criteria if (unit.id, node.ref) not in criteria}
    kept = [
        (entry, tuple(c for node in entry.criteria if (c := criteria.get((unit.id, node.ref)))))
        for entry in new
    ]
    return CopyRow(unit, kept, len(entries) - len(new), list(lost))


def _newest() -> Select[BankQuestion, BankWording]:
    """Questions with their newest wording."""
    newest = (
        select(BankWording.question_id, func.max(BankWording.number).label("number"))
        .group_by(BankWording.question_id)
        .subquery()
    )
    return (
        select(BankQuestion, BankWording)
        .join(newest, newest.c.question_id == BankQuestion.id)
        .join(
            BankWording,
            (BankWording.question_id == BankQuestion.id) & (BankWording.number == newest.c.number),
        )
    )


def _entry(question: BankQuestion, wording: BankWording, criteria: Mapping[str, Node]) -> BankEntry:
    return BankEntry(question, wording, [criteria[code] for code in wording.criteria if code in criteria])


def _criteria(session: Session, unit_ids: Sequence[int]) -> dict[str, Node]:
    """The criteria of units by code."""
    rows = session.scalars(
        select(Node)
        .where(Node.unit_id.in_(unit_ids), Node.kind == NodeKind.CRITERION)
        .order_by(Node.position)
    )
    return {node.code: node for node in rows}


def _criteria_by_ref(session: Session, unit_ids: Sequence[int]) -> dict[tuple[int, str], str]:
    """The codes of the criteria of units by unit and reference."""
    return {(node.unit_id or 0, node.ref): node.code for node in _criteria(session, unit_ids).values()}
