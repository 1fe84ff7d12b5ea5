"""The bank of questions: limits, and lines of text read as questions."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from portfolio.core.text import clean_line, fold, has_nul

MAX_QUESTION = 2_000
MAX_POINTERS = 5_000
MAX_LIVE = 500
"""Questions of one unit that are not archived."""

_BULLET = re.compile(r"^(?:[-–•*·▪]|\d{1,3}[.)])\s+")
_REFS = re.compile(
    r"^([^\s,;:]+(?:\s*[,;]\s*[^\s,;:]+)*)\s*:\s+(.*)$|^([^\s,;:]+(?:\s*[,;]\s*[^\s,;:]+)*)\s*:$"
)


@dataclass(frozen=True, slots=True)
class BankLine:
    """A line that was read: the question and the references of its criteria.

    `problem` says why it cannot be taken, `left_out` why it need not be; each "" where there is none.
    """

    number: int
    text: str
    refs: tuple[str, ...] = ()
    problem: str = ""
    left_out: str = ""

    @property
    def is_new(self) -> bool:
        """Whether it would be added."""
        return not self.problem and not self.left_out


def read_lines(source: str, known_refs: Sequence[str], there: Collection[str] = ()) -> list[BankLine]:
    """One question per line, each with the references of criteria before a colon if wanted. Empty lines do not count.

    Bullets and numbers of a list are dropped. `known_refs` are those of the unit; `there` questions that the bank
    has, in any spelling of capitals and accents.

    >>> read_lines("1.1, 2.3: How do you know?", ["1.1", "2.3"])[0].refs
    ('1.1', '2.3')
    """
    seen = {fold(text): "The bank has it already." for text in there}
    found = []
    for number, raw in enumerate(source.splitlines(), start=1):
        line = clean_line(raw)
        if not line:
            continue
        refs, text = _split(_BULLET.sub("", line), known_refs)
        problem = _problem(raw, text, refs, known_refs)
        left_out = "" if problem else seen.get(fold(text), "")
        if not problem:
            seen.setdefault(fold(text), f"Line {number} says the same.")
        found.append(BankLine(number, text, refs, problem, left_out))
    return found


def question_problem(text: str) -> str:
    """Why a text cannot be a question; "" when it can."""
    if not text:
        return "Write the question."
    if len(text) > MAX_QUESTION:
        return f"This has {len(text):,} characters; at most {MAX_QUESTION:,} are possible."
    return ""


def _split(line: str, known_refs: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """References and question. A colon after plain words belongs to the question."""
    match = _REFS.match(line)
    if match is None:
        return (), line
    refs = tuple(dict.fromkeys(re.split(r"\s*[,;]\s*", match[1] or match[3])))
    if not all(ref in known_refs or re.search(r"\d", ref) for ref in refs):
        return (), line
    return refs, match[2] or ""


def _problem(raw: str, text: str, refs: Collection[str], known_refs: Collection[str]) -> str:
    if has_nul(raw):
        return "It holds a NUL character, which cannot be stored."
    unknown = [ref for ref in refs if ref not in known_refs]
    if unknown:
        return f"The unit has no criterion {', '.join(unknown)}."
    return question_problem(text)
