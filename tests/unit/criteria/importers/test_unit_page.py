"""Pasted pages of many shapes: what is understood of each, and what happens to every line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from criteria.importers import page_words
from criteria.importers.page_words import Section
from criteria.importers.parsed import ParsedFramework, ParsedUnit, split_faq, split_term
from criteria.importers.unit_page import MAX_LINES, parse_unit_page
from portfolio.core.errors import TooLarge
from tests.unit.criteria.importers import pages


def _unit(text: str, title: str | None = None) -> ParsedUnit:
    [unit] = parse_unit_page(text, title=title).units
    return unit


def _outcomes(unit: ParsedUnit) -> list[tuple[str, str]]:
    return [(outcome.ref, outcome.text) for outcome in unit.outcomes]


def _criteria(unit: ParsedUnit) -> list[tuple[str, str, str | None]]:
    return [(criterion.ref, criterion.text, criterion.outcome) for criterion in unit.criteria]


def _uses(framework: ParsedFramework) -> dict[int, str]:
    return {use.line: use.use for use in framework.lines}


def _codes(framework: ParsedFramework) -> list[tuple[int, str]]:
    return [(problem.line, problem.code) for problem in framework.problems]


@pytest.mark.parametrize(
    ("page", "title", "outcomes", "criteria"),
    [
        (pages.BULLETS, "Plan and lead team briefings", 2, ["AC1", "AC2", "AC3"]),
        (pages.DASHES_NO_INDENT, "Handle complaints by letter", 2, ["AC1", "AC2"]),
        (pages.EMOJI, "Keep stock records", 2, ["AC1", "AC2"]),
        (pages.NUMBERED_LISTS, "Welcome visitors", 2, ["AC1", "AC2", "AC3"]),
        (pages.TABLE, "Maintain hand tools", 2, ["1.1", "1.2", "2.1", "2.2"]),
        (pages.TABLE_TABS, "Prepare a bench", 2, ["1.1", "1.2", "2.1"]),
        (pages.OUTCOME_BLOCKS, "Serve at table", 2, ["1.1", "1.2", "2.1"]),
        (pages.EMPTY_FIRST, "Run a safe workshop", 3, ["AC1", "AC2"]),
        (pages.INLINE_COUNTERS, "Order materials", 2, ["AC1", "AC2"]),
        (pages.WRAPPED, "Write a shift report", 2, ["AC1", "AC2"]),
        (pages.BTEC, "Explore local history", 2, ["P1", "P2", "M1"]),
        (pages.QUESTIONS, "Repair a puncture", 0, ["AC1"]),
        (pages.MARKDOWN, "Paint a door", 0, ["AC1", "AC2"]),
        (pages.STRAY, "Mend a fence", 0, ["AC1"]),
    ],
)
def test_understands_pages_of_many_shapes(page: str, title: str, outcomes: int, criteria: list[str]) -> None:
    unit = _unit(page)

    assert (unit.title, len(unit.outcomes), [c.ref for c in unit.criteria]) == (title, outcomes, criteria)


@pytest.mark.parametrize("page", list(pages.ALL.values()), ids=list(pages.ALL))
@pytest.mark.parametrize("change", ["\n", "\r\n", "indented", "no blank lines"])
def test_the_layout_of_the_paste_changes_nothing(page: str, change: str) -> None:
    changed = {
        "\n": page,
        "\r\n": page.replace("\n", "\r\n"),
        "indented": "".join(f"    {line}" for line in page.splitlines(keepends=True)),
        "no blank lines": page
        if page in (pages.WRAPPED, pages.OUTCOME_BLOCKS)
        else page.replace("\n\n", "\n"),
    }[change]

    assert parse_unit_page(changed).to_json()["units"] == parse_unit_page(page).to_json()["units"]


@pytest.mark.parametrize("page", list(pages.ALL.values()), ids=list(pages.ALL))
def test_every_line_is_accounted_for(page: str) -> None:
    found = parse_unit_page(page)

    assert [use.line for use in found.lines] == [
        n for n, line in enumerate(page.split("\n"), 1) if line.strip()
    ]
    assert {use.line for use in found.lines if use.use == "problem"} <= {p.line for p in found.problems}


def test_points_lose_their_bullets_and_emoji_and_nothing_else() -> None:
    unit = _unit(pages.EMOJI)

    assert _outcomes(unit) == [("1", "Count stock by location"), ("2", "Correct the record")]
    assert _criteria(unit)[0] == ("AC1", "Shows counts on two dates", None)
    assert unit.guidance.advice == ("Keep photos of the shelves",)


def test_criteria_keep_the_words_that_assessors_expect() -> None:
    assert _criteria(_unit(pages.BULLETS))[0][1] == "Award credit for demonstrating a written plan"


def test_numbered_criteria_belong_to_their_outcomes_and_carry_their_range() -> None:
    unit = _unit(pages.TABLE)

    assert _criteria(unit)[1:3] == [
        ("1.2", "Describe storage for:", "1"),
        ("2.1", "Sharpen a chisel so that it cuts cleanly across the grain", "2"),
    ]
    assert [(item.ref, item.text) for item in unit.criteria[1].range_items] == [
        ("a", "chisels"),
        ("b", "saws"),
    ]


def test_a_table_row_with_tabs_is_an_outcome_and_a_criterion() -> None:
    found = parse_unit_page(pages.TABLE_TABS)

    assert _outcomes(found.units[0])[0] == ("1", "Understand the bench")
    assert found.lines[3].where == "outcome 1, criterion 1.1"


def test_details_are_picked_up() -> None:
    unit = _unit(pages.TABLE)
    found = parse_unit_page(pages.EMPTY_FIRST).qualification

    assert (unit.ref, unit.level, unit.credits, unit.glh) == ("K/505/1234", "2", 3, 24)
    assert (found.title, found.level, found.awarding_body) == (
        "City & Guilds Level 3 Diploma in Workshop Supervision",
        "3",
        "City & Guilds",
    )


@pytest.mark.parametrize(
    ("line", "title", "body"),
    [
        ("Fit a lockPearson Education Ltd QCF Building Revision", "Fit a lock", "Pearson Education Ltd"),
        ("Fit a lock | NCFE | Revision", "Fit a lock", "NCFE"),
        ("Fit a lock - NCFE", "Fit a lock", "NCFE"),
        ("Fit a lock (Level 2)City and Guilds", "Fit a lock (Level 2)", "City and Guilds"),
        ("Fit a lock – in wood and metal", "Fit a lock – in wood and metal", None),
        ("# Fit a lock", "Fit a lock", None),
        ("Unit 12: Fit a lock", "Fit a lock", None),
        ("Unit title: Fit a lock (F/600/0001)", "Fit a lock", None),
    ],
)
def test_the_title_is_cut_from_what_is_glued_to_it(line: str, title: str, body: str | None) -> None:
    found = parse_unit_page(f"{line}\n\nAssessment criteria\n- It locks\n")

    assert (found.units[0].title, found.qualification.awarding_body) == (title, body)


def test_a_page_without_a_title_asks_for_one() -> None:
    found = parse_unit_page(pages.NO_TITLE)

    assert _codes(found) == [(1, "title_missing")]
    assert not found.can_be_stored


def test_the_title_that_is_given_wins() -> None:
    assert _unit(pages.NO_TITLE, title=" Bake  a loaf ").title == "Bake a loaf"
    replaced = parse_unit_page(pages.BTEC, title="Local history")
    assert (replaced.units[0].title, _codes(replaced)) == ("Local history", [(1, "title_replaced")])


def test_a_line_that_fits_nowhere_is_a_problem_with_its_number() -> None:
    assert _codes(parse_unit_page(pages.STRAY)) == [(2, "no_section"), (6, "no_section")]
    assert _codes(parse_unit_page(pages.MARKDOWN)) == [(16, "no_place")]


_MARKED = "Plan a rota\n\nAssessment Criteria\n- Show one\n- Show two\n\nAbout the author\n\nJo writes.\n- Show three\n"


def test_a_bare_line_between_marked_criteria_is_a_problem_and_no_criterion() -> None:
    read = parse_unit_page(_MARKED)
    assert [text for _, text, _ in _criteria(read.units[0])] == ["Show one", "Show two", "Show three"]
    assert _codes(read) == [(7, "unmarked"), (9, "unmarked")]


def test_the_rows_of_a_markdown_table_are_outcomes_and_criteria() -> None:
    rows = (
        "| Learning outcome | Assessment criteria |\n| --- | --- |\n| 1. Know | 1.1 Say |\n| | 1.2 Show |\n"
    )
    unit = _unit(f"# Plan a rota\n\n## Assessment Criteria\n\n{rows}")
    assert _outcomes(unit) == [("1", "Know")]
    assert _criteria(unit) == [("1.1", "Say", "1"), ("1.2", "Show", "1")]


def test_counters_captions_and_repeats_are_no_content() -> None:
    uses = _uses(parse_unit_page(pages.EMPTY_FIRST))

    assert [uses[line] for line in range(14, 20) if line in uses] == ["counter"] * 6
    assert (uses[42], uses[9], uses[48]) == ("caption", "title", "furniture")
    assert _uses(parse_unit_page(pages.BULLETS))[3] == "duplicate"


def test_questions_carry_their_answers() -> None:
    found = [split_faq(text) for text in _unit(pages.QUESTIONS).guidance.faq]

    assert found == [
        ("Which patch do I use?", "The one that fits.\nDry the tube first."),
        ("May I use glue?", "Yes, a thin coat."),
        ("Who checks it?", None),
    ]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("Huddle: a short briefing", ("Huddle", "a short briefing")),
        ("Huddle – a short: briefing", ("Huddle", "a short: briefing")),
        ("Lock-off", ("Lock-off", None)),
        (": odd", (": odd", None)),
    ],
)
def test_a_key_term_is_divided_from_its_definition(text: str, term: tuple[str, str | None]) -> None:
    assert split_term(text) == term


@pytest.mark.parametrize("page", [pages.TWO_UNITS, pages.TWO_SITE_PAGES])
def test_two_units_in_one_paste_are_told_apart(page: str) -> None:
    found = parse_unit_page(page)

    assert [len(unit.criteria) for unit in found.units] == [1, 1]
    assert found.problems == ()


def test_a_second_list_of_outcomes_without_a_title_is_a_problem() -> None:
    once = "Learning outcomes\n- {}\nAssessment criteria\n- {}\n"
    text = "Mow\n" + once.format("Mow", "Even") + once.format("Rake", "Clean")

    found = parse_unit_page(text)

    assert len(found.units) == 1
    assert _codes(found) == [(6, "two_units")]


@pytest.mark.parametrize(
    ("heading", "section"),
    [
        ("Topic Synopsis", Section.SYNOPSIS),
        ("UNIT AIM:", Section.SYNOPSIS),
        ("topic overview", Section.OVERVIEW),
        ("Key Concepts", Section.KEY_CONCEPTS),
        ("Key Concepts and Core Principles", Section.KEY_CONCEPTS),
        ("Key Concepts & Core Principles", Section.KEY_CONCEPTS),
        ("Learning Objectives/Outcomes", Section.OUTCOMES),
        ("Learning Outcomes (6)", Section.OUTCOMES),
        ("## Assessment Criteria ##", Section.CRITERIA),
        ("🎓 Examiner Marking Points", Section.CRITERIA),
        ("3. Assessment criteria for this unit", Section.CRITERIA),
        ("Assessment Guidance", Section.ADVICE),
        ("Exam Tips and Revision Strategies", Section.ADVICE),
        ("Exam tips", Section.ADVICE),
        ("Common Mistakes", Section.COMMON_MISTAKES),
        ("Common misconceptions and mistakes to avoid.", Section.COMMON_MISTAKES),
        ("Frequently Asked Questions (FAQs)", Section.FAQ),
        ("Before you start …", Section.PREREQUISITES),
        ("Prior knowledge that you will want for this", Section.PREREQUISITES),
        ("Key Terminology", Section.KEY_TERMS),
        ("**Glossary**", Section.KEY_TERMS),
    ],
)
def test_headings_are_known_in_their_variants(heading: str, section: Section) -> None:
    found = parse_unit_page(f"Fit a lock\n{heading}\n• One point here\n")

    assert [(use.use, use.where) for use in found.lines][1] == ("heading", section.value)


def test_an_everyday_word_inside_a_list_is_no_heading() -> None:
    unit = _unit("Fit a lock\nAssessment criteria\n- It locks\nKey terms\n- Key\n- Summary\n- Aims\n")

    assert unit.guidance.key_terms == ("Key", "Summary", "Aims")


def test_a_criterion_of_an_outcome_that_is_not_listed_belongs_to_none() -> None:
    found = parse_unit_page("Fit a lock\nAssessment criteria\n4.1 It locks\n")

    assert _criteria(found.units[0]) == [("4.1", "It locks", None)]
    assert _codes(found) == [(3, "unknown_outcome")]


def test_the_same_number_twice_is_kept_under_another_and_told() -> None:
    found = parse_unit_page("Fit a lock\nAssessment criteria\nP1 It locks\nP1 It opens\n")

    assert [c.ref for c in found.units[0].criteria] == ["P1", "AC2"]
    assert _codes(found) == [(4, "duplicate_ref")]


def test_numbers_that_are_text_stay_in_the_text() -> None:
    unit = _unit("Fit a lock\nAssessment criteria\n- 2 items on 2 dates\nKey concepts\n- 1.5 turns lock it\n")

    assert unit.criteria[0].text == "2 items on 2 dates"
    assert unit.guidance.key_concepts == ("1.5 turns lock it",)


def test_bullets_and_numbers_on_lines_of_their_own_belong_to_the_next_line() -> None:
    text = "Fit a lock\nAssessment criteria\n1.1\nIt locks\n•\nTwice\nKey concepts\n•\nKeys\n"

    unit = _unit(text)

    assert unit.criteria[0].text == "It locks"
    assert [item.text for item in unit.criteria[0].range_items] == ["Twice"]
    assert unit.guidance.key_concepts == ("Keys",)


@pytest.mark.parametrize(
    ("text", "code"), [("", "empty"), (" \n\t\n", "empty"), ("Only words\n", "no_criteria")]
)
def test_a_page_with_nothing_in_it_cannot_be_stored(text: str, code: str) -> None:
    found = parse_unit_page(text)

    assert code in [problem.code for problem in found.problems]
    assert not found.can_be_stored


def test_too_much_is_refused_or_told() -> None:
    with pytest.raises(TooLarge):
        parse_unit_page("x" * 11, max_chars=10)
    with pytest.raises(TooLarge):
        parse_unit_page("\n" * (MAX_LINES + 1))
    many = parse_unit_page("Count\nAssessment criteria\n" + "".join(f"- Point {n}\n" for n in range(2_100)))
    long = parse_unit_page(f"Write\nAssessment criteria\n- {'word ' * 1_001}\n")
    assert _codes(many) == [(1, "too_many_nodes")]
    assert _codes(long) == [(3, "too_long")]
    assert not many.can_be_stored
    assert not long.can_be_stored


def test_json_has_the_promised_shape() -> None:
    found = parse_unit_page(pages.TABLE).to_json()

    assert set(found) == {"qualification", "units", "problems"}
    unit = found["units"][0]
    assert set(unit) == {"ref", "title", "outcomes", "criteria", "guidance"}
    assert unit["criteria"][0] == {"ref": "1.1", "text": "Explain why edges are kept sharp", "outcome": "1"}
    assert unit["outcomes"][0] == {"ref": "1", "text": "Understand the care of hand tools"}
    assert unit["guidance"]["faq"] == []
    assert parse_unit_page("").to_json()["problems"][0].keys() == {"line", "code", "message"}


_fragments = st.one_of(
    st.sampled_from([*page_words.STRONG, *page_words.WEAK]),
    st.sampled_from(
        [
            *(
                "• ",
                "- ",
                "1. ",
                "1.1 ",
                "6",
                "💡",
                "👩\u200d💻\ufe0f",
                "Unit 3: A",
                "Ready to learn?",
                "Level: 4",
                "Level",
            ),
            *(
                "LO1 ",
                "Learning outcome 2",
                "Q: why?",
                "•",
                "1.2",
                "**x**",
                "#",
                "6 Key Terms",
                "Pearson",
                "A > B > C",
            ),
            *("\t", "\x00", "\x85", "\u2028", "Unit title: B", "a) ", "The learner can:"),
        ]
    ),
    st.text(max_size=30),
    *(st.sampled_from(page.split("\n")) for page in pages.ALL.values()),
)


@settings(max_examples=4 * settings().max_examples)
@given(
    st.lists(
        st.tuples(_fragments, _fragments, st.sampled_from(["\n", "\n\n", " ", "\r\n", "\r"])), max_size=25
    )
)
def test_any_text_is_answered_and_every_line_accounted_for(parts: list[tuple[str, str, str]]) -> None:
    text = "".join(left + right + end for left, right, end in parts)

    found = parse_unit_page(text)

    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert [use.line for use in found.lines] == [
        number for number, line in enumerate(lines, 1) if line.strip()
    ]
    told = {problem.line for problem in found.problems}
    assert {use.line for use in found.lines if use.use == "problem"} <= told
    for unit in found.units:
        refs = [criterion.ref for criterion in unit.criteria]
        assert len(refs) == len(set(refs))
        assert {c.outcome for c in unit.criteria} <= {None, *(o.ref for o in unit.outcomes)}
        assert all(text for _, text in unit.guidance.points())
        assert all([*(o.text for o in unit.outcomes), *(c.text for c in unit.criteria)])
