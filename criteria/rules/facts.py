"""What stored rows say about one criterion of one portfolio: the input of `coverage`."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from criteria.rules.kinds import EvidenceKind


class MappingState(StrEnum):
    """Where one mapping stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    JUDGED = "judged"


class Verdict(StrEnum):
    """An assessor's decision on one mapping."""

    MET = "met"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFact:
    """One live mapping of one evidence item on one criterion.

    Live means: not dropped, and its evidence is not withdrawn or archived. Times are zone-aware UTC and
    name the *last* such event; the judgement is the last one that was not superseded, whatever the
    state: an item sent back and being revised is in DRAFT and still carries `judgement=NOT_YET` with
    its time, so that the refusal stays visible until it is answered.

    A `met` judgement counts in state JUDGED only. While a new revision of a met item is still a draft,
    give two facts: the judged revision and the draft. Several facts about one `evidence_ref` (other
    revisions, other locators) count as one item.

    evidence_ref             reference in the portfolio, such as "E004"; identifies the item
    evidence_code            opaque code for addresses
    occurred_on              the date the work was done; None: not known
    awaiting_countersignature  the judgement was made by a trainee and is not confirmed yet
    witness_confirmed        None: no witness is needed; False: the witness has not confirmed yet
    range_items              references of the range items this mapping covers
    by_staff                 a member of staff wrote the item, so the candidate cannot revise it
    reopened_at              the judgement was set aside then, with `reopened_reason`; it has no effect
                             unless it was made later than that
    """

    evidence_ref: str
    evidence_code: str
    kind: EvidenceKind
    state: MappingState
    title: str = ""
    occurred_on: date | None = None
    simulated: bool = False
    rpl: bool = False
    range_items: frozenset[str] = frozenset()
    submitted_at: datetime | None = None
    judgement: Verdict | None = None
    judged_at: datetime | None = None
    feedback: str = ""
    awaiting_countersignature: bool = False
    returned_at: datetime | None = None
    return_reason: str = ""
    witness_confirmed: bool | None = None
    by_staff: bool = False
    reopened_at: datetime | None = None
    reopened_reason: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A criterion signed off without evidence, with the reason somebody typed."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Reopening:
    """The unit was signed and has been unlocked, with the reason somebody typed."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class CriterionFacts:
    """What concerns the criterion as a whole: the last waiver of it, the last reopening of its unit, and the date
    (in the centre's zone) of the unit's sign-off while that is in force."""

    waived: Waiver | None = None
    reopened: Reopening | None = None
    signed_on: date | None = None


NO_CRITERION_FACTS = CriterionFacts()
