"""Search over 20,000 items, as the manager of their centre and as a candidate, against the bare full text query.

Forty portfolios of 500 items, each a title and a text of 120 words out of 5,000 that are used as unevenly as words
are. The yardstick counts the passages with the same words and nothing else: no rights, no items, no snippets.
"""

import random
import time
from collections.abc import Iterator
from itertools import accumulate

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from bench._data import SEED, installation
from bench.figures import Figure, alternating
from criteria.rules import EvidenceKind
from evidence.models import Evidence, Revision
from evidence.queries.search import search_evidence
from evidence.rules import EvidenceState
from evidence.rules.search import parse_query
from evidence.service import fill_everything
from portfolio.app import Parts
from portfolio.core import clock, ids
from portfolio.core.actor import Role
from tests.factories.world import World, make_person, make_portfolio, make_world

PORTFOLIOS, ITEMS_EACH, WORDS_EACH, VOCABULARY = 40, 500, 120, 5000
ROUNDS = 5
QUERIES = {"a rare word": "w4800", "two words": "w40 w700", "a word in nearly every item": "w0"}


def measure() -> list[Figure]:
    """Seconds of each kind of search, and the ratio of the slowest to its yardstick."""
    with installation() as parts:
        with parts.database.write() as session:
            world = make_world(session)
            _make_items(session, world)
        started = time.perf_counter()
        _fill(parts)
        figures = [
            Figure("passages made for 20,000 items", time.perf_counter() - started, "s"),
        ]
        for name, typed in QUERIES.items():
            figures += _searched(parts, world, name, typed)
        return figures


def _searched(parts: Parts, world: World, name: str, typed: str) -> Iterator[Figure]:
    query = parse_query(typed + " ")

    def search_as(who: str) -> int:
        with parts.database.read() as session:
            return search_evidence(session, world.actor(session, who), query).total

    def bare() -> object:
        with parts.database.read() as session:
            return session.scalar(text(_BARE[parts.database.is_sqlite]), {"words": _asked(parts, typed)})

    manager, candidate, yardstick = alternating(
        lambda: search_as("manager"), lambda: search_as("candidate_1"), bare, rounds=ROUNDS
    )
    yield Figure(f"{name}, as manager ({search_as('manager'):,} found)", manager, "s")
    yield Figure(f"{name}, as candidate ({search_as('candidate_1'):,} found)", candidate, "s")
    yield Figure(f"{name}: manager over the bare query", manager / yardstick, "×")


_BARE = {
    True: "SELECT count(*) FROM search_index WHERE search_index MATCH :words",
    False: "SELECT count(*) FROM search_passages WHERE words @@ CAST(:words AS tsquery)",
}


def _asked(parts: Parts, typed: str) -> str:
    return (" OR " if parts.database.is_sqlite else " | ").join(typed.split())


def _fill(parts: Parts) -> None:
    """What the worker does after an upgrade, batch by batch."""
    parts.worker().run_due()


def _make_items(session: Session, world: World) -> None:
    chance = random.Random(SEED)
    words = [f"w{n}" for n in range(VOCABULARY)]
    often = list(accumulate(1 / (n + 1) for n in range(VOCABULARY)))
    now = clock.now()
    for nth in range(PORTFOLIOS):
        name = f"candidate_{nth}"
        world.people[name] = make_person(session, name, world.centre_id, Role.CANDIDATE).id
        portfolio = make_portfolio(session, world, name)
        first = nth * ITEMS_EACH + 1
        items = [
            {
                "id": first + at, "code": ids.new_code(), "portfolio_id": portfolio.id, "number": at + 1,
                "kind": EvidenceKind.REFLECTIVE_ACCOUNT, "title": "An account", "state": EvidenceState.SUBMITTED,
                "created_by_id": portfolio.candidate_id, "created_at": now,
            }
            for at in range(ITEMS_EACH)
        ]  # fmt: skip
        revisions = [
            {
                "code": ids.new_code(), "evidence_id": item["id"], "number": 1,
                "title": " ".join(chance.choices(words, cum_weights=often, k=5)),
                "text": " ".join(chance.choices(words, cum_weights=often, k=WORDS_EACH)), "details": {},
                "created_at": now, "saved_at": now, "frozen_at": now, "digest": "0" * 64,
            }
            for item in items
        ]  # fmt: skip
        # past the listener, as rows are that were there before an upgrade
        connection = session.connection()
        connection.execute(insert(Evidence), items)
        connection.execute(insert(Revision), revisions)
    fill_everything(session)
