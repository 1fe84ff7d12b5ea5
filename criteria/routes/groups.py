"""Unit groups of a draft: made, changed, moved, removed. A group is named by its reference, in a field of the form."""

from collections.abc import Sequence
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from criteria.forms import read_group
from criteria.permissions import FRAMEWORK_MANAGE
from criteria.queries import VersionHead, get_version, group_rows, units_of_version
from criteria.routes.drawing import version_page
from criteria.rules import Direction, GroupRow, Groups, free_ref
from criteria.service import check_draft, mark_of_group, move_group, remove_group, set_group
from criteria.wording import count_words
from portfolio.core.errors import Invalid, NotFound, Stale
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import render, see_other, wants_fragment

routes = Routes()
PATH = "/frameworks/{code}/unit-group"
LIMITS = ("minimum_units", "maximum_units", "minimum_credits", "maximum_credits")


@routes.page(PATH, FRAMEWORK_MANAGE)
def show_group(
    request: Request, session: ReadSession, actor: CurrentActor, code: str, ref: str = ""
) -> Response:
    """The form of a group of a draft; without `ref` that of a further one."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    check_draft(actor, head)
    now = group_rows(session, head.version.id)
    group = now.group(ref) if ref else GroupRow(ref=free_ref(now), title="")
    if group is None:
        raise NotFound("This group was removed from the draft meanwhile.")
    values = {name: "" if (n := getattr(group, name)) is None else str(n) for name in LIMITS}
    values |= {"ref": group.ref, "title": group.title, "parent": group.parent or ""}
    values |= {"conditional": "1" if group.conditional else "", "shown": mark_of_group(now, ref)}
    return _form(request, session, head, ref, values, now.members(ref) if ref else ())


@routes.action(PATH, FRAMEWORK_MANAGE)
def change_group(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str
) -> Response:
    """Save the group `was`, or a further one."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    check_draft(actor, head)
    was, chosen = posted.raw("was"), posted.many("units")
    try:
        new, members = read_group(posted)
        set_group(session, actor, head, was, new, members, shown=posted.raw("shown"))
    except Invalid as error:
        return _form(request, session, head, was, posted.values(), chosen, error.errors, status=422)
    except Stale as error:
        now = group_rows(session, head.version.id)
        values = {**posted.values(), "shown": mark_of_group(now, was)}
        return _form(request, session, head, was, values, chosen, stale=error.message, status=409)
    return see_other(request, f"/frameworks/{code}#groups-h", f"The group “{new.title}” was saved.")


@routes.action(PATH + "/remove", FRAMEWORK_MANAGE)
def remove(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str
) -> Response:
    """Remove the group `was`; what stood in it moves out one step."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    was = posted.raw("was")
    try:
        remove_group(session, actor, head, was)
    except Invalid as error:
        url = f"/frameworks/{code}/unit-group?ref={quote(was, safe='')}"
        return see_other(request, url, error.message, "error")
    return see_other(request, f"/frameworks/{code}#groups-h", "The group was removed.")


@routes.action(PATH + "/order", FRAMEWORK_MANAGE)
def move(request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str) -> Response:
    """Let a group change places with its neighbour: `up` or `down` is its reference."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    check_draft(actor, head)
    direction = Direction.UP if posted.has("up") else Direction.DOWN
    ref, part = posted.raw(direction.value), wants_fragment(request)
    try:
        place, count = move_group(session, actor, head, ref, direction, shown=posted.raw("shown"))
    except Stale as error:
        stale = error.message
        return version_page(
            request, session, actor, head, part="groups" if part else "", status=409, groups_stale=stale
        )
    said = f"The group {ref} is number {place} of {count} now."
    if part:
        return version_page(request, session, actor, head, part="groups", groups_moved=said)
    return see_other(request, f"/frameworks/{code}#groups-h", said)


def _form(
    request: Request,
    session: ReadSession,
    head: VersionHead,
    was: str,
    values: dict[str, str],
    chosen: Sequence[str],
    errors: dict[str, str] | None = None,
    *,
    stale: str = "",
    status: int = 200,
) -> Response:
    """The form with what was typed. `stale`: beside what is stored by now."""
    now = group_rows(session, head.version.id)
    group = now.group(was) if was else None
    title = f"Change the unit group “{group.title}”" if group else "Add a unit group"
    return render(
        request,
        "criteria/group_form.html",
        title=title,
        status=status,
        crumbs=[
            ("Frameworks", "/frameworks"),
            (head.qualification.title, f"/frameworks/{head.version.code}"),
            ("Unit group", ""),
        ],
        head=head,
        was=was,
        group=group,
        values=values,
        chosen=set(chosen),
        errors=errors or {},
        stale=stale,
        stored_units=now.members(was) if group else (),
        parents=[(each.ref, f"{each.title} ({each.ref})") for each in now.may_hold(was)],
        units=_unit_options(session, head, now, was),
    )


def _unit_options(
    session: ReadSession, head: VersionHead, now: Groups, was: str
) -> list[tuple[str, str, str]]:
    """(reference, title, what helps to choose) of every unit, in order."""
    stands = {unit.ref: now.group(unit.group) for unit in now.units if unit.group and unit.group != was}
    options = []
    for unit in units_of_version(session, head.version.id):
        credit = count_words(unit.credits, "credit", "credits") if unit.credits is not None else "no credits"
        said = [credit, "mandatory" if unit.mandatory else "optional"]
        elsewhere = stands.get(unit.ref)
        if elsewhere:
            said.append(f"stands in “{elsewhere.title}” now, and leaves it when chosen here")
        options.append((unit.ref, f"{unit.ref} {unit.text}", " · ".join(said)))
    return options
