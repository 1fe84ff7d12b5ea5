"""Key terms in a text: words that stand together, whatever their case, accents and English endings."""

import pytest

from criteria.rules.terms import stem, terms_used


@pytest.mark.parametrize(
    "forms",
    [
        ("plan", "plans", "planned", "planning"),
        ("monitor", "monitors", "monitored", "monitoring"),
        ("metric", "metrics"),
        ("policy", "policies"),
        ("apply", "applies", "applied", "applying"),
        ("handle", "handles", "handled", "handling"),
        ("control", "controlled", "controlling"),
        ("process", "processes", "processed", "processing"),
        ("analysis", "analyses"),
        ("coach", "coaches", "coaching"),
        ("kpi", "kpis"),
        ("status",), ("bus",), ("sing",), ("red",), ("2026",), ("kundinnen",),
    ],
)  # fmt: skip
def test_forms_of_a_word_share_a_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("plan", "plant"), ("meet", "metric"), ("policy", "police"), ("station", "status")]
)
def test_different_words_stay_apart(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@pytest.mark.parametrize(
    ("text", "term", "used"),
    [
        ("I set a Service Level.", "service level", True),
        ("Both service-levels fell.", "Service level", True),
        ("The service was level.", "Service level", False),
        ("A level service.", "Service level", False),
        ("my manager's reasons", "Manager", True),
        ("the manager’s plan", "Manager plan", True),
        ("We use AHT.", "Average handling time (AHT)", True),
        ("average handling times", "Average handling time (AHT)", True),
        ("average time", "Average handling time (AHT)", False),
        ("First contact resolution rose.", "First-contact resolution", True),
        ("Coachings", "Coach", True),
        ("un café crème", "Cafe creme", True),
        ("ＦＣＲ", "FCR", True),
        ("Straße", "strasse", True),
        ("обслуживание клиентов", "Обслуживание", True),
        ("顧客 満足", "顧客 満足", True),
        ("preplanned", "plan", False),
        ("", "Plan", False),
        ("anything", "", False),
        ("anything ()", "()", False),
        ("a\nservice\n\nlevel", "Service level", True),
        ("**service** level", "Service level", True),
    ],
)
def test_a_term_is_used_or_not(text: str, term: str, used: bool) -> None:
    assert terms_used(text, [term]) == [used]


def test_every_term_is_answered_in_order() -> None:
    assert terms_used("Wrap and shrinkage.", ["Shrinkage", "Occupancy", "Wrap"]) == [True, False, True]
    assert terms_used("Wrap", []) == []
