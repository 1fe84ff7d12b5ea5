"""Posted fields of the pages about witnesses → what the services take, or errors per field."""

import re

from criteria.rules import WitnessStatus
from evidence.rules.witness import ContactMethod, DeclineReason, Statement, Way
from evidence.service.witness import Contact, Question
from portfolio.core.text import clean_line
from portfolio.web.forms import Fields

DECLINE_LIMIT = 2_000


def read_question(fields: Fields) -> Question:
    """The page on which somebody asks a witness. Errors are noted in `fields`."""
    way = fields.choice("way", "The way", Way, required=False) or Way.OWN_LINK
    return Question(
        witness_name=fields.line("witness_name", "Name of the witness", required=True, limit=200),
        witness_email=fields.email("email", required=way is Way.OWN_LINK),
        question=fields.text("question", "What you ask", required=True, limit=4_000),
        way=way,
        criteria=frozenset(fields.many("criterion")),
        share_text=fields.flag("share_text"),
    )


def proposed_code(fields: Fields) -> str | None:
    """The code that the page proposed for the request; None without one."""
    return clean_line(fields.raw("request_code"))[:40] or None


def read_testimony(fields: Fields) -> Statement:
    """What a witness typed. Errors are noted in `fields`; nothing is required of a draft."""
    status = fields.choice("status", "What fits you", WitnessStatus, required=False)
    return Statement(
        text=fields.text("text", "What you saw", limit=50_000),
        occurred_on=fields.date("occurred_on", "The date"),
        place=fields.line("place", "The place"),
        name=fields.line("name", "Your name", limit=200),
        role=fields.line("role", "Your role"),
        relationship=fields.line("relationship", "How you know each other"),
        status=status.value if status else "",
        contact=fields.line("contact", "Contact"),
    )


def read_version(fields: Fields) -> int:
    """The version of the draft that the page was drawn with; 0, which is none, when it is unreadable."""
    value = fields.raw("revision")
    return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else 0


def read_decline(fields: Fields) -> tuple[DeclineReason | None, str]:
    """Why a witness says no, and what they add. Errors are noted in `fields`."""
    reason = fields.choice("reason", "The reason", DeclineReason)
    return reason, fields.text("note", "What you add", limit=DECLINE_LIMIT)


def read_contact(fields: Fields) -> Contact | None:
    """An assessor's record of a talk with the witness; None when something is missing (noted in `fields`)."""
    day = fields.date("contacted_on", "The day", required=True)
    method = fields.choice("method", "How you reached them", ContactMethod)
    note = fields.text("note", "What was said", required=True, limit=10_000)
    return Contact(day, method, note) if day and method and not fields.errors else None
