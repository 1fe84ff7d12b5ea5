"""Tables as files of lines, the same for both engines: one JSON array per row, the first line names the columns.

`write_tables` reads in the transaction it is given, so that all files show one moment. `read_tables` fills
tables of a database that stands at the same revision, whichever engine it is. Times are written in ISO form
with their zone; JSON columns as the very text that is stored, so that nothing in them changes on the way.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Insert,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    func,
    insert,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.engine import Connection

from portfolio.core.errors import Invalid

_ROWS_AT_ONCE = 500
_PARAMETER = "v_"  # SQLAlchemy keeps the plain names of columns for itself


@dataclass(frozen=True, slots=True)
class Written:
    """A table in a file: how many rows, and the SHA-256 of the file in hexadecimal."""

    rows: int
    sha256: str


def write_tables(
    connection: Connection, tables: Sequence[Table], folder: Path, done: Callable[[], None] = lambda: None
) -> dict[str, Written]:
    """Write each table to `folder`/NAME.jsonl; what was written, by name. `done` is called after each."""
    written = {}
    for table in tables:
        written[table.name] = _write(connection, table, folder / f"{table.name}.jsonl")
        done()
    return written


def check_tables(folder: Path, written: Mapping[str, Written]) -> None:
    """Raises Invalid unless every file is there and is what was written."""
    for name, said in written.items():
        try:
            with (folder / f"{name}.jsonl").open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise Invalid(f"The backup lacks the table {name}. Nothing was restored.") from error
        if digest != said.sha256:
            raise Invalid(f"The table {name} in the backup is damaged. Nothing was restored.")


def read_tables(
    connection: Connection,
    names: Sequence[str],
    folder: Path,
    done: Callable[[], None] = lambda: None,
) -> None:
    """Fill these tables, which are empty, in the caller's transaction. `done` is called after each.

    Rows that refer to rows of their own table are tied together once all of them are there.
    """
    metadata = MetaData()
    metadata.reflect(connection, only=names)
    for table in metadata.sorted_tables:
        if table.name in names:
            _fill(connection, table, folder / f"{table.name}.jsonl")
            done()


def rows_in(connection: Connection, tables: Sequence[Table]) -> int:
    """How many rows these tables have in all."""
    return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def lines_of(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a written table, as plain JSON values by column."""
    with (folder / f"{name}.jsonl").open(encoding="utf-8") as file:
        columns = json.loads(next(file))
        for line in file:
            yield dict(zip(columns, json.loads(line), strict=True))


def _write(connection: Connection, table: Table, path: Path) -> Written:
    query = select(*(_as_stored(column) for column in table.columns)).order_by(*table.primary_key.columns)
    digest, rows = hashlib.sha256(), 0
    with path.open("wb") as file:

        def put(values: Sequence[Any]) -> None:
            line = json.dumps(list(values), ensure_ascii=False, default=_plain).encode() + b"\n"
            digest.update(line)
            file.write(line)

        put([column.name for column in table.columns])
        for row in connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE}):
            put(row)
            rows += 1
    return Written(rows, digest.hexdigest())


def _as_stored(column: Column[Any]) -> ColumnElement[Any]:
    """The column without what our types make of it: a backup also keeps what they would refuse."""
    if _is(column, JSON):
        return cast(column, Text).label(column.name)
    return type_coerce(column, Text).label(column.name) if _is(column, String) else column


def _plain(value: Any) -> str:
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    raise TypeError(f"a column holds {type(value).__name__}, which no backup knows how to write")


def _fill(connection: Connection, table: Table, path: Path) -> None:
    own = [column.name for column in table.columns if _refers_to(column, table)]
    for batch in _batches(table, path):
        connection.execute(_inserting(connection, table), [{**row, **_none(own)} for row in batch])
    if own:
        keys = [column.name for column in table.primary_key.columns]
        for batch in _batches(table, path):
            _tie(connection, table, keys, own, batch)
    _continue_numbers(connection, table)


def _batches(table: Table, path: Path) -> Iterator[list[dict[str, Any]]]:
    """The rows of a file with the values that the columns take, under the names of the parameters."""
    rows = lines_of(path.parent, table.name)
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        yield [
            {_PARAMETER + name: _value(table.columns[name], value) for name, value in row.items()}
            for row in batch
        ]


def _value(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if _is(column, DateTime):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if _is(column, Date) else value


def _inserting(connection: Connection, table: Table) -> Insert:
    postgres = connection.dialect.name == "postgresql"
    values: dict[str, Any] = {}
    for column in table.columns:
        if _is(column, JSON):
            given = bindparam(_PARAMETER + column.name, type_=Text)
            values[column.name] = cast(given, JSON) if postgres else given
        else:
            values[column.name] = bindparam(_PARAMETER + column.name, type_=column.type)
    return insert(table).values(values)


def _none(names: Sequence[str]) -> dict[str, None]:
    return {_PARAMETER + name: None for name in names}


def _tie(
    connection: Connection,
    table: Table,
    keys: Sequence[str],
    own: Sequence[str],
    batch: Sequence[Mapping[str, Any]],
) -> None:
    wanted = [row for row in batch if any(row[_PARAMETER + name] is not None for name in own)]
    if wanted:
        named = [_PARAMETER + name for name in (*keys, *own)]
        tying = update(table).values({name: bindparam(_PARAMETER + name) for name in own})
        for key in keys:
            tying = tying.where(table.columns[key] == bindparam(_PARAMETER + key))
        connection.execute(tying, [{name: row[name] for name in named} for row in wanted])


def _continue_numbers(connection: Connection, table: Table) -> None:
    """PostgreSQL gives out numbers from a sequence, which has to go on after the highest."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.primary_key.columns:
        sequence = connection.scalar(
            text("SELECT pg_get_serial_sequence(:name, :column)"), {"name": table.name, "column": column.name}
        )
        highest = connection.scalar(select(func.max(column))) if sequence else None
        if highest:
            connection.execute(
                text("SELECT setval(:sequence, :highest)"), {"sequence": sequence, "highest": highest}
            )


def _refers_to(column: Column[Any], table: Table) -> bool:
    return any(key.column.table is table for key in column.foreign_keys)


def _is(column: Column[Any], kind: type[Any]) -> bool:
    """Whether a column holds this kind of value, under whatever type of ours."""
    found = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    return isinstance(found, kind)
