"""Units added to a draft: what they do to the limits of its groups is said at once."""

from collections.abc import Callable

import pytest

from tests.functional.criteria.test_groups import Draft, draft
from tests.web import Browser

__all__ = ["draft"]

Browse = Callable[[str], Browser]


@pytest.mark.databases("sqlite")
def test_units_that_bring_a_group_out_of_reach_are_added_with_a_warning(browse: Browse, draft: Draft) -> None:
    browser = browse("manager")
    source = """qualification: {title: More}
unit_groups:
- {ref: N, title: New ones, minimum_units: 3}
units:
- {ref: D, title: Fourth, group: N, optional: true, criteria: [{ref: "1.1", text: Do it}]}
"""
    done = browser.submit("/frameworks/import", {"source": source, "format": "yaml", "into": draft.code})
    assert done.headers["location"] == f"/frameworks/{draft.code}#groups-h"
    page = browser.get(f"/frameworks/{draft.code}").text
    assert "1 unit was added. New ones: this group asks for 3 units" in page
    alone = """qualification: {title: More}
units:
- {ref: E, title: Fifth, criteria: [{ref: "1.1", text: Do it}]}
"""
    browser.submit("/frameworks/import", {"source": alone, "format": "yaml", "into": draft.code})
    assert "1 unit was added.<" in browser.get(f"/frameworks/{draft.code}").text  # it changed no limit
