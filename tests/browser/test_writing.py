"""Writing an account: words and key terms follow what is typed, by the same rules in page and server."""

import pytest
from playwright.sync_api import expect

from criteria.models import Guidance
from criteria.rules import GuidanceKind
from evidence.rules.writing import count_words
from evidence.version_models import DraftVersion
from tests.browser.conftest import PHONE, Live, OpenContext, sign_in
from tests.browser.looking import violations
from tests.factories.world import World, sign_in_token
from tests.functional.evidence.making import begin

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]
TYPED = "Our service levels – don’t re-read – fell.\n\n* हिन्दी में\u00a0लिखा 顧客の声 🙂 ___ 2nd"


def test_words_and_terms_follow_what_is_typed(live: Live, world: World, open_context: OpenContext) -> None:
    code = begin(live.parts.database, world, text="")
    with live.parts.database.write() as session:
        term = Guidance(
            version_id=world.version_id, unit_id=world.unit_ids[0], kind=GuidanceKind.KEY_TERMS, position=1,
            term="Service level", text="80 in 20.",
        )  # fmt: skip
        session.add(term)
        token = sign_in_token(session, world.people["candidate"])
    page = sign_in(open_context(viewport=PHONE), live, token)
    page.goto(f"{live.url}/evidence/{code}/edit")
    expect(page.locator("details.beside").last).not_to_have_attribute("open", "")
    page.get_by_text("Key terms", exact=True).click()
    expect(page.get_by_text("0 of 1 key terms used")).to_be_visible()

    page.get_by_label("Your account").fill(TYPED)

    expect(page.locator("[data-words-of]")).to_have_text(str(count_words(TYPED)))
    expect(page.get_by_text("1 of 1 key terms used")).to_be_visible()
    expect(page.locator("[data-save-state]")).to_contain_text("Saved")
    assert violations(page) == []
    with live.parts.database.read() as session:
        assert session.query(DraftVersion).one().words == count_words(TYPED)
    page.goto(f"{live.url}/evidence/{code}/versions")
    assert violations(page) == []
    page.get_by_role("link", name="Version 1").click()
    expect(page.get_by_text("Nothing: this is what stands in")).to_be_visible()
    assert violations(page) == []
