"""create the bank of questions"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "bank_questions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(archived_at IS NULL) = (archived_by_id IS NULL)",
            name=op.f("ck_bank_questions_archived_by_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["archived_by_id"], ["persons.id"], name=op.f("fk_bank_questions_archived_by_id_persons")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["nodes.id"], name=op.f("fk_bank_questions_unit_id_nodes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_questions")),
        sa.UniqueConstraint("code", name=op.f("uq_bank_questions_code")),
    )
    op.create_index("ix_bank_questions_unit", "bank_questions", ["unit_id", "position"], unique=False)
    op.create_table(
        "bank_wordings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("question_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("pointers", sa.Text(), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["persons.id"], name=op.f("fk_bank_wordings_created_by_id_persons")
        ),
        sa.ForeignKeyConstraint(
            ["question_id"], ["bank_questions.id"], name=op.f("fk_bank_wordings_question_id_bank_questions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_wordings")),
        sa.UniqueConstraint("code", name=op.f("uq_bank_wordings_code")),
        sa.UniqueConstraint("question_id", "number", name=op.f("uq_bank_wordings_question_id_number")),
    )


def downgrade() -> None:
    op.drop_table("bank_wordings")
    op.drop_table("bank_questions")
