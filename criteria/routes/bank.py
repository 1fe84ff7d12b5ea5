"""The bank of questions: a page per unit and per question, adding many by lines, copying from another version."""

from typing import Any

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from criteria.bank_forms import QuestionValues, asked_of, read_import, read_question
from criteria.models import Node
from criteria.permissions import BANK_KEEP, BANK_VIEW
from criteria.queries import VersionHead, get_node, get_version, subtree_of, units_of_version
from criteria.queries.bank import (
    bank_of,
    copy_plan,
    get_question,
    question_counts,
    versions_to_copy,
    wordings_of,
)
from criteria.rules import NodeKind
from criteria.rules.bank import BankLine
from criteria.service.bank import (
    add_question,
    add_questions,
    archive_question,
    change_question,
    check_bank,
    copy_bank,
    move_question,
    restore_question,
)
from criteria.wording import count_words
from portfolio.core import ids
from portfolio.core.actor import Actor, Permission
from portfolio.core.errors import AppError, Invalid, Locked, Stale
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.errors import status_of
from portfolio.web.pages import render, see_other

routes = Routes()
_OF_VERSION = "/frameworks/{code}/questions"
_OF_UNIT = "/frameworks/{code}/units/{unit_code}/questions"
_ONE = _OF_UNIT + "/{question_code}"


@routes.page(_OF_VERSION, BANK_VIEW)
def show_units(request: Request, session: ReadSession, actor: CurrentActor, code: str) -> Response:
    """The units with how many questions each has, and the versions to copy from."""
    head = _version(session, actor, code)
    keeps = BANK_KEEP.allows_role(actor)
    return render(
        request,
        "criteria/bank.html",
        title="Questions",
        crumbs=_crumbs(head, ("Questions", "")),
        head=head,
        units=units_of_version(session, head.version.id),
        counts=question_counts(session, head.version.id),
        others=versions_to_copy(session, actor, head) if keeps else [],
        count_words=count_words,
    )


@routes.page(f"{_OF_VERSION}/copy", BANK_KEEP)
def show_copy(
    request: Request, session: ReadSession, actor: CurrentActor, code: str, source: str = ""
) -> Response:
    """What copying from another version would bring."""
    head = _version(session, actor, code, BANK_KEEP)
    if not source:
        return see_other(request, f"/frameworks/{code}/questions", "Choose the version to copy from.", "info")
    giver = _version(session, actor, source, BANK_KEEP)
    rows = copy_plan(session, giver, head)
    return render(
        request,
        "criteria/bank_copy.html",
        title="Copy questions",
        crumbs=_crumbs(head, ("Questions", f"/frameworks/{code}/questions"), ("Copy", "")),
        head=head,
        giver=giver,
        rows=rows,
        count=sum(len(row.new) for row in rows),
        count_words=count_words,
    )


@routes.action(f"{_OF_VERSION}/copy", BANK_KEEP)
def copy(request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str) -> Response:
    """Copy them. A second time finds nothing new."""
    head = _version(session, actor, code, BANK_KEEP)
    source = posted.line("source", "The version to copy from", required=True, limit=20)
    posted.check()
    giver = _version(session, actor, source, BANK_KEEP)
    count = copy_bank(session, actor, head, giver)
    said = (
        f"{count_words(count, 'question was', 'questions were')} copied."
        if count
        else "All were here already."
    )
    return see_other(request, f"/frameworks/{code}/questions", said)


@routes.page(_OF_UNIT, BANK_VIEW)
def show_unit(
    request: Request, session: ReadSession, actor: CurrentActor, code: str, unit_code: str
) -> Response:
    """The questions of a unit, in order, and the form for one more."""
    head, unit = _unit(session, actor, code, unit_code)
    return _draw_unit(request, session, actor, head, unit, QuestionValues(code=ids.new_code()))


@routes.action(_OF_UNIT, BANK_KEEP)
def add(
    request: Request,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
    code: str,
    unit_code: str,
) -> Response:
    """Add a question."""
    head, unit = _unit(session, actor, code, unit_code, BANK_KEEP)
    values = read_question(posted)
    try:
        posted.check()
        add_question(session, actor, head, unit, values.asked, code=values.code)
    except Invalid as error:
        return _draw_unit(request, session, actor, head, unit, values, error)
    return see_other(request, _url(head, unit), "The question is in the bank.")


@routes.page(f"{_OF_UNIT}/import", BANK_KEEP)
def show_import(
    request: Request, session: ReadSession, actor: CurrentActor, code: str, unit_code: str
) -> Response:
    """An empty form for many questions at once."""
    head, unit = _unit(session, actor, code, unit_code, BANK_KEEP)
    return _draw_import(request, session, head, unit, "", [])


@routes.action(f"{_OF_UNIT}/import", BANK_KEEP)
def import_lines(
    request: Request,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
    code: str,
    unit_code: str,
) -> Response:
    """Show what became of each line; or (action "add") add them, if none has a problem."""
    head, unit = _unit(session, actor, code, unit_code, BANK_KEEP)
    criteria = subtree_of(session, unit).criteria
    there = [entry.wording.text for entry in bank_of(session, [unit.id]).get(unit.id, [])]
    lines: list[BankLine] = []
    try:
        lines = read_import(posted, criteria, there)
        if posted.raw("action") == "add" and not any(line.problem for line in lines):
            count = add_questions(session, actor, head, unit, asked_of(lines, criteria), source="lines")
            said = f"{count_words(count, 'question was', 'questions were')} added."
            return see_other(request, _url(head, unit), said if count else "The bank had all of them.")
    except Invalid as error:
        return _draw_import(request, session, head, unit, posted.raw("lines"), lines, error)
    wrong = any(line.problem for line in lines)
    return _draw_import(
        request, session, head, unit, posted.raw("lines"), lines, status=422 if wrong else 200
    )


@routes.page(_ONE, BANK_VIEW)
def show_question(
    request: Request, session: ReadSession, actor: CurrentActor, code: str, unit_code: str, question_code: str
) -> Response:
    """One question: to change it, and how it was worded before."""
    head, unit = _unit(session, actor, code, unit_code)
    return _draw_question(request, session, actor, (head, unit), question_code)


@routes.action(_ONE, BANK_KEEP)
def change(
    request: Request,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
    code: str,
    unit_code: str,
    question_code: str,
) -> Response:
    """Another wording from now on."""
    head, unit = _unit(session, actor, code, unit_code, BANK_KEEP)
    values = read_question(posted)
    try:
        posted.check()
        change_question(session, actor, head, unit, question_code, values.asked, seen=values.seen)
    except (Invalid, Stale, Locked) as error:
        return _draw_question(request, session, actor, (head, unit), question_code, values, error)
    return see_other(request, _url(head, unit), "Saved. What was recorded before stays as it was asked.")


@routes.action(f"{_ONE}/archive", BANK_KEEP)
def archive(
    request: Request,
    session: WriteSession,
    actor: CurrentActor,
    code: str,
    unit_code: str,
    question_code: str,
) -> Response:
    """Offer it no more."""
    head, unit = _unit(session, actor, code, unit_code, BANK_KEEP)
    archive_question(session, actor, head, unit, question_code)
    return see_other(
        request, _url(head, unit), "Archived: it is offered no more. You can bring it back below."
    )


@routes.action(f"{_ONE}/restore", BANK_KEEP)
def restore(
    request: Request,
    session: WriteSession,
    actor: CurrentActor,
    code: str,
    unit_code: str,
    question_code: str,
) -> Response:
    """Offer it again."""
    head, unit = _unit(session, actor, code, unit_code, BANK_KEEP)
    try:
        restore_question(session, actor, head, unit, question_code)
    except Invalid as error:
        return see_other(request, _url(head, unit), error.message, "error")
    return see_other(request, _url(head, unit), "It is back, at the end of the list.")


@routes.action(f"{_ONE}/move", BANK_KEEP)
def move(
    request: Request,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
    code: str,
    unit_code: str,
    question_code: str,
) -> Response:
    """Put it at another place of the list."""
    head, unit = _unit(session, actor, code, unit_code, BANK_KEEP)
    place = posted.whole("place", "The place", minimum=0, maximum=100_000)
    if place is not None:
        move_question(session, actor, head, unit, question_code, place)
    return see_other(request, f"{_url(head, unit)}#q-{question_code}")


def _version(session: Session, actor: Actor, code: str, permission: Permission = BANK_VIEW) -> VersionHead:
    head = get_version(session, actor, code, permission)
    check_bank(head)
    return head


def _unit(
    session: Session, actor: Actor, code: str, unit_code: str, permission: Permission = BANK_VIEW
) -> tuple[VersionHead, Node]:
    head = _version(session, actor, code, permission)
    return head, get_node(session, head, unit_code, NodeKind.UNIT)


def _url(head: VersionHead, unit: Node) -> str:
    return f"/frameworks/{head.version.code}/units/{unit.code}/questions"


def _crumbs(head: VersionHead, *more: tuple[str, str]) -> list[tuple[str, str]]:
    name = f"{head.qualification.title}, version {head.version.label}"
    return [("Frameworks", "/frameworks"), (name, f"/frameworks/{head.version.code}"), *more]


def _unit_crumbs(head: VersionHead, unit: Node, *more: tuple[str, str]) -> list[tuple[str, str]]:
    whole = ("Questions", f"/frameworks/{head.version.code}/questions")
    return _crumbs(head, whole, (unit.ref, _url(head, unit) if more else ""), *more)


def _draw_unit(
    request: Request,
    session: Session,
    actor: Actor,
    head: VersionHead,
    unit: Node,
    values: QuestionValues,
    error: Invalid | None = None,
) -> Response:
    return render(
        request,
        "criteria/bank_unit.html",
        title=f"Questions: {unit.text}",
        status=status_of(error) if error else 200,
        crumbs=_unit_crumbs(head, unit),
        head=head,
        unit=unit,
        url=_url(head, unit),
        entries=bank_of(session, [unit.id]).get(unit.id, []),
        archived=bank_of(session, [unit.id], archived=True).get(unit.id, []),
        criteria=subtree_of(session, unit).criteria,
        values=values,
        keeps=BANK_KEEP.allows_role(actor),
        message=error.message if error else "",
        errors=error.errors if error else {},
    )


def _draw_question(
    request: Request,
    session: Session,
    actor: Actor,
    place: tuple[VersionHead, Node],
    code: str,
    values: QuestionValues | None = None,
    error: AppError | None = None,
) -> Response:
    head, unit = place
    entry = get_question(session, unit, code)
    last = entry.wording
    stored = QuestionValues(last.text, last.pointers, last.criteria, seen=last.number)
    context: dict[str, Any] = {
        "url": f"{_url(head, unit)}/{code}",
        "back": _url(head, unit),
        "entry": entry,
        "wordings": wordings_of(session, entry.question),
        "criteria": subtree_of(session, unit).criteria,
        "values": values or stored,
        "keeps": BANK_KEEP.allows_role(actor),
        "stale": isinstance(error, Stale),
        "message": error.message if error else "",
        "errors": error.errors if isinstance(error, Invalid) else {},
    }
    return render(
        request,
        "criteria/bank_question.html",
        title="A question",
        status=status_of(error) if error else 200,
        crumbs=_unit_crumbs(head, unit, ("Question", "")),
        **context,
    )


def _draw_import(
    request: Request,
    session: Session,
    head: VersionHead,
    unit: Node,
    source: str,
    lines: list[BankLine],
    error: Invalid | None = None,
    *,
    status: int = 200,
) -> Response:
    return render(
        request,
        "criteria/bank_import.html",
        title=f"Add many questions: {unit.text}",
        status=status_of(error) if error else status,
        crumbs=_unit_crumbs(head, unit, ("Add many", "")),
        url=_url(head, unit),
        example=[node.ref for node in subtree_of(session, unit).criteria[:2]],
        source=source,
        lines=lines,
        new=sum(line.is_new for line in lines),
        wrong=sum(bool(line.problem) for line in lines),
        count_words=count_words,
        message=error.message if error else "",
        errors=error.errors if error else {},
    )
