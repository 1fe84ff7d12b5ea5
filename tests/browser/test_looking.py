"""What looks at pages finds what is wrong with one."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, OpenContext
from tests.browser.looking import faint, misshapen, unmarked_focus, violations

pytestmark = pytest.mark.browser

FAULTY = """<!doctype html><html lang="en"><title>Faulty</title><style>
  .faint { color: #bbb; background: #fff } .wide { width: 900px } button { outline: none }
</style><main><p class="faint">Hardly to be read at all</p><p class="wide">Wider than a phone</p>
  <button>Nothing shows my focus</button><img src="data:,"></main></html>"""


@pytest.fixture
def faulty(open_context: OpenContext) -> Page:
    page = open_context(viewport=PHONE).new_page()
    page.set_content(FAULTY)
    return page


def test_faint_text_is_told_once_for_its_look(faulty: Page) -> None:
    looks: set[str] = set()
    told = faint(faulty, looks)
    assert [line for line in told if "color-contrast" in line and "Hardly" in line]
    assert faint(faulty, looks) == []


def test_layout_focus_and_missing_words_are_told(faulty: Page) -> None:
    shape = " ".join(misshapen(faulty))
    assert "0 headings of level 1" in shape
    assert "scrolls sideways by" in shape
    assert "Nothing shows my focus" in " ".join(unmarked_focus(faulty))
    assert "axe image-alt" in " ".join(violations(faulty))
