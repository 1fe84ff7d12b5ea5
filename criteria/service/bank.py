"""Writes of the bank of questions. A wording is never changed: another one is asked from then on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from criteria.bank_models import BankQuestion, BankWording
from criteria.models import Node, VersionState
from criteria.permissions import BANK_KEEP
from criteria.queries.bank import BankEntry, bank_of, copy_plan, get_question
from criteria.queries.versions import VersionHead, subtree_of, units_of_version
from criteria.rules import NodeKind
from criteria.rules.bank import MAX_LIVE, MAX_POINTERS, question_problem
from criteria.samples import sample_questions
from criteria.service.drafts import lock_version
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked, NotFound, Stale
from portfolio.core.text import fold


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question says. `criteria` are codes of criteria of its unit."""

    text: str
    pointers: str = ""
    criteria: tuple[str, ...] = ()


def add_question(
    session: Session, actor: Actor, head: VersionHead, unit: Node, asked: Asked, *, code: str
) -> BankQuestion:
    """Put a question at the end of a unit's bank. Sent twice under one code, the first one comes back; other words
    under a code that was used, as after going back to the form, are another question.

    Raises NotFound, Locked (the version is a draft), Invalid (`text`: missing, too long, there already, too many;
    `pointers`; `criteria`: of another unit).
    """
    _open(session, actor, head)
    known = session.scalars(select(BankQuestion).where(BankQuestion.code == code)).one_or_none()
    if known is not None:
        if known.unit_id != unit.id:
            raise NotFound()
        if _is_said(session, known, asked):
            return known
        code = ids.new_code()
    if len(code) > 20 or len(code) < 8 or not set(code) <= set(ids.ALPHABET):
        raise NotFound()
    there = bank_of(session, [unit.id]).get(unit.id, [])
    asked = _checked(asked, _criteria_of(session, unit), there)
    if len(there) >= MAX_LIVE:
        raise Invalid("Nothing was added.", {"text": _too_many(len(there))})
    made = _insert(session, actor, unit, [asked], [code])
    _log_added(session, actor, head, unit, made, "written")
    return made[0][0]


def add_questions(
    session: Session, actor: Actor, head: VersionHead, unit: Node, wanted: Sequence[Asked], *, source: str
) -> int:
    """Put questions at the end of a unit's bank, and say how many; those it has already are left out.

    `source` is for the log: "lines", "sample", or "copied:" with the code of a version. Raises as `add_question`.
    """
    _open(session, actor, head)
    there = bank_of(session, [unit.id]).get(unit.id, [])
    seen, criteria = {fold(entry.wording.text) for entry in there}, _criteria_of(session, unit)
    new = []
    for asked in wanted:
        if fold(asked.text) not in seen:
            new.append(_checked(asked, criteria, ()))
            seen.add(fold(asked.text))
    if len(there) + len(new) > MAX_LIVE:
        raise Invalid("Nothing was added.", {"lines": _too_many(len(there) + len(new))})
    if new:
        made = _insert(session, actor, unit, new, [ids.new_code() for _ in new])
        _log_added(session, actor, head, unit, made, source)
    return len(new)


def change_question(
    session: Session, actor: Actor, head: VersionHead, unit: Node, code: str, asked: Asked, *, seen: int
) -> None:
    """Ask it in other words from now on; what was recorded stays as it was asked. The same words change nothing.

    `seen` is the number of the wording that the person saw. Raises NotFound, Locked (draft, archived), Stale when
    somebody else changed it since, Invalid as `add_question`.
    """
    _open(session, actor, head)
    entry = get_question(session, unit, code)
    if entry.question.archived_at is not None:
        raise Locked("This question is archived. Bring it back before you change it.")
    others = [e for e in bank_of(session, [unit.id]).get(unit.id, []) if e.question.id != entry.question.id]
    asked = _checked(asked, _criteria_of(session, unit), others)
    last = entry.wording
    if (asked.text, asked.pointers, list(asked.criteria)) == (last.text, last.pointers, last.criteria):
        return
    if last.number != seen:
        raise Stale("Somebody else changed this question since you opened it. Nothing was overwritten.")
    wording = BankWording(**_worded(actor, entry.question, asked, last.number + 1))
    session.add(wording)
    session.flush()
    log.append(
        session,
        actor,
        log.Stream.centre(actor.centre_code),
        "question.changed",
        code,
        {
            "version": head.version.code,
            "unit": unit.code,
            "wordings": [_said(entry.question, unit, wording)],
        },
    )


def archive_question(session: Session, actor: Actor, head: VersionHead, unit: Node, code: str) -> None:
    """Offer it no more. Archived already: nothing. Raises NotFound, Locked (draft)."""
    _open(session, actor, head)
    question = get_question(session, unit, code).question
    if question.archived_at is None:
        question.archived_at, question.archived_by_id = clock.now(), actor.person_id
        _log_one(session, actor, head, unit, "question.archived", code)


def restore_question(session: Session, actor: Actor, head: VersionHead, unit: Node, code: str) -> None:
    """Offer it again, at the end. Not archived: nothing. Raises NotFound, Locked (draft), Invalid (another says it)."""
    _open(session, actor, head)
    entry = get_question(session, unit, code)
    if entry.question.archived_at is None:
        return
    there = bank_of(session, [unit.id]).get(unit.id, [])
    if fold(entry.wording.text) in {fold(each.wording.text) for each in there}:
        raise Invalid("Another question in the bank says the same. This one stays archived.")
    if len(there) >= MAX_LIVE:
        raise Invalid(_too_many(len(there)))
    entry.question.archived_at = entry.question.archived_by_id = None
    entry.question.position = _next_position(session, unit)
    _log_one(session, actor, head, unit, "question.restored", code)


def move_question(
    session: Session, actor: Actor, head: VersionHead, unit: Node, code: str, place: int
) -> None:
    """Put a question in use at a place of the list, counted from 1; beyond either end, at that end.

    Raises NotFound (archived, too), Locked (draft).
    """
    _open(session, actor, head)
    order = [entry.question for entry in bank_of(session, [unit.id]).get(unit.id, [])]
    moved = next((question for question in order if question.code == code), None)
    if moved is None:
        raise NotFound()
    order.remove(moved)
    order.insert(min(max(place, 1), len(order) + 1) - 1, moved)
    for position, question in enumerate(order, start=1):
        if question.position != position:
            question.position = position
    session.flush()


def copy_bank(session: Session, actor: Actor, head: VersionHead, source: VersionHead) -> int:
    """Give each unit the questions of the unit of the same reference in another version, and say how many.

    Those it has already are left out, so that a second time changes nothing. Raises NotFound, Locked (draft), Invalid
    (too many).
    """
    _open(session, actor, head)
    BANK_KEEP.require(actor, source)
    return sum(
        add_questions(
            session,
            actor,
            head,
            row.unit,
            [Asked(entry.wording.text, entry.wording.pointers, codes) for entry, codes in row.new],
            source=f"copied:{source.version.code}",
        )
        for row in copy_plan(session, source, head)
        if row.new
    )


def add_sample_questions(session: Session, actor: Actor, head: VersionHead) -> int:
    """Give the units of the sample framework the questions that come with it, and say how many.

    A unit whose bank was begun, also if all of it is archived, keeps what it has. Raises NotFound, Locked (draft).
    """
    sample = sample_questions()
    units = [unit for unit in units_of_version(session, head.version.id) if unit.ref in sample]
    begun = set(
        session.scalars(
            select(BankQuestion.unit_id).where(BankQuestion.unit_id.in_([unit.id for unit in units]))
        )
    )
    count = 0
    for unit in units:
        if unit.id not in begun:
            codes = {node.ref: node.code for node in subtree_of(session, unit).criteria}
            wanted = [
                Asked(each.text, each.pointers, tuple(codes[ref] for ref in each.criteria))
                for each in sample[unit.ref]
            ]
            count += add_questions(session, actor, head, unit, wanted, source="sample")
    return count


def check_bank(head: VersionHead) -> None:
    """Raise Locked for a draft, whose units may still change."""
    if head.version.state is VersionState.DRAFT:
        raise Locked("Questions are kept for units that no longer change. Activate the version first.")


def wording_digest(question: str, unit: str, wording: BankWording) -> str:
    """SHA-256 (hexadecimal) of a wording and where it belongs: what the log keeps of it."""
    return log.digest_of(
        [question, unit, wording.code, wording.number, wording.text, wording.pointers, wording.criteria]
    )


def _open(session: Session, actor: Actor, head: VersionHead) -> None:
    """May keep the bank, and no draft; changes of one version's bank come one by one."""
    BANK_KEEP.require(actor, head)
    check_bank(lock_version(session, head))


def _criteria_of(session: Session, unit: Node) -> Sequence[str]:
    """The codes of a unit's criteria in the framework's order."""
    return session.scalars(
        select(Node.code)
        .where(Node.unit_id == unit.id, Node.kind == NodeKind.CRITERION)
        .order_by(Node.position)
    ).all()


def _checked(asked: Asked, criteria: Sequence[str], there: Sequence[BankEntry]) -> Asked:
    """The question with its criteria in the order of the unit's `criteria`. Raises Invalid."""
    errors = {}
    if problem := question_problem(asked.text):
        errors["text"] = problem
    elif fold(asked.text) in {fold(entry.wording.text) for entry in there}:
        errors["text"] = "The bank has this question already."
    if len(asked.pointers) > MAX_POINTERS:
        errors["pointers"] = (
            f"This has {len(asked.pointers):,} characters; at most {MAX_POINTERS:,} are possible."
        )
    wanted = set(asked.criteria)
    codes = [code for code in criteria if code in wanted]
    if len(codes) < len(wanted):
        errors["criteria"] = "Choose criteria of this unit."
    if errors:
        raise Invalid("The question was not saved.", errors)
    return Asked(asked.text, asked.pointers, tuple(codes))


def _is_said(session: Session, question: BankQuestion, asked: Asked) -> bool:
    """Whether the question was written so at first."""
    first = session.scalars(
        select(BankWording).where(BankWording.question_id == question.id, BankWording.number == 1)
    ).one()
    said = first.text, first.pointers, set(first.criteria)
    return said == (asked.text, asked.pointers, set(asked.criteria))


def _next_position(session: Session, unit: Node) -> int:
    last = session.scalar(select(func.max(BankQuestion.position)).where(BankQuestion.unit_id == unit.id))
    return (last or 0) + 1


def _insert(
    session: Session, actor: Actor, unit: Node, wanted: Sequence[Asked], codes: Sequence[str]
) -> list[tuple[BankQuestion, BankWording]]:
    """Put new questions at the end of the unit's bank, under these codes; in two statements, however many."""
    first, now = _next_position(session, unit), clock.now()
    rows = [
        {"code": code, "unit_id": unit.id, "position": position, "created_at": now}
        for position, code in enumerate(codes, start=first)
    ]
    # Added to the session, each would be a statement: what comes back to an object must come in its order
    made = session.scalars(insert(BankQuestion).returning(BankQuestion), rows)
    questions = {question.code: question for question in made}
    worded = [_worded(actor, questions[code], asked, 1) for code, asked in zip(codes, wanted, strict=True)]
    session.execute(insert(BankWording), worded)
    return [(questions[code], BankWording(**row)) for code, row in zip(codes, worded, strict=True)]


def _worded(actor: Actor, question: BankQuestion, asked: Asked, number: int) -> dict[str, Any]:
    """The columns of a wording."""
    return {
        "code": ids.new_code(),
        "question_id": question.id,
        "number": number,
        "text": asked.text,
        "pointers": asked.pointers,
        "criteria": list(asked.criteria),
        "created_at": clock.now(),
        "created_by_id": actor.person_id,
    }


def _said(question: BankQuestion, unit: Node, wording: BankWording) -> dict[str, Any]:
    digest = wording_digest(question.code, unit.code, wording)
    return {"question": question.code, "wording": wording.code, "number": wording.number, "digest": digest}


def _log_added(
    session: Session,
    actor: Actor,
    head: VersionHead,
    unit: Node,
    made: Sequence[tuple[BankQuestion, BankWording]],
    source: str,
) -> None:
    said = [_said(question, unit, wording) for question, wording in made]
    data = {"version": head.version.code, "unit": unit.code, "source": source, "wordings": said}
    log.append(session, actor, log.Stream.centre(actor.centre_code), "question.added", made[0][0].code, data)


def _log_one(session: Session, actor: Actor, head: VersionHead, unit: Node, action: str, code: str) -> None:
    session.flush()
    data = {"version": head.version.code, "unit": unit.code}
    log.append(session, actor, log.Stream.centre(actor.centre_code), action, code, data)


def _too_many(count: int) -> str:
    return f"A unit has room for {MAX_LIVE:,} questions; this would make {count:,}. Archive some first."
