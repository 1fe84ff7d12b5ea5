"""The messages that a witness gets: the request, the reminder, and a copy of what they confirmed."""

from datetime import datetime
from zoneinfo import ZoneInfo

from criteria.wording import date_words, moment_day
from evidence.rules.witness import Asks, Statement


def request_subject(candidate: str, *, reminder: bool = False) -> str:
    """The subject line of a request."""
    words = f"{candidate} asks you to say what you saw"
    return f"Reminder: {words}" if reminder else words


def request_body(
    *,
    witness: str,
    candidate: str,
    asked_by: str,
    centre: str,
    qualification: str,
    question: str,
    asks: Asks,
    expires_at: datetime,
    zone: str,
    reminder: bool = False,
) -> str:
    """The text of a request, without its link. `asked_by` is "" when the candidate asks."""
    if asked_by:
        opening = f"{asked_by} of {centre} asks you about the work of {candidate}, who is taking"
    else:
        opening = f"{candidate} asks you for help with a qualification at {centre}:"
    what = (
        f"Please say in your own words what you saw {candidate} do."
        if asks is Asks.WRITE
        else "Please read what was written down in your name, and say whether it is true."
    )
    again = "You have not answered yet, so this is a reminder.\n\n" if reminder else ""
    return (
        f"Hello {witness},\n\n{again}{opening} {qualification}.\n\n{what} The question is:\n\n"
        f"{_quoted(question)}\n\n"
        "You need no account. It takes about five minutes, on a phone too, and you can say no. "
        f"The link below is only for you and works until {date_words(moment_day(expires_at, ZoneInfo(zone)))}. "
        "If you do not know what this is about, ignore this message."
    )


def receipt_subject(candidate: str) -> str:
    """The subject line of the copy."""
    return f"A copy of what you confirmed about {candidate}"


def receipt_body(*, said: Statement, statement: str, candidate: str, centre: str) -> str:
    """What the witness confirmed, for their own keeping. `statement` is what was handed in before, or ""."""
    parts = [f"Hello {said.name},", f"Thank you. This is what you confirmed about the work of {candidate}:"]
    if said.occurred_on:
        parts.append(f"{date_words(said.occurred_on)}, {said.place}")
    parts += [_quoted(text) for text in (statement, said.text) if text]
    parts.append(f"{said.name}, {said.role} ({said.relationship})")
    parts.append(f"If you did not say this, please tell {centre}.")
    return "\n\n".join(parts)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())
