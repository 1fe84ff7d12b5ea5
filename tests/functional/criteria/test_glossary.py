"""Key terms are explained where they stand: on the unit page, beside the criteria to map, and at a gap."""

import re
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import select

from criteria.glossary import Marker, UnitMarkers
from criteria.models import Guidance, Node
from criteria.queries import Point
from criteria.rules import GuidanceKind
from evidence.models import Evidence
from portfolio.core.db import Database
from tests.factories import work
from tests.factories.world import World
from tests.queries import counted
from tests.web import Browser

Browse = Callable[[str], Browser]
FIRST, SECOND = "what <script>alert(1)</script> & people do", "another sense"
ESCAPED = "what &lt;script&gt;alert(1)&lt;/script&gt; &amp; people do"


@pytest.fixture
def draft(database: Database, world: World) -> str:
    """The code of a draft that is mapped to the first criterion. Both units explain “thing”, each in its way."""
    with database.write() as session:
        for code, text in zip(world.unit_codes, (FIRST, SECOND), strict=False):
            unit = session.scalars(select(Node).where(Node.code == code)).one()
            session.add(
                Guidance(
                    version_id=unit.version_id,
                    unit_id=unit.id,
                    kind=GuidanceKind.KEY_TERMS,
                    position=0,
                    term="Thing",
                    text=text,
                )
            )
        revision = work.make_draft(session, world, world.criterion_ids[:1])
        return session.get_one(Evidence, revision.evidence_id).code


def pages(world: World, draft: str) -> dict[str, str]:
    return {
        "unit": f"/units/{world.unit_codes[0]}",
        "mapping": f"/evidence/{draft}/mapping",
        "gap": f"/evidence/gap/{world.criterion_codes[1]}",
    }


@pytest.mark.parametrize("name", ["unit", "mapping", "gap"])
def test_a_term_opens_its_definition_without_scripts(
    name: str, browse: Browse, world: World, draft: str
) -> None:
    page = browse("candidate").get(pages(world, draft)[name]).text
    opened = re.findall(r'popovertarget="([^"]+)">thing<', page, re.IGNORECASE)
    assert opened
    for target in opened:
        assert re.search(rf'<span popover id="{target}"[^>]*>({re.escape(ESCAPED)}|{SECOND})</span>', page)
    assert "<script>alert" not in page


@pytest.mark.parametrize("name", ["unit", "mapping", "gap"])
def test_every_definition_has_an_id_of_its_own(name: str, browse: Browse, world: World, draft: str) -> None:
    page = browse("candidate").get(pages(world, draft)[name]).text
    assert [found for found, times in Counter(re.findall(r' id="([^"]+)"', page)).items() if times > 1] == []


def test_each_unit_explains_a_term_in_its_own_way(browse: Browse, world: World, draft: str) -> None:
    page = browse("candidate").get(f"/evidence/{draft}/mapping").text
    first, second = (page.count(text) for text in (ESCAPED, SECOND))
    assert first > 1
    assert second > 1


def test_a_label_holds_nothing_to_press(browse: Browse, world: World, draft: str) -> None:
    page = browse("candidate").get(f"/evidence/{draft}/mapping").text
    labels = re.findall(r"<label\b.*?</label>", page, re.DOTALL)
    assert any("Do thing" in label for label in labels)
    assert not any("<button" in label for label in labels)


def test_the_criteria_that_a_search_brings_explain_their_terms_too(
    browse: Browse, world: World, draft: str
) -> None:
    answer = browse("candidate").get(f"/evidence/{draft}/mapping?q=thing+1.2", headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert ESCAPED in answer.text


def test_any_number_of_glossaries_is_one_query(database: Database, world: World, draft: str) -> None:
    with database.read() as session:
        units = session.scalars(select(Node.id).where(Node.code.in_(world.unit_codes))).all()
        with counted(session) as queries:
            marked = UnitMarkers(session, units)
        assert len(queries) == 1
        assert [s.text for s in marked.terms_in(units[0], "Things, and a thing")] == ["Things"]
        assert marked.terms_in(0, "A thing") == []


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", [""]),
        ("Nothing", ["Nothing"]),
        ("call", ["call"]),
        ("A call-back, no callous one", ["A ", "call-back", ", no callous one"]),
        ("Calls and calls", ["Calls", " and calls"]),
        ("c++ (not c)", ["c++", " (not c)"]),
        ("אבג call", ["אבג ", "call"]),
    ],
)
def test_terms_are_whole_words_the_longest_first_and_once(text: str, segments: list[str]) -> None:
    terms = [Point("call", "a"), Point("Call-back", "b"), Point("c++", "c"), Point("unexplained", "")]
    assert [segment.text for segment in Marker(terms)(text)] == segments
