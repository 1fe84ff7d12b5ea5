"""What a finished review must say, and whether it was written about what stands now."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from assessors.rules.decisions import VACSR, Decision

FEEDBACK_LIMIT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an assessor decided about one mapping.

    mapping     the code of the mapping
    decision    None while undecided
    vacsr       those of the five questions answered yes
    seen        code of the newest judgement on the mapping that the page showed; "" when it showed none
    """

    mapping: str
    decision: Decision | None
    feedback: str = ""
    vacsr: frozenset[str] = frozenset(VACSR)
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """A mapping that this assessor has to decide now. `last` is the code of its newest judgement, or ""."""

    mapping: str
    criterion_ref: str
    last: str = ""


def review_problems(answers: Sequence[Answer], expected: Sequence[Expected]) -> dict[str, str]:
    """Errors by field: `decision-<mapping>` and `feedback-<mapping>`; empty when the review can be finished.

    Every expected mapping needs a decision, every `not_yet` needs feedback.
    """
    given = {answer.mapping: answer for answer in answers}
    problems: dict[str, str] = {}
    for wanted in expected:
        answer = given.get(wanted.mapping)
        if answer is None or answer.decision is None:
            problems[f"decision-{wanted.mapping}"] = f"Decide {wanted.criterion_ref}: met or not yet."
        elif answer.decision is Decision.NOT_YET and not answer.feedback.strip():
            problems[f"feedback-{wanted.mapping}"] = (
                f"Say what is missing for {wanted.criterion_ref}: “not yet” always carries feedback."
            )
    for answer in answers:
        if len(answer.feedback) > FEEDBACK_LIMIT:
            problems[f"feedback-{answer.mapping}"] = f"At most {FEEDBACK_LIMIT:,} characters are possible."
        if answer.vacsr - set(VACSR):
            problems[f"decision-{answer.mapping}"] = "An unknown question was answered. Reload the page."
    return problems


def changes_since(
    answers: Sequence[Answer], expected: Sequence[Expected], known: Mapping[str, str], gone: Collection[str]
) -> Iterator[str]:
    """What became different since the page was drawn, as sentences; none when it still stands.

    `known` maps the code of every mapping of the submission to its criterion's reference, `gone` are the
    dropped ones among them.
    """
    wanted = {each.mapping: each for each in expected}
    shown = {answer.mapping: answer for answer in answers}
    for code, answer in shown.items():
        ref = known.get(code, "A criterion")
        if code in gone:
            yield f"{ref} was dropped from this item meanwhile."
        elif code not in wanted:
            yield f"{ref} was decided by somebody else meanwhile."
        elif wanted[code].last != answer.seen:
            yield f"{ref} was decided and opened again meanwhile."
    for code, each in wanted.items():
        if code not in shown:
            yield f"{each.criterion_ref} was added to this item meanwhile."


def is_repeat(answers: Sequence[Answer], stored: Mapping[str, tuple[Decision, str]]) -> bool:
    """Whether these answers are exactly the stored ones: the same form sent twice.

    `stored` maps mapping codes to decision and feedback of the person's newest review of the submission.
    """
    if not answers or len(answers) != len(stored):
        return False
    return all(stored.get(a.mapping) == (a.decision, a.feedback.strip()) for a in answers)
