"""Reads for a talk: what the bank has for the units of a candidate, gaps first, and what good answers hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.rules.talk import TALKS
from criteria.bank_models import BankQuestion, BankWording
from criteria.models import FrameworkVersion, Node, Qualification
from criteria.queries.bank import BankEntry, bank_of
from criteria.rules import EvidenceKind, Status
from evidence.queries import FileView, UnitChoice, files_of
from evidence.rules import Extent
from portfolio.core.actor import Actor


@dataclass(frozen=True, slots=True)
class UnitQuestions:
    """The questions about a unit: those that can show a criterion which is still a gap, and the others."""

    unit: UnitChoice
    gaps: Sequence[BankEntry]
    others: Sequence[BankEntry]

    @property
    def is_empty(self) -> bool:
        """Whether the bank has nothing (more) for the unit."""
        return not self.gaps and not self.others


def questions_to_ask(
    session: Session, kind: EvidenceKind, units: Sequence[UnitChoice], asked: Iterable[str] = ()
) -> list[UnitQuestions]:
    """What the bank has for these units (none for a kind that asks no questions). Two queries.

    `asked` are codes of wordings that are left out, because they were chosen already.
    """
    if kind not in TALKS:
        return []
    banks = bank_of(session, [unit.node.id for unit in units])
    done = set(asked)
    found = []
    for unit in units:
        choices = [each for outcome in unit.outcomes for each in outcome.criteria]
        gaps = {each.node.code for each in choices if each.status is not Status.MET}
        entries = [entry for entry in banks.get(unit.node.id, []) if entry.wording.code not in done]
        first = [entry for entry in entries if gaps.intersection(entry.wording.criteria)]
        rest = [entry for entry in entries if not gaps.intersection(entry.wording.criteria)]
        found.append(UnitQuestions(unit, first, rest))
    return found


def entries_of(questions: Sequence[UnitQuestions]) -> dict[str, BankEntry]:
    """All of them by the code of their wording."""
    return {entry.wording.code: entry for each in questions for entry in (*each.gaps, *each.others)}


def pointers_of(session: Session, actor: Actor, wordings: Iterable[str]) -> dict[str, str]:
    """What a good answer holds, by the code of the wording; those without, and other centres', are left out. One
    query."""
    codes = sorted({code for code in wordings if code})
    if not codes:
        return {}
    rows = session.execute(
        select(BankWording.code, BankWording.pointers)
        .join(BankQuestion, BankQuestion.id == BankWording.question_id)
        .join(Node, Node.id == BankQuestion.unit_id)
        .join(FrameworkVersion, FrameworkVersion.id == Node.version_id)
        .join(Qualification, Qualification.id == FrameworkVersion.qualification_id)
        .where(
            BankWording.code.in_(codes),
            BankWording.pointers != "",
            Qualification.centre_id == actor.centre_id,
        )
    )
    return dict(rows.all())


def recordings_of(files: Sequence[FileView]) -> list[tuple[str, Extent]]:
    """The recordings among files as the page counts them (R1, R2, …), with their length."""
    return [(file.code, file.look.extent) for file in files if file.is_recording]


def recordings_among(session: Session, kind: EvidenceKind, revision_id: int) -> list[str]:
    """The codes of a talk's recordings in the order in which its pages count them; none for another kind."""
    if kind not in TALKS:
        return []
    return [code for code, _ in recordings_of(files_of(session, revision_id))]
