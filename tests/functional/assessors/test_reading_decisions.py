"""Reading what was decided: what was replaced and by what, what is new, and the pages of what trainees decided."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from assessors.models import Judgement, Review
from assessors.queries import countersigning
from assessors.queries.countersigning import to_countersign
from assessors.queries.replaced import replaced_decisions
from assessors.rules import Answer, Countersign, Decision
from assessors.service import judge_again
from evidence.models import Evidence
from evidence.service import start_revision
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.people.models import Notification
from tests.factories.world import World
from tests.functional.assessors import acting
from tests.functional.evidence.making import begin, hand_in
from tests.queries import counted
from tests.web import Browser

Browse = Callable[[str], Browser]
sqlite = pytest.mark.databases("sqlite")
NEW = '<span class="tag">New</span>'


def decide_again(database: Database, world: World, code: str, decision: Decision, by: str) -> None:
    with database.write() as session:
        live = acting.desk(session, world, code).live[0]
        answer = Answer(
            mapping=live.mapping.code, decision=decision, feedback=f"By {by}.", seen=live.last_judgement
        )
        judge_again(session, world.actor(session, by), answer, "Looked once more.")


def replaced(database: Database) -> list[tuple[int, str | None] | None]:
    """Of every judgement in order: the revision and decision that took its place."""
    with database.read() as session:
        found = replaced_decisions(session, session.scalars(select(Evidence.id)).all())
        judgements = session.scalars(select(Judgement.id).order_by(Judgement.id)).all()
        return [
            (each.revision, each.by.decision.value if each.by else None) if (each := found.get(n)) else None
            for n in judgements
        ]


def test_a_decision_is_replaced_by_the_one_that_stands(database: Database, world: World) -> None:
    item = begin(database, world)
    first = hand_in(database, world, item)
    acting.judge(database, world, first, {0: Decision.NOT_YET})
    assert replaced(database) == [None]
    decide_again(database, world, first, Decision.NOT_YET, "assessor")
    assert replaced(database) == [(1, "not_yet"), None]
    with database.write() as session:
        start_revision(session, world.actor(session, "candidate"), item)
    assert replaced(database) == [(1, "not_yet"), None]
    second = hand_in(database, world, item)
    assert replaced(database) == [(2, None), (2, None)]
    acting.judge(database, world, second, by="trainee")
    assert replaced(database) == [(2, None), (2, None), None]
    acting.confirm(database, world)
    assert replaced(database) == [(2, "met"), (2, "met"), None]


def test_what_a_countersigner_refuses_replaces_nothing(database: Database, world: World) -> None:
    code = acting.submitted(database, world, 1)
    acting.judge(database, world, code)
    with database.write() as session:  # a trainee replaces nobody's decisions but their own
        session.execute(update(Judgement).values(person_id=world.people["trainee"]))
    decide_again(database, world, code, Decision.NOT_YET, "trainee")
    assert replaced(database) == [None, None]
    acting.confirm(database, world, Countersign.REFUSED)
    assert replaced(database) == [None, None]


@sqlite
def test_pages_mark_what_was_replaced_and_say_by_what(
    browse: Browse, database: Database, world: World
) -> None:
    code = acting.submitted(database, world, 1)
    acting.judge(database, world, code, {0: Decision.NOT_YET})
    decide_again(database, world, code, Decision.MET, "assessor")
    with database.read() as session:
        item = session.scalars(select(Evidence.code)).one()
    for who, url in (
        ("candidate", "/feedback"),
        ("candidate", f"/evidence/{item}/decisions"),
        ("assessor", f"/evidence/{item}/decisions"),
    ):
        page = browse(who).get(url).text
        assert page.count("Replaced: not yet") == 1, url
        assert "Replaced by “met” on revision 1" in page, url


@sqlite
def test_only_what_unread_notices_tell_of_is_new(browse: Browse, database: Database, world: World) -> None:
    code = acting.submitted(database, world, 1)
    acting.judge(database, world, code, {0: Decision.NOT_YET})
    with database.write() as session:
        session.execute(update(Notification).values(read_at=clock.now()))
    candidate = browse("candidate")
    assert NEW not in candidate.get("/feedback").text
    decide_again(database, world, code, Decision.MET, "assessor")
    entries = re.findall(r"<article.*?</article>", candidate.get("/feedback").text, re.S)
    assert [NEW in entry for entry in entries] == [True, False]


@sqlite
def test_a_confirmed_decision_is_new_though_the_review_is_old(
    browse: Browse, database: Database, world: World
) -> None:
    acting.judge(database, world, acting.submitted(database, world, 1), by="trainee")
    with database.write() as session:
        session.execute(update(Review).values(finished_at=clock.now().replace(year=2025)))
    acting.judge(database, world, acting.submitted(database, world, 1, first=1))
    with database.write() as session:
        session.execute(update(Notification).values(read_at=clock.now()))
    acting.confirm(database, world)
    entries = re.findall(r"<article.*?</article>", browse("candidate").get("/feedback").text, re.S)
    assert [(NEW in entry, "E001" in entry) for entry in entries] == [(False, False), (True, True)]


def test_what_waits_for_a_countersignature_comes_in_pages_with_constant_queries(
    database: Database, world: World
) -> None:
    codes = [acting.submitted(database, world, 2) for _ in range(3)]
    for code in codes[:2]:
        acting.judge(database, world, code, by="trainee")
    with database.read() as session:
        actor = world.actor(session, "assessor")
        with counted(session) as few:
            page = to_countersign(session, actor, 0, 1)
        assert (len(page.groups), page.start, page.total, len(page.groups[0].live)) == (1, 0, 2, 2)
    acting.judge(database, world, codes[2], by="trainee")
    with database.read() as session:
        actor = world.actor(session, "assessor")
        with counted(session) as more:
            found = to_countersign(session, actor, 0, 10)
        assert len(more) == len(few)
        assert [group.live[0].submission.code for group in found.groups] == codes
        beyond = to_countersign(session, actor, 50, 2)
        assert (beyond.start, [group.live[0].submission.code for group in beyond.groups]) == (2, codes[2:])


@sqlite
def test_sign_offs_follow_the_judgements(database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    acting.sign(database, world, by="trainee")
    acting.judge(database, world, acting.submitted(database, world, 1, first=4), by="trainee")
    with database.read() as session:
        actor = world.actor(session, "assessor")
        pages = [to_countersign(session, actor, start, 1) for start in (0, 1)]
    assert [(len(page.groups), len(page.sign_offs), page.total) for page in pages] == [(1, 0, 2), (0, 1, 2)]


@sqlite
def test_the_page_stays_where_it_is_when_a_form_is_sent(
    browse: Browse, database: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assessors.routes.countersign.PAGE_SIZE", 1)
    monkeypatch.setattr(countersigning.to_countersign, "__defaults__", (0, 1))
    for _ in range(2):
        acting.judge(database, world, acting.submitted(database, world, 1), by="trainee")
    assessor = browse("assessor")
    page = assessor.get("/countersign?page=2").text
    assert 'action="/countersign?page=2"' in page
    assert 'rel="prev"' in page
    with database.read() as session:
        codes = session.scalars(select(Judgement.code).order_by(Judgement.id)).all()
    refused = assessor.submit("/countersign?page=2", {"judgement": codes[1], f"answer-{codes[1]}": "refused"})
    assert (refused.status_code, "E002" in refused.text) == (422, True)
    sent = assessor.submit("/countersign?page=2", {"judgement": codes[1], f"answer-{codes[1]}": "confirmed"})
    assert sent.headers["location"] == "/countersign?page=2"
    assert "E001" in assessor.get("/countersign?page=2").text
