"""Writing an account through HTTP: every version is kept, can be compared and comes back; help stands beside it."""

import itertools
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from criteria.models import Guidance
from criteria.rules import EvidenceKind as K
from criteria.rules import GuidanceKind
from evidence.models import Revision, Submission
from evidence.service import discard_revision, restore_version, start_revision
from evidence.version_models import DraftVersion
from portfolio.core.db import Database
from portfolio.core.errors import NotFound
from tests.factories import work
from tests.factories.world import World
from tests.functional.evidence.making import begin, hand_in
from tests.functional.evidence.witnessing import Forward
from tests.web import Browser

Browse = Callable[[str], Browser]
sqlite = pytest.mark.databases("sqlite")


@pytest.fixture
def own(browse: Browse) -> Browser:
    """The candidate's browser."""
    return browse("candidate")


def draft(database: Database, code: str) -> Revision:
    with database.read() as session:
        return session.query(Revision).join(Revision.evidence).filter_by(code=code).all()[-1]


def texts(database: Database) -> list[str]:
    with database.read() as session:
        return [row.text for row in session.query(DraftVersion).order_by(DraftVersion.number)]


def version(database: Database, number: int) -> DraftVersion:
    with database.read() as session:
        return session.query(DraftVersion).filter_by(number=number).one()


def save(own: Browser, database: Database, code: str, text: str, page: str = "autosave", **more: Any) -> None:
    """Save the text as the page's script (`page` "edit": as its buttons) would."""
    revision = draft(database, code)
    form = {
        "title": revision.title,
        "text": text,
        "occurred_on": str(revision.occurred_on),
        "revision": str(revision.edit_version),
        **more,
    }
    assert own.submit(f"/evidence/{code}/{page}", form).status_code in (200, 303)


def test_every_save_that_differs_is_a_version_and_white_space_is_none(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world, text="I listened first.")

    for text in ("I listened first. Then I asked.", "I listened first.  Then I asked.", "I asked."):
        save(own, database, code, text, "edit")

    assert texts(database) == ["I listened first.", "I listened first. Then I asked.", "I asked."]
    assert [version(database, n).words for n in (1, 2, 3)] == [3, 6, 2]


@sqlite
def test_saves_in_the_background_are_put_together_while_nothing_is_lost(
    own: Browser, database: Database, world: World, forward: Forward
) -> None:
    code, long = begin(database, world, text=""), "A paragraph of more than forty characters, typed at once."

    save(own, database, code, "I")
    save(own, database, code, "I listened")
    save(own, database, code, f"I listened. {long}")
    save(own, database, code, "I listened.")  # the paragraph is taken out
    forward(timedelta(minutes=6))
    save(own, database, code, "I listened. And asked.")
    save(own, database, code, "I listened. And asked. ", "edit", title="Another title")
    save(own, database, code, "I asked.", "edit")
    save(own, database, code, "I asked. Yes.")

    assert texts(database) == [
        f"I listened. {long}",
        "I listened.",
        "I listened. And asked.",
        "I asked.",
        "I asked. Yes.",
    ]


@sqlite
def test_small_losses_add_up(own: Browser, database: Database, world: World) -> None:
    """Somebody takes out word after word, with a pause at each: what they had can be found again."""
    words = [f"word{n:02}" for n in range(40)]
    code = begin(database, world, text="")
    for left in range(40, 0, -1):
        save(own, database, code, " ".join(words[:left]))

    kept = texts(database)
    assert kept[0].startswith(" ".join(words[:34]))
    assert all(len(one) - len(other) <= 2 * 45 for one, other in itertools.pairwise(kept))
    assert len(kept) < 15


def test_one_is_looked_at_compared_and_brought_back(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world, text="I spoke first. <b>")
    save(own, database, code, "I listened first. <b>", "edit")
    first = version(database, 1).code

    listed = own.get(f"/evidence/{code}/versions").text
    page = own.get(f"/evidence/{code}/versions/{first}").text
    answers = [own.submit(f"/evidence/{code}/versions/{first}/restore") for _ in range(2)]

    assert "Version 1</a>" in listed
    assert "Version 2</a>" in listed
    assert '<del><span class="vh">Taken out: </span> spoke' in page
    assert '<ins><span class="vh">Added: </span> listened' in page
    assert "+ 1 word added" in page
    assert "&lt;b&gt;" in page
    assert [answer.headers["location"] for answer in answers] == [f"/evidence/{code}/edit#f-text"] * 2
    assert draft(database, code).text == "I spoke first. <b>"
    assert texts(database) == ["I spoke first. <b>", "I listened first. <b>", "I spoke first. <b>"]
    assert version(database, 3).restored_from == 1
    assert "Nothing: this is what stands in" in own.get(f"/evidence/{code}/versions/{first}").text


@sqlite
def test_what_was_discarded_and_submitted_can_still_be_read(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world)
    save(own, database, code, "What I handed in.", "edit")
    hand_in(database, world, code)

    page = own.get(f"/evidence/{code}").text
    assert f'href="/evidence/{code}/versions"' in page
    one = own.get(f"/evidence/{code}/versions/{version(database, 1).code}")
    assert one.status_code == 200
    assert "Bring this version back" not in one.text
    assert own.submit(f"/evidence/{code}/versions/{version(database, 1).code}/restore").status_code == 409


@sqlite
@pytest.mark.parametrize("who", ["other_candidate", "assessor", "iqa", "eqa", "manager", "foreign_manager"])
def test_versions_are_the_authors_alone(
    own: Browser, browse: Browse, database: Database, world: World, who: str
) -> None:
    code = begin(database, world)
    save(own, database, code, "What I handed in.", "edit")
    first = version(database, 1).code
    hand_in(database, world, code)

    for page in (f"/evidence/{code}/versions", f"/evidence/{code}/versions/{first}"):
        assert browse(who).get(page).status_code == 404
    assert browse(who).submit(f"/evidence/{code}/versions/{first}/restore").status_code == 404


@sqlite
def test_a_version_of_another_item_is_none(own: Browser, database: Database, world: World) -> None:
    code, other = begin(database, world), begin(database, world, criteria=(1,))
    save(own, database, code, "One.", "edit")
    foreign = version(database, 1).code

    assert own.get(f"/evidence/{other}/versions/{foreign}").status_code == 404
    with pytest.raises(NotFound), database.write() as session:
        restore_version(session, world.actor(session, "candidate"), other, foreign)
    assert "No versions yet" in own.get(f"/evidence/{other}/versions").text


@sqlite
def test_the_questions_become_headings_by_a_submit(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world, text="I listened.")

    for _ in range(2):
        save(own, database, code, draft(database, code).text, "edit", then="prompts")

    text = draft(database, code).text
    assert text.startswith("I listened.\n\n## What happened")
    assert text.count("## What I would do differently") == 1


def guided(session: Session, world: World) -> None:
    """Key terms and advice of the second unit."""
    for position, (kind, term, said) in enumerate(
        [(GuidanceKind.KEY_TERMS, "Service level", "80 in 20"), (GuidanceKind.KEY_TERMS, "Occupancy", ""),
         (GuidanceKind.ADVICE, "", "Name the figure.")], start=1,
    ):  # fmt: skip
        session.add(
            Guidance(
                version_id=world.version_id, unit_id=world.unit_ids[1], kind=kind, position=position, term=term,
                text=said,
            )
        )  # fmt: skip


@sqlite
def test_guidance_terms_and_words_follow_units_and_text(
    own: Browser, database: Database, world: World
) -> None:
    with database.write() as session:
        guided(session, world)
    code = begin(database, world, text="Our service levels fell.")
    page = f"/evidence/{code}/edit"
    assert "Name the figure." not in own.get(page).text

    save(own, database, code, "Our service levels fell.", "edit", about=[world.unit_codes[1], "rubbish"])
    after = own.get(page).text

    assert "Name the figure." in after
    assert "<b>1 of 2</b> key terms used" in after
    assert re.search(r'data-words-of="f-text">4</b>', after)
    assert f'value="{world.unit_codes[1]}" checked' in after
    typed = {"text": "Occupancies and service level", "about": world.unit_codes[1]}
    assert "<b>2 of 2</b> key terms used" in own.submit(f"/evidence/{code}/terms", typed).text
    assert "Name the figure." in own.submit(f"/evidence/{code}/guidance", typed).text
    assert (
        "The framework has no guidance for these units." in own.submit(f"/evidence/{code}/guidance", {}).text
    )
    assert draft(database, code).text == "Our service levels fell."


@sqlite
def test_a_discarded_revision_leaves_its_versions(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)
    hand_in(database, world, code)
    with database.write() as session:
        work.send_back(session, world, session.query(Submission).one())
    with database.write() as session:
        start_revision(session, world.actor(session, "candidate"), code)
    save(own, database, code, "An answer that I threw away.", "edit")
    with database.write() as session:
        discard_revision(session, world.actor(session, "candidate"), code)

    assert texts(database) == ["I listened first.", "An answer that I threw away."]
    assert (
        "An answer that I threw away."
        in own.get(f"/evidence/{code}/versions/{version(database, 2).code}").text
    )


@sqlite
def test_other_kinds_keep_no_versions_and_show_no_help(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world, kind=K.PRODUCT)
    save(own, database, code, "Another text.", "edit")

    assert texts(database) == []
    assert "Questions that help" not in own.get(f"/evidence/{code}/edit").text


@sqlite
def test_headings_do_not_make_a_full_text_longer_than_can_be_saved(
    own: Browser, database: Database, world: World
) -> None:
    code, full = begin(database, world), "word " * 19_990
    form = {
        "title": "x",
        "text": full,
        "revision": str(draft(database, code).edit_version),
        "then": "prompts",
    }

    page = own.submit(f"/evidence/{code}/edit", form)

    assert page.status_code == 422
    assert "no room for the headings" in page.text
    assert full.strip() in page.text
    assert draft(database, code).text == "I listened first."
