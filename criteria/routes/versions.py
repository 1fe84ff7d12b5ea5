"""Pages that show frameworks: the list, a version, a unit; export; the life of a version."""

from typing import cast

from fastapi import Request
from starlette.responses import Response

from criteria.importers import detect
from criteria.permissions import FRAMEWORK_MANAGE, FRAMEWORK_VIEW
from criteria.queries import (
    PAGE,
    framework_of,
    get_node,
    get_version,
    versions_of_centre,
)
from criteria.routes.drawing import unit_page, version_page
from criteria.rules import NodeKind
from criteria.service import activate_version, retire_version
from portfolio.core.errors import Invalid, NotFound
from portfolio.web.deps import CurrentActor, ReadSession, Routes, WriteSession
from portfolio.web.pages import render, see_other

routes = Routes()
MEDIA_TYPES: dict[str, str] = {
    "yaml": "application/yaml",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@routes.page("/frameworks", FRAMEWORK_VIEW)
def show_list(request: Request, session: ReadSession, actor: CurrentActor, page: str = "1") -> Response:
    """All versions of the centre, newest first."""
    number = max(1, int(page)) if page.isdigit() and len(page) < 6 else 1
    rows = versions_of_centre(session, actor, page=number)
    return render(
        request,
        "criteria/list.html",
        title="Frameworks",
        rows=rows[:PAGE],
        page_number=number,
        has_next=len(rows) > PAGE,
        may_manage=FRAMEWORK_MANAGE.allows_role(actor),
    )


@routes.page("/frameworks/{code}", FRAMEWORK_VIEW)
def show_version(request: Request, session: ReadSession, actor: CurrentActor, code: str) -> Response:
    """The tree of a version, its rules of combination and of evidence."""
    return version_page(request, session, actor, get_version(session, actor, code))


@routes.page("/frameworks/{code}/units/{unit_code}", FRAMEWORK_VIEW)
def show_unit(
    request: Request, session: ReadSession, actor: CurrentActor, code: str, unit_code: str
) -> Response:
    """A unit with its criteria beside all guidance and the rules in plain words."""
    head = get_version(session, actor, code)
    return unit_page(request, session, actor, head, get_node(session, head, unit_code, NodeKind.UNIT))


@routes.page("/frameworks/{code}/export.{form}", FRAMEWORK_VIEW)
def export(session: ReadSession, actor: CurrentActor, code: str, form: str) -> Response:
    """The version as a file in our own format."""
    head = get_version(session, actor, code)
    if form not in MEDIA_TYPES:
        raise NotFound()
    content = detect.write(framework_of(session, head), cast(detect.WriteFormat, form))
    name = f"framework-{head.version.code}.{form}"
    return Response(
        content,
        media_type=MEDIA_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@routes.action("/frameworks/{code}/activate", FRAMEWORK_MANAGE)
def activate(request: Request, session: WriteSession, actor: CurrentActor, code: str) -> Response:
    """A draft becomes usable for enrolment."""
    head = get_version(session, actor, code, FRAMEWORK_MANAGE)
    try:
        activate_version(session, actor, head)
    except Invalid as error:
        return see_other(request, f"/frameworks/{code}", error.message, "error")
    return see_other(
        request, f"/frameworks/{code}", "The version is active: candidates can be enrolled on it."
    )


@routes.action("/frameworks/{code}/retire", FRAMEWORK_MANAGE)
def retire(request: Request, session: WriteSession, actor: CurrentActor, code: str) -> Response:
    """A version takes no more portfolios."""
    retire_version(session, actor, get_version(session, actor, code, FRAMEWORK_MANAGE))
    return see_other(
        request, f"/frameworks/{code}", "The version was retired. Portfolios that have it keep it."
    )
