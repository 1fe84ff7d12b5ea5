"""A framework that was understood is stored whole, once, or not at all."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from criteria.importers import detect, reading
from criteria.importers.parsed import (
    ParsedCriterion,
    ParsedFramework,
    ParsedOutcome,
    ParsedQualification,
    ParsedRangeItem,
    ParsedUnit,
    ParsedUnitGroup,
    Problem,
)
from criteria.models import FrameworkVersion, Guidance, Node, Qualification, RuleChange, VersionState
from criteria.queries import combination_of, framework_of, get_version, tree_of
from criteria.rules import GuidanceKind, NodeKind, RuleBy, SufficiencyRule, check_choice
from criteria.samples import load_sample
from criteria.service import Source, activate_version, add_units, retire_version, set_rule, store_framework
from portfolio.core.actor import Actor
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked, NotFound
from portfolio.core.log import Stream, entries_of, verify_streams
from portfolio.people.models import Centre
from portfolio.tracking.proof_of_frameworks import changed_versions
from tests.factories.world import World

PAGE = """Handle complaints

Learning outcomes
1. Know how complaints arise
2. Settle complaints

Assessment criteria
1.1 Describe three causes of complaints
1.2 Explain why complaints matter
2.1 Settle a complaint

Common mistakes
- Promising what cannot be kept
"""


def small(**changes: object) -> ParsedFramework:
    """A framework of one unit with a range item and a rule."""
    unit = ParsedUnit(
        ref="A/1",
        title="Handle complaints",
        credits=4,
        outcomes=(ParsedOutcome("1", "Settle complaints"),),
        criteria=(
            ParsedCriterion(
                "1.1",
                "Settle one",
                "1",
                (ParsedRangeItem("R1", "By phone"), ParsedRangeItem("R2", "In writing")),
                {"minimum_items": 2, "range_required": ["R1"]},
            ),
            ParsedCriterion("1.2", "Settle another", "1"),
        ),
    )
    framework = ParsedFramework(
        ParsedQualification("Award in complaints", "600/1", "2", "A body", "1"), (unit,)
    )
    return replace(framework, **changes)  # type: ignore[arg-type]


def manager(session: Session, world: World) -> Actor:
    return world.actor(session, "manager")


def test_the_stored_tree_is_in_pre_order_with_intervals(database: Database, world: World) -> None:
    with database.write() as session:
        version = store_framework(session, manager(session, world), small(), label="1", activate=False)
        nodes = session.scalars(
            select(Node).where(Node.version_id == version.id).order_by(Node.position)
        ).all()
    assert [(n.kind, n.ref, n.position, n.last) for n in nodes] == [
        (NodeKind.QUALIFICATION, "600/1", 0, 4),
        (NodeKind.UNIT, "A/1", 1, 4),
        (NodeKind.OUTCOME, "1", 2, 4),
        (NodeKind.CRITERION, "1.1", 3, 3),
        (NodeKind.CRITERION, "1.2", 4, 4),
    ]
    assert [n.unit_id for n in nodes] == [None, *[nodes[1].id] * 4]
    assert [n.parent_id for n in nodes] == [None, nodes[0].id, nodes[1].id, nodes[2].id, nodes[2].id]


@pytest.mark.parametrize("make", [small, load_sample], ids=["small", "sample"])
def test_what_is_stored_reads_back_equal(
    make: Callable[[], ParsedFramework], database: Database, world: World
) -> None:
    with database.write() as session:
        actor = manager(session, world)
        version = store_framework(
            session, actor, make(), label=make().qualification.version or "", activate=True
        )
        found = framework_of(session, get_version(session, actor, version.code))
    assert found == make()


@pytest.mark.parametrize("form", ["yaml", "csv", "xlsx"])
def test_an_exported_version_imports_equal(
    form: detect.WriteFormat, database: Database, world: World
) -> None:
    with database.write() as session:
        actor = manager(session, world)
        version = store_framework(session, actor, load_sample(), label="x", activate=True)
        stored = framework_of(session, get_version(session, actor, version.code))
    assert reading.parse(detect.write(stored, form), filename=f"x.{form}") == stored


def test_the_same_number_makes_a_new_version_of_the_same_qualification(
    database: Database, world: World
) -> None:
    with database.write() as session:
        actor = manager(session, world)
        first = store_framework(session, actor, small(), label="1", activate=True)
        second = store_framework(session, actor, small(), label="2", activate=False)
    assert first.qualification_id == second.qualification_id
    assert (first.state, second.state) == (VersionState.ACTIVE, VersionState.DRAFT)


def test_a_label_is_used_once_per_qualification(database: Database, world: World) -> None:
    with database.write() as session:
        store_framework(session, manager(session, world), small(), label="1", activate=False)
    with pytest.raises(Invalid) as caught, database.write() as session:
        store_framework(session, manager(session, world), small(), label="1", activate=False)
    assert "already has a version" in caught.value.errors["label"]


def test_the_same_code_stores_once(database: Database, world: World) -> None:
    with database.write() as session:
        actor = manager(session, world)
        made = [
            store_framework(session, actor, small(), label="1", activate=False, source=Source(code="abc"))
            for _ in range(2)
        ]
    assert made[0].id == made[1].id


def test_a_code_of_another_centre_is_not_found(database: Database, world: World) -> None:
    with pytest.raises(NotFound), database.write() as session:
        store_framework(
            session,
            world.actor(session, "foreign_manager"),
            small(),
            label="1",
            activate=False,
            source=Source(code=world.version_code),
        )


@pytest.mark.parametrize("name", ["candidate", "assessor", "trainee", "iqa", "lead_iqa", "eqa", "operator"])
def test_only_the_centre_manager_stores(name: str, database: Database, world: World) -> None:
    with pytest.raises(NotFound), database.write() as session:
        store_framework(session, world.actor(session, name), small(), label="1", activate=False)


BROKEN: dict[str, tuple[ParsedFramework, str]] = {
    "no unit": (small(units=()), "no unit"),
    "blocking problem": (small(problems=(Problem(7, "x", "No title.", True),)), "Line 7: No title."),
    "duplicate unit": (small(units=small().units * 2), "reference “A/1” is used twice"),
    "long text": (
        small(units=(replace(small().units[0], criteria=(ParsedCriterion("1", "x" * 5001, "1"),)),)),
        "5,001 characters",
    ),
    "too many": (
        small(
            units=(
                replace(
                    small().units[0],
                    criteria=tuple(ParsedCriterion(f"1.{n}", "Do it", "1") for n in range(2000)),
                ),
            )
        ),
        "2,002 nodes",
    ),
    "nothing to cover": (
        small(units=(ParsedUnit(ref="A/1", title="Empty"),)),
        "has no criteria",
    ),
    "unknown outcome": (
        small(units=(replace(small().units[0], criteria=(ParsedCriterion("9", "Lost", "7"),)),)),
        "names no outcome",
    ),
    "no title": (small(qualification=ParsedQualification(version="1")), "title"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_framework_is_refused_and_leaves_nothing(
    case: str, database: Database, world: World
) -> None:
    parsed, words = BROKEN[case]
    with pytest.raises(Invalid) as caught, database.write() as session:
        store_framework(session, manager(session, world), parsed, label="1", activate=True)
    assert words in caught.value.message + " ".join(caught.value.errors.values())
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Qualification)) == 1


def test_a_pasted_page_is_stored_with_its_guidance(database: Database, world: World) -> None:
    parsed = reading.parse(PAGE.encode())
    parsed = replace(parsed, qualification=replace(parsed.qualification, title="Award"))
    with database.write() as session:
        version = store_framework(session, manager(session, world), parsed, label="1", activate=True)
        root = tree_of(session, version.id)
        texts = session.scalars(select(Guidance.text).where(Guidance.version_id == version.id)).all()
    assert [unit.node.ref for unit in root.children] == ["U1"]
    assert [c.text for c in root.criteria][-1] == "Settle a complaint"
    assert texts == ["Promising what cannot be kept"]


def test_outcomes_without_criteria_stay_beside_criteria_without_outcome(
    database: Database, world: World
) -> None:
    unit = ParsedUnit(
        None, "Unit", outcomes=(ParsedOutcome("1", "Know"),), criteria=(ParsedCriterion("AC1", "Show"),)
    )
    with database.write() as session:
        version = store_framework(
            session, manager(session, world), small(units=(unit,)), label="1", activate=True
        )
        nodes = [b.node for b in tree_of(session, version.id).walk()]
    assert [n.kind for n in nodes][1:] == [NodeKind.UNIT, NodeKind.OUTCOME, NodeKind.CRITERION]


def test_outcomes_stand_in_where_a_unit_lists_no_criteria(database: Database, world: World) -> None:
    unit = ParsedUnit(None, "Unit", outcomes=(ParsedOutcome("1", "Know"), ParsedOutcome("2", "Do")))
    with database.write() as session:
        version = store_framework(
            session, manager(session, world), small(units=(unit,)), label="1", activate=True
        )
        found = [(n.kind, n.text) for n in tree_of(session, version.id).criteria]
    assert found == [(NodeKind.CRITERION, "Know"), (NodeKind.CRITERION, "Do")]


def test_limits_of_a_group_decide_over_single_units(database: Database, world: World) -> None:
    units = tuple(replace(small().units[0], ref=f"A/{n}", group="G") for n in range(1, 4))
    parsed = small(units=units, unit_groups=(ParsedUnitGroup("G", "Options", 1, 2),))
    with database.write() as session:
        version = store_framework(session, manager(session, world), parsed, label="1", activate=True)
        groups = combination_of(session, version.id)
    assert check_choice(groups, ["A/2"]).is_valid
    assert not check_choice(groups, ["A/1", "A/2", "A/3"]).is_valid
    assert not check_choice(groups, []).is_valid


NESTED = (
    ParsedUnitGroup("P1", "Sales", parent="P", conditional=True),
    ParsedUnitGroup("P2", "Service", minimum_units=1, parent="P", conditional=True),
    ParsedUnitGroup("Q", "All units", minimum_units=2),
    ParsedUnitGroup("P", "Pathways", minimum_credits=4, parent="Q"),
)


def nested(*, units: int = 4) -> ParsedFramework:
    """A mandatory unit, and two pathways of which one must be taken; the outer groups come last."""
    groups = (None, "P1", "P1", "P2")
    found = (
        replace(small().units[0], ref=f"A/{n}", title=f"Unit {n}", group=group)
        for n, group in enumerate(groups)
    )
    return small(units=tuple(found)[:units], unit_groups=NESTED)


def test_groups_in_groups_are_stored_and_read_back_equal(database: Database, world: World) -> None:
    with database.write() as session:
        actor = manager(session, world)
        version = store_framework(session, actor, nested(), label="1", activate=True)
        head = get_version(session, actor, version.code)
        assert framework_of(session, head) == nested()
        groups = combination_of(session, version.id)
    assert [group.title for group in groups] == ["Mandatory units", "All units"]
    assert [inner.title for inner in groups[1].groups[0].groups] == ["Sales", "Service"]


@pytest.mark.parametrize(
    ("chosen", "refused_by"),
    [
        (["A/0", "A/1", "A/2"], []),
        (["A/0", "A/3"], ["Q"]),
        (["A/0", "A/1"], ["Q", "P1"]),
        (["A/0"], ["Q", "P"]),
    ],
)
def test_groups_in_groups_count_what_is_inside(
    chosen: list[str], refused_by: list[str], database: Database, world: World
) -> None:
    with database.write() as session:
        version = store_framework(session, manager(session, world), nested(), label="1", activate=True)
        found = check_choice(combination_of(session, version.id), chosen).problems
    assert [problem.group_ref for problem in found] == refused_by


def test_limits_out_of_reach_keep_a_draft_from_being_activated_until_units_come(
    database: Database, world: World
) -> None:
    few, rest = nested(units=1), replace(nested(), units=nested().units[1:])
    with database.write() as session:
        actor = manager(session, world)
        version = store_framework(session, actor, few, label="1", activate=False)
        head = get_version(session, actor, version.code)
        with pytest.raises(Invalid, match="All units: this group asks for 2 units"):
            activate_version(session, actor, head)
        add_units(session, actor, head, rest)
        activate_version(session, actor, head)
        assert framework_of(session, head) == nested()


def test_without_groups_every_unit_that_is_not_optional_must_be_chosen(
    database: Database, world: World
) -> None:
    units = (small().units[0], replace(small().units[0], ref="A/2", optional=True))
    with database.write() as session:
        version = store_framework(
            session, manager(session, world), small(units=units), label="1", activate=True
        )
        groups = combination_of(session, version.id)
    assert check_choice(groups, ["A/1"]).is_valid
    assert check_choice(groups, ["A/1", "A/2"]).is_valid
    assert not check_choice(groups, ["A/2"]).is_valid


def test_storing_and_activating_are_in_the_log_of_the_centre(database: Database, world: World) -> None:
    with database.write() as session:
        store_framework(session, manager(session, world), small(), label="1", activate=True)
    with database.read() as session:
        actions = [e.action for e in entries_of(session, Stream.centre(world.centre_code))]
        assert actions[:2] == ["framework.activated", "framework.imported"]
        assert list(verify_streams(session)) == []


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (Node, {"text": "Forged."}),
        (Node, {"mandatory": False}),
        (Guidance, {"text": "Forged."}),
        (RuleChange, {"rule": {"minimum_items": 9}}),
    ],
)
def test_a_version_that_changed_after_its_activation_is_found(
    database: Database,
    world: World,
    kind: type[Node] | type[Guidance] | type[RuleChange],
    changes: dict[str, object],
) -> None:
    with database.write() as session:
        actor = manager(session, world)
        draft = store_framework(session, actor, small(), label="1", activate=False)
        head = get_version(session, actor, draft.code)
        unit = session.query(Node).filter_by(version_id=draft.id, kind=NodeKind.UNIT).one()
        rule = SufficiencyRule(minimum_items=2)
        set_rule(session, actor, head, unit, RuleBy.AWARDING_BODY, rule, "")
        session.add(
            Guidance(version_id=draft.id, unit_id=unit.id, kind=GuidanceKind.ADVICE, position=99, text="Ask.")
        )
        session.flush()
        activate_version(session, actor, head)
        assert list(changed_versions(session)) == []
        session.execute(update(kind).where(kind.version_id == draft.id).values(**changes))
        assert [code for code, _ in changed_versions(session)] == [draft.code]


def test_activating_twice_is_once_and_a_retired_version_stays_retired(
    database: Database, world: World
) -> None:
    with database.write() as session:
        actor = manager(session, world)
        version = store_framework(session, actor, small(), label="1", activate=True)
        head = get_version(session, actor, version.code)
        at = version.activated_at
        activate_version(session, actor, head)
        assert version.activated_at == at
        retire_version(session, actor, head)
        retire_version(session, actor, head)
    with pytest.raises(Locked), database.write() as session:
        activate_version(
            session, manager(session, world), get_version(session, manager(session, world), version.code)
        )


def test_units_are_added_to_a_draft_behind_the_others(database: Database, world: World) -> None:
    more = small(units=(replace(small().units[0], ref=None, title="More"),))
    with database.write() as session:
        actor = manager(session, world)
        version = store_framework(session, actor, small(), label="1", activate=False)
        head = get_version(session, actor, version.code)
        added = add_units(session, actor, head, more)
        root = tree_of(session, version.id)
    assert [u.ref for u in added] == ["U1"]
    assert [b.node.position for b in root.walk()] == list(range(9))
    assert root.node.last == 8
    assert len(root.criteria) == 4


def test_an_active_version_takes_no_more_units(database: Database, world: World) -> None:
    with database.write() as session:
        actor = manager(session, world)
        head = get_version(
            session, actor, store_framework(session, actor, small(), label="1", activate=True).code
        )
    with pytest.raises(Locked), database.write() as session:
        add_units(session, actor, head, small())


def test_a_unit_that_is_there_is_not_added_again(database: Database, world: World) -> None:
    with database.write() as session:
        actor = manager(session, world)
        head = get_version(
            session, actor, store_framework(session, actor, small(), label="1", activate=False).code
        )
    with pytest.raises(Invalid), database.write() as session:
        add_units(session, actor, head, small())


def test_the_command_line_stores_for_a_centre_without_a_person(database: Database, world: World) -> None:
    with database.write() as session:
        other = world.actor(session, "foreign_manager")
        centre = session.get_one(Centre, other.centre_id)
        version = store_framework(
            session, None, small(), label="1", activate=True, source=Source(centre=centre)
        )
        assert session.get_one(FrameworkVersion, version.id).created_by_id is None
        assert get_version(session, other, version.code).centre_id == other.centre_id
