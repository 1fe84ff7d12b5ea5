"""The fixtures of `tests.databases` keep their promises: migrated, empty, one's own."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from portfolio.core import migrate
from portfolio.core.db import make_engine
from tests.postgres import PREFIX, PostgresServer


def test_each_test_gets_a_migrated_database(database_url: str) -> None:
    assert migrate.current(database_url) == migrate.head()


@pytest.mark.parametrize("attempt", [1, 2])
def test_what_one_test_writes_no_other_sees(engine: Engine, attempt: int) -> None:
    with engine.begin() as connection:
        assert "left_behind" not in inspect(connection).get_table_names()
        connection.execute(text("CREATE TABLE left_behind (id integer)"))


def test_an_empty_database_has_no_revision(empty_database_url: str) -> None:
    assert migrate.current(empty_database_url) is None


@pytest.mark.databases("postgres")
def test_dropping_closes_what_is_still_connected(postgres_server: PostgresServer, database_kind: str) -> None:
    engine = make_engine(postgres_server.url(name := postgres_server.create()))
    with engine.connect():
        postgres_server.drop(name)
        again = postgres_server.create()
    engine.dispose()
    assert again != name
    postgres_server.drop(again)


@pytest.mark.databases("postgres")
def test_text_is_compared_as_unicode(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT lower('ÉΣЖ')")) == "éσж"


@pytest.mark.databases("postgres")
def test_the_server_keeps_to_its_folder(postgres_server: PostgresServer, database_kind: str) -> None:
    folder = Path(postgres_server.url("x").partition("host=")[2])
    assert folder.name.startswith(PREFIX)
    assert sorted(path.name for path in folder.glob(".s.PGSQL.*")) == [".s.PGSQL.5432", ".s.PGSQL.5432.lock"]
    settings = (folder / "data/postgresql.conf").read_text(encoding="utf-8").splitlines()
    assert [line for line in settings if line.startswith("listen_addresses")] == ["listen_addresses = ''"]
