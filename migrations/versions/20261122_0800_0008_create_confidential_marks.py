"""create the marks by which items are held back as confidential"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "confidential_marks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("evidence_id", sa.Integer(), nullable=False),
        sa.Column("held_back", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_confidential_marks_has_reason")),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_confidential_marks_evidence_id_evidence")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_confidential_marks_person_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confidential_marks")),
        sa.UniqueConstraint("code", name=op.f("uq_confidential_marks_code")),
    )
    op.create_index(
        "ix_confidential_marks_evidence", "confidential_marks", ["evidence_id", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("confidential_marks")
