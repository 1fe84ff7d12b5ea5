"""Writes of people. Functions work in the caller's transaction and never commit; `sign_in` and
`change_password` open their own, because hashing must not hold the write lock."""

from portfolio.people.service.allocations import allocate, assure, end_allocation, end_assurance
from portfolio.people.service.centres import (
    add_site,
    archive_site,
    change_centre,
    change_site,
    create_centre,
    restore_site,
)
from portfolio.people.service.entering import (
    Credentials,
    FirstRun,
    change_password,
    check_new_password,
    end_by_token,
    enter,
    enter_demo,
    enter_if_possible,
    note_attempt,
    set_password_by_link,
    set_up,
    sign_in,
)
from portfolio.people.service.keeping import keep_form, use_kept_form
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
from portfolio.people.service.telling import (
    change_profile,
    mark_all_read,
    mark_read,
    retry_job,
    send_again,
    show_link,
    waits_for_mail,
)
from portfolio.people.service.welcoming import invite, request_reset, welcome

__all__ = [
    "Credentials",
    "Device",
    "FirstRun",
    "NewMember",
    "add_member",
    "add_role",
    "add_site",
    "allocate",
    "archive_person",
    "archive_site",
    "assure",
    "change_centre",
    "change_password",
    "change_profile",
    "change_site",
    "check_new_password",
    "choose_role",
    "create_centre",
    "create_session",
    "end_allocation",
    "end_assurance",
    "end_by_token",
    "end_role",
    "end_session",
    "end_sessions",
    "enter",
    "enter_demo",
    "enter_if_possible",
    "invite",
    "issue_link",
    "keep_form",
    "link_path",
    "mark_all_read",
    "mark_read",
    "note_attempt",
    "redeem_link",
    "rename_person",
    "request_reset",
    "restore_site",
    "retry_job",
    "revoke_links",
    "send_again",
    "set_password_by_link",
    "set_up",
    "show_link",
    "sign_in",
    "use_kept_form",
    "waits_for_mail",
    "welcome",
]
