"""Corrections of a draft: what it is called, what a node says, units out."""

from fastapi import Request
from starlette.responses import Response

from criteria.forms import read_node_text, read_version_text
from criteria.models import Node
from criteria.permissions import FRAMEWORK_MANAGE
from criteria.queries import VersionHead, get_node, get_version, tree_of
from criteria.rule_wording import node_words
from criteria.rules import NodeKind
from criteria.service import (
    check_draft,
    edit_node,
    edit_version,
    mark_of_node,
    mark_of_place,
    mark_of_version,
    relocate_criterion,
    remove_unit,
)
from portfolio.core.errors import Invalid, Stale
from portfolio.core.text import shorten
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import render, see_other

routes = Routes()


@routes.page("/frameworks/{code}/edit", FRAMEWORK_MANAGE)
def show_version_form(request: Request, session: ReadSession, actor: CurrentActor, code: str) -> Response:
    """The name and number of a draft."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    check_draft(actor, head)
    found = head.qualification
    values = {
        "title": found.title,
        "number": found.number,
        "level": found.level,
        "awarding_body": found.awarding_body,
        "label": head.version.label,
        "shown": mark_of_version(head),
    }
    return _version_form(request, head, values, {})


@routes.action("/frameworks/{code}/edit", FRAMEWORK_MANAGE)
def change_version(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str
) -> Response:
    """Save the name and number of a draft."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    try:
        edit_version(session, actor, head, read_version_text(posted), shown=posted.raw("shown"))
    except Invalid as error:
        return _version_form(request, head, posted.values(), error.errors, 422)
    except Stale as error:
        values = {**posted.values(), "shown": mark_of_version(head)}
        return _version_form(request, head, values, {}, 409, stale=error.message)
    return see_other(request, f"/frameworks/{code}", "Saved.")


@routes.page("/frameworks/{code}/nodes/{node_code}/edit", FRAMEWORK_MANAGE)
def show_node_form(
    request: Request, session: ReadSession, actor: CurrentActor, code: str, node_code: str
) -> Response:
    """Reference and text of a unit, outcome or criterion of a draft."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    check_draft(actor, head)
    node = get_node(session, head, node_code)
    return _node_form(request, session, head, node, _stored_text(node), {})


@routes.action("/frameworks/{code}/nodes/{node_code}/edit", FRAMEWORK_MANAGE)
def change_node(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str, node_code: str
) -> Response:
    """Save reference and text."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    node = get_node(session, head, node_code)
    try:
        edit_node(session, actor, head, node, read_node_text(posted), shown=posted.raw("shown"))
    except Invalid as error:
        return _node_form(request, session, head, node, posted.values(), error.errors, 422)
    except Stale as error:
        values = {**posted.values(), "shown": mark_of_node(node)}
        return _node_form(request, session, head, node, values, {}, 409, stale=error.message)
    return see_other(request, _unit_url(session, head, node), "Saved.")


@routes.action("/frameworks/{code}/nodes/{node_code}/place", FRAMEWORK_MANAGE)
def relocate(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str, node_code: str
) -> Response:
    """Move a criterion into another outcome or unit: `to` is its code."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    check_draft(actor, head)
    node = get_node(session, head, node_code)
    stored = _stored_text(node)
    to = next((n for n in _places(session, head, node) if n.code == posted.raw("to")), None)
    if to is None:
        errors = {"to": "Choose an outcome or a unit of this draft."}
        return _node_form(request, session, head, node, stored, errors, 422)
    try:
        relocate_criterion(session, actor, head, node, to, shown=posted.raw("shown"))
    except Invalid as error:
        return _node_form(request, session, head, node, {**stored, "to": to.code}, error.errors, 422)
    except Stale as error:
        values = {**stored, "to": to.code}
        return _node_form(request, session, head, node, values, {}, 409, stale=error.message)
    return see_other(request, _unit_url(session, head, node), f"{node_words(node.kind, node.ref)} was moved.")


@routes.action("/frameworks/{code}/units/{unit_code}/remove", FRAMEWORK_MANAGE)
def remove(
    request: Request, session: WriteSession, actor: CurrentActor, code: str, unit_code: str
) -> Response:
    """Take a unit out of a draft."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    unit = get_node(session, head, unit_code, NodeKind.UNIT)
    try:
        remove_unit(session, actor, head, unit)
    except Invalid as error:
        return see_other(request, f"/frameworks/{code}", error.message, "error")
    return see_other(request, f"/frameworks/{code}", f"Unit {unit.ref} was taken out.")


def _stored_text(node: Node) -> dict[str, str]:
    return {
        "ref": node.ref,
        "text": node.text,
        "credits": "" if node.credits is None else str(node.credits),
        "optional": "" if node.mandatory else "1",
        "shown": mark_of_node(node),
    }


def _places(session: ReadSession, head: VersionHead, node: Node) -> list[Node]:
    """Where a criterion may stand, in order: every outcome and unit. Nothing else moves."""
    if node.kind is not NodeKind.CRITERION:
        return []
    walk = (branch.node for branch in tree_of(session, head.version.id).walk())
    return [found for found in walk if found.kind in (NodeKind.UNIT, NodeKind.OUTCOME)]


def _place_options(places: list[Node]) -> list[tuple[str, str]]:
    """(code, words): an outcome with its unit; a unit for criteria that stand in none of its outcomes."""
    units = {found.id: found.ref for found in places if found.kind is NodeKind.UNIT}
    return [
        (
            found.code,
            f"{units[found.unit_id or 0]}, "
            + (
                "in no outcome"
                if found.kind is NodeKind.UNIT
                else f"outcome {found.ref}: {shorten(found.text, 70)}"
            ),
        )
        for found in places
    ]


def _unit_url(session: ReadSession, head: VersionHead, node: Node) -> str:
    base = f"/frameworks/{head.version.code}"
    if node.unit_id is None:
        return base
    unit = session.get_one(Node, node.unit_id)
    return f"{base}/units/{unit.code}#n-{node.code}"


def _version_form(
    request: Request,
    head: VersionHead,
    values: dict[str, str],
    errors: dict[str, str],
    status: int = 200,
    *,
    stale: str = "",
) -> Response:
    crumbs = [
        ("Frameworks", "/frameworks"),
        (head.qualification.title, f"/frameworks/{head.version.code}"),
        ("Correct", ""),
    ]
    return render(
        request,
        "criteria/version_form.html",
        title="Correct this draft",
        status=status,
        crumbs=crumbs,
        head=head,
        values=values,
        errors=errors,
        stale=stale,
    )


def _node_form(
    request: Request,
    session: ReadSession,
    head: VersionHead,
    node: Node,
    values: dict[str, str],
    errors: dict[str, str],
    status: int = 200,
    *,
    stale: str = "",
) -> Response:
    words = node_words(node.kind, node.ref)
    places = _places(session, head, node)
    return render(
        request,
        "criteria/node_form.html",
        title=f"Correct {words[0].lower()}{words[1:]}",
        status=status,
        crumbs=[
            ("Frameworks", "/frameworks"),
            (head.qualification.title, f"/frameworks/{head.version.code}"),
            (words, _unit_url(session, head, node)),
        ],
        head=head,
        node=node,
        is_unit=node.kind is NodeKind.UNIT,
        place=session.get_one(Node, node.parent_id) if places else None,
        place_mark=mark_of_place(session, node) if places else "",
        place_options=_place_options(places),
        values=values,
        errors=errors,
        stale=stale,
    )
