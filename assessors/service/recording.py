"""A record as an assessor hands it in: what it says, and the decision per criterion."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from assessors.rules import VACSR, Decision
from criteria.rules import EvidenceKind
from evidence.service import DraftFields


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the assessor decided about one criterion while recording. `note`: what showed it.

    `parts` are (file code, media fragment), as in `evidence.service.Claim`; `times` are parts as they were typed, of a
    criterion that is left out.
    """

    decision: Decision | None
    note: str = ""
    feedback: str = ""
    vacsr: frozenset[str] = frozenset(VACSR)
    range_items: tuple[str, ...] = ()
    parts: tuple[tuple[str | None, str], ...] = ()
    times: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A record: its fields, the decision per criterion (by node code), the assessor's confirmation.

    `code`, proposed by the page, names the item, so that a form sent twice makes one.
    """

    kind: EvidenceKind
    fields: DraftFields
    seen: Mapping[str, Seen] = field(default_factory=dict)
    comment: str = ""
    declared: bool = False
    code: str
