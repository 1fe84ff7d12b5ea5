"""Whose turn a next action is for each role, and where it leads them."""

import pytest

from criteria.rules import ActionCode, NextAction, NodeKind, Who
from portfolio.core.actor import Actor, Grant, Role
from portfolio.tracking.turns import OWNER, Links, Viewer, viewer_of
from portfolio.tracking.views import Column, Place

ASSESSOR, TRAINEE = {Who.ASSESSOR, Who.COUNTERSIGNER}, {Who.ASSESSOR}
PLACE = Place(5, "criterion", None, 7, NodeKind.CRITERION, "1.1", "Answers calls.")


def actor(role: Role, *units: int | None) -> Actor:
    return Actor(
        1, "person", "Name", "name@example.org", 1, "centre", "Centre", "Europe/London", role, 1,
        grants=frozenset({Grant(role, 3, unit) for unit in units} | {Grant(role, 4)}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("role", "granted", "acts", "units"),
    [
        (Role.CANDIDATE, (), {Who.CANDIDATE}, None),
        (Role.ASSESSOR, (None,), ASSESSOR, None),
        (Role.ASSESSOR, (7, None), ASSESSOR, None),
        (Role.ASSESSOR, (7, 8), ASSESSOR, {7, 8}),
        (Role.TRAINEE_ASSESSOR, (7,), TRAINEE, {7}),
        (Role.IQA, (None,), set(), None),
        (Role.LEAD_IQA, (), set(), None),
        (Role.EQA, (None,), set(), None),
        (Role.CENTRE_MANAGER, (), {Who.MANAGER}, None),
    ],
)
def test_each_role_plays_its_own_part(
    role: Role, granted: tuple[int | None, ...], acts: set[Who], units: set[int] | None
) -> None:
    assert viewer_of(actor(role, *granted), 3) == Viewer(
        frozenset(acts), None if units is None else frozenset(units)
    )


QUALIFIED, OF_ANOTHER_UNIT = Viewer(frozenset(ASSESSOR)), Viewer(frozenset(ASSESSOR), frozenset({8}))
NEARLY_QUALIFIED, READER, MANAGER = Viewer(frozenset(TRAINEE)), Viewer(), Viewer(frozenset({Who.MANAGER}))
JUDGE = (Who.ASSESSOR, ActionCode.JUDGE, "judged")
OPEN_AGAIN = (Who.ASSESSOR, ActionCode.JUDGE_AGAIN, None)
COUNTERSIGN = (Who.COUNTERSIGNER, ActionCode.COUNTERSIGN, "judged")
ALLOCATE = (Who.MANAGER, ActionCode.ALLOCATE, "judged")
ADD = (Who.CANDIDATE, ActionCode.ADD_EVIDENCE, None)
RESPOND = (Who.CANDIDATE, ActionCode.RESPOND, "judged")
SUBMIT = (Who.CANDIDATE, ActionCode.SUBMIT_DRAFT, "drafted")
CONFIRM = (Who.WITNESS, ActionCode.CONFIRM_TESTIMONY, "judged")
CONFIRM_DRAFT = (Who.WITNESS, ActionCode.CONFIRM_TESTIMONY, "drafted")


@pytest.mark.parametrize(
    ("viewer", "what", "url"),
    [
        (OWNER, ADD, "/evidence/gap/criterion"),
        (OWNER, RESPOND, "/evidence/judged"),
        (OWNER, SUBMIT, "/evidence/drafted/submit"),
        (OWNER, JUDGE, ""),
        (OWNER, CONFIRM_DRAFT, "/evidence/drafted/witness"),
        (QUALIFIED, JUDGE, "/reviews/handed-in"),
        (QUALIFIED, OPEN_AGAIN, "/portfolios/portfolio/units/unit"),
        (QUALIFIED, COUNTERSIGN, "/countersign"),
        (QUALIFIED, ADD, ""),
        (QUALIFIED, CONFIRM, "/evidence/judged/witness"),
        (QUALIFIED, CONFIRM_DRAFT, ""),
        (NEARLY_QUALIFIED, JUDGE, "/reviews/handed-in"),
        (NEARLY_QUALIFIED, COUNTERSIGN, ""),
        (OF_ANOTHER_UNIT, JUDGE, ""),
        (OF_ANOTHER_UNIT, OPEN_AGAIN, ""),
        (READER, JUDGE, ""),
        (READER, COUNTERSIGN, ""),
        (READER, ALLOCATE, ""),
        (MANAGER, ALLOCATE, "/portfolios/portfolio/settings#staff-h"),
        (MANAGER, COUNTERSIGN, ""),
        (QUALIFIED, ALLOCATE, ""),
    ],
)
def test_an_action_leads_where_the_viewer_can_do_it(
    viewer: Viewer, what: tuple[Who, ActionCode, str | None], url: str
) -> None:
    items = [
        Column(1, "E001", "judged", "", is_draft=False),
        Column(2, "E002", "drafted", "", is_draft=True, only_for=9),
    ]
    links = Links(viewer, "portfolio", {item.code: item for item in items}, {(PLACE.id, 1): "handed-in"})
    who, code, evidence = what
    assert links.url(NextAction(who=who, code=code, evidence_code=evidence), PLACE, "unit") == url
