"""What a finished review must say, and when it was written about something that no longer stands."""

import pytest

from assessors.rules import VACSR, Answer, Decision, Expected, changes_since, is_repeat, review_problems

EXPECTED = [Expected("m1", "1.1"), Expected("m2", "1.2", "j0")]


def answer(
    mapping: str, decision: Decision | None = Decision.MET, feedback: str = "", seen: str = ""
) -> Answer:
    return Answer(mapping=mapping, decision=decision, feedback=feedback, seen=seen)


@pytest.mark.parametrize(
    ("answers", "fields"),
    [
        ([], {"decision-m1", "decision-m2"}),
        ([answer("m1")], {"decision-m2"}),
        ([answer("m1"), answer("m2", None)], {"decision-m2"}),
        ([answer("m1"), answer("m2", Decision.NOT_YET)], {"feedback-m2"}),
        ([answer("m1"), answer("m2", Decision.NOT_YET, " \n ")], {"feedback-m2"}),
        ([answer("m1"), answer("m2", Decision.NOT_YET, "Say more.")], set()),
        ([answer("m1"), answer("m2")], set()),
        ([answer("m1", feedback="x" * 20_001), answer("m2")], {"feedback-m1"}),
    ],
)
def test_every_mapping_is_decided_and_not_yet_carries_feedback(
    answers: list[Answer], fields: set[str]
) -> None:
    assert set(review_problems(answers, EXPECTED)) == fields


def test_only_the_five_questions_can_be_answered() -> None:
    odd = Answer(mapping="m1", decision=Decision.MET, vacsr=frozenset({"nice"}))
    assert set(review_problems([odd], EXPECTED[:1])) == {"decision-m1"}
    assert len(VACSR) == 5


@pytest.mark.parametrize(
    ("answers", "gone", "words"),
    [
        ([answer("m1"), answer("m2", seen="j0")], set(), []),
        ([answer("m1"), answer("m2", seen="")], set(), ["1.2 was decided and opened again meanwhile."]),
        ([answer("m1")], set(), ["1.2 was added to this item meanwhile."]),
        (
            [answer("m1"), answer("m2", seen="j0"), answer("m3")],
            {"m3"},
            ["1.3 was dropped from this item meanwhile."],
        ),
        (
            [answer("m1"), answer("m2", seen="j0"), answer("m3")],
            set(),
            ["1.3 was decided by somebody else meanwhile."],
        ),
        (
            [answer("m1"), answer("m2", seen="j0"), answer("rubbish")],
            set(),
            ["A criterion was decided by somebody else meanwhile."],
        ),
    ],
)
def test_what_changed_since_the_page_was_drawn_is_said(
    answers: list[Answer], gone: set[str], words: list[str]
) -> None:
    known = {"m1": "1.1", "m2": "1.2", "m3": "1.3"}
    assert list(changes_since(answers, EXPECTED, known, gone)) == words


def test_a_form_sent_twice_is_recognised_by_what_it_says() -> None:
    stored = {"m1": (Decision.MET, ""), "m2": (Decision.NOT_YET, "Say more.")}
    same = [answer("m1"), answer("m2", Decision.NOT_YET, "Say more. ")]
    assert is_repeat(same, stored)
    assert not is_repeat(same[:1], stored)
    assert not is_repeat([answer("m1"), answer("m2")], stored)
    assert not is_repeat([], {})
