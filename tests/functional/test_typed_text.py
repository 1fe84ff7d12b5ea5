"""Text that a person typed is in the page that refuses it: drawn again, or quoted to be copied."""

from collections.abc import Callable
from html import unescape

import pytest
from sqlalchemy import select

from assessors.models import Judgement
from evidence.models import Evidence, Mapping
from portfolio.core.db import Database
from tests.factories.world import CAST, World
from tests.functional.assessors import acting
from tests.functional.assessors.test_visits import TIMES, Desk
from tests.functional.test_permissions import CASES
from tests.fuzzing import likely_people
from tests.web import Browser

pytestmark = pytest.mark.databases("sqlite")

Browse = Callable[[str], Browser]
TEXT = "Zoë's words & <mine>: kept."
ANSWERS_A_SCRIPT = ("/uploads", "/autosave", "/files", "/sign-out")
POSTS = [
    case for case in CASES if case.method == "POST" and not any(x in case.path for x in ANSWERS_A_SCRIPT)
]
NAMES = ("reason", "comment", "statement", "text", "feedback", "return_reason", "question", "note", "name")


def is_kept(page: str) -> bool:
    return TEXT in unescape(page)


@pytest.fixture
def browsers(browse: Browse) -> dict[str, Browser]:
    """One browser for each of the cast, to be signed in once."""
    return {name: browse(name) for name in CAST}


@pytest.mark.slow
def test_text_is_given_back_where_everything_is_gone(browsers: dict[str, Browser], visitor: Browser) -> None:
    """Whatever form there is, to something that is not there any more: every action of every package."""
    lost = []
    for case in POSTS:
        name = likely_people(case)[0]
        browser = browsers.get(name, visitor)
        answer = browser.submit(case.url({}), dict.fromkeys(NAMES, TEXT))
        if answer.status_code >= 400 and not is_kept(answer.text):
            lost.append(f"{answer.status_code} {case}")
    assert lost == []


def unit_url(world: World) -> str:
    return f"/portfolios/{world.portfolio_code}/units/{world.unit_codes[0]}"


def test_a_decision_made_again_of_a_unit_that_was_signed(
    browse: Browse, database: Database, world: World
) -> None:
    acting.meet_unit(database, world)
    with database.read() as session:
        item = session.scalars(select(Evidence.code)).one()
        query = select(Mapping.code, Judgement.code).join(Judgement, Judgement.mapping_id == Mapping.id)
        mapping, seen = session.execute(query.limit(1)).one()
    acting.sign(database, world)
    typed = {"decision": "not_yet", "seen": seen, "feedback": TEXT, "reason": f"{TEXT} Twice."}
    answer = browse("assessor").submit(f"/evidence/{item}/decisions/{mapping}", typed)
    assert answer.status_code == 409
    assert unescape(answer.text).count(TEXT) == 2


@pytest.mark.parametrize("waived", [False, True])
def test_a_sign_off_that_something_blocks_now(
    browse: Browse, database: Database, world: World, waived: bool
) -> None:
    assessor = browse("assessor")
    acting.judge(database, world, acting.submitted(database, world, 3))
    digest = acting.hidden(assessor.get(unit_url(world)).text, "seen_digest")
    acting.submitted(database, world, 1, first=3)
    typed = {"seen_digest": digest, "statement": "I confirm it all."}
    typed |= {f"waiver-{world.criterion_codes[3]}": TEXT} if waived else {"statement": TEXT}
    answer = assessor.submit(f"{unit_url(world)}/sign-off", typed)
    assert answer.status_code == 409
    assert is_kept(answer.text)


def test_an_unlocking_of_what_was_unlocked(browse: Browse, database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    acting.sign(database, world)
    lead = browse("lead_iqa")
    fields = {"sign_off": acting.hidden(lead.get(unit_url(world)).text, "sign_off"), "reason": "First."}
    assert browse("assessor").submit(f"{unit_url(world)}/unlock", fields).status_code == 303
    answer = lead.submit(f"{unit_url(world)}/unlock", fields | {"reason": TEXT})
    assert answer.status_code == 409
    assert is_kept(answer.text)


def test_an_answer_to_a_trainee_that_came_second(browse: Browse, database: Database, world: World) -> None:
    acting.judge(database, world, acting.submitted(database, world), by="trainee")
    with database.read() as session:
        codes = list(session.scalars(select(Judgement.code)))
    acting.confirm(database, world)
    typed = {"judgement": codes, f"answer-{codes[0]}": "refused", f"comment-{codes[0]}": TEXT}
    answer = browse("assessor").submit("/countersign", typed)
    assert answer.status_code == 409
    assert is_kept(answer.text)


@pytest.mark.parametrize(("action", "field"), [("", "comment"), ("/return", "return_reason")])
def test_a_review_that_nothing_is_left_of(
    browse: Browse, database: Database, world: World, action: str, field: str
) -> None:
    code = acting.submitted(database, world)
    assessor = browse("assessor")
    digest = acting.hidden(assessor.get(f"/reviews/{code}").text, "seen_digest")
    acting.judge(database, world, code)
    answer = assessor.submit(f"/reviews/{code}{action}", {"seen_digest": digest, field: TEXT})
    assert answer.status_code == 409
    assert is_kept(answer.text)


def test_a_visit_that_was_finished_in_another_window(browse: Browse, world: World) -> None:
    desk = Desk(browse("assessor"), world)
    desk.plan(0)
    typed = desk.notes(text=TEXT)
    assert desk.finish().status_code == 303
    answer = desk.browser.submit(desk.url, typed | TIMES)
    assert answer.status_code == 409
    assert is_kept(answer.text)
