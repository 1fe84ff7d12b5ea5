"""Posted fields of the pages of questions, read into what the services take."""

from collections.abc import Sequence
from dataclasses import dataclass

from criteria.models import Node
from criteria.rules.bank import MAX_LIVE, BankLine, read_lines
from criteria.service.bank import Asked
from portfolio.core import ids
from portfolio.core.errors import Invalid
from portfolio.core.text import clean_line
from portfolio.web.forms import Fields

MAX_SOURCE = 500_000


@dataclass(frozen=True, slots=True)
class QuestionValues:
    """What stands in the fields of one question. `code` names a new one, `seen` the wording that was shown."""

    text: str = ""
    pointers: str = ""
    criteria: Sequence[str] = ()
    code: str = ""
    seen: int = 0

    @property
    def asked(self) -> Asked:
        """For the service."""
        return Asked(self.text, self.pointers, tuple(self.criteria))


def read_question(posted: Fields) -> QuestionValues:
    """The fields as they were typed."""
    return QuestionValues(
        text=posted.text("text", "The question"),
        pointers=posted.text("pointers", "What a good answer holds"),
        criteria=list(dict.fromkeys(posted.many("criteria"))),
        code=clean_line(posted.raw("code"))[:20] or ids.new_code(),
        seen=posted.whole("seen", "The wording", minimum=0, maximum=1_000_000) or 0,
    )


def read_import(posted: Fields, criteria: Sequence[Node], there: Sequence[str]) -> list[BankLine]:
    """The lines that were pasted. Raises Invalid when there are none, or too many."""
    source = posted.raw("lines")
    if len(source) > MAX_SOURCE:
        raise Invalid("Nothing was added.", {"lines": f"Paste at most {MAX_SOURCE:,} characters at a time."})
    lines = read_lines(source, [node.ref for node in criteria], there)
    if not lines:
        raise Invalid("Nothing was added.", {"lines": "Paste at least one question."})
    if len(lines) > MAX_LIVE:
        raise Invalid("Nothing was added.", {"lines": f"Paste at most {MAX_LIVE:,} lines at a time."})
    return lines


def asked_of(lines: Sequence[BankLine], criteria: Sequence[Node]) -> list[Asked]:
    """The questions of those lines that are new."""
    codes = {node.ref: node.code for node in criteria}
    return [
        Asked(line.text, criteria=tuple(codes[ref] for ref in line.refs)) for line in lines if line.is_new
    ]
