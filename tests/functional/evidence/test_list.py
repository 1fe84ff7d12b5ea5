"""The list of evidence: filters, who sees what, and its cost."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, event

from portfolio.core.actor import Role
from portfolio.core.db import Database
from tests.factories.world import World, make_person
from tests.functional.evidence.making import begin, hand_in
from tests.web import Browser

Browse = Callable[[str], Browser]
STRANGERS = ["other_candidate", "unallocated_assessor", "foreign_manager", "operator"]


@pytest.fixture
def own(browse: Browse) -> Browser:
    """The candidate's browser."""
    return browse("candidate")


def test_the_list_filters_and_survives_rubbish(own: Browser, database: Database, world: World) -> None:
    begin(database, world, title="Alpha call")
    hand_in(database, world, begin(database, world, title="Beta call", criteria=(5,)))

    def shown(query: str) -> list[str]:
        text = own.get(f"/evidence?{query}").text
        return [name for name in ("Alpha call", "Beta call") if name in text]

    assert shown("") == ["Alpha call", "Beta call"]
    assert shown("state=draft") == ["Alpha call"]
    assert shown("q=beta") == ["Beta call"]
    assert shown("q=E001") == ["Alpha call"]
    assert shown(f"unit={world.unit_codes[1]}") == ["Beta call"]
    assert shown("shows=nothing") == []
    assert shown("kind=product") == []
    assert shown("state=x&kind=%00&page=-3&shows=%F0&unit=%27") == []


def test_the_list_of_a_stranger_is_absent(browse: Browse, world: World) -> None:
    for who in [*STRANGERS, "assessor"]:
        code = world.other_portfolio_code if who == "assessor" else world.portfolio_code
        assert browse(who).get(f"/evidence?portfolio={code}").status_code == 404


def test_an_assessor_sees_submitted_items_and_the_number_of_drafts(
    browse: Browse, database: Database, world: World
) -> None:
    begin(database, world, title="Still secret")
    hand_in(database, world, begin(database, world, title="Handed in"))

    page = browse("assessor").get(f"/evidence?portfolio={world.portfolio_code}").text

    assert "Handed in" in page
    assert "Still secret" not in page
    assert "1 draft is being written" in page


def test_the_list_costs_the_same_for_one_item_and_for_many(
    own: Browser, database: Database, world: World, engine: Engine
) -> None:
    def queries() -> int:
        count = 0

        def note(*_: object) -> None:
            nonlocal count
            count += 1

        event.listen(engine, "before_cursor_execute", note)
        assert own.get("/evidence").status_code == 200
        event.remove(engine, "before_cursor_execute", note)
        return count

    begin(database, world)
    one = queries()
    for _ in range(12):
        begin(database, world, criteria=(0, 1, 2))

    assert queries() == one


def test_a_person_who_is_not_enrolled_is_told_so(browse: Browse, database: Database, world: World) -> None:
    with database.write() as session:
        world.people["newcomer"] = make_person(session, "newcomer", world.centre_id, Role.CANDIDATE).id

    for page in ("/evidence", "/evidence/new"):
        assert "not enrolled yet" in browse("newcomer").get(page).text
