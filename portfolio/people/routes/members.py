"""The centre manager's pages of people: list, add, roles, invitations, who assures whom."""

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from portfolio.core.actor import Actor, Role
from portfolio.core.errors import AppError, Invalid, Locked
from portfolio.people import queries, service
from portfolio.people.forms import ROLE_OPTIONS, member_filter, new_member, new_role
from portfolio.people.models import Membership, Person
from portfolio.people.permissions import PEOPLE_MANAGE
from portfolio.people.queries import MemberPage
from portfolio.people.routes.common import ask_before_leaving, blank, lapsing_of, redraw
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import render, see_other

routes = Routes()
_LIST = ("People", "/people")


@routes.page("/people", PEOPLE_MANAGE)
def people(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """Everybody with a role in the centre."""
    wanted = member_filter(request.query_params)
    page: MemberPage = queries.members_of(session, actor, wanted)
    next_url = str(request.url.include_query_params(after=page.next_code)) if page.next_code else ""
    return render(
        request,
        "people/people.html",
        title="People",
        members=page.rows,
        wanted=wanted,
        roles=ROLE_OPTIONS,
        next_url=next_url,
    )


@routes.page("/people/new", PEOPLE_MANAGE)
def new_person(request: Request, actor: CurrentActor) -> Response:
    """The form for adding somebody."""
    role = request.query_params.get("role", "")
    return render(
        request,
        "people/new_person.html",
        title="Add a person",
        crumbs=[_LIST],
        roles=ROLE_OPTIONS,
        **blank(role=role),
    )


@routes.action("/people", PEOPLE_MANAGE)
def add_person(request: Request, session: WriteSession, actor: CurrentActor, fields: Posted) -> Response:
    """Add somebody with a first role and tell them."""
    try:
        new = new_member(fields)
        centre = queries.get_own_centre(session, actor)
        person, membership = service.add_member(session, actor, centre, new)
    except Invalid as error:
        context = {"crumbs": [_LIST], "roles": ROLE_OPTIONS}
        return redraw(request, "people/new_person.html", fields, error, title="Add a person", **context)
    service.welcome(session, actor, centre, person, membership.role)
    message = f"{person.name} is added. An invitation is on its way."
    if person.password_hash is not None:
        message = f"{person.name} has an account already and was told about the new role."
    return see_other(request, f"/people/{person.code}", message)


@routes.page("/people/{person_code}", PEOPLE_MANAGE)
def person_page(request: Request, session: ReadSession, actor: CurrentActor, person_code: str) -> Response:
    """One person: roles, invitation, who assures whom."""
    person = queries.get_member(session, actor, person_code)
    return render(
        request,
        "people/person.html",
        title=person.name,
        **_person_context(request, session, actor, person),
        **blank(name=person.name),
    )


def _person_context(request: Request, session: Session, actor: Actor, person: Person) -> dict[str, object]:
    detail = queries.member_detail(session, actor, person)
    held = {role.role.value for role in detail.open_roles}
    roles = [option for option in ROLE_OPTIONS if option[0] not in held]
    lapsing = lapsing_of(request, session, actor, person.id)
    return {"crumbs": [_LIST], "detail": detail, "roles": roles, **lapsing}


def _person_again(
    request: Request, session: Session, actor: Actor, person: Person, fields: Posted, error: AppError
) -> Response:
    if not fields.has("name"):
        fields.items = [*fields.items, ("name", person.name)]
    context = _person_context(request, session, actor, person)
    return redraw(request, "people/person.html", fields, error, title=person.name, **context)


@routes.action("/people/{person_code}", PEOPLE_MANAGE)
def rename_person(
    request: Request, session: WriteSession, actor: CurrentActor, fields: Posted, person_code: str
) -> Response:
    """Correct a name."""
    person = queries.get_member(session, actor, person_code)
    try:
        name = fields.line("name", "Name", required=True, limit=200)
        fields.check()
        service.rename_person(session, actor, person, name)
    except (Invalid, Locked) as error:
        return _person_again(request, session, actor, person, fields, error)
    return see_other(request, f"/people/{person.code}", "Saved.")


@routes.action("/people/{person_code}/roles", PEOPLE_MANAGE)
def add_role(
    request: Request, session: WriteSession, actor: CurrentActor, fields: Posted, person_code: str
) -> Response:
    """Give a further role."""
    person = queries.get_member(session, actor, person_code)
    try:
        new = new_role(fields, name=person.name, email=person.email)
        centre = queries.get_own_centre(session, actor)
        service.add_member(session, actor, centre, new)
    except Invalid as error:
        return _person_again(request, session, actor, person, fields, error)
    service.welcome(session, actor, centre, person, new.role)
    return see_other(request, f"/people/{person.code}", "The role is given.")


def _load_role(session: Session, actor: Actor, code: str, membership_code: str) -> tuple[Person, Membership]:
    person = queries.get_member(session, actor, code)
    return person, queries.get_membership(session, actor, person, membership_code)


@routes.action("/people/{person_code}/roles/{membership_code}/end", PEOPLE_MANAGE)
def end_role(
    request: Request,
    session: WriteSession,
    actor: CurrentActor,
    fields: Posted,
    person_code: str,
    membership_code: str,
) -> Response:
    """End a role, with the allocations held in it. It asks before a trainee is left alone."""
    person, membership = _load_role(session, actor, person_code, membership_code)
    if question := _leaves_trainees(request, session, actor, fields, person, membership.role):
        return question
    service.end_role(session, actor, person, membership)
    return see_other(request, f"/people/{person.code}", "The role is ended.")


@routes.action("/people/{person_code}/roles/{membership_code}/days", PEOPLE_MANAGE)
def change_last_day(
    request: Request,
    session: WriteSession,
    actor: CurrentActor,
    fields: Posted,
    person_code: str,
    membership_code: str,
) -> Response:
    """Let a role last until another day; what is allocated in it stays."""
    person, membership = _load_role(session, actor, person_code, membership_code)
    try:
        last_day = fields.date("last_day", "Last day")
        fields.check()
        service.change_last_day(session, actor, person, membership, last_day)
    except (Invalid, Locked) as error:
        fields.items = [*fields.items, ("role_code", membership.code)]
        return _person_again(request, session, actor, person, fields, error)
    return see_other(
        request, f"/people/{person.code}", "The last day is changed. Allocations stay as they are."
    )


@routes.action("/people/{person_code}/invite", PEOPLE_MANAGE)
def invite(request: Request, session: WriteSession, actor: CurrentActor, person_code: str) -> Response:
    """Send the invitation again; the earlier link stops working."""
    person = queries.get_member(session, actor, person_code)
    service.invite(session, actor, queries.get_own_centre(session, actor), person)
    return see_other(request, f"/people/{person.code}", "A new invitation is on its way.")


@routes.action("/people/{person_code}/archive", PEOPLE_MANAGE)
def archive(
    request: Request, session: WriteSession, actor: CurrentActor, fields: Posted, person_code: str
) -> Response:
    """End every role of a person in this centre. It asks before a trainee is left alone."""
    person = queries.get_member(session, actor, person_code)
    if question := _leaves_trainees(request, session, actor, fields, person):
        return question
    service.archive_person(session, actor, person)
    return see_other(request, f"/people/{person.code}", f"{person.name} is archived. What they did remains.")


def _leaves_trainees(
    request: Request, session: Session, actor: Actor, fields: Posted, person: Person, role: Role | None = None
) -> Response | None:
    """The question to ask before this person leaves a role, or all of them; None when there is nothing to ask."""
    if fields.flag("anyway"):
        return None
    ending = queries.allocations_in(session, actor, person, role)
    left = request.app.state.questions.uncovered_without(session, ending)
    return ask_before_leaving(request, left, back=f"/people/{person.code}") if left else None


@routes.action("/people/{person_code}/assurances", PEOPLE_MANAGE)
def add_assurance(
    request: Request, session: WriteSession, actor: CurrentActor, fields: Posted, person_code: str
) -> Response:
    """Let an internal quality assurer check this assessor's decisions."""
    person = queries.get_member(session, actor, person_code)
    try:
        code = fields.line("iqa", "Internal quality assurer", required=True, limit=20)
        fields.check()
        iqa = next((c for c, _ in queries.people_in_role(session, actor, Role.IQA) if c == code), None)
        if iqa is None:
            raise Invalid("Nothing was changed.", {"iqa": "Choose one of the people in the list."})
        iqa_id = queries.get_member(session, actor, iqa).id
        service.assure(session, actor, iqa_id=iqa_id, assessor_id=person.id)
    except Invalid as error:
        return _person_again(request, session, actor, person, fields, error)
    return see_other(request, f"/people/{person.code}", "Saved.")


@routes.action("/people/{person_code}/assurances/{assurance_code}/end", PEOPLE_MANAGE)
def end_assurance(
    request: Request, session: WriteSession, actor: CurrentActor, person_code: str, assurance_code: str
) -> Response:
    """End an assurance."""
    person = queries.get_member(session, actor, person_code)
    service.end_assurance(session, actor, queries.get_assurance(session, actor, person, assurance_code))
    return see_other(request, f"/people/{person.code}", "Saved.")
