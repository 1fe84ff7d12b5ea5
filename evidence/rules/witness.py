"""Rules of witness testimony: the states of a request, when to remind, what a testimony must say.

A witness says what they saw and never decides that a criterion is met. A request for a draft asks them to write;
one for what was handed in already asks them to stand behind it as it is written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from criteria.rules import WitnessStatus
from evidence.rules.readiness import Problem, occurred_on_problem

LINK_LASTS = timedelta(days=30)
DEVICE_LASTS = timedelta(hours=2)
REMIND_AFTER = (timedelta(days=5), timedelta(days=12))
"""After the sending: the first and the second reminder. There is no third."""
RESEND_AFTER = timedelta(minutes=5)
MAX_SENDS = 5
MAX_ASKED_A_DAY = 20
MAX_WITNESS_FILES = 5
MAX_WITNESS_FILE_BYTES = 500_000_000


class Way(StrEnum):
    """How a testimony is given: by a link that only the witness got, or on a device in the candidate's hands."""

    OWN_LINK = "own_link"
    CANDIDATE_DEVICE = "candidate_device"


class RequestState(StrEnum):
    """Where a request stands."""

    SENT = "sent"
    OPENED = "opened"
    EXPIRED = "expired"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    CONFIRMED = "confirmed"


class Asks(StrEnum):
    """What a request asks for: their own words, or to confirm what was handed in."""

    WRITE = "write"
    CONFIRM = "confirm"


class DeclineReason(StrEnum):
    """Why a witness says no."""

    NOT_SEEN = "not_seen"
    NOT_RIGHT = "not_right"
    NOT_ME = "not_me"
    RATHER_NOT = "rather_not"


class ContactMethod(StrEnum):
    """How an assessor reached a witness."""

    PHONE = "phone"
    EMAIL = "email"
    IN_PERSON = "in_person"
    VIDEO_CALL = "video_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTimes:
    """The moments of a request that its state follows from."""

    expires_at: datetime
    opened_at: datetime | None = None
    confirmed_at: datetime | None = None
    declined_at: datetime | None = None
    cancelled_at: datetime | None = None
    closed_at: datetime | None = None


def request_state(times: RequestTimes, now: datetime) -> RequestState:
    """The state of a request at a moment. A request that was closed without an answer has expired.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 3, 12, tzinfo=UTC)
    >>> request_state(RequestTimes(expires_at=noon), noon)
    <RequestState.EXPIRED: 'expired'>
    """
    if times.confirmed_at:
        return RequestState.CONFIRMED
    if times.declined_at:
        return RequestState.DECLINED
    if times.cancelled_at:
        return RequestState.CANCELLED
    if times.closed_at or times.expires_at <= now:
        return RequestState.EXPIRED
    return RequestState.OPENED if times.opened_at else RequestState.SENT


def is_open(state: RequestState) -> bool:
    """Whether the witness can still answer."""
    return state in (RequestState.SENT, RequestState.OPENED)


def next_reminder(sent_at: datetime, reminders: int, expires_at: datetime) -> datetime | None:
    """When the next reminder is due after so many; None when there is none left, or it would come too late."""
    if reminders >= len(REMIND_AFTER):
        return None
    due = sent_at + REMIND_AFTER[reminders]
    return due if due < expires_at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a witness says. `text` are their own words; beside a text handed in before, what they add to it."""

    text: str = ""
    occurred_on: date | None = None
    place: str = ""
    name: str = ""
    role: str = ""
    relationship: str = ""
    status: str = ""
    contact: str = ""

    def to_dict(self) -> dict[str, str]:
        """For storing: every field as text, the date as "2026-03-31"."""
        return {
            "text": self.text,
            "occurred_on": self.occurred_on.isoformat() if self.occurred_on else "",
            "place": self.place,
            "name": self.name,
            "role": self.role,
            "relationship": self.relationship,
            "status": self.status,
            "contact": self.contact,
        }

    def to_details(self) -> dict[str, str]:
        """As fields of a witness testimony (`evidence.rules.FIELDS`), without who confirmed it."""
        return {
            "witness_name": self.name,
            "witness_role": self.role,
            "witness_status": self.status,
            "relationship": self.relationship,
            "contact": self.contact,
            "place": self.place,
        }


def problems_of_statement(said: Statement, asks: Asks, today: date, *, declared: bool) -> Iterator[Problem]:
    """What keeps a testimony from being confirmed, in the order of the form. `today` in the centre's zone."""
    if asks is Asks.WRITE:
        if not said.text:
            yield Problem("text", "Say what you saw.")
        if sentence := occurred_on_problem(said.occurred_on, today):
            yield Problem("occurred_on", "Say when you saw it." if said.occurred_on is None else sentence)
        if not said.place:
            yield Problem("place", "Say where you saw it.")
    if not said.role:
        yield Problem("role", "Say what your work is.")
    if not said.relationship:
        yield Problem("relationship", "Say how you know each other.")
    if said.status not in set(WitnessStatus):
        yield Problem("status", "Choose what fits best.")
    if not said.contact:
        yield Problem("contact", "Say how the assessor can reach you.")
    if len(said.name) < 2:
        yield Problem("name", "Write your name: it is your signature.")
    if not declared:
        yield Problem("declared", "Tick the box: it is your confirmation.")


DECLARATIONS: Mapping[Asks, str] = {
    Asks.WRITE: (
        "I saw this myself, and what I have written is true. I know that it becomes part of a portfolio for a "
        "qualification, that the training centre keeps it, and that an assessor may contact me about it."
    ),
    Asks.CONFIRM: (
        "I saw this myself, and what is written here is true. I know that it is part of a portfolio for a "
        "qualification, that the training centre keeps it, and that an assessor may contact me about it."
    ),
}
"""What a witness declares when they confirm."""

_STATE_WORDS = {
    RequestState.SENT: "Sent, not opened yet",
    RequestState.OPENED: "Opened, not confirmed yet",
    RequestState.EXPIRED: "Expired without an answer",
    RequestState.DECLINED: "Declined",
    RequestState.CANCELLED: "Cancelled",
    RequestState.CONFIRMED: "Confirmed by the witness",
}
_WAY_WORDS = {
    Way.OWN_LINK: "through a personal link",
    Way.CANDIDATE_DEVICE: "on the candidate's device",
}
_DECLINE_WORDS = {
    DeclineReason.NOT_SEEN: "I did not see this",
    DeclineReason.NOT_RIGHT: "What is said here is not right",
    DeclineReason.NOT_ME: "I do not know this person",
    DeclineReason.RATHER_NOT: "I would rather not",
}
_METHOD_WORDS = {
    ContactMethod.PHONE: "By phone",
    ContactMethod.EMAIL: "By email",
    ContactMethod.IN_PERSON: "In person",
    ContactMethod.VIDEO_CALL: "By video call",
}
_PLAIN_STATUS = {
    WitnessStatus.EXPERT_MEETING_REQUIREMENTS: (
        "I know this work and hold a qualification to assess or check it",
        "For instance as an assessor or verifier.",
    ),
    WitnessStatus.OCCUPATIONAL_EXPERT: (
        "I do or manage this work and know it well",
        "For instance as a line manager.",
    ),
    WitnessStatus.FAMILIAR_WITH_STANDARDS: (
        "I know what is expected, but it is not my own work",
        "For instance as a colleague of another team.",
    ),
    WitnessStatus.OTHER: ("None of these", "For instance as a customer."),
}


def request_state_word(state: RequestState) -> str:
    """The state for pages, such as "Opened, not confirmed yet"."""
    return _STATE_WORDS[state]


def way_words(way: Way) -> str:
    """The end of a sentence: "… through a personal link"."""
    return _WAY_WORDS[way]


def decline_words(reason: DeclineReason) -> str:
    """What the witness chose, as they read it."""
    return _DECLINE_WORDS[reason]


def method_word(method: ContactMethod) -> str:
    """Such as "By phone"."""
    return _METHOD_WORDS[method]


def plain_statuses() -> list[tuple[str, str, str]]:
    """The status categories as a witness is asked: (value, plain words, an example)."""
    return [(status.value, *_PLAIN_STATUS[status]) for status in WitnessStatus]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What the digest of a confirmed testimony covers. `criteria` are codes, `files` SHA-256 sums."""

    request: str
    asks: Asks
    question: str
    given_on: Way
    said: Statement
    declaration: str
    criteria: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    seen_digest: str | None = None

    def content(self) -> dict[str, Any]:
        """Ready for canonical JSON."""
        return {
            "request": self.request,
            "asks": self.asks.value,
            "question": self.question,
            "given_on": self.given_on.value,
            "said": self.said.to_dict(),
            "declaration": self.declaration,
            "criteria": sorted(self.criteria),
            "files": sorted(self.files),
            "seen_digest": self.seen_digest,
        }
