"""Units, outcomes and criteria of a draft, moved up and down. With scripts the list alone is drawn again."""

from fastapi import Request
from starlette.responses import Response

from criteria.models import Node
from criteria.permissions import FRAMEWORK_MANAGE
from criteria.queries import VersionHead, get_node, get_version
from criteria.routes.drawing import unit_page, version_page
from criteria.rule_wording import node_words
from criteria.rules import Direction, NodeKind
from criteria.service import check_draft, move_node, nodes_in_order
from portfolio.core.actor import Actor
from portfolio.core.errors import Stale
from portfolio.web.deps import CurrentActor, Posted, Routes, WriteSession
from portfolio.web.forms import Fields
from portfolio.web.pages import see_other, wants_fragment

routes = Routes()


@routes.action("/frameworks/{code}/order", FRAMEWORK_MANAGE)
def move_unit(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str
) -> Response:
    """Let a unit change places with its neighbour: `up` or `down` is its code."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    part = wants_fragment(request)
    try:
        node, said = _move(session, actor, head, posted, None)
    except Stale as error:
        return version_page(
            request, session, actor, head, part="units" if part else "", status=409, stale=error.message
        )
    if part:
        return version_page(request, session, actor, head, part="units", moved=said)
    return see_other(request, f"/frameworks/{code}#n-{node.code}", said)


@routes.action("/frameworks/{code}/units/{unit_code}/order", FRAMEWORK_MANAGE)
def move_inside_unit(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str, unit_code: str
) -> Response:
    """Let an outcome or a criterion change places with its neighbour: `up` or `down` is its code."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    unit = get_node(session, head, unit_code, NodeKind.UNIT)
    part = wants_fragment(request)
    try:
        node, said = _move(session, actor, head, posted, unit)
    except Stale as error:
        return unit_page(request, session, actor, head, unit, part=part, status=409, stale=error.message)
    if part:
        return unit_page(request, session, actor, head, unit, part=True, moved=said)
    return see_other(request, f"/frameworks/{code}/units/{unit_code}#n-{node.code}", said)


def _move(
    session: WriteSession, actor: Actor, head: VersionHead, posted: Fields, unit: Node | None
) -> tuple[Node, str]:
    """The node that was moved, a unit or something inside `unit`, and in words where it stands now.

    Raises Stale for one that is not on the page by now, as after somebody took it out.
    """
    check_draft(actor, head)
    direction = Direction.UP if posted.has("up") else Direction.DOWN
    code = posted.raw(direction.value)
    node = next((n for n in nodes_in_order(session, unit, head.version.id) if n.code == code), None)
    if node is None:
        raise Stale("This is not part of the draft by now. Nothing was moved.")
    place, count = move_node(session, actor, head, node, direction, shown=posted.raw("shown"))
    return node, f"{node_words(node.kind, node.ref)} is number {place} of {count} now."
