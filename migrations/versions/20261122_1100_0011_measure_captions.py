"""measure captions, which count among what a candidate keeps from now on

What was counted for each candidate is put right by the daily count.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("timed_texts") as table:
        table.add_column(sa.Column("size_bytes", sa.Integer(), nullable=False, server_default="0"))
    source = sa.column("source", sa.Text)
    if op.get_bind().dialect.name == "sqlite":  # octet_length came with SQLite 3.43
        size = sa.func.length(sa.cast(source, sa.LargeBinary))
    else:
        size = sa.func.octet_length(source)
    texts = sa.table("timed_texts", source, sa.column("size_bytes", sa.Integer))
    op.execute(texts.update().values(size_bytes=size))
    with op.batch_alter_table("timed_texts") as table:
        table.alter_column("size_bytes", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("timed_texts") as table:
        table.drop_column("size_bytes")
