"""create the passages to search in, their full text index, and the work of filling them

On SQLite the words stand in an FTS5 table over `search_passages`, which three triggers keep; on PostgreSQL in an
index of the column. A later migration that copies `search_passages` (batch mode) has to make the triggers again.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_KEY = "migration-0006:search"
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
_SQLITE = (
    # The words are folded before they are stored, and parted by spaces: the plainest tokenizer keeps them as they are
    "CREATE VIRTUAL TABLE search_index USING fts5(words, content='search_passages', content_rowid='id',"
    " tokenize='ascii', prefix='2 3', columnsize=0)",
    "CREATE TRIGGER search_passages_added AFTER INSERT ON search_passages BEGIN"
    " INSERT INTO search_index(rowid, words) VALUES (new.id, new.words); END",
    "CREATE TRIGGER search_passages_removed AFTER DELETE ON search_passages BEGIN"
    " INSERT INTO search_index(search_index, rowid, words) VALUES ('delete', old.id, old.words); END",
    "CREATE TRIGGER search_passages_changed AFTER UPDATE OF id, words ON search_passages BEGIN"
    " INSERT INTO search_index(search_index, rowid, words) VALUES ('delete', old.id, old.words);"
    " INSERT INTO search_index(rowid, words) VALUES (new.id, new.words); END",
)


def upgrade() -> None:
    _create_table()
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for statement in _SQLITE:
            op.execute(statement)
    else:
        op.create_index("search_index", "search_passages", ["words"], postgresql_using="gin")
    now = datetime.now(UTC)
    if connection.scalar(sa.text("SELECT 1 FROM evidence LIMIT 1")) is not None:
        connection.execute(
            _JOBS.insert().values(
                name="search.filled",
                payload=json.dumps({}),
                unique_key=_KEY,
                state="queued",
                attempts=0,
                run_after=now,
                created_at=now,
            )
        )


def _create_table() -> None:
    op.create_table(
        "search_passages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(length=40), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=True),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("timed_text_id", sa.Integer(), nullable=True),
        sa.Column("blob_id", sa.Integer(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("starts", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
        sa.CheckConstraint(
            "(revision_id IS NOT NULL) = (part IN ('title', 'text', 'details'))"
            " AND (file_id IS NOT NULL) = (part = 'file')"
            " AND (timed_text_id IS NOT NULL) = (part = 'caption')"
            " AND (blob_id IS NOT NULL) = (part = 'page')"
            " AND (page IS NOT NULL) = (part = 'page')",
            name=op.f("ck_search_passages_one_owner"),
        ),
        sa.ForeignKeyConstraint(
            ["blob_id", "page"],
            ["page_texts.blob_id", "page_texts.page"],
            name="fk_search_passages_blob_id_page_texts",
            ondelete="CASCADE",
        ),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{table}.id"],
                name=op.f(f"fk_search_passages_{column}_{table}"),
                ondelete="CASCADE",
            )
            for column, table in (
                ("revision_id", "revisions"),
                ("file_id", "evidence_files"),
                ("timed_text_id", "timed_texts"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_passages")),
    )
    for column in ("revision_id", "file_id", "timed_text_id"):
        op.create_index(op.f(f"ix_search_passages_{column}"), "search_passages", [column])
    op.create_index("ix_search_passages_page", "search_passages", ["blob_id", "page"])


def downgrade() -> None:
    op.get_bind().execute(sa.delete(_JOBS).where(_JOBS.c.name == "search.filled"))
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_index")
    op.drop_table("search_passages")
