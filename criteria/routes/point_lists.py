"""Lists of a draft, one page each: the range of a criterion, one kind of guidance of a unit."""

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from criteria.forms import PointsForm, read_points
from criteria.models import Node
from criteria.permissions import FRAMEWORK_MANAGE
from criteria.queries import VersionHead, get_node, get_version
from criteria.rules import GuidanceKind, NodeKind
from criteria.service import (
    WITH_TERM,
    PointText,
    check_draft,
    mark_of_points,
    points_of,
    range_of,
    set_guidance,
    set_range,
)
from criteria.wording import guidance_word
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, NotFound, Stale
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import render, see_other

routes = Routes()
RANGE = "/frameworks/{code}/nodes/{node_code}/range"
GUIDANCE = "/frameworks/{code}/units/{unit_code}/guidance/{kind}"
SPARE_ROWS = 3

_HINTS: dict[GuidanceKind, str] = {
    GuidanceKind.SYNOPSIS: "What the unit is about, in a paragraph or two.",
    GuidanceKind.OVERVIEW: "The unit explained at more length, a paragraph each.",
    GuidanceKind.KEY_CONCEPTS: "Ideas that the unit rests on, a point each.",
    GuidanceKind.PREREQUISITES: "What should be known or done before, a point each.",
    GuidanceKind.ADVICE: "Good practice. Candidates see it beside their evidence, and tick it off before they submit.",
    GuidanceKind.COMMON_MISTAKES: "What goes wrong. Candidates see it beside their evidence.",
    GuidanceKind.KEY_TERMS: "Words with their meaning. They are explained wherever the unit uses them.",
    GuidanceKind.FAQ: "Questions that candidates ask, with answers.",
}
_RANGE_HINT = "Contexts that this criterion must be covered in. Rules name them by their references."


@dataclass(frozen=True, slots=True)
class _List:
    """A list to be changed: where it is, what it is called, and what is stored."""

    head: VersionHead
    unit: Node
    url: str
    title: str
    back: str
    hint: str
    term_label: str
    stored: list[PointText]


@routes.page(RANGE, FRAMEWORK_MANAGE)
def show_range(
    request: Request, session: ReadSession, actor: CurrentActor, code: str, node_code: str
) -> Response:
    """The range items of a criterion of a draft."""
    found, _ = _range(session, actor, code, node_code)
    return _page(request, found, PointsForm(found.stored, mark_of_points(found.stored)))


@routes.action(RANGE, FRAMEWORK_MANAGE)
def change_range(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str, node_code: str
) -> Response:
    """Save the range items."""
    found, criterion = _range(session, actor, code, node_code)
    form = read_points(posted, with_term=True)
    if form.more:
        return _page(request, found, form)
    try:
        form.check()
        set_range(session, actor, found.head, criterion, form.points, shown=form.shown)
    except Invalid as error:
        return _page(request, found, form, errors=error.errors, status=422)
    except Stale as error:
        found, _ = _range(session, actor, code, node_code)
        return _after_another(request, found, form, error)
    return see_other(request, found.back, "Saved.")


@routes.page(GUIDANCE, FRAMEWORK_MANAGE)
def show_guidance(
    request: Request, session: ReadSession, actor: CurrentActor, code: str, unit_code: str, kind: str
) -> Response:
    """One kind of guidance of a unit of a draft."""
    found, _, _ = _guidance(session, actor, code, unit_code, kind)
    return _page(request, found, PointsForm(found.stored, mark_of_points(found.stored)))


@routes.action(GUIDANCE, FRAMEWORK_MANAGE)
def change_guidance(
    request: Request,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
    code: str,
    unit_code: str,
    kind: str,
) -> Response:
    """Save the guidance of that kind."""
    found, unit, which = _guidance(session, actor, code, unit_code, kind)
    form = read_points(posted, with_term=which in WITH_TERM)
    if form.more:
        return _page(request, found, form)
    try:
        form.check()
        set_guidance(session, actor, found.head, unit, which, form.points, shown=form.shown)
    except Invalid as error:
        return _page(request, found, form, errors=error.errors, status=422)
    except Stale as error:
        found, _, _ = _guidance(session, actor, code, unit_code, kind)
        return _after_another(request, found, form, error)
    return see_other(request, found.back, "Saved.")


def _range(session: ReadSession, actor: Actor, code: str, node_code: str) -> tuple[_List, Node]:
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    check_draft(actor, head)
    criterion = get_node(session, head, node_code, NodeKind.CRITERION)
    unit = session.get_one(Node, criterion.unit_id)
    base = f"/frameworks/{code}"
    listed = _List(
        head=head,
        unit=unit,
        url=f"{base}/nodes/{node_code}/range",
        title=f"Range of criterion {criterion.ref}",
        back=f"{base}/units/{unit.code}#n-{node_code}",
        hint=_RANGE_HINT,
        term_label="Reference",
        stored=range_of(session, criterion),
    )
    return listed, criterion


def _guidance(
    session: ReadSession, actor: Actor, code: str, unit_code: str, kind: str
) -> tuple[_List, Node, GuidanceKind]:
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    check_draft(actor, head)
    unit = get_node(session, head, unit_code, NodeKind.UNIT)
    if kind not in set(GuidanceKind):
        raise NotFound()
    which = GuidanceKind(kind)
    base = f"/frameworks/{code}/units/{unit_code}"
    labels = {GuidanceKind.KEY_TERMS: "Key term", GuidanceKind.FAQ: "Question"}
    listed = _List(
        head=head,
        unit=unit,
        url=f"{base}/guidance/{kind}",
        title=f"{guidance_word(which)}: unit {unit.ref}",
        back=f"{base}#g-{kind}",
        hint=_HINTS[which],
        term_label=labels.get(which, ""),
        stored=points_of(session, unit, which),
    )
    return listed, unit, which


def _after_another(request: Request, found: _List, form: PointsForm, error: Stale) -> Response:
    """What was typed, and what somebody else stored meanwhile: saving again is a decision made in sight of it."""
    seen = PointsForm(form.points, mark_of_points(found.stored))
    return _page(request, found, seen, stale=error.message, status=409)


def _page(
    request: Request,
    found: _List,
    form: PointsForm,
    *,
    errors: dict[str, str] | None = None,
    stale: str = "",
    status: int = 200,
) -> Response:
    spare = [PointText("", "")] * (SPARE_ROWS + (5 if form.more else 0))
    return render(
        request,
        "criteria/points_form.html",
        title=found.title,
        status=status,
        crumbs=[
            ("Frameworks", "/frameworks"),
            (found.head.qualification.title, f"/frameworks/{found.head.version.code}"),
            (found.unit.ref, f"/frameworks/{found.head.version.code}/units/{found.unit.code}"),
            ("Change", ""),
        ],
        listed=found,
        rows=[*form.points, *spare],
        filled=len(form.points),
        shown=form.shown,
        errors=errors or {},
        stale=stale,
    )
