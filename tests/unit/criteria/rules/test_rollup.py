"""Sums over criteria and the shares made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criteria.rules import (
    Coverage,
    Rollup,
    SinglePoint,
    Status,
    percent,
    roll_up,
    single_points,
    surplus_criteria,
)

statuses = st.lists(st.sampled_from(Status), max_size=300)


def test_each_status_is_counted() -> None:
    found = roll_up([Status.MET, Status.CLAIMED, Status.MET, Status.NOT_STARTED, Status.PARTLY_MET])
    assert found == Rollup(met=2, claimed=1, partly_met=1, not_started=1)
    assert (found.total, found.mapped_not_met, found.of(Status.MET)) == (5, 2, 2)


def test_claimed_and_met_shares_stand_apart() -> None:
    found = roll_up([Status.MET, Status.NEEDS_ACTION, Status.IN_ASSESSMENT, Status.NOT_STARTED])
    assert (found.met_percent, found.claimed_percent) == (25, 50)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(0, 0, 0), (0, 9, 0), (1, 1000, 1), (999, 1000, 99), (1000, 1000, 100), (1, 3, 33), (2, 3, 66)],
)
def test_percentages_at_the_edges(part: int, whole: int, expected: int) -> None:
    assert percent(part, whole) == expected


@given(statuses)
def test_counts_add_up_to_all(some: list[Status]) -> None:
    found = roll_up(some)
    assert found.total == len(some) == sum(found.of(status) for status in Status)


@given(statuses)
def test_shares_are_extreme_only_for_all_or_nothing(some: list[Status]) -> None:
    found = roll_up(some)
    assert (found.met_percent == 100) == found.is_complete
    assert (found.met_percent == 0) == (found.met == 0)
    assert (found.claimed_percent == 0) == (found.mapped_not_met == 0)
    assert found.met_percent + found.claimed_percent <= 100


@given(statuses, statuses)
def test_rollups_of_parts_add_up(some: list[Status], others: list[Status]) -> None:
    assert roll_up(some) + roll_up(others) == roll_up(some + others)


def test_nothing_is_never_complete() -> None:
    assert not roll_up([]).is_complete


def met(*refs: str, surplus: int = 0, waived: bool = False) -> Coverage:
    return Coverage(status=Status.MET, counted=refs, surplus=surplus, waived=waived)


def test_single_points_are_items_that_carry_many_criteria_alone() -> None:
    found = {
        "1.1": met("E002"),
        "1.2": met("E001"),
        "1.3": met("E002"),
        "1.4": met("E001", "E002"),
        "1.5": met("E001", waived=True),
        "1.6": Coverage(status=Status.PARTLY_MET, counted=("E001",)),
        "1.7": met("E003"),
        "1.8": met("E003"),
        "1.9": met("E003"),
    }
    assert single_points(found, minimum_criteria=2) == [
        SinglePoint("E003", ("1.7", "1.8", "1.9")),
        SinglePoint("E002", ("1.1", "1.3")),
    ]


def test_surplus_criteria_come_largest_first() -> None:
    found = {"1.1": met(surplus=3), "1.2": met(surplus=2), "1.3": met(surplus=7)}
    assert surplus_criteria(found) == [("1.3", 7), ("1.1", 3)]
