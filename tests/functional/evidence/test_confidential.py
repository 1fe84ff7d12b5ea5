"""Confidential material through HTTP: the checklist, who holds back and clears, and what external eyes still see."""

from collections.abc import Callable
from typing import Any

import pytest

from assessors.rules import Decision
from evidence.confidential_models import ConfidentialMark
from evidence.models import Revision
from evidence.service import clear_confidential, mark_confidential
from portfolio.app import Parts
from portfolio.core.db import Database
from portfolio.core.errors import Stale
from portfolio.core.log import LogEntry
from portfolio.people.models import Notification
from portfolio.records.models import Portfolio
from portfolio.tracking.proof import mismatches
from tests.factories import work
from tests.factories.world import CAST, World
from tests.functional.evidence.making import attach, begin, digest_shown, hand_in
from tests.web import Browser

Browse = Callable[[str], Browser]
SECRET = "Payroll of the whole team"
MARKING = {"assessor", "trainee", "iqa", "lead_iqa", "manager"}
CLEARING = {"lead_iqa", "manager"}
SEEING = MARKING | {"candidate"}
sqlite = pytest.mark.databases("sqlite")


def marks(database: Database) -> list[ConfidentialMark]:
    with database.read() as session:
        return session.query(ConfidentialMark).order_by(ConfidentialMark.id).all()


def hold_back(database: Database, world: World, code: str, who: str = "manager") -> str:
    """Hold an item back; the code of the mark."""
    with database.write() as session:
        mark_confidential(session, world.actor(session, who), code, "Pay.")
    return marks(database)[-1].code


@pytest.fixture
def item(database: Database, world: World) -> str:
    """A submitted item with a telling title."""
    code = begin(database, world, title=SECRET)
    hand_in(database, world, code)
    return code


@sqlite
@pytest.mark.parametrize("who", [*CAST, "foreign_manager"])
def test_who_may_hold_back_and_clear(
    browse: Browse, database: Database, world: World, item: str, who: str
) -> None:
    """Every role: the two steps, and the forms on the page."""
    browser = browse(who)
    held = browser.submit(f"/evidence/{item}/confidential", {"reason": "Pay."}).status_code
    assert (held, len(marks(database))) == ((303, 1) if who in MARKING else (404, 0))
    shown = hold_back(database, world, item)

    said = {"reason": "Covered now.", "shown": shown}
    cleared = browser.submit(f"/evidence/{item}/confidential/clear", said).status_code

    assert (cleared, marks(database)[-1].held_back) == ((303, False) if who in CLEARING else (404, True))
    page = browser.get(f"/evidence/{item}")
    assert page.status_code == (200 if who in SEEING else 404)
    assert (f'action="/evidence/{item}/confidential"' in page.text) == (who in CLEARING)


@sqlite
@pytest.mark.parametrize("who", CAST)
def test_what_is_held_back_is_hidden_from_external_eyes_alone(
    browse: Browse, database: Database, world: World, parts: Parts, who: str
) -> None:
    code = begin(database, world, title=SECRET)
    file = attach(database, world, parts.store, code)
    hand_in(database, world, code)
    before = {page: browse(who).get(page).status_code for page in pages_of(code, file)}
    mark = hold_back(database, world, code)

    held = {page: browse(who).get(page).status_code for page in pages_of(code, file)}

    assert held == (dict.fromkeys(before, 404) if who == "eqa" else before)
    with database.write() as session:
        clear_confidential(session, world.actor(session, "lead_iqa"), code, "Covered.", mark)
    assert {page: browse(who).get(page).status_code for page in before} == before


def pages_of(code: str, file: str) -> list[str]:
    return [
        f"/evidence/{code}",
        f"/evidence/{code}?revision=1",
        f"/evidence/{code}/decisions",
        f"/files/{file}",
    ]


@pytest.fixture
def refused(database: Database, world: World) -> str:
    """An item with one criterion met and one refused with telling feedback, held back; its code."""
    first, second = world.criterion_ids[:2]
    with database.write() as session:
        submission = work.submit(session, work.make_draft(session, world, [first, second]))
        revision = session.get_one(Revision, submission.revision_id)
        revision.title = revision.evidence.title = SECRET
        judged = work.judge(session, world, submission, {first: Decision.MET, second: Decision.NOT_YET})
        judged[1].feedback = f"{SECRET}: cover the names."
        code = revision.evidence.code
    hold_back(database, world, code)
    return code


def test_external_eyes_read_that_it_is_held_back_and_how_it_stands(
    browse: Browse, world: World, refused: str
) -> None:
    """The matrix, its file, the unit and the list: statuses as stored, no title, no feedback, no link."""
    portfolio, unit = f"/portfolios/{world.portfolio_code}", f"/units/{world.unit_codes[0]}"
    seen = {
        page: browse("eqa").get(page).text
        for page in (portfolio, f"{portfolio}/matrix.csv", portfolio + unit)
    }
    assessors = {page: browse("assessor").get(page).text for page in seen}

    for page, text in seen.items():
        assert "held back: confidential" in text, page
        assert SECRET not in text, page
        assert refused not in text, page
        assert "held back: confidential" not in assessors[page]
        assert SECRET in assessors[page]
    assert ">E001 Met, held back: confidential</span>" in seen[portfolio]
    assert ">E001 Needs action, held back: confidential</span>" in seen[portfolio]
    assert "E001 met (held back: confidential)" in seen[f"{portfolio}/matrix.csv"]
    listed = browse("eqa").get(f"/evidence?portfolio={world.portfolio_code}").text
    assert "1 item is held back as confidential and not listed" in listed
    assert "No evidence yet" not in listed
    assert SECRET not in listed


@sqlite
def test_staff_see_the_label(browse: Browse, database: Database, world: World) -> None:
    code = begin(database, world)
    submission = hand_in(database, world, code)
    hold_back(database, world, code)

    label = f'href="/evidence/{code}#confidential">Confidential</a>'
    assert label in browse("assessor").get(f"/reviews/{submission}").text
    for who in ("assessor", "iqa", "manager", "candidate"):
        assert 'href="#confidential">Confidential</a>' in browse(who).get(f"/evidence/{code}").text
    assert (
        '<span class="tag">Confidential</span>'
        in browse("assessor").get(f"/evidence?portfolio={world.portfolio_code}").text
    )


def submit_form(database: Database, world: World, code: str, **said: Any) -> dict[str, Any]:
    with database.read() as session:
        return {"shown": digest_shown(session, world, code), "declared": "1", **said}


@sqlite
def test_the_checklist_is_noted_and_the_choice_holds_the_item_back(
    browse: Browse, database: Database, world: World
) -> None:
    code, own = begin(database, world), browse("candidate")
    page = own.get(f"/evidence/{code}/submit").text
    assert "How to take confidential things out" in page
    assert f'href="/evidence/{code}/edit">Go back and change the item</a>, also to another kind' in page
    said = {
        "looked_at": ["names", "faces", "rubbish"],
        "confidential": "1",
        "confidential_reason": "Pay figures.",
    }

    answer = own.submit(f"/evidence/{code}/submit", submit_form(database, world, code, **said))

    assert answer.status_code == 303
    (mark,) = marks(database)
    assert (mark.held_back, mark.reason, mark.role) == (True, "Pay figures.", CAST["candidate"])
    with database.read() as session:
        entry = session.query(LogEntry).filter_by(action="evidence.submitted").one()
        assert '"looked_at":["faces","names"]' in entry.body
        told = {row.person_id for row in session.query(Notification).filter_by(kind="evidence.held_back")}
    assert told == {world.people["lead_iqa"], world.people["manager"]}


@sqlite
def test_a_refused_submission_keeps_ticks_and_words(browse: Browse, database: Database, world: World) -> None:
    code = begin(database, world)
    said = {
        "looked_at": ["health"],
        "confidential": "1",
        "confidential_reason": "Pay figures.",
        "declared": "",
    }

    page = browse("candidate").submit(f"/evidence/{code}/submit", submit_form(database, world, code, **said))

    assert page.status_code == 422
    assert 'value="health" checked' in page.text
    assert 'name="confidential" value="1" checked' in page.text
    assert "Pay figures.</textarea>" in page.text
    assert marks(database) == []


@sqlite
def test_what_is_confidential_is_not_dropped_for_want_of_a_tick(
    browse: Browse, database: Database, world: World
) -> None:
    code = begin(database, world)
    said = {"confidential_reason": "Pay figures."}

    page = browse("candidate").submit(f"/evidence/{code}/submit", submit_form(database, world, code, **said))

    assert page.status_code == 422
    assert "Tick the box above" in page.text
    assert "Pay figures.</textarea>" in page.text


@sqlite
@pytest.mark.parametrize("reason", ["a\x00b", "x" * 2_001])
def test_rubbish_instead_of_a_reason_is_refused(
    browse: Browse, database: Database, world: World, item: str, reason: str
) -> None:
    code = begin(database, world, criteria=(1,))
    answers = [
        browse("candidate").submit(
            f"/evidence/{code}/submit", submit_form(database, world, code, confidential_reason=reason)
        ),
        browse("manager").submit(f"/evidence/{item}/confidential", {"reason": reason}),
        browse("manager").submit(f"/evidence/{item}/confidential", {"reason": " "}),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert marks(database) == []


@sqlite
def test_pressed_twice_is_one_decision(browse: Browse, database: Database, item: str) -> None:
    manager = browse("manager")
    for _ in range(2):
        assert manager.submit(f"/evidence/{item}/confidential", {"reason": "Pay."}).status_code == 303
    shown = marks(database)[0].code
    for _ in range(2):
        said = {"reason": "Covered.", "shown": shown}
        assert manager.submit(f"/evidence/{item}/confidential/clear", said).status_code == 303

    assert [mark.held_back for mark in marks(database)] == [True, False]


@sqlite
def test_what_was_held_back_anew_is_not_cleared_by_an_old_page(
    browse: Browse, database: Database, world: World, item: str
) -> None:
    old = hold_back(database, world, item)
    with database.write() as session:
        clear_confidential(session, world.actor(session, "manager"), item, "Covered.", old)
    hold_back(database, world, item, "iqa")

    answer = browse("lead_iqa").submit(
        f"/evidence/{item}/confidential/clear", {"reason": "Mine.", "shown": old}
    )

    assert answer.status_code == 409
    assert "held back anew" in answer.text
    assert "Mine.</textarea>" in answer.text
    assert marks(database)[-1].held_back
    with pytest.raises(Stale), database.write() as session:
        clear_confidential(session, world.actor(session, "manager"), item, "Mine.", old)


@sqlite
def test_nobody_clears_their_own_portfolio(
    browse: Browse, database: Database, world: World, item: str
) -> None:
    shown = hold_back(database, world, item, "iqa")
    with database.write() as session:
        session.get_one(Portfolio, world.portfolio_id).candidate_id = world.people["manager"]

    answer = browse("manager").submit(
        f"/evidence/{item}/confidential/clear", {"reason": "Fine.", "shown": shown}
    )

    assert answer.status_code == 403
    assert marks(database)[-1].held_back


def test_the_marks_are_rows_that_the_log_tells(database: Database, world: World, item: str) -> None:
    shown = hold_back(database, world, item, "assessor")
    with database.write() as session:
        clear_confidential(session, world.actor(session, "lead_iqa"), item, "Covered.", shown)
    with database.read() as session:
        query = session.query(LogEntry).filter(LogEntry.subject == item).order_by(LogEntry.id)
        assert [entry.action for entry in query][-2:] == ["evidence.held_back", "evidence.cleared"]
        assert list(mismatches(session)) == []

    with database.write() as session:
        session.query(ConfidentialMark).filter_by(held_back=True).one().reason = "Another one."

    with database.read() as session:
        (found,) = mismatches(session)
    assert "reason" in found.problem
