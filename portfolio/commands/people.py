"""`portfolio add-user`: gives somebody a role from the command line, the way in for operators."""

from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from portfolio.commands.common import AsJson, DataDir, opened, out, print_json, settings_for
from portfolio.core.actor import ROLE_LABELS, Role
from portfolio.core.errors import Invalid
from portfolio.people import service
from portfolio.people.models import Centre, Person
from portfolio.people.queries import get_centre, only_centre
from portfolio.people.rules import LinkPurpose
from portfolio.people.service import NewMember
from portfolio.web.forms import fields_from

_DAY = ["%Y-%m-%d"]


def add_user(
    email: Annotated[str, typer.Argument(help="Email address; one address is one person")],
    name: Annotated[str, typer.Option(help="Name; needed for somebody new")],
    role: Annotated[Role, typer.Option(help="The role to give")],
    centre: Annotated[str, typer.Option(help="The centre's code; not needed when there is only one")] = "",
    starts_on: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="First day; an external assurer needs it")
    ] = None,
    ends_on: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Last day; an external assurer needs it")
    ] = None,
    data: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give a person a role, and print the link with which they choose a password."""
    settings = settings_for(data)
    days = starts_on.date() if starts_on else None, ends_on.date() if ends_on else None
    new = _checked(name, email, role, *days)
    with opened(settings) as parts, parts.database.write() as session:
        found = get_centre(session, centre) if centre else _only(session)
        person, _ = service.add_member(session, None, found, new)
        path = _invitation(session, person, found)
    url = settings.public_url + path if path else None
    if as_json:
        print_json(
            {
                "email": person.email,
                "name": person.name,
                "role": role.value,
                "centre": found.code,
                "url": url,
            }
        )
        return
    out.print(f"{person.name} is {ROLE_LABELS[role].lower()} at {found.name} now.", markup=False)
    if url:
        out.print(f"Choose a password within 14 days at {url}", markup=False)
    else:
        out.print(f"They sign in with their password at {settings.public_url}/sign-in", markup=False)


def _checked(name: str, email: str, role: Role, starts_on: object, ends_on: object) -> NewMember:
    fields = fields_from(
        [
            ("name", name),
            ("email", email),
            ("starts_on", str(starts_on or "")),
            ("ends_on", str(ends_on or "")),
        ]
    )
    new = NewMember(
        fields.line("name", "--name", required=True, limit=200),
        fields.email("email"),
        role,
        fields.date("starts_on", "--starts-on"),
        fields.date("ends_on", "--ends-on"),
    )
    fields.check("Nobody was added.")
    return new


def _only(session: Session) -> Centre:
    found = only_centre(session)
    if found is None:
        raise Invalid("There is no centre yet, or more than one: say which with --centre CODE.")
    return found


def _invitation(session: Session, person: Person, centre: Centre) -> str:
    """The path of a new invitation; "" for somebody who has a password already."""
    if person.password_hash is not None:
        return ""
    token = service.issue_link(session, LinkPurpose.INVITATION, person_id=person.id, centre_id=centre.id)
    return service.link_path(LinkPurpose.INVITATION, token)
