"""The review page: a submission beside its criteria, with what was decided before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.models import ReviewDraft
from assessors.queries.decisions import PastDecision, past_on_criteria
from assessors.queries.desk import Desk, draft_of, get_desk
from assessors.queries.live import LiveMapping
from assessors.queries.queue import place_in_queue
from assessors.rules import Decision
from criteria.models import Node
from criteria.rules import Status
from evidence.queries import (
    Clip,
    FileView,
    MappingView,
    RevisionView,
    UnitChoice,
    criteria_to_choose,
    revision_view,
)
from evidence.queries.confidential import confidentiality_of
from evidence.queries.witness import TestimonyView, testimony_view
from portfolio.core.actor import Actor
from portfolio.people.models import Person
from portfolio.records.queries import PortfolioHead, head_of


@dataclass(frozen=True, slots=True)
class Card:
    """A criterion on the review page. `past`: earlier decisions on it in this portfolio, newest first."""

    live: LiveMapping
    view: MappingView
    past: Sequence[PastDecision]

    @property
    def code(self) -> str:
        """The mapping's code: names the fields of the form."""
        return self.live.mapping.code

    @property
    def criterion(self) -> Node:
        """The criterion."""
        return self.live.criterion


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Everything on the page. `open`: to decide now; `settled`: decided or somebody else's, for reading."""

    desk: Desk
    head: PortfolioHead
    revision: RevisionView
    declared_by: Person
    open: Sequence[Card]
    settled: Sequence[Card]
    draft: ReviewDraft | None
    place: int
    queued: int
    choices: Sequence[UnitChoice]
    testimony: TestimonyView | None
    confidential: bool

    @property
    def recordings(self) -> list[FileView]:
        """The recordings among the files, which have a player."""
        return recordings_of(self.revision.files)

    @property
    def markable(self) -> list[FileView]:
        """The recordings in which a part can be marked for a further criterion; none when none can be added."""
        return self.recordings if self.open and self.choices else []

    def clips_of(self, file_code: str) -> list[Clip]:
        """The parts of a recording that mappings name, each with where its decision stands."""
        words = {card.code: _standing(card.live) for card in (*self.open, *self.settled)}
        return [
            replace(clip, status=words[clip.mapping][0].value, word=words[clip.mapping][1])
            for clip in self.revision.clips_of(file_code)
            if clip.mapping in words
        ]


def recordings_of(files: Sequence[FileView]) -> list[FileView]:
    """The files that are sound or film and that a browser plays."""
    return [file for file in files if file.is_recording and file.played]


def _standing(live: LiveMapping) -> tuple[Status, str]:
    """Where the decision on a mapping stands: a sign and the word for it."""
    if live.awaits_countersignature:
        return Status.IN_ASSESSMENT, "Waits for a countersignature"
    if live.effective:
        met = live.effective.decision is Decision.MET
        return (Status.MET, "Met") if met else (Status.NEEDS_ACTION, "Not yet")
    return (Status.NEEDS_ACTION, "Returned") if live.returned else (Status.IN_ASSESSMENT, "To decide")


def review_page(session: Session, actor: Actor, code: str) -> ReviewPage:
    """The review page of a submission. Raises NotFound. A constant number of queries."""
    desk = get_desk(session, actor, code)
    view = revision_view(session, desk.portfolio, desk.revision)
    views = {each.mapping.id: each for each in view.mappings}
    past = past_on_criteria(session, actor, desk.portfolio.id, [m.criterion.id for m in desk.live])
    cards = [Card(m, views[m.mapping.id], past.get(m.criterion.id, ())) for m in desk.live]
    own = {m.mapping.id for m in desk.own}
    is_open = [c for c in cards if c.live.mapping.id in own and c.live.awaits_judgement]
    place, queued = place_in_queue(session, actor, desk.submission)
    return ReviewPage(
        desk=desk,
        head=head_of(session, desk.portfolio),
        revision=view,
        declared_by=session.scalars(select(Person).where(Person.id == desk.submission.submitted_by_id)).one(),
        open=is_open,
        settled=[c for c in cards if c not in is_open],
        draft=draft_of(session, desk.submission.id, actor.person_id),
        place=place,
        queued=queued,
        choices=_choices(session, actor, desk),
        testimony=testimony_view(session, desk.item, desk.revision),
        confidential=confidentiality_of(session, desk.item.id).held_back,
    )


def _choices(session: Session, actor: Actor, desk: Desk) -> list[UnitChoice]:
    """Criteria of the actor's open units that the item is not held against yet."""
    mapped = {m.criterion.id for m in desk.live}
    units = criteria_to_choose(session, actor, desk.portfolio, mapped)
    for unit in units:
        for outcome in unit.outcomes:
            outcome.criteria = [c for c in outcome.criteria if not c.mapped]
        unit.outcomes = [outcome for outcome in unit.outcomes if outcome.criteria]
    return [unit for unit in units if unit.outcomes and not unit.closed]
