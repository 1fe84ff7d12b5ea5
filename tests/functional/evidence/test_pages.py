"""Evidence through HTTP: beginning, saving, autosave, stale tabs, mapping, submitting; by owner, stranger, nobody."""

import re
from collections.abc import Callable

import pytest

from criteria.rules import EvidenceKind
from evidence.models import Evidence, Mapping, Revision, Submission
from evidence.rules import EvidenceState
from portfolio.app import Parts
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.ids import new_code
from tests.factories.world import World
from tests.functional.evidence.making import attach, begin, hand_in, item, sign, status_of
from tests.web import Browser

Browse = Callable[[str], Browser]
STRANGERS = ["other_candidate", "unallocated_assessor", "foreign_manager", "operator"]


@pytest.fixture
def own(browse: Browse) -> Browser:
    """The candidate's browser."""
    return browse("candidate")


def draft_form(version: int = 1, **changes: str) -> dict[str, str]:
    said = {"title": "Coaching", "text": "I listened.", "occurred_on": clock.today().isoformat()}
    return {**said, "revision": str(version), **changes}


def newest(database: Database) -> Evidence:
    with database.read() as session:
        return session.query(Evidence).order_by(Evidence.id.desc()).first() or pytest.fail("no evidence")


def draft(database: Database, code: str) -> Revision:
    with database.read() as session:
        return session.query(Revision).join(Revision.evidence).filter_by(code=code).all()[-1]


def mappings(database: Database) -> list[Mapping]:
    with database.read() as session:
        return session.query(Mapping).order_by(Mapping.id).all()


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', text)
    assert found is not None, name
    return found[1]


# Every page, by everybody


@pytest.mark.parametrize("kind", EvidenceKind)
def test_every_kind_can_be_begun_and_edited(
    own: Browser, database: Database, world: World, kind: str
) -> None:
    form = {"portfolio": world.portfolio_code, "kind": kind, "title": "Something", "code": new_code()}

    answer = own.submit("/evidence", form)

    assert answer.status_code == 303
    for page in ("edit", "mapping", "submit"):
        assert own.get(f"/evidence/{newest(database).code}/{page}").status_code == 200
    assert own.get(answer.headers["location"]).text.count("<h1") == 1


@pytest.mark.parametrize("who", [*STRANGERS, "assessor", "manager", "iqa"])
@pytest.mark.parametrize("page", ["", "/edit", "/mapping", "/submit"])
def test_a_draft_is_absent_for_everybody_else(
    browse: Browse, database: Database, world: World, who: str, page: str
) -> None:
    code = begin(database, world)

    assert browse(who).get(f"/evidence/{code}{page}").status_code == 404


@pytest.mark.parametrize("who", ["assessor", "trainee", "iqa", "lead_iqa", "eqa", "manager"])
def test_staff_read_what_was_submitted(browse: Browse, database: Database, world: World, who: str) -> None:
    code = begin(database, world, title="Coaching a colleague")
    hand_in(database, world, code)

    answer = browse(who).get(f"/evidence/{code}")

    assert answer.status_code == 200
    assert "Coaching a colleague" in answer.text
    assert "/edit" not in answer.text


@pytest.mark.parametrize(
    "path", ["", "/autosave", "/edit", "/mapping", "/submit", "/withdraw", "/restore", "/revise", "/discard",
             "/preview", "/files"],
)  # fmt: skip
@pytest.mark.parametrize("who", ["other_candidate", "assessor", "manager"])
def test_no_stranger_changes_anything(
    browse: Browse, database: Database, world: World, who: str, path: str
) -> None:
    code = begin(database, world)

    answer = browse(who).submit(f"/evidence/{code}{path}", draft_form(title="Mine now"))

    assert answer.status_code in (404, 405)
    assert draft(database, code).title == "Coaching a new colleague"


@pytest.mark.parametrize("path", ["", "/edit", "/mapping", "/submit", "/files"])
def test_nobody_is_sent_to_the_sign_in_page(
    visitor: Browser, database: Database, world: World, path: str
) -> None:
    code = begin(database, world)

    method = visitor.submit if path == "/files" else visitor.get
    answer = method(f"/evidence/{code}{path}", follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


def test_a_form_without_its_token_is_refused(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)

    answer = own.post(f"/evidence/{code}/submit", data={"declared": "1", "csrf_token": "wrong"})

    assert answer.status_code == 403
    assert item(database, code).state is EvidenceState.DRAFT


# Beginning


def test_a_double_click_on_begin_makes_one_item(own: Browser, database: Database, world: World) -> None:
    form = {"portfolio": world.portfolio_code, "kind": "product", "code": new_code()}

    first, second = own.submit("/evidence", form), own.submit("/evidence", form)

    assert first.headers["location"] == second.headers["location"]
    with database.read() as session:
        assert session.query(Evidence).count() == 1


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("other", [{"title": "Break <rota>"}, {"kind": "observation"}, {"criterion": ""}])
def test_other_words_from_the_same_page_begin_another_item(
    own: Browser, database: Database, world: World, other: dict[str, str]
) -> None:
    criterion = world.criterion_codes[3]
    form = {"portfolio": world.portfolio_code, "kind": "product", "title": "Wallboard", "code": new_code()}
    form["criterion"] = criterion
    first = own.submit("/evidence", form).headers["location"]
    own.submit(first, draft_form(title="Wallboard of October"))

    places = [own.submit("/evidence", form | other).headers["location"] for _ in range(2)]

    assert places[0] == places[1] != first
    said = "This is another item. You began E001 “Wallboard of October” from the same page before"
    assert [said in own.get(places[0]).text for _ in range(2)] == [True, False]
    assert own.submit("/evidence", form).headers["location"] == first  # the very same once more opens it
    assert "another item" not in own.get(first).text
    last = newest(database)
    assert (last.title, last.kind.value) == (other.get("title", "Wallboard"), other.get("kind", "product"))
    with database.read() as session:
        assert session.query(Evidence).count() == 2


def test_no_kind_draws_the_page_again_with_the_title(own: Browser, database: Database, world: World) -> None:
    form = {"portfolio": world.portfolio_code, "title": "Typed already", "code": new_code()}

    answer = own.submit("/evidence", form)

    assert answer.status_code == 422
    assert "Typed already" in answer.text


def test_from_a_gap_the_new_item_is_mapped_already(own: Browser, database: Database, world: World) -> None:
    criterion = world.criterion_codes[3]
    form = {"portfolio": world.portfolio_code, "kind": "product", "code": new_code(), "criterion": criterion}

    own.submit("/evidence", form)

    assert [m.criterion_id for m in mappings(database)] == [world.criterion_ids[3]]


def test_a_criterion_in_a_signed_unit_begins_nothing(own: Browser, database: Database, world: World) -> None:
    sign(database, world)
    form = {
        "portfolio": world.portfolio_code, "kind": "product", "code": new_code(),
        "criterion": world.criterion_codes[0],
    }  # fmt: skip

    assert own.submit("/evidence", form).status_code == 409

    with database.read() as session:
        assert session.query(Evidence).count() == 0


def test_from_a_gap_several_drafts_are_mapped_at_once(own: Browser, database: Database, world: World) -> None:
    codes = [begin(database, world, criteria=()) for _ in range(3)]

    answer = own.submit(
        f"/evidence/gap/{world.criterion_codes[0]}", {"evidence": codes[:2], "reason": "Both."}
    )

    assert answer.status_code == 303
    assert [m.reason for m in mappings(database)] == ["Both.", "Both."]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(("reason", "ticked"), [("It is on the second page.", 0), ("long " * 1_001, 1)])
def test_a_refused_gap_keeps_what_was_typed_and_ticked(
    own: Browser, database: Database, world: World, reason: str, ticked: int
) -> None:
    codes = [begin(database, world, criteria=()) for _ in range(ticked)]

    answer = own.submit(f"/evidence/gap/{world.criterion_codes[0]}", {"evidence": codes, "reason": reason})

    assert answer.status_code == 422
    assert reason.strip() in answer.text
    assert answer.text.count(" checked") == ticked
    assert mappings(database) == []


def test_the_gap_of_somebody_elses_draft_is_not_filled(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world, criteria=(), who="other_candidate")

    answer = own.submit(f"/evidence/gap/{world.criterion_codes[0]}", {"evidence": [code]})

    assert answer.status_code == 404
    assert mappings(database) == []


# Saving


def test_a_save_keeps_everything_and_leads_on(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world, kind=EvidenceKind.WITNESS_TESTIMONY)
    form = draft_form(
        witness_name="Will", witness_status="occupational_expert", relationship="Manager",
        contact="0113", rpl="1", simulated="1", site=world.site_code, then="mapping",
    )  # fmt: skip

    answer = own.submit(f"/evidence/{code}/edit", form)

    assert answer.headers["location"] == f"/evidence/{code}/mapping"
    saved = draft(database, code)
    assert (saved.details["witness_name"], saved.simulated, saved.rpl) == ("Will", True, True)
    assert saved.site_id == world.site_id


def test_questions_and_answers_are_kept_in_their_order(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world, kind=EvidenceKind.QUESTIONING)
    form = {**draft_form(), "question": ["Why?", "", "How?"], "answer": ["Because.", "", "So."]}

    own.submit(f"/evidence/{code}/edit", form)

    assert draft(database, code).details["questions"] == [
        {"question": "Why?", "answer": "Because."},
        {"question": "How?", "answer": "So."},
    ]


@pytest.mark.parametrize(
    ("kind", "changes", "sentence"),
    [
        ("reflective_account", {"occurred_on": "3 March"}, "must be a date"),
        ("reflective_account", {"text": "a\x00b"}, "NUL"),
        ("reflective_account", {"title": "x" * 10_000}, "at most 300"),
        ("reflective_account", {"site": "nosuchsite"}, "sites listed"),
        ("observation", {"started_at": "25:99"}, "must be a time"),
        ("product", {"link": "javascript:alert(1)"}, "begins with https"),
        ("witness_testimony", {"witness_status": "king"}, "choose one"),
        ("in_situ", {"seen_on": "9999-99-99"}, "must be a date"),
    ],
)
def test_rubbish_is_refused_and_what_was_typed_stays(
    own: Browser, database: Database, world: World, kind: str, changes: dict[str, str], sentence: str
) -> None:
    code = begin(database, world, kind=EvidenceKind(kind))
    form = {**draft_form(title="A title I typed"), **changes}

    answer = own.submit(f"/evidence/{code}/edit", form)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert form["title"] in answer.text
    assert draft(database, code).edit_version == 1


@pytest.mark.parametrize(
    "text", ["‮gpj.exe", "שלום", "e\u0301", "👩‍👩‍👧", "<script>alert(1)</script>", "{{ 7*7 }}", "a" * 99_000]
)
def test_any_unicode_is_kept_and_shown_escaped(
    own: Browser, database: Database, world: World, text: str
) -> None:
    code = begin(database, world)

    assert own.submit(f"/evidence/{code}/edit", draft_form(text=text, title=text[:200])).status_code == 303

    page = own.get(f"/evidence/{code}").text
    assert "<script>alert" not in page
    assert "49" not in draft(database, code).text
    assert own.get(f"/evidence/{code}/edit").status_code == 200


def test_a_form_of_five_mebibytes_is_refused_whole(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)

    answer = own.submit(f"/evidence/{code}/edit", draft_form(text="x" * (5 * 1024**2)))

    assert answer.status_code == 413
    assert draft(database, code).edit_version == 1


def test_a_stale_tab_sees_both_versions_and_overwrites_nothing(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world)
    own.submit(f"/evidence/{code}/edit", draft_form(text="From the first tab"))

    answer = own.submit(f"/evidence/{code}/edit", draft_form(text="From the second tab"))

    assert answer.status_code == 409
    assert "From the first tab" in answer.text
    assert "From the second tab" in answer.text
    assert draft(database, code).text == "From the first tab"
    again = draft_form(version=int(hidden(answer.text, "revision")), text="From the second tab")
    assert own.submit(f"/evidence/{code}/edit", again).status_code == 303
    assert draft(database, code).text == "From the second tab"


def test_autosave_answers_with_the_next_version(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)

    first = own.submit(f"/evidence/{code}/autosave", draft_form(text="One"))
    second = own.submit(f"/evidence/{code}/autosave", draft_form(int(first.json()["revision"]), text="Two"))

    assert (first.json(), second.json()) == ({"revision": "2"}, {"revision": "3"})
    assert draft(database, code).text == "Two"


@pytest.mark.parametrize(
    ("version", "changes", "status"),
    [(7, {"text": "Other"}, 409), (1, {"occurred_on": "x"}, 422), (1, {"site": "x"}, 422)],
)
def test_autosave_says_why_it_did_not_save(
    own: Browser, database: Database, world: World, version: int, changes: dict[str, str], status: int
) -> None:
    code = begin(database, world)

    answer = own.submit(f"/evidence/{code}/autosave", draft_form(version, **changes))

    assert answer.status_code == status
    assert answer.json()["message"]
    assert draft(database, code).edit_version == 1


def test_autosave_after_submission_is_told_apart(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)
    hand_in(database, world, code)

    answer = own.submit(
        f"/evidence/{code}/autosave", draft_form(text="Late"), headers={"accept": "application/json"}
    )

    assert answer.status_code == 409
    assert "frozen" in answer.json()["message"]


def test_a_preview_shows_markdown_without_scripts_and_stores_nothing(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world)

    answer = own.submit(f"/evidence/{code}/preview", {"text": "**bold** <script>x</script>"})

    assert "<strong>bold</strong>" in answer.text
    assert "<script" not in answer.text
    assert draft(database, code).text == "I listened first."


# Mapping


def mapping_form(
    own: Browser, code: str, world: World, *numbers: int, **changes: object
) -> dict[str, object]:
    """The mapping page as a browser would send it back."""
    page = own.get(f"/evidence/{code}/mapping").text
    form: dict[str, object] = {"criterion": [world.criterion_codes[n] for n in numbers]}
    for n in numbers:
        c = world.criterion_codes[n]
        form[f"was-{c}"] = hidden(page, f"was-{c}")
        form[f"reason-{c}"] = f"Because of {n}."
    return {**form, **changes}


def test_ticked_criteria_of_several_units_are_added_at_once(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world, criteria=())

    answer = own.submit(f"/evidence/{code}/mapping", {"add": [world.criterion_codes[n] for n in (0, 1, 6)]})

    assert answer.status_code == 303
    assert [status_of(database, world, n) for n in (0, 1, 6, 2)] == ["claimed"] * 3 + ["not_started"]


def test_reasons_and_marked_parts_are_saved_together(
    own: Browser, database: Database, world: World, parts: Parts
) -> None:
    code = begin(database, world, criteria=(0, 1))
    file = attach(database, world, parts.store, code, "plan.txt")
    c = world.criterion_codes[1]
    form = mapping_form(
        own, code, world, 0, 1, use=c, **{f"mark-{file}": "pages 3-4", f"reason-{c}": "Here."}
    )

    assert own.submit(f"/evidence/{code}/mapping", form).status_code == 303

    saved = mappings(database)[1]
    assert (saved.reason, saved.locators) == ("Here.", [{"file": file, "fragment": "page=3-4"}])
    assert "pages 3–4" in own.get(f"/evidence/{code}").text


def test_a_part_that_cannot_be_read_keeps_ticks_and_reasons(
    own: Browser, database: Database, world: World, parts: Parts
) -> None:
    code = begin(database, world)
    file = attach(database, world, parts.store, code)
    c = world.criterion_codes[0]
    form = mapping_form(
        own, code, world, 0, add=[world.criterion_codes[2]],
        **{f"mark-{file}": "somewhere", f"reason-{c}": "A long reason."},
    )  # fmt: skip

    answer = own.submit(f"/evidence/{code}/mapping", form)

    assert answer.status_code == 422
    assert "names no pages" in answer.text
    assert "A long reason." in answer.text
    assert re.search(rf'value="{world.criterion_codes[2]}" checked', answer.text)
    assert [m.reason for m in mappings(database)] == ["Because of 0."]


def test_pages_of_a_picture_are_refused(own: Browser, database: Database, world: World, parts: Parts) -> None:
    code = begin(database, world)
    file = attach(database, world, parts.store, code, "board.jpg", media_type="image/jpeg")
    form = mapping_form(own, code, world, 0, **{f"mark-{file}": "2-3"})

    answer = own.submit(f"/evidence/{code}/mapping", form)

    assert answer.status_code == 422
    assert "A picture has no pages." in answer.text


def test_an_overtaken_reason_shows_both_and_overwrites_nothing(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world)
    c = world.criterion_codes[0]
    first = mapping_form(own, code, world, 0, **{f"reason-{c}": "First tab."})
    second = {**first, f"reason-{c}": "Second tab."}
    own.submit(f"/evidence/{code}/mapping", first)

    answer = own.submit(f"/evidence/{code}/mapping", second)

    assert answer.status_code == 409
    assert "First tab." in answer.text
    assert "Second tab." in answer.text
    assert mappings(database)[0].reason == "First tab."
    assert own.submit(f"/evidence/{code}/mapping", first).status_code == 303  # the same again is no conflict


def test_a_criterion_is_taken_off(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world, criteria=(0, 1))
    form = mapping_form(own, code, world, 0, 1, remove=world.criterion_codes[0])

    own.submit(f"/evidence/{code}/mapping", form)

    assert [m.criterion_id for m in mappings(database)] == [world.criterion_ids[1]]
    assert status_of(database, world, 0) == "not_started"


def test_a_bad_tick_leaves_the_reasons_as_they_were(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)
    c = world.criterion_codes[0]
    form = mapping_form(own, code, world, 0, add=["nosuchcode"], **{f"reason-{c}": "Changed."})

    answer = own.submit(f"/evidence/{code}/mapping", form)

    assert answer.status_code == 422
    assert [m.reason for m in mappings(database)] == ["Because of 0."]


def test_the_search_answers_a_script_with_the_criteria_only(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world, criteria=())
    ticked = world.criterion_codes[0]

    answer = own.get(f"/evidence/{code}/mapping?q=2.1 unit 2&add={ticked}", headers={"hx-request": "true"})

    assert "<html" not in answer.text
    assert "Do thing 2.1 of unit 2" in answer.text
    assert "Do thing 1.1 of unit 2" not in answer.text
    assert f'type="hidden" name="add" value="{ticked}"' in answer.text


# Submitting


def test_submitting_lands_on_the_frozen_item_and_so_does_a_second_click(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world)
    form = {"declared": "1", "shown": hidden(own.get(f"/evidence/{code}/submit").text, "shown")}

    answers = [own.submit(f"/evidence/{code}/submit", form) for _ in range(2)]

    assert [a.headers["location"] for a in answers] == [f"/evidence/{code}"] * 2
    with database.read() as session:
        assert session.query(Submission).count() == 1
    page = own.get(f"/evidence/{code}").text
    assert "Submitted" in page
    assert f'hx-get="/evidence/{code}/decisions"' in page


def test_without_the_box_ticked_the_page_asks_for_it(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)
    form = {"shown": hidden(own.get(f"/evidence/{code}/submit").text, "shown")}

    answer = own.submit(f"/evidence/{code}/submit", form)

    assert answer.status_code == 422
    assert "Tick the box" in answer.text


def test_a_submit_page_from_before_a_change_shows_the_change(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world)
    shown = hidden(own.get(f"/evidence/{code}/submit").text, "shown")
    own.submit(f"/evidence/{code}/edit", draft_form(text="Changed in another tab"))

    answer = own.submit(f"/evidence/{code}/submit", {"declared": "1", "shown": shown})

    assert answer.status_code == 409
    assert "Changed in another tab" in answer.text
    assert hidden(answer.text, "shown") != shown
    assert item(database, code).state is EvidenceState.DRAFT


def test_an_incomplete_draft_says_what_is_missing_with_a_way_there(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world, text="", criteria=())

    page = own.get(f"/evidence/{code}/submit").text

    assert f'href="/evidence/{code}/edit#f-text"' in page
    assert f'href="/evidence/{code}/mapping"' in page
    assert 'name="declared"' not in page


def test_pages_of_a_draft_lead_to_the_item_once_it_is_submitted(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world)
    hand_in(database, world, code)

    for page in ("edit", "mapping", "submit"):
        answer = own.get(f"/evidence/{code}/{page}", follow_redirects=False)
        assert answer.headers["location"] == f"/evidence/{code}"


def test_withdrawing_and_bringing_back_by_buttons(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)

    own.submit(f"/evidence/{code}/withdraw")
    assert "Bring it back" in own.get(f"/evidence/{code}").text
    own.submit(f"/evidence/{code}/restore")

    assert item(database, code).state is EvidenceState.DRAFT


@pytest.mark.parametrize("asked", ["0", "2", "99999999999", "x", "-1", "²"])
def test_a_revision_that_is_not_there_is_absent(
    own: Browser, database: Database, world: World, asked: str
) -> None:
    code = begin(database, world)

    assert own.get(f"/evidence/{code}?revision={asked}").status_code == 404
