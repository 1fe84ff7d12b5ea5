"""Kinds with rules of their own, through HTTP: seen where it is kept, a product on a web page, prior learning."""

from collections.abc import Callable
from typing import Any

import pytest

from criteria.rules import EvidenceKind as K
from evidence.models import Evidence, Revision
from evidence.queries import content_digest
from portfolio.app import Parts
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.log import LogEntry
from tests.factories.world import World
from tests.functional.evidence.making import attach, begin, file_rows, hand_in, item
from tests.functional.evidence.tusing import Tus
from tests.web import Browser

pytestmark = pytest.mark.databases("sqlite")
Browse = Callable[[str], Browser]
SEEN = {"location": "The HR cabinet", "custodian": "Hal, HR", "seen_by": "Ann"}


def said_of(database: Database, code: str) -> Revision:
    with database.read() as session:
        return session.query(Revision).join(Revision.evidence).filter_by(code=code).all()[-1]


def form_of(database: Database, code: str, **changes: Any) -> dict[str, Any]:
    """The edit page's form as it stands, with changes."""
    revision = said_of(database, code)
    return {
        "title": revision.title,
        "text": revision.text,
        "occurred_on": str(revision.occurred_on),
        "revision": str(revision.edit_version),
        **{name: value for name, value in revision.details.items() if isinstance(value, str)},
        **changes,
    }


def change(own: Browser, database: Database, code: str, kind: str, **changes: Any) -> str:
    """Press "Save and change the kind"; the page that follows."""
    form = form_of(database, code, then="kind", kind=kind, **changes)
    answer = own.submit(f"/evidence/{code}/edit", form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/evidence/{code}/edit")
    return own.get(f"/evidence/{code}/edit").text


@pytest.fixture
def own(browse: Browse) -> Browser:
    """The candidate's browser."""
    return browse("candidate")


def test_what_is_seen_where_it_is_kept_takes_no_file_on_any_way_in(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world, kind=K.IN_SITU)
    sentence = "it takes no files: confidential material stays in its place. Nothing was added."

    form = own.submit(f"/evidence/{code}/files", files=[("files", ("list.pdf", b"names"))])
    tus = Tus(own, code).create(5, b"names")

    for answer in (form, tus):
        assert answer.status_code == 422
        assert sentence in answer.text
    assert file_rows(database) == []
    assert "No file is added here" in own.get(f"/evidence/{code}/edit").text


def test_an_item_with_files_does_not_become_one_without_and_keeps_everything(
    own: Browser, database: Database, world: World, parts: Parts
) -> None:
    code = begin(database, world, kind=K.PRODUCT)
    attach(database, world, parts.store, code)

    page = change(own, database, code, "in_situ", text="Typed just now.")

    assert "E001 has a file" in page
    assert (item(database, code).kind, len(file_rows(database))) == (K.PRODUCT, 1)
    assert said_of(database, code).text == "Typed just now."


def test_an_item_with_an_upload_on_its_way_keeps_its_kind(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world, kind=K.PRODUCT)
    Tus(own, code).begun(10, b"half")

    assert "also those that are not sent to the end" in change(own, database, code, "in_situ")
    assert item(database, code).kind is K.PRODUCT


def test_a_draft_becomes_another_kind_and_keeps_its_words(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world, kind=K.IN_SITU, details=SEEN)

    for _ in range(2):
        change(own, database, code, "product", location="The HR cabinet")

    assert item(database, code).kind is K.PRODUCT
    assert said_of(database, code).text == (
        "I listened first.\n\n**Where it is kept:** The HR cabinet\n\n**Who keeps it:** Hal, HR\n\n**Seen by:** Ann"
    )
    assert said_of(database, code).details == {}
    with database.read() as session:
        assert session.query(LogEntry).filter_by(action="evidence.kind_changed").count() == 1


def test_a_second_click_on_the_kind_ends_where_the_first_did(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world, kind=K.IN_SITU, details=SEEN)
    typed = form_of(
        database, code, then="kind", kind="product", shown_kind="in_situ", text="Typed.", custodian="Bo"
    )

    answers = [own.submit(f"/evidence/{code}/edit", typed) for _ in range(2)]

    assert [answer.headers.get("location") for answer in answers] == [f"/evidence/{code}/edit"] * 2
    assert "The kind is now: " in own.get(f"/evidence/{code}/edit").text
    assert "**Who keeps it:** Bo" in said_of(database, code).text
    stored = said_of(database, code)
    other = own.submit(f"/evidence/{code}/edit", typed | {"custodian": "Not Bo"})
    assert (other.status_code, "Not Bo" in other.text) == (409, True)
    assert said_of(database, code).text == stored.text


@pytest.mark.parametrize("page", ["edit", "autosave"])
def test_a_page_from_before_the_kind_was_changed_does_not_lose_what_is_typed_there(
    own: Browser, database: Database, world: World, page: str
) -> None:
    code = begin(database, world, kind=K.PRODUCT)
    old = form_of(database, code, contribution="I drew the plan.")
    change(own, database, code, "questioning")

    answer = own.submit(f"/evidence/{code}/{page}", old)

    assert answer.status_code == 409
    assert "changed in another window" in answer.text
    assert page == "autosave" or "I drew the plan." in answer.text


@pytest.mark.parametrize("kind", ["king", "", None])
def test_no_kind_is_none(own: Browser, database: Database, world: World, kind: str) -> None:
    code = begin(database, world, kind=K.PRODUCT)

    assert "The kind stays" in change(own, database, code, kind)
    assert item(database, code).kind is K.PRODUCT


def test_what_was_submitted_keeps_its_kind(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)
    hand_in(database, world, code)
    with database.write() as session:
        row = session.query(Evidence).filter_by(code=code).one()
        digest = row.revisions[0].digest
    answer = own.submit(f"/evidence/{code}/edit", form_of(database, code, then="kind", kind="product"))

    assert answer.status_code == 409
    with database.read() as session:
        row = session.query(Evidence).filter_by(code=code).one()
        assert (row.kind, content_digest(session, row.revisions[0])) == (K.REFLECTIVE_ACCOUNT, digest)


def test_a_link_shows_its_host_and_the_dated_note_and_is_sealed(
    own: Browser, browse: Browse, database: Database, world: World
) -> None:
    today = clock.today().isoformat()
    link = {"link": "https://аpple.example/plan", "link_seen_on": today, "link_note": "Four steps."}
    code = begin(database, world, kind=K.PRODUCT, details=link)
    hand_in(database, world, code)

    for page in (own.get(f"/evidence/{code}").text, browse("assessor").get(f"/evidence/{code}").text):
        assert 'rel="noopener noreferrer nofollow"' in page
        assert "Leads to <b>xn--pple-43d.example</b>" in page
        assert "Four steps." in page
    with database.write() as session:
        frozen = session.query(Evidence).filter_by(code=code).one().revisions[0]
        assert content_digest(session, frozen) == frozen.digest
        frozen.details = {**frozen.details, "link_note": "Five steps."}
        session.flush()
        assert content_digest(session, frozen) != frozen.digest
        session.rollback()


def test_prior_learning_asks_for_source_and_date_and_the_assessor_reads_both(
    own: Browser, browse: Browse, database: Database, world: World
) -> None:
    code = begin(database, world)
    own.submit(
        f"/evidence/{code}/edit", form_of(database, code, rpl="1", rpl_source="Course <b>at</b> college")
    )

    missing = own.get(f"/evidence/{code}/submit").text
    own.submit(f"/evidence/{code}/edit", form_of(database, code, rpl="1", rpl_achieved_on="2019-07-05"))
    submission = hand_in(database, world, code)

    assert "“Prior learning achieved on” is needed." in missing
    for page in (f"/evidence/{code}", f"/reviews/{submission}"):
        shown = browse("assessor").get(page).text
        assert "Course &lt;b&gt;at&lt;/b&gt; college" in shown
        assert "5 Jul 2019" in shown
