"""Two people save one form: the second is shown what the first stored, loses nothing, and decides again."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

from criteria.models import FrameworkVersion, RuleChange, VersionState
from portfolio.core.clock import now
from portfolio.core.db import Database
from portfolio.core.ids import new_code
from portfolio.people.models import Site
from portfolio.records.models import Portfolio
from tests.factories.world import World
from tests.web import Browser, shown

Browse = Callable[[str], Browser]
pytestmark = pytest.mark.databases("sqlite")


def settings_url(world: World) -> str:
    return f"/portfolios/{world.portfolio_code}/settings"


def rule_url(world: World) -> str:
    return f"/frameworks/{world.version_code}/nodes/{world.unit_codes[0]}/rule"


def cohort(database: Database, world: World) -> tuple[str, object]:
    with database.read() as session:
        found = session.get_one(Portfolio, world.portfolio_id)
        return found.cohort, found.target_on


def rules(database: Database) -> list[dict[str, object]]:
    with database.read() as session:
        return list(session.scalars(select(RuleChange.rule).order_by(RuleChange.id)))


def test_the_second_to_save_settings_sees_what_the_first_stored(
    browse: Browse, world: World, database: Database
) -> None:
    browser, url = browse("manager"), settings_url(world)
    seen = shown(browser.get(url))
    assert browser.submit(url, {"shown": seen, "target_on": "2198-01-01"}).status_code == 303
    page = browser.submit(url, {"shown": seen, "cohort": "Mine <b>", "target_on": ""})
    assert page.status_code == 409
    assert "Target date: <bdi>1 Jan 2198</bdi>" in page.text
    assert "Mine &lt;b&gt;" in page.text
    assert cohort(database, world)[0] == ""
    again = browser.submit(url, {"shown": shown(page), "cohort": "Mine", "target_on": "2198-01-01"})
    assert again.status_code == 303
    assert cohort(database, world) == ("Mine", date(2198, 1, 1))


def test_settings_pressed_twice_are_saved_and_nobody_is_blamed(
    browse: Browse, world: World, database: Database
) -> None:
    browser, url = browse("manager"), settings_url(world)
    posted = {"shown": shown(browser.get(url)), "cohort": "Spring"}
    assert [browser.submit(url, posted).status_code for _ in range(2)] == [303, 303]
    assert cohort(database, world)[0] == "Spring"


def test_a_unit_without_a_date_of_its_own_makes_no_form_stale(browse: Browse, world: World) -> None:
    browser, url = browse("manager"), settings_url(world)
    seen = shown(browser.get(url))
    first = browser.get(url).text.split(f"{url}/units/")[1].split("/")[0]
    assert browser.submit(f"{url}/units/{first}/remove").status_code == 303
    assert browser.submit(url, {"shown": seen, "cohort": "Spring"}).status_code == 303


def test_a_site_that_is_no_longer_used_stays_with_the_portfolio(
    browse: Browse, world: World, database: Database
) -> None:
    with database.write() as session:
        site = Site(
            code=new_code(), centre_id=world.centre_id, name="Mill Lane", created_at=now(), archived_at=now()
        )
        session.add(site)
        session.flush()
        session.get_one(Portfolio, world.portfolio_id).site_id = site.id
        code = site.code
    browser, url = browse("manager"), settings_url(world)
    page = browser.get(url)
    assert f'<option value="{code}" selected>' in page.text
    posted = {"shown": shown(page), "cohort": "Spring", "site": code}
    assert browser.submit(url, posted).status_code == 303


def test_the_second_to_state_a_rule_sees_the_first(browse: Browse, world: World, database: Database) -> None:
    browser, url = browse("manager"), rule_url(world)
    seen = shown(browser.get(url))
    assert browser.submit(url, {"shown": seen, "minimum_items": "2", "reason": "A"}).status_code == 303
    mine = {"minimum_dates": "3", "required_kinds_any": ["recording"], "reason": "My reason"}
    page = browser.submit(url, {"shown": seen, **mine})
    assert page.status_code == 409
    assert "At least 2 items of evidence." in page.text
    assert "My reason" in page.text
    assert 'value="3"' in page.text
    assert 'value="recording" checked' in page.text
    assert rules(database) == [{"minimum_items": 2}]
    assert browser.submit(url, {"shown": shown(page), **mine}).status_code == 303
    assert rules(database)[1] == {"minimum_dates": 3, "required_kinds_any": ["recording"]}


def test_a_rule_pressed_twice_is_stated_once(browse: Browse, world: World, database: Database) -> None:
    browser, url = browse("lead_iqa"), rule_url(world)
    posted = {"shown": shown(browser.get(url)), "minimum_items": "2", "reason": "A"}
    assert [browser.submit(url, posted).status_code for _ in range(2)] == [303, 303]
    assert len(rules(database)) == 1


def test_the_preview_of_a_rule_keeps_the_mark_of_what_was_shown_first(browse: Browse, world: World) -> None:
    browser, url = browse("manager"), rule_url(world)
    seen = shown(browser.get(url))
    browser.submit(url, {"shown": seen, "minimum_items": "2", "reason": "A"})
    assert shown(browser.submit(f"{url}/preview", {"shown": seen, "minimum_items": "3"})) == seen


def test_a_rule_of_a_draft_does_not_become_the_centres_when_it_was_activated_meanwhile(
    browse: Browse, world: World, database: Database
) -> None:
    with database.write() as session:
        session.get_one(FrameworkVersion, world.version_id).state = VersionState.DRAFT
    browser, url = browse("manager"), rule_url(world)
    seen = shown(browser.get(url))
    with database.write() as session:
        session.get_one(FrameworkVersion, world.version_id).state = VersionState.ACTIVE
    page = browser.submit(url, {"shown": seen, "minimum_items": "2", "reason": "A"})
    assert page.status_code == 409
    assert "What this centre asks for here by now" in page.text
    assert rules(database) == []
