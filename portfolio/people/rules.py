"""Rules of people: kinds of allocation and link, what a password must be, how tries are throttled."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

from portfolio.core.actor import Role
from portfolio.core.ids import ALPHABET, CODE_LENGTH


class AllocationRole(StrEnum):
    """In which role a person is given a portfolio or a unit."""

    ASSESSOR = "assessor"
    TRAINEE_ASSESSOR = "trainee_assessor"
    IQA = "iqa"
    EQA = "eqa"


class LinkPurpose(StrEnum):
    """What a single-use link is for."""

    SETUP = "setup"
    INVITATION = "invitation"
    RESET = "reset"
    DEMO = "demo"
    WITNESS = "witness"


LIFETIMES = {
    LinkPurpose.SETUP: timedelta(days=7),
    LinkPurpose.INVITATION: timedelta(days=14),
    LinkPurpose.RESET: timedelta(hours=2),
    LinkPurpose.DEMO: timedelta(days=3650),
    LinkPurpose.WITNESS: timedelta(days=30),
}

LINK_PATHS = {
    LinkPurpose.SETUP: "/setup",
    LinkPurpose.INVITATION: "/invitation",
    LinkPurpose.RESET: "/reset",
    LinkPurpose.DEMO: "/demo",
    LinkPurpose.WITNESS: "/witness",
}
"""Under which address a link of each purpose is opened; the token follows."""

PASSWORD_MIN = 10
PASSWORD_MAX = 200
_COMMON_WORDS = """
password password1 password12 password123 passwort123 1234567890 12345678910 0123456789 qwertyuiop
qwerty12345 iloveyou12 letmein123 welcome123 administrator changeme123 portfolio1
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def password_problem(password: str, *, name: str = "", email: str = "") -> str | None:
    """Why a password cannot be used, as a sentence; None when it can (NIST SP 800-63B: length, not classes)."""
    if len(password) < PASSWORD_MIN:
        return f"Use at least {PASSWORD_MIN} characters. Three or four random words work well."
    if len(password) > PASSWORD_MAX:
        return f"Use at most {PASSWORD_MAX} characters."
    folded = password.casefold()
    if folded in _COMMON or len(set(folded)) < 4:
        return "This password is among the first that anyone would guess. Choose another."
    if folded in {email.casefold(), email.split("@")[0].casefold(), name.casefold()}:
        return "The password must differ from your name and your email address."
    return None


THROTTLE_WINDOW = timedelta(minutes=15)
ACCOUNT_FREE_TRIES = 5
ADDRESS_FREE_TRIES = 50


def wait_before_next_try(failures: Sequence[datetime], now: datetime, free: int) -> timedelta:
    """How long until another try is allowed, given the failures inside the window (any order).

    The first `free` failures cost nothing; each further one doubles the pause, from 2 s to 5 minutes,
    counted from the latest failure.
    """
    recent = sorted(at for at in failures if now - at < THROTTLE_WINDOW)
    extra = len(recent) - free
    if extra < 0:
        return timedelta(0)
    pause = timedelta(seconds=min(300, 2 ** (extra + 1)))
    return max(timedelta(0), recent[-1] + pause - now)


def is_in_force(starts_on: date | None, ends_on: date | None, today: date) -> bool:
    """Whether a membership with first and last day (both inclusive, None open) is in force today."""
    return (starts_on is None or starts_on <= today) and (ends_on is None or today <= ends_on)


def held_until(days: Iterable[tuple[date | None, date | None]], today: date) -> date:
    """The last day up to which, from today on and without a gap, one of these roles is in force.

    `days`: first and last day of each (both inclusive, None open). `date.max` when there is no end; the day before
    today when none of them is in force today.

    >>> held_until([(None, date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 6, 30))], date(2026, 3, 3))
    datetime.date(2026, 6, 30)
    """
    until = today - timedelta(days=1)
    for starts_on, ends_on in sorted((first or date.min, last or date.max) for first, last in days):
        if until == date.max:
            break
        if starts_on <= until + timedelta(days=1):
            until = max(until, ends_on)
    return until


ALLOCATION_FOR_ROLE = {
    Role.ASSESSOR: AllocationRole.ASSESSOR,
    Role.TRAINEE_ASSESSOR: AllocationRole.TRAINEE_ASSESSOR,
    Role.IQA: AllocationRole.IQA,
    Role.EQA: AllocationRole.EQA,
}
"""Which allocations a chosen role draws its grants from. Other roles need none."""


def role_days_problem(role: Role, starts_on: date | None, ends_on: date | None) -> tuple[str, str] | None:
    """What is wrong with a role's first and last day, as (field, sentence); None when nothing is.

    An external quality assurer sees the centre during a visit only, so both days are needed.
    """
    if role is Role.EQA and starts_on is None:
        return "starts_on", "An external quality assurer needs the first day of the visit."
    if role is Role.EQA and ends_on is None:
        return "ends_on", "An external quality assurer needs the last day of the visit."
    if starts_on and ends_on and ends_on < starts_on:
        return "ends_on", "The last day lies before the first."
    return None


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_name(user_agent: str) -> str:
    """A browser's own description in two words, as far as it can be told.

    >>> device_name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox on Linux'
    """
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return " on ".join(part for part in (browser, system) if part) or "Unknown device"


LAPSE_NOTICE_DAYS = 30
_ARTICLES = {Role.ASSESSOR: "an", Role.TRAINEE_ASSESSOR: "a"}
_POWERS = {
    Role.ASSESSOR: "decide, sign off or countersign",
    Role.TRAINEE_ASSESSOR: "decide or sign off",
}
"""What somebody can no longer do once the role has ended, for the roles whose end is announced."""


def days_to_lapse(role: Role, starts_on: date | None, ends_on: date | None, today: date) -> int | None:
    """Days from today to the last day of an assessor's role, negative after it; None while nobody needs to know.

    Known from `LAPSE_NOTICE_DAYS` before on. Not for a role that has not begun, or that has no last day.
    """
    if role not in _POWERS or ends_on is None or (starts_on is not None and starts_on > today):
        return None
    days = (ends_on - today).days
    return days if days <= LAPSE_NOTICE_DAYS else None


def lapse_sentence(name: str, role: Role, days: int, day: str, portfolios: int) -> str:
    """What the end of a role means, in words. `name` "" speaks to the person; `day` is the last day, written out;
    `portfolios` how many are allocated in the role.

    >>> lapse_sentence("Amy", Role.TRAINEE_ASSESSOR, -1, "3 Mar 2026", 2)
    'Amy was a trainee assessor until 3 Mar 2026. They can no longer decide or sign off in 2 portfolios.'
    """
    what, who = f"{_ARTICLES[role]} {role.value.replace('_', ' ')}", "they" if name else "you"
    many = f" in {portfolios} portfolio{'s' if portfolios != 1 else ''}" if portfolios else ""
    if days < 0:
        begin = (
            f"{name} was {what} until {day}. They can" if name else f"You were {what} until {day}. You can"
        )
        return f"{begin} no longer {_POWERS[role]}{many}."
    when = {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
    begin = f"{name} is" if name else "You are"
    return f"{begin} {what} until {day} ({when}). After that day {who} can no longer {_POWERS[role]}{many}."


_OPAQUE = re.compile(rf"(?=.*\d)[{ALPHABET}]{{{CODE_LENGTH}}}|[0-9a-f]{{64}}")
_OF_PAGES = frozenset({"next", "seen", "revision", "version", "tab", "mapping", "earlier", "page"})


def told_by_page(name: str, value: str) -> bool:
    """Whether a posted field is one that the page itself sends along (a code, a digest), not somebody's words."""
    return name in _OF_PAGES or name.startswith("seen-") or bool(_OPAQUE.fullmatch(value))


def field_label(name: str) -> str:
    """What a posted field is called when its page is not at hand: without the code of what it is about.

    >>> field_label("feedback-4azwd4j84vvj")
    'Feedback'
    """
    word, dash, code = name.rpartition("-")
    return (
        (word if dash and _OPAQUE.fullmatch(code) else name).replace("_", " ").replace("-", " ").capitalize()
    )
