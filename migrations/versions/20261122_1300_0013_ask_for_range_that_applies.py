"""have coverage worked out again where a rule asks for range items

A rule on a unit asked every criterion in it for the range items of each; now each answers for those that apply to it.
Nothing that anybody decided is touched.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
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
_PORTFOLIOS = sa.table("portfolios", sa.column("version_id", sa.Integer))
_RULES = sa.table("rule_changes", sa.column("version_id", sa.Integer), sa.column("rule", sa.JSON))


def upgrade() -> None:
    connection, now = op.get_bind(), datetime.now(UTC)
    asking = sa.select(_RULES.c.version_id).where(sa.cast(_RULES.c.rule, sa.Text).like('%"range_required"%'))
    pinned = sa.select(_PORTFOLIOS.c.version_id).where(_PORTFOLIOS.c.version_id.in_(asking)).distinct()
    for version_id in connection.scalars(pinned).all():
        connection.execute(
            _JOBS.insert().values(
                name="coverage.staled",
                payload=json.dumps({"version_id": version_id, "after": 0}),
                unique_key=f"migration-0013:{version_id}",
                state="queued",
                attempts=0,
                run_after=now,
                created_at=now,
            )
        )


def downgrade() -> None:
    op.get_bind().execute(sa.delete(_JOBS).where(_JOBS.c.unique_key.like("migration-0013:%")))
