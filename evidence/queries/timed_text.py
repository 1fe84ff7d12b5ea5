"""Reads of captions and transcripts: which of them stand beside a recording, who may add some, every version.

A recording that a later revision keeps is a file of its own with the same content, and keeps its captions: what
the author added up to that revision, and what assessors added later to it or to an earlier one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select
from sqlalchemy.orm import Session, aliased, defer

from evidence.models import Evidence, EvidenceFile, Revision
from evidence.queries.items import check_open, get_draft, get_file, is_author
from evidence.rules import reference, state_word
from evidence.rules.caption_files import stored_cues
from evidence.rules.timed_text import Cue, TimedTextForm
from evidence.sniff import Family, family
from evidence.timed_models import TimedText, TranscriptDraft
from portfolio.core.actor import Actor
from portfolio.core.errors import Locked, NotFound
from portfolio.people.models import Person
from portfolio.records.models import Portfolio
from portfolio.records.permissions import PORTFOLIO_ASSESS
from portfolio.records.queries import get_portfolio_by_id

_FORM_WORDS = {
    TimedTextForm.WEBVTT: "Captions",
    TimedTextForm.SUBRIP: "Captions",
    TimedTextForm.TRANSCRIPT: "Transcript",
}


@dataclass(frozen=True, slots=True)
class CaptionsView:
    """Captions or a transcript as a page shows them. `added_later`: an assessor's, no part of the submission."""

    code: str
    form: TimedTextForm
    name: str
    sha256: str
    cue_count: int
    added_later: bool
    by: str
    at: datetime
    vtt: str = ""

    @property
    def word(self) -> str:
        """What it is: "Captions", "Transcript", or "Taken off"."""
        return _FORM_WORDS.get(self.form, "Taken off")

    @property
    def cues(self) -> Sequence[Cue]:
        """Its cues in order of time; read anew each time."""
        return stored_cues(self.vtt)


@dataclass(frozen=True, slots=True)
class CaptionPlace:
    """A recording to which the actor may add captions. `later`: as an assessor, to a frozen revision."""

    file: EvidenceFile
    revision: Revision
    evidence: Evidence
    portfolio: Portfolio
    later: bool

    @property
    def reference(self) -> str:
        """Such as "E007"."""
        return reference(self.evidence.number)


def captions_of(
    session: Session, revision_id: int, blob_ids: Collection[int]
) -> Mapping[int, list[CaptionsView]]:
    """What stands beside the recordings of a revision, by the id of their content: first the author's, then
    the assessors'. Of each the newest version, unless it was taken off. At most two queries."""
    if not blob_ids:
        return {}
    shown = {
        row.id: row.blob_id for row in session.execute(_known(revision_id, blob_ids).where(stands_in(_SHOWN)))
    }
    found: dict[int, list[CaptionsView]] = {}
    for text, by in _texts(session, shown, with_text=True):
        found.setdefault(shown[text.id], []).append(_view(text, by, text.vtt))
    return found


_SHOWN = aliased(Revision)


def stands_in(shown: type[Revision]) -> ColumnElement[bool]:
    """Whether a TimedText of an EvidenceFile of a Revision stands beside the same recording of `shown`, the same or a
    later revision: it was not taken off, and nothing newer of its author or assessor is in its place there."""
    newer, file, revision = aliased(TimedText), aliased(EvidenceFile), aliased(Revision)
    followed = (
        select(newer.id)
        .join(file, file.id == newer.file_id)
        .join(revision, revision.id == file.revision_id)
        .where(
            newer.id > TimedText.id,
            newer.added_later == TimedText.added_later,
            or_(~newer.added_later, newer.added_by_id == TimedText.added_by_id),
            file.blob_id == EvidenceFile.blob_id,
            revision.evidence_id == shown.evidence_id,
            revision.number <= shown.number,
        )
        .correlate(TimedText, EvidenceFile, shown)
    )
    return and_(TimedText.form != TimedTextForm.NONE, ~followed.exists())


def _known(revision_id: int, blob_ids: Collection[int]) -> Select[int, int]:
    """All versions that concern these contents up to a revision, in the order in which they were added."""
    return (
        select(TimedText.id, EvidenceFile.blob_id)
        .join(EvidenceFile, EvidenceFile.id == TimedText.file_id)
        .join(Revision, Revision.id == EvidenceFile.revision_id)
        .join(_SHOWN, (_SHOWN.evidence_id == Revision.evidence_id) & (_SHOWN.number >= Revision.number))
        .where(_SHOWN.id == revision_id, EvidenceFile.blob_id.in_(blob_ids))
        .order_by(TimedText.id)
    )


def _texts(session: Session, ids: Collection[int], *, with_text: bool) -> Sequence[Row[TimedText, str]]:
    if not ids:
        return []
    unread = [TimedText.source, TimedText.words, *([] if with_text else [TimedText.vtt])]
    return session.execute(
        select(TimedText, Person.name)
        .join(Person, Person.id == TimedText.added_by_id)
        .where(TimedText.id.in_(ids))
        .order_by(TimedText.added_later, TimedText.id)
        .options(*(defer(column) for column in unread))
    ).all()


def _view(text: TimedText, by: str, vtt: str = "") -> CaptionsView:
    return CaptionsView(
        text.code,
        text.form,
        text.name,
        text.sha256,
        text.cue_count,
        text.added_later,
        by,
        text.added_at,
        vtt,
    )


def caption_history(session: Session, file: EvidenceFile) -> list[CaptionsView]:
    """Every version that concerns a file, newest first, without its text."""
    ids = [row.id for row in session.execute(_known(file.revision_id, [file.blob_id]))]
    rows = sorted(_texts(session, ids, with_text=False), key=lambda row: row[0].id, reverse=True)
    return [_view(text, by) for text, by in rows]


def get_captions(session: Session, actor: Actor, file_code: str, code: str) -> TimedText:
    """A version of the captions of a file, by the rights to the file. Raises NotFound."""
    file = get_file(session, actor, file_code).file
    ids = [row.id for row in session.execute(_known(file.revision_id, [file.blob_id]))]
    text = session.scalars(
        select(TimedText).where(
            TimedText.code == code, TimedText.id.in_(ids), TimedText.form != TimedTextForm.NONE
        )
    ).one_or_none()
    if text is None:
        raise NotFound()
    return text


def get_caption_place(
    session: Session, actor: Actor, file_code: str, *, for_update: bool = False
) -> CaptionPlace:
    """A recording to which the actor may add captions: the author's while the item is a draft, an assessor's of
    the portfolio once it is submitted. With `for_update` others who would add some wait.

    Raises NotFound, also for what is no recording; Locked for the author of what is submitted, and when the
    portfolio is closed.
    """
    found = get_file(session, actor, file_code)
    if family(found.blob.media_type) not in (Family.AUDIO, Family.VIDEO):
        raise NotFound()
    revision = session.get_one(Revision, found.file.revision_id)
    evidence = session.get_one(Evidence, revision.evidence_id)
    if revision.frozen_at is None:
        draft = get_draft(session, actor, evidence.code, for_update=for_update)
        return CaptionPlace(found.file, revision, evidence, draft.portfolio, later=False)
    portfolio = session.get_one(Portfolio, evidence.portfolio_id)
    check_open(portfolio)
    if PORTFOLIO_ASSESS.allows(actor, portfolio):
        if for_update:
            session.execute(select(Revision.id).where(Revision.id == revision.id).with_for_update())
        return CaptionPlace(found.file, revision, evidence, portfolio, later=True)
    if is_author(actor, evidence, portfolio):
        word = state_word(evidence.state).lower()
        raise Locked(
            f"{reference(evidence.number)} is {word}, so its captions are frozen with it. Nothing was changed."
        )
    raise NotFound()


def item_code(session: Session, file: EvidenceFile) -> str:
    """The code of the item that a file belongs to."""
    revision = session.get_one(Revision, file.revision_id)
    return session.get_one(Evidence, revision.evidence_id).code


def may_caption(session: Session, actor: Actor, revision: Revision) -> bool:
    """Whether the actor may add captions to recordings of a revision that they see."""
    evidence = session.get_one(Evidence, revision.evidence_id)
    portfolio = get_portfolio_by_id(session, actor, evidence.portfolio_id)
    try:
        check_open(portfolio)
    except Locked:
        return False
    if revision.frozen_at is None:
        return is_author(actor, evidence, portfolio)
    return PORTFOLIO_ASSESS.allows(actor, portfolio)


def standing_text(session: Session, actor: Actor, place: CaptionPlace) -> TimedText | None:
    """The version that the actor's next one would follow: the author's, or an assessor's own. None without."""
    query = _known(place.file.revision_id, [place.file.blob_id]).where(TimedText.added_later == place.later)
    if place.later:
        query = query.where(TimedText.added_by_id == actor.person_id)
    own = [row.id for row in session.execute(query)]
    text = session.get_one(TimedText, own[-1]) if own else None
    return None if text is None or text.form is TimedTextForm.NONE else text


def transcript_draft(session: Session, actor: Actor, file_id: int) -> TranscriptDraft | None:
    """What the actor is still writing for a file."""
    return session.get(TranscriptDraft, (file_id, actor.person_id))


def unstored_transcripts(session: Session, actor: Actor, revision_id: int) -> Sequence[Row[str, str]]:
    """Code and name of each recording of a revision for which the actor has typed a transcript and not stored it."""
    return session.execute(
        select(EvidenceFile.code, EvidenceFile.name)
        .join(TranscriptDraft, TranscriptDraft.file_id == EvidenceFile.id)
        .where(
            EvidenceFile.revision_id == revision_id,
            TranscriptDraft.person_id == actor.person_id,
            TranscriptDraft.text != "",
        )
        .order_by(EvidenceFile.position)
    ).all()
