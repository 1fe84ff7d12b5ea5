"""Writes of people. Every function works in the caller's transaction and never commits."""

from portfolio.people.service.allocations import allocate, assure, end_allocation, end_assurance
from portfolio.people.service.centres import (
    add_site,
    archive_site,
    change_centre,
    change_site,
    create_centre,
    restore_site,
)
from portfolio.people.service.links import issue_link, link_path, redeem_link, revoke_links
from portfolio.people.service.members import (
    NewMember,
    add_member,
    add_role,
    archive_person,
    end_role,
    rename_person,
)
from portfolio.people.service.sessions import Device, choose_role, create_session, end_session, end_sessions

__all__ = [
    "Device",
    "NewMember",
    "add_member",
    "add_role",
    "add_site",
    "allocate",
    "archive_person",
    "archive_site",
    "assure",
    "change_centre",
    "change_site",
    "choose_role",
    "create_centre",
    "create_session",
    "end_allocation",
    "end_assurance",
    "end_role",
    "end_session",
    "end_sessions",
    "issue_link",
    "link_path",
    "redeem_link",
    "rename_person",
    "restore_site",
    "revoke_links",
]
