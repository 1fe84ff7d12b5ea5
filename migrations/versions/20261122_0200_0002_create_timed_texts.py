"""create timed texts"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "timed_texts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("form", sa.String(length=40), nullable=False),
        sa.Column("added_later", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("vtt", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("cue_count", sa.Integer(), nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(form = 'none') = (vtt = '')", name=op.f("ck_timed_texts_none_is_empty")),
        sa.ForeignKeyConstraint(
            ["added_by_id"], ["persons.id"], name=op.f("fk_timed_texts_added_by_id_persons")
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["evidence_files.id"], name=op.f("fk_timed_texts_file_id_evidence_files")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timed_texts")),
        sa.UniqueConstraint("code", name=op.f("uq_timed_texts_code")),
    )
    with op.batch_alter_table("timed_texts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_timed_texts_file_id"), ["file_id"], unique=False)

    op.create_table(
        "transcript_drafts",
        sa.Column("file_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("edit_version", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["evidence_files.id"], name=op.f("fk_transcript_drafts_file_id_evidence_files")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_transcript_drafts_person_id_persons")
        ),
        sa.PrimaryKeyConstraint("file_id", "person_id", name=op.f("pk_transcript_drafts")),
    )


def downgrade() -> None:
    op.drop_table("transcript_drafts")
    with op.batch_alter_table("timed_texts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_timed_texts_file_id"))

    op.drop_table("timed_texts")
