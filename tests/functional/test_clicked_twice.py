"""Every form of the loop sent twice at the same moment, as an impatient finger does: one effect, two clear answers."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from assessors.models import Countersignature, Judgement, Review, SignOff, Unlock
from criteria.bank_models import BankQuestion
from criteria.models import FrameworkVersion, Node, UnitGroup, VersionState
from evidence.confidential_models import ConfidentialMark
from evidence.models import Blob, Evidence, EvidenceFile, Mapping, Revision, Submission
from evidence.witness_models import WitnessContact
from portfolio.app import Parts
from portfolio.commands.tracking import check_blobs, check_coverage, check_log
from portfolio.core.db import Database, Model
from portfolio.core.touched import touch_portfolio
from portfolio.people.models import Allocation, Person, Site
from portfolio.records.models import Portfolio
from tests.factories.states import PAGE
from tests.factories.world import World
from tests.functional.assessors.acting import judge, log_actions, meet_unit, sign
from tests.functional.evidence.making import attach, begin, hand_in
from tests.functional.evidence.witnessing import written_testimony
from tests.robot import Form, forms_of
from tests.web import Browser

Browse = Callable[[str], Browser]
CLEAR = {200, 303, 404, 409, 422}


@dataclass
class Fingers:
    """Somebody who presses twice. `press` returns both answers."""

    app: FastAPI
    browse: Browse
    database: Database

    def form(self, who: Browser, page: str, action: str) -> Form:
        """The form with this action on a page."""
        answer = who.get(page)
        assert answer.status_code == 200, answer.text
        found = [form for form in forms_of(answer.text) if form.action == action]
        assert found, f"{page} has no form for {action}"
        return found[0]

    def press(self, name: str, page: str, action: str, /, **values: Any) -> list[httpx2.Response]:
        """Fill in a form, and send the very same fields twice at once."""
        first = self.browse(name)
        fields = self.form(first, page, action).filled(values)
        return self.send(first, action, fields)

    def send(
        self, first: Browser, action: str, fields: dict[str, list[str]], files: Any = None
    ) -> list[httpx2.Response]:
        """Two requests that start together, from two tabs of one browser."""
        second = Browser(self.app, raise_server_exceptions=True)
        second.cookies.set("session", first.cookies["session"], domain="testserver.local")
        together = threading.Barrier(2)

        def one(browser: Browser) -> httpx2.Response:
            together.wait(10)
            return browser.post(action, data=fields, files=files, follow_redirects=False)

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(one, (first, second)))
        assert {answer.status_code for answer in answers} <= CLEAR
        assert any(answer.status_code in (200, 303) for answer in answers), [a.text for a in answers]
        for answer in answers:
            assert answer.status_code == 303 or "<h1" in answer.text
        return answers

    def logged(self, action: str) -> int:
        """How often the decision log tells of this."""
        return log_actions(self.database).count(action)

    def count(self, model: type[Model]) -> int:
        """How many rows there are."""
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def fingers(app: FastAPI, browse: Browse, database: Database, world: World, parts: Parts) -> Any:
    """Fingers on the world; what they leave is verified at the end."""
    with database.write() as session:
        for portfolio_id in (world.portfolio_id, world.other_portfolio_id):
            touch_portfolio(session, portfolio_id)
    yield Fingers(app, browse, database)
    assert [*check_log(parts), *check_coverage(parts), *check_blobs(parts, quick=False)] == []


def test_an_item_is_begun_once(fingers: Fingers) -> None:
    fingers.press("candidate", "/evidence/new", "/evidence", kind="product", title="Wallboard")
    assert (fingers.count(Evidence), fingers.count(Revision)) == (1, 1)


def test_a_draft_is_saved_once_and_the_other_sees_it(fingers: Fingers, world: World) -> None:
    page = f"/evidence/{begin(fingers.database, world)}/edit"
    fingers.press("candidate", page, page, text="I listened, then I asked.")
    assert fingers.count(Revision) == 1
    assert "I listened, then I asked." in fingers.browse("candidate").get(page).text


def test_a_criterion_is_mapped_once(fingers: Fingers, world: World) -> None:
    page = f"/evidence/{begin(fingers.database, world)}/mapping"
    fingers.press("candidate", page, page, add=[world.criterion_codes[1], world.criterion_codes[2]])
    assert fingers.count(Mapping) == 3


def test_a_gap_is_answered_once(fingers: Fingers, world: World) -> None:
    code = begin(fingers.database, world)
    page = f"/evidence/gap/{world.criterion_codes[3]}"
    action = f"{page}?portfolio={world.portfolio_code}"
    fingers.press("candidate", page, action, evidence=code, reason="It shows it.")
    assert fingers.count(Mapping) == 2


def test_an_item_is_handed_in_once(fingers: Fingers, world: World) -> None:
    page = f"/evidence/{begin(fingers.database, world)}/submit"
    fingers.press("candidate", page, page, declared="1")
    assert fingers.count(Submission) == 1


def test_a_review_is_finished_once(fingers: Fingers, world: World) -> None:
    page = f"/reviews/{hand_in(fingers.database, world, begin(fingers.database, world))}"
    form = fingers.form(fingers.browse("assessor"), page, page)
    decisions = {name: "met" for name in form.offers if name.startswith("decision-")}
    assert decisions
    fingers.press("assessor", page, page, **decisions)
    assert (fingers.count(Review), fingers.count(Judgement)) == (1, 1)


def test_an_item_is_returned_once(fingers: Fingers, world: World) -> None:
    page = f"/reviews/{hand_in(fingers.database, world, begin(fingers.database, world))}"
    assessor = fingers.browse("assessor")
    fields = fingers.form(assessor, page, page).filled({"return_reason": "There is no sound."})
    fingers.send(assessor, page + "/return", fields)
    assert (fingers.count(Review), fingers.count(Judgement)) == (1, 0)


def test_an_item_is_held_back_and_cleared_once(fingers: Fingers, world: World) -> None:
    code = begin(fingers.database, world)
    hand_in(fingers.database, world, code)
    page = f"/evidence/{code}"
    fingers.press("manager", page, f"{page}/confidential", reason="Pay figures.")
    assert fingers.count(ConfidentialMark) == 1
    fingers.press("manager", page, f"{page}/confidential/clear", reason="Covered.")
    assert fingers.count(ConfidentialMark) == 2


def test_a_returned_item_is_begun_anew_once(fingers: Fingers, world: World) -> None:
    code = begin(fingers.database, world)
    review = f"/reviews/{hand_in(fingers.database, world, code)}"
    assessor = fingers.browse("assessor")
    fields = fingers.form(assessor, review, review).filled({"return_reason": "There is no sound."})
    assert assessor.post(review + "/return", data=fields, follow_redirects=False).status_code == 303
    fingers.press("candidate", f"/evidence/{code}", f"/evidence/{code}/revise")
    assert fingers.count(Revision) == 2


def test_a_unit_is_signed_and_unlocked_once(fingers: Fingers, world: World) -> None:
    meet_unit(fingers.database, world)
    page = f"/portfolios/{world.portfolio_code}/units/{world.unit_codes[0]}"
    fingers.press("assessor", page, page + "/sign-off")
    assert fingers.count(SignOff) == 1
    fingers.press("assessor", page, page + "/unlock", reason="The wrong file was judged.")
    assert fingers.count(Unlock) == 1


def test_unlocking_answers_the_signature_that_was_shown(fingers: Fingers, world: World) -> None:
    meet_unit(fingers.database, world)
    sign(fingers.database, world)
    page = f"/portfolios/{world.portfolio_code}/units/{world.unit_codes[0]}"
    answers = fingers.press("assessor", page, page + "/unlock", reason="The wrong file was judged.")
    assert sorted(answer.status_code for answer in answers) in (
        [303, 303],
        [303, 409],
        [303, 404],
        [303, 422],
    )
    assert fingers.count(Unlock) == 1


def test_an_observation_is_recorded_once(fingers: Fingers, world: World) -> None:
    action = f"/portfolios/{world.portfolio_code}/records/new"
    said = {
        "title": "On metrics",
        "occurred_on": "2026-10-01",
        "question": "Why not 100 %?",
        "answer": "Rest.",
    }
    decision = f"decision-{world.criterion_codes[0]}"
    values: dict[str, str] = {**said, decision: "met", "declared": "1"}
    fingers.press("assessor", action + "?kind=questioning", action, **values)
    assert (fingers.count(Evidence), fingers.count(Judgement)) == (1, 1)


def test_a_talk_with_the_witness_is_put_on_record_once(fingers: Fingers, world: World) -> None:
    code = written_testimony(fingers.database, world)
    hand_in(fingers.database, world, code)
    page = f"/evidence/{code}/witness"
    hand = {"contacted_on": "2026-10-01", "method": "phone", "note": "She stands by it.", "back": page}
    assessor = fingers.browse("assessor")
    fields = {name: [value] for name, value in hand.items()} | {"csrf_token": [assessor.csrf_token()]}
    fingers.send(assessor, f"{page}/contacts", fields)
    assert fingers.count(WitnessContact) == 1


def test_a_question_is_kept_once(fingers: Fingers, world: World) -> None:
    page = f"/frameworks/{world.version_code}/units/{world.unit_codes[0]}/questions"
    fingers.press("assessor", page, page, text="How do you know?")
    fingers.press("assessor", f"{page}/import", f"{page}/import", lines="Why?\nWhere?", action="add")
    assert fingers.count(BankQuestion) == 3


def test_a_talk_is_planned_and_finished_once(fingers: Fingers, world: World) -> None:
    plan = f"/portfolios/{world.portfolio_code}/visits/new"
    criterion = world.criterion_codes[0]
    answers = fingers.press("assessor", f"{plan}?kind=questioning", plan, criterion=[criterion])
    page = answers[0].headers["location"]
    said = {"question-1": "Why?", "answer-1": "Because.", f"decision-{criterion}": "met", "action": "record"}
    fingers.press("assessor", page, page, **said, declared="1")
    assert (fingers.count(Evidence), fingers.count(Judgement)) == (1, 1)
    assert (fingers.logged("talk.planned"), fingers.logged("talk.finished")) == (1, 1)


def test_a_draft_is_withdrawn_and_brought_back_once(fingers: Fingers, world: World) -> None:
    page = f"/evidence/{begin(fingers.database, world)}"
    for word, logged in (("withdraw", "evidence.withdrawn"), ("restore", "evidence.restored")):
        answers = fingers.press("candidate", page, f"{page}/{word}")
        assert [answer.status_code for answer in answers] == [303, 303]
        assert fingers.logged(logged) == 1
    assert fingers.count(Revision) == 1


def test_a_later_revision_is_discarded_once(fingers: Fingers, world: World) -> None:
    code = begin(fingers.database, world)
    review = f"/reviews/{hand_in(fingers.database, world, code)}"
    assessor = fingers.browse("assessor")
    fields = fingers.form(assessor, review, review).filled({"return_reason": "There is no sound."})
    assessor.post(review + "/return", data=fields).raise_for_status()
    page = f"/evidence/{code}"
    candidate = fingers.browse("candidate")
    fields = fingers.form(candidate, page, page + "/revise").filled({})
    candidate.post(page + "/revise", data=fields).raise_for_status()
    fingers.press("candidate", page, page + "/discard")
    assert (fingers.count(Revision), fingers.count(Submission)) == (1, 1)
    assert fingers.logged("evidence.revision_discarded") == 1


@pytest.mark.parametrize("known", [False, True], ids=["new", "known bytes"])
def test_a_file_is_stored_once(fingers: Fingers, world: World, parts: Parts, known: bool) -> None:
    if known:
        attach(fingers.database, world, parts.store, begin(fingers.database, world), content=b"What I noted.")
    page = f"/evidence/{begin(fingers.database, world)}"
    candidate = fingers.browse("candidate")
    form = fingers.form(candidate, page + "/edit", page + "/files")
    files = {form.files[0]: ("notes.txt", b"What I noted.", "text/plain")}
    fingers.send(candidate, form.action, form.filled({}), files)
    assert (fingers.count(EvidenceFile), fingers.count(Blob)) == (1 + known, 1)


def test_a_file_is_taken_off_once(fingers: Fingers, world: World, parts: Parts) -> None:
    code = begin(fingers.database, world)
    file = attach(fingers.database, world, parts.store, code)
    fingers.press("candidate", f"/evidence/{code}/edit", f"/files/{file}/remove")
    assert fingers.count(EvidenceFile) == 0


def test_decisions_of_a_trainee_are_countersigned_once(fingers: Fingers, world: World) -> None:
    judge(
        fingers.database,
        world,
        hand_in(fingers.database, world, begin(fingers.database, world)),
        by="trainee",
    )
    form = fingers.form(fingers.browse("assessor"), "/countersign", "/countersign")
    replies = {name: "confirmed" for name in form.offers if name.startswith("answer-")}
    assert replies
    fingers.press("assessor", "/countersign", "/countersign", **replies)
    assert fingers.count(Countersignature) == 1
    assert fingers.logged("judgement.countersigned") == 1


def test_a_signature_of_a_trainee_is_countersigned_once(fingers: Fingers, world: World) -> None:
    meet_unit(fingers.database, world)
    code = sign(fingers.database, world, by="trainee")
    fingers.press("assessor", "/countersign", f"/countersign/sign-offs/{code}", answer="confirmed")
    assert fingers.count(Countersignature) == 1


MANAGED: list[tuple[str, str, dict[str, str], type[Model]]] = [
    ("/centre/sites/new", "/centre/sites", {"name": "York", "address": "1 High Street"}, Site),
    ("/people/new", "/people", {"name": "Ada", "email": "ada@example.org", "role": "assessor"}, Person),
]


@pytest.mark.parametrize(("page", "action", "values", "model"), MANAGED, ids=["site", "person"])
def test_the_manager_adds_one(
    fingers: Fingers, page: str, action: str, values: dict[str, str], model: type[Model]
) -> None:
    before = fingers.count(model)
    fingers.press("manager", page, action, **values)
    assert fingers.count(model) == before + 1


def test_a_candidate_is_enrolled_once(fingers: Fingers, world: World) -> None:
    page = f"/enrolments/new?version={world.version_code}"
    before = fingers.count(Portfolio)
    fingers.press(
        "manager",
        page,
        "/enrolments",
        email="new@example.org",
        name="New",
        version=world.version_code,
        units=world.unit_codes,
        choose_later="1",
    )
    assert fingers.count(Portfolio) == before + 1


def test_many_are_enrolled_once(fingers: Fingers, world: World) -> None:
    table = "email,name\n" + "".join(f"many{n}@example.org,Many {n}\n" for n in range(3))
    manager = fingers.browse("manager")
    form = fingers.form(manager, "/enrolments/import", "/enrolments/import/preview")
    preview = manager.post(form.action, data=form.filled({"table": table, "version": world.version_code}))
    [confirm] = [form for form in forms_of(preview.text) if form.action == "/enrolments/import"]
    before = fingers.count(Portfolio), fingers.count(Person)
    answers = fingers.send(manager, "/enrolments/import", confirm.filled({}))
    assert [answer.status_code for answer in answers] == [303, 303]
    assert (fingers.count(Portfolio), fingers.count(Person)) == (before[0] + 3, before[1] + 3)


def test_somebody_is_allocated_once(fingers: Fingers, world: World) -> None:
    page = f"/portfolios/{world.portfolio_code}/settings"
    form = fingers.form(fingers.browse("manager"), page, page + "/allocations")
    before = fingers.count(Allocation)
    with fingers.database.read() as session:
        spare = session.get_one(Person, world.people["unallocated_assessor"]).code
    who = next(value for value in form.choices["who"] if spare in value)
    fingers.press("manager", page, page + "/allocations", who=who)
    assert fingers.count(Allocation) == before + 1


def test_a_unit_group_is_made_once(fingers: Fingers, world: World) -> None:
    with fingers.database.write() as session:
        session.get_one(FrameworkVersion, world.version_id).state = VersionState.DRAFT
    page, before = f"/frameworks/{world.version_code}/unit-group", fingers.count(UnitGroup)
    answers = fingers.press("manager", page, page, title="Optional units")
    assert [answer.status_code for answer in answers] == [303, 303]
    assert fingers.count(UnitGroup) == before + 1
    assert fingers.logged("framework.group_added") == 1


def test_a_framework_is_imported_once(fingers: Fingers) -> None:
    manager = fingers.browse("manager")
    first = fingers.form(manager, "/frameworks/import", "/frameworks/import/preview")
    preview = manager.post("/frameworks/import/preview", data=first.filled({"source": PAGE.decode()}))
    form = next(form for form in forms_of(preview.text) if form.action == "/frameworks/import")
    before = fingers.count(FrameworkVersion), fingers.count(Node)
    answers = fingers.send(manager, "/frameworks/import", form.filled({"title": "Diploma", "label": "1"}))
    assert fingers.count(FrameworkVersion) == before[0] + 1
    assert fingers.count(Node) > before[1]
    places = {re.sub(r"\?.*", "", answer.headers["location"]) for answer in answers}
    assert len(places) == 1
