"""Finishing a record that is finished: a repeat is done, other words are refused and shown to be copied."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from assessors.models import Review
from assessors.rules import Decision
from assessors.service import RecordedAlready, Recording, Seen, record_evidence
from criteria.rules import EvidenceKind
from evidence.rules import QUESTION_ROWS
from evidence.service import DraftFields
from portfolio.core import clock, ids
from portfolio.core.db import Database
from portfolio.people.models import Allocation, Site
from tests.factories.world import World, make_centre
from tests.functional.assessors import acting
from tests.functional.assessors.test_visits import TIMES, Desk, desk, logged

__all__ = ["desk"]

pytestmark = pytest.mark.databases("sqlite")


def notes(desk: Desk, **more: str) -> dict[str, str]:
    """What a window holds that finishes the visit."""
    return desk.notes(**TIMES, **desk.on(0, "met", "Gave the figures"), declared="1", action="record") | more


def test_a_visit_finished_again_with_other_words_shows_them(database: Database, desk: Desk) -> None:
    desk.plan(0, 1)
    sent = notes(desk, **desk.on(1, "none", "Nearly <there>"))
    assert desk.browser.submit(desk.url, sent).status_code == 303

    changed = sent | desk.on(0, "not_yet", "Gave & took", "Say why") | {"text": "She left early."}
    refused = desk.browser.submit(desk.url, changed)

    assert refused.status_code == 409
    for words in ("She left early.", "Gave &amp; took", "Say why", "She briefed the team.", "Not yet"):
        assert words in refused.text
    assert "Nearly &lt;there&gt;" in refused.text.split("Recorded just as you sent it")[1]
    assert "was not stored. Copy" not in refused.text  # it would tell of what was recorded
    assert f'href="/evidence/{desk.code}"' in refused.text
    assert acting.count(database, Review) == 1
    assert len(logged(database, "visit.finished")) == 1
    assert desk.browser.submit(desk.url, sent).status_code == 303


def test_words_beside_the_record_are_not_lost_either(desk: Desk) -> None:
    desk.plan(0, 1)
    sent = notes(desk, **desk.on(1, "none", "Nearly there"))
    desk.browser.submit(desk.url, sent)
    for later in (desk.on(1, "none", "Not at all"), {"comment": "Well led"}):
        refused = desk.browser.submit(desk.url, sent | later)
        assert refused.status_code == 409
        assert next(words for words in later.values() if " " in words) in refused.text


def test_a_talk_finished_again_says_so_too(database: Database, desk: Desk) -> None:
    criterion = desk.world.criterion_codes[0]
    desk.plan(0, kind="questioning")
    said = {"question-1": "Why?", "answer-1": "Because.", "shows-1": criterion}
    sent = notes(desk, **said)
    assert [desk.browser.submit(desk.url, sent).status_code for _ in range(2)] == [303, 303]
    for name, words in (("answer-1", "Because of the queue."), ("at-1", "at the end")):
        refused = desk.browser.submit(desk.url, sent | {name: words})
        assert refused.status_code == 409
        assert words in refused.text.split("Question 1")[1]
    assert acting.count(database, Review) == 1


def given(world: World) -> Recording:
    rows = [{"question": "Why?", "answer": "So.", "criteria": [world.criterion_codes[0]]}]
    return Recording(
        kind=EvidenceKind.QUESTIONING,
        fields=DraftFields(
            title="On metrics",
            text="A talk. ",
            details={QUESTION_ROWS: rows, "held_by": ""},
            occurred_on=date(2026, 10, 5),
        ),
        seen={
            world.criterion_codes[0]: Seen(decision=Decision.MET, note=" Knew it "),
            world.criterion_codes[1]: Seen(
                decision=Decision.NOT_YET, feedback=" Why? ", vacsr=frozenset({"valid"})
            ),
        },
        comment=" Good. ",
        declared=True,
        code=ids.new_code(),
    )


OTHERWISE: dict[str, Any] = {
    "title": lambda r, w: replace(r, fields=replace(r.fields, title="Other")),
    "text": lambda r, w: replace(r, fields=replace(r.fields, text="Other")),
    "day": lambda r, w: replace(r, fields=replace(r.fields, occurred_on=date(2026, 10, 6))),
    "detail": lambda r, w: replace(
        r, fields=replace(r.fields, details={**r.fields.details, "held_by": "Phone"})
    ),
    "simulated": lambda r, w: replace(r, fields=replace(r.fields, simulated=True)),
    "site": lambda r, w: replace(r, fields=replace(r.fields, site_code="elsewhere")),
    "question": lambda r, w: replace(
        r, fields=replace(r.fields, details={QUESTION_ROWS: [{"question": "Why?", "answer": "No."}]})
    ),
    "comment": lambda r, w: replace(r, comment="Bad."),
    "left out": lambda r, w: replace(r, seen={w.criterion_codes[0]: r.seen[w.criterion_codes[0]]}),
    "one more": lambda r, w: replace(
        r, seen={**r.seen, w.criterion_codes[2]: Seen(decision=Decision.MET, note="This too")}
    ),
    "vacsr": lambda r, w: replace(
        r,
        seen={
            **r.seen,
            w.criterion_codes[0]: replace(r.seen[w.criterion_codes[0]], vacsr=frozenset({"valid"})),
        },
    ),
}


def test_whatever_differs_is_found_and_a_repeat_is_none(database: Database, world: World) -> None:
    first = given(world)
    with database.write() as session:
        actor = world.actor(session, "assessor")
        done = record_evidence(session, actor, world.portfolio_code, first).code
        assert record_evidence(session, actor, world.portfolio_code, first).code == done
        for name, change in OTHERWISE.items():
            with pytest.raises(RecordedAlready) as caught:
                record_evidence(session, actor, world.portfolio_code, change(first, world))
            assert len(caught.value.differences) == 1, name
    assert acting.count(database, Review) == 1


def test_the_long_form_sent_again_with_other_words_shows_them(world: World, desk: Desk) -> None:
    url = f"/portfolios/{world.portfolio_code}/records/new"
    data = {"kind": "observation", "code": desk.code, "title": "Round", "text": "Seen.", "declared": "1"}
    data |= {"occurred_on": "2026-10-05", **TIMES, **desk.on(0, "met", "Gave the figures")}
    assert [desk.browser.submit(url, data).status_code for _ in range(2)] == [303, 303]
    refused = desk.browser.submit(url, data | {"text": "Seen <twice>."})
    assert refused.status_code == 409
    assert "Seen &lt;twice&gt;." in refused.text


def test_what_was_recorded_is_not_shown_through_another_portfolio(
    database: Database, world: World, desk: Desk
) -> None:
    data = {"kind": "observation", "code": desk.code, "title": "Round", "text": "Confided.", "declared": "1"}
    data |= {"occurred_on": "2026-10-05", **TIMES, **desk.on(0, "met", "Gave the figures")}
    assert desk.browser.submit(f"/portfolios/{world.portfolio_code}/records/new", data).status_code == 303
    with database.write() as session:
        own = session.scalars(select(Allocation).where(Allocation.person_id == world.people["assessor"]))
        own.one().portfolio_id = world.other_portfolio_id  # the first one is theirs no longer
    sent = desk.browser.submit(
        f"/portfolios/{world.other_portfolio_code}/records/new", data | {"text": "Else."}
    )
    assert (sent.status_code, "Confided." in sent.text) == (404, False)


def test_a_site_of_another_centre_is_not_named(database: Database, world: World) -> None:
    first = given(world)
    with database.write() as session:
        actor, elsewhere = world.actor(session, "assessor"), make_centre(session, "Another college")
        site = Site(code=ids.new_code(), centre_id=elsewhere.id, name="Secret site", created_at=clock.now())
        session.add(site)
        record_evidence(session, actor, world.portfolio_code, first)
        there = replace(first, fields=replace(first.fields, site_code=site.code))
        with pytest.raises(RecordedAlready) as caught:
            record_evidence(session, actor, world.portfolio_code, there)
        assert [each.sent for each in caught.value.differences] == [site.code]
