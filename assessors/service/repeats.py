"""Finishing a record that is finished: the same form sent twice is answered as done, other words are shown as such."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from assessors.models import Judgement, Review
from assessors.queries.desk import first_review_by
from assessors.rules import VACSR, Decision
from assessors.service.recording import Recording, Seen
from criteria.models import Node
from evidence.models import Evidence, Revision, Submission
from evidence.models import Mapping as MappingRow
from evidence.queries import files_of
from evidence.rules import GUIDES, QUESTION_ROWS, detail_fields, locator_words, parse_fragment
from evidence.service import DraftFields
from portfolio.core.actor import Actor
from portfolio.core.errors import Stale
from portfolio.people.models import Site
from portfolio.records.models import Portfolio

_DECIDED = {Decision.MET: "Met", Decision.NOT_YET: "Not yet", None: "Left out"}


@dataclass(frozen=True, slots=True)
class Difference:
    """What a later sending says otherwise: about what, its words, and those of the record; "" for none."""

    about: str
    sent: str
    recorded: str


class RecordedAlready(Stale):
    """A record was finished before, and says something else; nothing was changed. `same`: what both say, by name."""

    def __init__(self, code: str, differences: Sequence[Difference], same: Mapping[str, str]) -> None:
        super().__init__("This was recorded before, and it stands as it was recorded.", evidence=code)
        self.code, self.differences, self.same = code, tuple(differences), dict(same)


@dataclass(frozen=True, slots=True)
class _Names:
    """What codes are called: criteria, files, sites."""

    criteria: Mapping[str, str]
    files: Mapping[str, str]
    sites: Mapping[str, str]


def recorded(session: Session, actor: Actor, portfolio: Portfolio, code: str) -> Review | None:
    """The review that finished the actor's record under this code in the portfolio; None while a revision is a draft.

    The actor must be allowed to read the portfolio: they may have lost another one in which they recorded.
    """
    newest = session.execute(
        select(Revision.frozen_at, Submission.id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .outerjoin(Submission, Submission.revision_id == Revision.id)
        .where(
            Evidence.code == code,
            Evidence.portfolio_id == portfolio.id,
            Evidence.created_by_id == actor.person_id,
        )
        .order_by(Revision.number.desc())
        .limit(1)
    ).first()
    if newest is None or newest[0] is None or newest[1] is None:
        return None
    return first_review_by(session, newest[1], actor.person_id)


def revision_of(session: Session, review: Review) -> Revision:
    """The revision that a review is about."""
    return session.get_one(Revision, session.get_one(Submission, review.submission_id).revision_id)


def refuse_other_words(
    session: Session,
    done: Review,
    sent: Recording,
    left_out: Mapping[str, Seen] | None = None,
    kept_out: Mapping[str, Seen] | None = None,
) -> None:
    """Raise RecordedAlready unless `sent` says what `done` recorded.

    `left_out` and `kept_out` are words about criteria without a decision, by code: as sent now, and as kept beside the
    record.
    """
    stored = _stored(session, done, sent)
    names = _names(
        session, revision_of(session, done), [sent, stored], [*(left_out or ()), *(kept_out or ())]
    )
    said, known = _words(sent, left_out or {}, names), _words(stored, kept_out or {}, names)
    found = [
        Difference(about, said.get(about, ""), known.get(about, ""))
        for about in dict.fromkeys(chain(said, known))
        if said.get(about, "") != known.get(about, "")
    ]
    if found:
        same = {about: text for about, text in known.items() if said.get(about) == text}
        raise RecordedAlready(sent.code, found, same)


def _stored(session: Session, done: Review, sent: Recording) -> Recording:
    """The record as it was stored."""
    revision = revision_of(session, done)
    site = session.get(Site, revision.site_id) if revision.site_id else None
    rows = session.execute(
        select(Node.code, MappingRow, Judgement)
        .join(MappingRow, MappingRow.criterion_id == Node.id)
        .join(Judgement, Judgement.mapping_id == MappingRow.id)
        .where(Judgement.review_id == done.id)
        .order_by(Node.position)
    )
    return Recording(
        kind=session.get_one(Evidence, revision.evidence_id).kind,
        fields=DraftFields(
            title=revision.title,
            text=revision.text,
            details=revision.details,
            occurred_on=revision.occurred_on,
            site_code=site.code if site else "",
            simulated=revision.simulated,
        ),
        seen={code: _seen(mapping, judgement) for code, mapping, judgement in rows},
        comment=done.comment,
        code=sent.code,
    )


def _seen(mapping: MappingRow, judgement: Judgement) -> Seen:
    return Seen(
        decision=judgement.decision,
        note=mapping.reason,
        feedback=judgement.feedback,
        vacsr=frozenset(name for name, is_so in judgement.vacsr.items() if is_so),
        range_items=tuple(mapping.range_items),
        parts=tuple((each.get("file"), each.get("fragment") or "") for each in mapping.locators),
    )


def _names(
    session: Session, revision: Revision, recordings: Sequence[Recording], left_out: Sequence[str]
) -> _Names:
    codes = set(left_out).union(*(each.seen for each in recordings))
    for each in recordings:
        codes |= {
            code for row in each.fields.details.get(QUESTION_ROWS) or [] for code in row.get("criteria") or ()
        }
    unit = aliased(Node)
    criteria = session.execute(
        select(Node.code, Node.ref, unit.ref)
        .join(unit, unit.id == Node.unit_id)
        .where(Node.code.in_(codes))
        .order_by(Node.position)
    )
    sites = session.execute(
        select(Site.code, Site.name)
        .join(Portfolio, Portfolio.centre_id == Site.centre_id)
        .join(Evidence, Evidence.portfolio_id == Portfolio.id)
        .where(
            Evidence.id == revision.evidence_id,
            Site.code.in_([each.fields.site_code for each in recordings]),
        )
    )
    files = {file.code: file.name for file in files_of(session, revision.id)}
    return _Names({code: f"{ref} ({of})" for code, ref, of in criteria}, files, dict(sites.all()))


def _words(recording: Recording, left_out: Mapping[str, Seen], names: _Names) -> dict[str, str]:
    """Everything that a record says, by what it is about; what says nothing is left out."""
    fields = recording.fields
    found = {
        "Title": fields.title,
        GUIDES[recording.kind].text_label: fields.text,
        "Date": fields.occurred_on.isoformat() if fields.occurred_on else "",
        "Site": names.sites.get(fields.site_code, fields.site_code),
        "Simulated": "Yes" if fields.simulated else "",
    }
    found |= {
        each.label: str(fields.details.get(each.name) or "")
        for each in detail_fields(recording.kind, rpl=False)
        if each.name not in ("assessor", "seen_by", QUESTION_ROWS)
    }
    for number, row in enumerate(fields.details.get(QUESTION_ROWS) or [], start=1):
        found[f"Question {number}"] = _row_words(row, names)
    for code, seen in {**left_out, **recording.seen}.items():
        found[names.criteria.get(code, code)] = _seen_words(seen, names)
    found["Feedback on the whole"] = recording.comment
    return {about: text.strip() for about, text in found.items() if text.strip()}


def _row_words(row: Mapping[str, object], names: _Names) -> str:
    criteria = row.get("criteria")
    shows = (
        [names.criteria.get(str(code), str(code)) for code in criteria] if isinstance(criteria, list) else []
    )
    heard = str(row.get("at") or "") or _part_words(
        str(row.get("file") or ""), str(row.get("fragment") or ""), names
    )
    said = (str(row.get("question") or ""), str(row.get("answer") or ""), heard, ", ".join(shows))
    return "\n".join(each for each in said if each)


def _seen_words(seen: Seen, names: _Names) -> str:
    missing = [question for question in VACSR if question not in seen.vacsr]
    parts = [_part_words(file or "", fragment, names) for file, fragment in seen.parts]
    said = (
        _DECIDED[seen.decision],
        seen.note.strip(),
        f"Feedback: {seen.feedback.strip()}" if seen.feedback.strip() else "",
        f"Not {', '.join(missing)}" if missing else "",
        ", ".join(seen.range_items),
        "; ".join(parts),
        f"Times: {seen.times.strip()}" if seen.times.strip() else "",
    )
    return "\n".join(each for each in said if each)


def _part_words(file: str, fragment: str, names: _Names) -> str:
    if not file and not fragment:
        return ""
    return f"{names.files.get(file, file)} {locator_words(parse_fragment(fragment))}".strip()
