"""Coverage in plain British sentences: statuses, reasons, next actions, dates. Pure functions, no markup.

The zone that turns moments into days is the centre's. Text that people wrote (feedback, reasons) is quoted
as one line and shortened; a page that has room shows `Reason.text` itself.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime, tzinfo
from typing import NamedTuple

from criteria.rules.coverage import Coverage
from criteria.rules.kinds import EvidenceKind, GuidanceKind, NodeKind, WitnessStatus
from criteria.rules.reasons import ActionCode, Match, NextAction, Reason, ReasonCode, Status, Who
from portfolio.core.text import clean_line, shorten

QUOTE_LIMIT = 300
SIGNED_WORD = "Signed"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_STATUS_WORDS: dict[Status, str] = {
    Status.NOT_STARTED: "Not started",
    Status.CLAIMED: "Claimed",
    Status.IN_ASSESSMENT: "In assessment",
    Status.NEEDS_ACTION: "Needs action",
    Status.PARTLY_MET: "Partly met",
    Status.MET: "Met",
}

_KIND_WORDS: dict[EvidenceKind, tuple[str, str, str]] = {  # one, several, with its article
    EvidenceKind.RECORDING: ("recording", "recordings", "a recording"),
    EvidenceKind.OBSERVATION: ("observation", "observations", "an observation"),
    EvidenceKind.WITNESS_TESTIMONY: ("witness testimony", "witness testimonies", "a witness testimony"),
    EvidenceKind.REFLECTIVE_ACCOUNT: ("reflective account", "reflective accounts", "a reflective account"),
    EvidenceKind.PRODUCT: ("work product", "work products", "a work product"),
    EvidenceKind.PROFESSIONAL_DISCUSSION: (
        "professional discussion",
        "professional discussions",
        "a professional discussion",
    ),
    EvidenceKind.QUESTIONING: ("record of questioning", "records of questioning", "a record of questioning"),
    EvidenceKind.IN_SITU: (
        "item seen where it is kept",
        "items seen where they are kept",
        "an item seen where it is kept",
    ),
}

_NODE_WORDS: dict[NodeKind, str] = {
    NodeKind.QUALIFICATION: "Qualification",
    NodeKind.UNIT: "Unit",
    NodeKind.OUTCOME: "Learning outcome",
    NodeKind.CRITERION: "Criterion",
}

_GUIDANCE_WORDS: dict[GuidanceKind, str] = {
    GuidanceKind.SYNOPSIS: "Synopsis",
    GuidanceKind.OVERVIEW: "Overview",
    GuidanceKind.KEY_CONCEPTS: "Key concepts",
    GuidanceKind.ADVICE: "Advice",
    GuidanceKind.COMMON_MISTAKES: "Common mistakes",
    GuidanceKind.PREREQUISITES: "Before you start",
    GuidanceKind.KEY_TERMS: "Key terms",
    GuidanceKind.FAQ: "Frequently asked questions",
}

_WITNESS_WORDS: dict[WitnessStatus, str] = {
    WitnessStatus.EXPERT_MEETING_REQUIREMENTS: "Expert who meets the awarding body's requirements",
    WitnessStatus.OCCUPATIONAL_EXPERT: "Occupational expert",
    WitnessStatus.FAMILIAR_WITH_STANDARDS: "Familiar with the standards",
    WitnessStatus.OTHER: "Other witness",
}

_WHO_WORDS: dict[Who, str] = {
    Who.CANDIDATE: "Candidate",
    Who.ASSESSOR: "Assessor",
    Who.COUNTERSIGNER: "Countersigner",
    Who.WITNESS: "Witness",
    Who.MANAGER: "Centre manager",
}


def status_word(status: Status) -> str:
    """The short word for a status, such as "Partly met". A signed unit shows `SIGNED_WORD`."""
    return _STATUS_WORDS[status]


def who_word(who: Who) -> str:
    """Whose turn it is, such as "Assessor"."""
    return _WHO_WORDS[who]


def kind_word(kind: EvidenceKind) -> str:
    """The name of an evidence kind for lists and buttons, such as "Witness testimony"."""
    word = _KIND_WORDS[kind][0]
    return word[0].upper() + word[1:]


def node_word(kind: NodeKind) -> str:
    """The name of a level of the framework, such as "Learning outcome"."""
    return _NODE_WORDS[kind]


def guidance_word(kind: GuidanceKind) -> str:
    """The heading over a part of a unit's guidance."""
    return _GUIDANCE_WORDS[kind]


def witness_status_word(status: WitnessStatus) -> str:
    """The name of a witness's status category."""
    return _WITNESS_WORDS[status]


class AnswerWords(NamedTuple):
    """What a candidate is told about an item that was returned or not yet met."""

    optional: bool
    title: str
    sentence: str


def answer_words(statuses: Collection[Status]) -> AnswerWords:
    """How much an answer matters, by the coverage today of the criteria that the item was not met for."""
    if statuses and all(status is Status.MET for status in statuses):
        said = "What was not met by it is met by other evidence; answering is optional."
        return AnswerWords(True, "Nothing more is needed here", said)
    said = (
        "Read the decisions below. A new revision begins with everything this one has; what is met stays met."
    )
    return AnswerWords(False, "This needs your answer", said)


def date_words(day: date) -> str:
    """A date written out: "3 Mar 2026". Of a moment (a datetime) the day is taken as it stands."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def moment_day(moment: datetime, zone: tzinfo = UTC) -> date:
    """The day on which a moment falls in a zone."""
    return moment.astimezone(zone).date()


def join_words(words: Iterable[str], last: str = "and") -> str:
    """A list in a sentence: "a", "a and b", "a, b and c"."""
    *head, tail = list(words) or [""]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def count_words(number: int, one: str, several: str) -> str:
    """A number with its noun: "1 day", "0 days", "3 days"."""
    return f"{number} {one if number == 1 else several}"


def explain(found: Coverage, today: date, zone: tzinfo = UTC) -> list[str]:
    """Every reason of a coverage as a sentence, in its order; empty for a met criterion."""
    return [reason_sentence(reason, today, zone) for reason in found.reasons]


def reason_sentence(reason: Reason, today: date, zone: tzinfo = UTC) -> str:
    """One or two sentences that say what keeps a criterion from being met. `today` is in the same zone."""
    writer = _WITH_TODAY.get(reason.code)
    if writer:
        return writer(reason, today, zone)
    said = _WITH_ZONE.get(reason.code)
    return said(reason, zone) if said else _PLAIN[reason.code](reason)


def next_action_sentence(action: NextAction) -> str:
    """What has to be done, addressed to the person in `action.who`: "Submit E006."."""
    ref = action.evidence_ref or ""
    if action.code is ActionCode.ADD_EVIDENCE:
        return _add_evidence(action)
    if action.code is ActionCode.JUDGE_AGAIN and not ref:
        return "Look again at the reopened unit."
    return _ACTIONS[action.code].format(ref=ref)


_ACTIONS: dict[ActionCode, str] = {
    ActionCode.SUBMIT_DRAFT: "Submit {ref}.",
    ActionCode.RESPOND: "Answer the feedback on {ref} with new or revised evidence.",
    ActionCode.REVISE: "Revise {ref} and submit it again.",
    ActionCode.JUDGE: "Judge {ref}.",
    ActionCode.JUDGE_AGAIN: "Judge {ref} again.",
    ActionCode.COUNTERSIGN: "Countersign the judgement on {ref}.",
    ActionCode.CONFIRM_TESTIMONY: "Confirm the testimony {ref}.",
    ActionCode.ALLOCATE: "Allocate a qualified assessor to this unit: nobody else can countersign {ref}.",
}


def _add_evidence(action: NextAction) -> str:
    last = "or" if action.match is Match.ANY else "and"
    what = join_words((_KIND_WORDS[kind][2] for kind in action.kinds), last) if action.kinds else "evidence"
    covering = f" that covers {join_words(action.items)}" if action.items else ""
    if len(action.kinds) > 1 and last == "and":
        covering = covering.replace("covers", "cover", 1)
    return f"Add {what}{covering}."


def _awaiting_assessor(reason: Reason, today: date, zone: tzinfo) -> str:
    days = _days_waited(reason, today, zone)
    if days < 1:
        return f"{reason.evidence_ref} was submitted today and waits for the assessor."
    return f"{reason.evidence_ref} has waited {count_words(days, 'day', 'days')} for the assessor."


def _awaiting_countersignature(reason: Reason, today: date, zone: tzinfo) -> str:
    days = _days_waited(reason, today, zone)
    if days < 1:
        return f"{reason.evidence_ref} was judged today and waits for a countersignature."
    return (
        f"{reason.evidence_ref} is judged and has waited {count_words(days, 'day', 'days')}"
        " for a countersignature."
    )


def _days_waited(reason: Reason, today: date, zone: tzinfo) -> int:
    return (today - moment_day(reason.at, zone)).days if reason.at else 0


def _said(what: str, reason: Reason, zone: tzinfo) -> str:
    when = f" on {date_words(moment_day(reason.at, zone))}" if reason.at else ""
    quote = shorten(clean_line(reason.text or ""), QUOTE_LIMIT)
    if not quote:
        return f"{what}{when}."
    return f"{what}{when}: {quote}" + ("" if quote[-1] in ".!?…" else ".")


def _reopened(reason: Reason, zone: tzinfo) -> str:
    what = f"The judgement on {reason.evidence_ref}" if reason.evidence_ref else "The unit"
    return _said(f"{what} was reopened", reason, zone)


def _method_missing(reason: Reason) -> str:
    last, verb = ("or", "is") if reason.match is Match.ANY else ("and", "are")
    words = join_words((_KIND_WORDS[kind][2] for kind in reason.kinds), last)
    return f"{words[:1].upper()}{words[1:]} {'is' if len(reason.kinds) == 1 else verb} still required."


def _more_of_kind(reason: Reason) -> str:
    one, several, _ = _KIND_WORDS[reason.kinds[0]]
    return f"{reason.have} of {count_words(reason.need or 0, one, several)} met."


def _range_missing(reason: Reason) -> str:
    if len(reason.items) == 1:
        return f"Range item {reason.items[0]} is not covered yet."
    return f"Range items {join_words(reason.items)} are not covered yet."


def _too_old(reason: Reason) -> str:
    worked = date_words(reason.occurred_on) if reason.occurred_on else "an unknown date"
    limit = count_words(reason.limit_months or 0, "month", "months")
    until = f" It counted until {date_words(reason.limit_on)}." if reason.limit_on else ""
    return f"{reason.evidence_ref} is too old: the work was done on {worked}, the limit is {limit}.{until}"


_WITH_TODAY: dict[ReasonCode, Callable[[Reason, date, tzinfo], str]] = {
    ReasonCode.AWAITING_ASSESSOR: _awaiting_assessor,
    ReasonCode.AWAITING_COUNTERSIGNATURE: _awaiting_countersignature,
}

_WITH_ZONE: dict[ReasonCode, Callable[[Reason, tzinfo], str]] = {
    ReasonCode.NOT_YET: lambda r, zone: _said(f"{r.evidence_ref} was judged not yet met", r, zone),
    ReasonCode.RETURNED: lambda r, zone: _said(f"{r.evidence_ref} was returned unjudged", r, zone),
    ReasonCode.REOPENED: _reopened,
}

_PLAIN: dict[ReasonCode, Callable[[Reason], str]] = {
    ReasonCode.NO_EVIDENCE: lambda _: "Nothing is mapped to it yet.",
    ReasonCode.DRAFT_ONLY: lambda r: f"In draft {r.evidence_ref}. Submit it to be assessed.",
    ReasonCode.MORE_ITEMS: lambda r: f"{r.have} of {count_words(r.need or 0, 'item', 'items')} met.",
    ReasonCode.MORE_DATES: lambda r: (
        f"Work on {r.have} of {count_words(r.need or 0, 'date', 'different dates')} is shown."
    ),
    ReasonCode.METHOD_MISSING: _method_missing,
    ReasonCode.MORE_OF_KIND: _more_of_kind,
    ReasonCode.RANGE_MISSING: _range_missing,
    ReasonCode.TOO_OLD: _too_old,
    ReasonCode.DATE_MISSING: lambda r: (
        f"{r.evidence_ref} does not count: it does not say when the work was done."
    ),
    ReasonCode.SIMULATION_NOT_ALLOWED: lambda r: (
        f"{r.evidence_ref} does not count: simulation is not allowed here."
    ),
    ReasonCode.WITNESS_UNCONFIRMED: lambda r: (
        f"{r.evidence_ref} does not count until the witness has confirmed it."
    ),
}
