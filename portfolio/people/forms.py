"""Posted fields of people's pages → values, or errors per field."""

from collections.abc import Mapping
from dataclasses import dataclass

from portfolio.core.actor import ROLE_LABELS, Role
from portfolio.people.queries import MemberFilter
from portfolio.people.rules import password_problem, role_days_problem
from portfolio.people.service import NewMember
from portfolio.web.forms import Fields

CENTRE_ROLES = tuple(role for role in Role if role is not Role.OPERATOR)
"""Roles that a centre's manager may give; operators are made on the command line."""
ROLE_OPTIONS = [(role.value, ROLE_LABELS[role]) for role in CENTRE_ROLES]
THEMES = [("auto", "As the device"), ("light", "Light"), ("dark", "Dark")]


@dataclass(frozen=True, slots=True)
class CentreForm:
    """A centre's name and time zone."""

    name: str
    zone: str


def centre_form(fields: Fields, *, name_field: str = "name") -> CentreForm:
    """A centre's name and zone. Whether the zone exists is the service's to say."""
    return CentreForm(
        fields.line(name_field, "The centre's name", required=True, limit=200),
        fields.line("zone", "Time zone", required=True, limit=64),
    )


def role_field(fields: Fields) -> Role | None:
    """The role to give; an error is noted when a centre's manager cannot give it."""
    role = fields.choice("role", "Role", Role)
    if role is Role.OPERATOR:
        fields.error("role", "Role: choose one of the options.")
        return None
    return role


def new_role(fields: Fields, *, name: str, email: str) -> NewMember:
    """A role with its days, for somebody whose name and address are known. Raises Invalid."""
    role = role_field(fields)
    starts_on = fields.date("starts_on", "First day")
    ends_on = fields.date("ends_on", "Last day")
    if role is not None and not {"starts_on", "ends_on"} & set(fields.errors):
        problem = role_days_problem(role, starts_on, ends_on)
        if problem:
            fields.error(*problem)
    fields.check()
    assert role is not None
    return NewMember(name, email, role, starts_on, ends_on)


def new_member(fields: Fields) -> NewMember:
    """A person to add with a first role. Raises Invalid."""
    name = fields.line("name", "Name", required=True, limit=200)
    email = fields.email("email")
    return new_role(fields, name=name, email=email)


def new_password(fields: Fields, *, name: str, email: str, field: str = "password") -> str:
    """A password typed to be set. An error is noted when it cannot be used. Typed once: it can be shown."""
    password = fields.raw(field)
    problem = password_problem(password, name=name, email=email)
    if problem:
        fields.error(field, problem)
    return password


@dataclass(frozen=True, slots=True)
class SetupForm:
    """What the first visitor says."""

    centre: CentreForm
    name: str
    email: str
    password: str


def setup_form(fields: Fields) -> SetupForm:
    """The first set-up. Raises Invalid."""
    centre = centre_form(fields, name_field="centre_name")
    name = fields.line("name", "Your name", required=True, limit=200)
    email = fields.email("email")
    password = new_password(fields, name=name, email=email)
    fields.check()
    return SetupForm(centre, name, email, password)


@dataclass(frozen=True, slots=True)
class ProfileForm:
    """One's own name and the look of pages."""

    name: str
    theme: str


def profile_form(fields: Fields) -> ProfileForm:
    """Raises Invalid."""
    name = fields.line("name", "Name", required=True, limit=200)
    theme = theme_field(fields)
    fields.check()
    return ProfileForm(name, theme)


def theme_field(fields: Fields) -> str:
    """One of the themes; an error is noted otherwise."""
    theme = fields.line("theme", "Theme")
    if theme not in {value for value, _ in THEMES}:
        fields.error("theme", "Theme: choose one of the options.")
    return theme


@dataclass(frozen=True, slots=True)
class NewCentreForm:
    """A centre and its first manager."""

    centre: CentreForm
    name: str
    email: str


def new_centre_form(fields: Fields) -> NewCentreForm:
    """Raises Invalid."""
    centre = centre_form(fields, name_field="centre_name")
    name = fields.line("name", "The manager's name", required=True, limit=200)
    email = fields.email("email")
    fields.check()
    return NewCentreForm(centre, name, email)


@dataclass(frozen=True, slots=True)
class SiteForm:
    """A place of assessment."""

    name: str
    address: str


def site_form(fields: Fields) -> SiteForm:
    """Raises Invalid."""
    name = fields.line("name", "Name", required=True, limit=200)
    address = fields.text("address", "Address", limit=1000)
    fields.check()
    return SiteForm(name, address)


def member_filter(params: Mapping[str, str]) -> MemberFilter:
    """What the list of people was asked for; what cannot be understood counts as not asked for."""
    fields = Fields(list(params.items()))
    wanted = fields.line("role", "Role")
    return MemberFilter(
        search=fields.line("search", "Search")[:200],
        role=Role(wanted) if wanted in {r.value for r in Role} else None,
        archived=fields.flag("archived"),
        after_code=fields.line("after", "After")[:20],
    )
