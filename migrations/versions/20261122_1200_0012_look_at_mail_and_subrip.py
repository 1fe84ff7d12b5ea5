"""have mail and SubRip files looked at again, which are shown and searched now

Until now they were answered with "Files of this kind are not shown here."
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_JOBS = sa.table(
    "jobs",
    sa.column("name", sa.String),
    sa.column("payload", sa.Text),
    sa.column("unique_key", sa.String),
    sa.column("state", sa.String),
    sa.column("attempts", sa.Integer),
    sa.column("run_after", sa.DateTime(timezone=True)),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
_BLOBS = sa.table("blobs", sa.column("id", sa.Integer), sa.column("media_type", sa.String))
_FACTS = sa.table("blob_facts", sa.column("blob_id", sa.Integer), sa.column("reason", sa.Text))
_BATCH = 500


def upgrade() -> None:
    connection, now = op.get_bind(), datetime.now(UTC)
    unseen = (
        sa.select(_FACTS.c.blob_id)
        .join(_BLOBS, _BLOBS.c.id == _FACTS.c.blob_id)
        .where(
            _FACTS.c.reason == "Files of this kind are not shown here.",
            _BLOBS.c.media_type.in_(["message/rfc822", "application/x-subrip"]),
        )
        .order_by(_FACTS.c.blob_id)
    )
    found = connection.scalars(unseen).all()
    for start in range(0, len(found), _BATCH):
        rows = [
            {
                "name": "blob.stored",
                "payload": json.dumps({"blob_id": blob_id}),
                "unique_key": f"migration-0012:{blob_id}",
                "state": "queued",
                "attempts": 0,
                "run_after": now,
                "created_at": now,
            }
            for blob_id in found[start : start + _BATCH]
        ]
        connection.execute(_JOBS.insert(), rows)


def downgrade() -> None:
    op.get_bind().execute(sa.delete(_JOBS).where(_JOBS.c.unique_key.like("migration-0012:%")))
