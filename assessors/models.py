"""Tables of assessing. Judgements, countersignatures, sign-offs and unlocks are inserted, never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from assessors.rules import Countersign, Decision, ReviewOutcome
from portfolio.core.db import Choice, Model


class ReviewDraft(Model):
    """What an assessor typed and chose so far for a submission; kept through anything, gone when finished."""

    __tablename__ = "review_drafts"
    __table_args__ = (UniqueConstraint("submission_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    edit_version: Mapped[int] = mapped_column(default=1)
    saved_at: Mapped[datetime]


class Review(Model):
    """One assessor's finished look at a submission: judged (all their mappings at once) or returned."""

    __tablename__ = "reviews"
    __table_args__ = (
        Index("ix_reviews_submission", "submission_id"),
        CheckConstraint("outcome <> 'returned' OR comment <> ''", name="return_has_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    outcome: Mapped[ReviewOutcome] = mapped_column(Choice(ReviewOutcome))
    comment: Mapped[str] = mapped_column(Text, default="")
    finished_at: Mapped[datetime]


class Judgement(Model):
    """A decision on one mapping, bound to the digest of the revision that was seen.

    The newest judgement of a mapping is the effective one, unless it awaits a countersignature. The duty to
    countersign is fixed when the decision is made.
    """

    __tablename__ = "judgements"
    __table_args__ = (
        Index("ix_judgements_mapping", "mapping_id", "id"),
        Index("ix_judgements_review", "review_id"),
        CheckConstraint("decision <> 'not_yet' OR feedback <> ''", name="not_yet_has_feedback"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id"))
    mapping_id: Mapped[int] = mapped_column(ForeignKey("mappings.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    decision: Mapped[Decision] = mapped_column(Choice(Decision))
    vacsr: Mapped[dict[str, bool]] = mapped_column(JSON)
    feedback: Mapped[str] = mapped_column(Text, default="")
    seen_digest: Mapped[str] = mapped_column(String(64))
    needs_countersignature: Mapped[bool] = mapped_column(default=False)
    judged_at: Mapped[datetime]


class Countersignature(Model):
    """A qualified assessor's answer to one judgement or sign-off of a trainee. There is one at most."""

    __tablename__ = "countersignatures"
    __table_args__ = (
        CheckConstraint("answer <> 'refused' OR comment <> ''", name="refusal_has_comment"),
        CheckConstraint("(judgement_id IS NULL) <> (sign_off_id IS NULL)", name="one_subject"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    judgement_id: Mapped[int | None] = mapped_column(ForeignKey("judgements.id"), unique=True)
    sign_off_id: Mapped[int | None] = mapped_column(ForeignKey("sign_offs.id"), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    answer: Mapped[Countersign] = mapped_column(Choice(Countersign))
    comment: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime]


class SignOff(Model):
    """The assessor's confirmation of a whole unit, with the digest of everything it rests on.

    `basis` is the canonical JSON that `digest` covers. `sample_reason` is set when the decision forces an IQA
    sample (a criterion signed without evidence).
    """

    __tablename__ = "sign_offs"
    __table_args__ = (Index("ix_sign_offs_unit", "portfolio_unit_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    portfolio_unit_id: Mapped[int] = mapped_column(ForeignKey("portfolio_units.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    statement: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    sample_reason: Mapped[str] = mapped_column(Text, default="")
    needs_countersignature: Mapped[bool] = mapped_column(default=False)
    signed_at: Mapped[datetime]


class Waiver(Model):
    """A criterion signed without evidence, with the typed reason. Part of one sign-off."""

    __tablename__ = "waivers"
    __table_args__ = (
        UniqueConstraint("sign_off_id", "criterion_id"),
        CheckConstraint("reason <> ''", name="has_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sign_off_id: Mapped[int] = mapped_column(ForeignKey("sign_offs.id"))
    criterion_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    reason: Mapped[str] = mapped_column(Text)


class Unlock(Model):
    """A signed unit taken back to work: who, in which role, and why. Supersedes the sign-off it names."""

    __tablename__ = "unlocks"
    __table_args__ = (CheckConstraint("reason <> ''", name="has_reason"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    sign_off_id: Mapped[int] = mapped_column(ForeignKey("sign_offs.id"), unique=True)
    portfolio_unit_id: Mapped[int] = mapped_column(ForeignKey("portfolio_units.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    role: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text)
    unlocked_at: Mapped[datetime]
