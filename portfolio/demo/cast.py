"""The people of the story: centre, sites, staff in their roles, invitations that are accepted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import Node
from criteria.queries import get_version_by_id, tree_of
from criteria.rules import NodeKind, RuleBy, rule_from_dict
from criteria.samples import load_sample
from criteria.service import set_rule, store_framework
from criteria.service.bank import add_sample_questions
from portfolio.core.actor import Actor, Role
from portfolio.core.mail import MailMessage
from portfolio.demo.history import History
from portfolio.demo.words import mail_name
from portfolio.people.models import Centre, Person
from portfolio.people.queries import actor_for, memberships_in_force
from portfolio.people.rules import LINK_PATHS, LinkPurpose
from portfolio.people.service import (
    NewMember,
    add_member,
    add_site,
    assure,
    create_centre,
    set_password_by_link,
    welcome,
)

MAIL_DOMAIN = "northfield.example"
_VISIT_LENGTH = timedelta(days=90)


@dataclass(slots=True)
class Company:
    """Who and what there is by now. Staff by key ("amira"), nodes of the framework by "101" and "101/2.3"."""

    people: Mapping[str, Any]
    password_hash: str
    centre_id: int = 0
    version_id: int = 0
    staff: dict[str, int] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    sites: dict[str, tuple[int, str]] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)

    def actor(self, session: Session, key: str) -> Actor:
        """A member of staff in their first role, as they stand now."""
        return actor_as(session, self.staff[key], self.roles[key])

    @property
    def manager(self) -> str:
        """The key of the centre manager."""
        return next(key for key, role in self.roles.items() if role is Role.CENTRE_MANAGER)


def actor_as(session: Session, person_id: int, role: Role) -> Actor:
    """A person in one of the roles they hold today."""
    membership = next(m for m, _ in memberships_in_force(session, person_id) if m.role is role)
    actor = actor_for(session, session.get_one(Person, person_id), membership.id, None)
    assert actor is not None
    return actor


def open_centre(session: Session, people: Mapping[str, Any], password_hash: str, history: History) -> Company:
    """The centre with its sites and staff, everybody's password set through their invitation."""
    company = Company(people, password_hash)
    centre = create_centre(session, None, name=people["centre"]["name"], zone=people["centre"]["zone"])
    company.centre_id = centre.id
    staff = sorted(people["staff"], key=lambda member: Role(member["roles"][0]) is not Role.CENTRE_MANAGER)
    for member in staff:
        _add_staff(session, company, centre, member, history)
    manager = company.actor(session, company.manager)
    for site in people["sites"]:
        row = add_site(session, manager, centre, name=site["name"], address=site["address"])
        company.sites[site["key"]] = (row.id, row.code)
    for duty in people["assurances"]:
        for assessor in duty["assessors"]:
            assure(session, manager, iqa_id=company.staff[duty["iqa"]], assessor_id=company.staff[assessor])
    return company


def bring_framework(session: Session, company: Company) -> None:
    """The sample framework, active, with its questions and the rule that the centre adds."""
    manager = company.actor(session, company.manager)
    version = store_framework(session, manager, load_sample(), label="", activate=True)
    company.version_id = version.id
    unit = ""
    for node in tree_of(session, version.id).walk():
        if node.node.kind is NodeKind.UNIT:
            unit = node.node.ref.rsplit("/", 1)[1]
            company.nodes[unit] = node.node
        elif node.node.kind is NodeKind.CRITERION:
            company.nodes[f"{unit}/{node.node.ref}"] = node.node
    head = get_version_by_id(session, manager, version.id)
    add_sample_questions(session, manager, head)
    rule = company.people["centre_rule"]
    set_rule(
        session,
        manager,
        head,
        company.nodes[rule["criterion"]],
        RuleBy.CENTRE,
        rule_from_dict(rule["rule"]),
        rule["reason"],
    )


def accept_invitation(session: Session, person_id: int, password_hash: str) -> None:
    """Open the newest invitation of a person, as they would from their mail, and set the password."""
    person = session.get_one(Person, person_id)
    if person.password_hash is not None:
        return
    start = LINK_PATHS[LinkPurpose.INVITATION] + "/"
    path = session.scalars(
        select(MailMessage.path)
        .where(MailMessage.to_address == person.email, MailMessage.path.startswith(start))
        .order_by(MailMessage.id.desc())
        .limit(1)
    ).one()
    set_password_by_link(session, LinkPurpose.INVITATION, path.removeprefix(start), password_hash)


def _add_staff(
    session: Session, company: Company, centre: Centre, member: Mapping[str, Any], history: History
) -> None:
    """A member of staff in all roles. The centre manager comes first, added by the system."""
    key = member["key"]
    actor = company.actor(session, company.manager) if company.roles else None
    for role in map(Role, member["roles"]):
        starts_on = history.day(2) if role is Role.EQA else None
        new = NewMember(
            member["name"],
            f"{mail_name(member['name'])}@{MAIL_DOMAIN}",
            role,
            starts_on=starts_on,
            ends_on=starts_on + _VISIT_LENGTH if starts_on else None,
        )
        person, _ = add_member(session, actor, centre, new)
        company.staff.setdefault(key, person.id)
        company.roles.setdefault(key, role)
    welcome(session, company.actor(session, key) if actor is None else actor, centre, person, role)
    accept_invitation(session, person.id, company.password_hash)
