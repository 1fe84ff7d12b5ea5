"""keep files for years: checks of the store, moves between stores, limits, virus scans"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_GOES_ON = sa.text("state <> 'done'")


def upgrade() -> None:
    _create_checks_and_moves()
    _create_limits()
    op.create_table(
        "blob_scans",
        sa.Column("blob_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("found", sa.String(length=200), nullable=False),
        sa.Column("retry", sa.Boolean(), nullable=False),
        sa.Column("engine", sa.String(length=80), nullable=False),
        sa.Column("signatures", sa.String(length=80), nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state <> 'infected' OR found <> ''", name=op.f("ck_blob_scans_infected_has_name")
        ),
        sa.CheckConstraint(
            "state <> 'not_scanned' OR reason <> ''", name=op.f("ck_blob_scans_not_scanned_has_reason")
        ),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name=op.f("fk_blob_scans_blob_id_blobs")),
        sa.PrimaryKeyConstraint("blob_id", name=op.f("pk_blob_scans")),
    )
    op.create_index("ix_blob_scans_state", "blob_scans", ["state", "retry"], unique=False)


def _create_checks_and_moves() -> None:
    op.create_table(
        "store_checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_checks")),
    )
    op.create_table(
        "store_faults",
        sa.Column("check_id", sa.Integer(), nullable=False),
        sa.Column("blob_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["check_id"],
            ["store_checks.id"],
            name=op.f("fk_store_faults_check_id_store_checks"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("check_id", "blob_id", name=op.f("pk_store_faults")),
    )
    op.create_table(
        "store_moves",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("switched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_moves")),
    )
    op.create_index(
        "uq_store_moves_open",
        "store_moves",
        ["kind"],
        unique=True,
        sqlite_where=_GOES_ON,
        postgresql_where=_GOES_ON,
    )


def _create_limits() -> None:
    op.create_table(
        "centre_limits",
        sa.Column("centre_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("max_bytes", sa.BigInteger(), nullable=True),
        sa.Column("candidate_max_bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["centres.id"], name=op.f("fk_centre_limits_centre_id_centres")
        ),
        sa.PrimaryKeyConstraint("centre_id", name=op.f("pk_centre_limits")),
    )
    op.create_table(
        "candidate_storage",
        sa.Column("centre_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("used_bytes", sa.BigInteger(), nullable=False),
        sa.Column("max_bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["centres.id"], name=op.f("fk_candidate_storage_centre_id_centres")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_candidate_storage_person_id_persons")
        ),
        sa.PrimaryKeyConstraint("centre_id", "person_id", name=op.f("pk_candidate_storage")),
    )


def downgrade() -> None:
    op.drop_index("ix_blob_scans_state", table_name="blob_scans")
    op.drop_table("blob_scans")
    op.drop_table("candidate_storage")
    op.drop_table("centre_limits")
    op.drop_index("uq_store_moves_open", table_name="store_moves")
    op.drop_table("store_moves")
    op.drop_table("store_faults")
    op.drop_table("store_checks")
