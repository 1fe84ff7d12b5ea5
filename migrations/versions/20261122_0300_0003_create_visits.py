"""create visits and replies to records"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "visits",
        sa.Column("evidence_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("edit_version", sa.Integer(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_visits_evidence_id_evidence")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_visits_person_id_persons")),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_visits")),
    )
    op.create_index("ix_visits_person", "visits", ["person_id", "finished_at"], unique=False)
    op.create_table(
        "record_replies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(length=40), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "answer <> 'commented' OR comment <> ''", name=op.f("ck_record_replies_comment_says_something")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_record_replies_person_id_persons")
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.id"], name=op.f("fk_record_replies_revision_id_revisions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_replies")),
        sa.UniqueConstraint("code", name=op.f("uq_record_replies_code")),
    )
    op.create_index("ix_record_replies_revision", "record_replies", ["revision_id", "id"], unique=False)
    op.create_index(
        "uq_record_replies_confirmed",
        "record_replies",
        ["revision_id"],
        unique=True,
        sqlite_where=sa.text("answer = 'confirmed'"),
        postgresql_where=sa.text("answer = 'confirmed'"),
    )


def downgrade() -> None:
    op.drop_table("record_replies")
    op.drop_table("visits")
