"""Rules on nodes: whose they are, how they come down the tree, and that a centre only ever asks for more."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import Node, RangeItem, RuleChange
from criteria.queries import (
    VersionHead,
    effective_rules,
    get_version,
    range_by_criterion,
    stored_rules,
)
from criteria.rules import EvidenceKind, NodeKind, RuleBy, SufficiencyRule
from criteria.service import (
    NodeText,
    Source,
    edit_node,
    mark_of_node,
    remove_unit,
    rule_effects,
    set_rule,
    store_framework,
)
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked, NotFound
from portfolio.core.log import Stream, entries_of
from tests.factories.world import World
from tests.functional.criteria.test_storing import small
from tests.queries import counted

TWO = SufficiencyRule(minimum_items=2)


def loaded(session: Session, world: World, unit: int = 0) -> tuple[VersionHead, Node]:
    """The active version of the world and one of its units."""
    head = get_version(session, world.actor(session, "manager"), world.version_code)
    return head, session.get_one(Node, world.unit_ids[unit])


def state_rule(
    database: Database, world: World, name: str, owner: RuleBy, rule: SufficiencyRule, reason: str
) -> None:
    """Somebody of the cast states a rule on the first unit of the world."""
    with database.write() as session:
        head, unit = loaded(session, world)
        set_rule(session, world.actor(session, name), head, unit, owner, rule, reason)


def draft(session: Session, world: World) -> tuple[VersionHead, list[Node]]:
    """A draft of two units with its nodes."""
    actor = world.actor(session, "manager")
    version = store_framework(session, actor, small(), label="1", activate=False)
    nodes = session.scalars(select(Node).where(Node.version_id == version.id).order_by(Node.position)).all()
    return get_version(session, actor, version.code), list(nodes)


def test_a_rule_on_a_unit_reaches_its_criteria_and_no_others(database: Database, world: World) -> None:
    with database.write() as session:
        head, unit = loaded(session, world)
        set_rule(session, world.actor(session, "manager"), head, unit, RuleBy.CENTRE, TWO, "Policy 4")
    with database.read() as session:
        rules = effective_rules(session, world.version_id, world.centre_id)
    assert [rules[c].rule.minimum_items for c in world.criterion_ids] == [2] * 4 + [None] * 4
    source = rules[world.criterion_ids[0]].source_of("minimum_items")
    assert source is not None
    assert (source.node_ref, source.by) == ("U/1", RuleBy.CENTRE)


def test_the_newest_change_counts_and_an_empty_one_takes_the_rule_away(
    database: Database, world: World
) -> None:
    for rule, expected in ((TWO, 2), (SufficiencyRule(minimum_items=3), 3), (SufficiencyRule(), None)):
        with database.write() as session:
            head, unit = loaded(session, world)
            set_rule(session, world.actor(session, "lead_iqa"), head, unit, RuleBy.CENTRE, rule, "Policy")
            found = effective_rules(session, world.version_id, world.centre_id)
        assert found[world.criterion_ids[0]].rule.minimum_items == expected
    with database.read() as session:
        assert len(session.scalars(select(RuleChange)).all()) == 3


def test_the_rule_of_one_centre_is_not_that_of_another(database: Database, world: World) -> None:
    with database.write() as session:
        head, unit = loaded(session, world)
        set_rule(session, world.actor(session, "manager"), head, unit, RuleBy.CENTRE, TWO, "Policy")
        assert stored_rules(session, world.version_id, world.centre_id + 1) == {}


def test_a_centre_cannot_ask_for_less_than_the_awarding_body(database: Database, world: World) -> None:
    with database.write() as session:
        head, nodes = draft(session, world)
    with pytest.raises(Invalid) as caught, database.write() as session:
        set_rule(
            session,
            world.actor(session, "manager"),
            head,
            nodes[3],
            RuleBy.CENTRE,
            SufficiencyRule(minimum_items=1),
            "Easier",
        )
    assert set(caught.value.errors) == {"minimum_items"}


def test_the_awarding_bodys_rule_changes_in_a_draft_only(database: Database, world: World) -> None:
    with database.write() as session:
        head, nodes = draft(session, world)
        set_rule(session, world.actor(session, "manager"), head, nodes[1], RuleBy.AWARDING_BODY, TWO, "")
    with pytest.raises(Locked):
        state_rule(database, world, "manager", RuleBy.AWARDING_BODY, TWO, "")


@pytest.mark.parametrize(
    "name", ["candidate", "assessor", "trainee", "iqa", "eqa", "operator", "foreign_manager"]
)
def test_only_manager_and_lead_iqa_state_rules(name: str, database: Database, world: World) -> None:
    with pytest.raises(NotFound):
        state_rule(database, world, name, RuleBy.CENTRE, TWO, "Policy")


def test_the_lead_iqa_does_not_speak_for_the_awarding_body(database: Database, world: World) -> None:
    with database.write() as session:
        head, nodes = draft(session, world)
    with pytest.raises(NotFound), database.write() as session:
        set_rule(session, world.actor(session, "lead_iqa"), head, nodes[1], RuleBy.AWARDING_BODY, TWO, "")


def test_a_centre_says_why(database: Database, world: World) -> None:
    with pytest.raises(Invalid) as caught:
        state_rule(database, world, "manager", RuleBy.CENTRE, TWO, "  ")
    assert "reason" in caught.value.errors


def test_a_rule_may_ask_only_for_range_items_on_the_way(database: Database, world: World) -> None:
    with database.write() as session:
        head, nodes = draft(session, world)
        asked = SufficiencyRule(range_required=frozenset({"R1", "R2"}))
        set_rule(session, world.actor(session, "manager"), head, nodes[1], RuleBy.AWARDING_BODY, asked, "")
    wrong = SufficiencyRule(range_required=frozenset({"R1", "R9"}))
    with pytest.raises(Invalid) as caught, database.write() as session:
        set_rule(session, world.actor(session, "manager"), head, nodes[4], RuleBy.AWARDING_BODY, wrong, "")
    assert caught.value.errors["range_required"].endswith("R1, R9.")


@pytest.mark.databases("sqlite")
def test_a_criterion_is_not_asked_for_range_items_of_another_one(database: Database, world: World) -> None:
    first, second, *_ = world.criterion_ids
    with database.write() as session:
        place = {"version_id": world.version_id, "text": "By phone", "position": 1}
        session.add(RangeItem(node_id=first, ref="R1", **place))
        session.add(RangeItem(node_id=world.unit_ids[0], ref="R2", **place))
    asked = frozenset({"R1", "R2"})
    state_rule(database, world, "manager", RuleBy.CENTRE, SufficiencyRule(range_required=asked), "Policy")
    with database.read() as session:
        rules = effective_rules(session, world.version_id, world.centre_id)
        assert rules[first].rule.range_required == asked
        assert rules[second].rule.range_required == frozenset({"R2"})
        assert rules[second].source_of("range_required") == rules[first].source_of("range_required")


def test_effects_name_the_criteria_that_change_and_nothing_is_stored(
    database: Database, world: World
) -> None:
    with database.read() as session:
        head, unit = loaded(session, world)
        actor = world.actor(session, "manager")
        with counted(session) as queries:
            found = rule_effects(session, actor, head, unit, RuleBy.CENTRE, TWO)
    assert [effect.node.id for effect in found] == world.criterion_ids[:4]
    assert {(e.before.rule.minimum_items, e.after.rule.minimum_items) for e in found} == {(None, 2)}
    assert len(queries) == 3


def test_a_rule_change_is_in_the_log_of_the_centre(database: Database, world: World) -> None:
    with database.write() as session:
        head, unit = loaded(session, world)
        rule = SufficiencyRule(required_kinds_all=frozenset({EvidenceKind.OBSERVATION}))
        set_rule(session, world.actor(session, "manager"), head, unit, RuleBy.CENTRE, rule, "Policy 4")
    with database.read() as session:
        entry = entries_of(session, Stream.centre(world.centre_code))[0]
    assert (entry.action, entry.subject) == ("rule.changed", world.unit_codes[0])
    assert '"required_kinds_all":["observation"]' in entry.body


def test_effective_rules_take_two_queries(database: Database, world: World) -> None:
    with database.read() as session, counted(session) as queries:
        assert len(effective_rules(session, world.version_id, world.centre_id)) == 8
    assert len(queries) == 2


def test_range_items_come_down_from_the_unit(database: Database, world: World) -> None:
    with database.write() as session:
        for node_id, ref in ((world.unit_ids[0], "A"), (world.criterion_ids[0], "B")):
            session.add(
                RangeItem(version_id=world.version_id, node_id=node_id, ref=ref, text="Where", position=0)
            )
    with database.read() as session:
        found = range_by_criterion(session, world.version_id)
    assert [item.ref for item in found[world.criterion_ids[0]]] == ["A", "B"]
    assert [item.ref for item in found[world.criterion_ids[3]]] == ["A"]
    assert world.criterion_ids[4] not in found


def test_a_unit_leaves_a_draft_with_everything_in_it(database: Database, world: World) -> None:
    two = (small().units[0], replace(small().units[0], ref="A/2"))
    with database.write() as session:
        actor = world.actor(session, "manager")
        version = store_framework(
            session, actor, small(units=two), label="1", activate=False, source=Source()
        )
        head = get_version(session, actor, version.code)
        units = session.scalars(
            select(Node).where(Node.version_id == version.id, Node.kind == NodeKind.UNIT)
        ).all()
        remove_unit(session, actor, head, units[0])
    with database.write() as session:
        left = session.scalars(select(Node.ref).where(Node.version_id == version.id)).all()
        assert sorted(left) == ["1", "1.1", "1.2", "600/1", "A/2"]
        with pytest.raises(Invalid):
            remove_unit(session, actor, head, session.get_one(Node, units[1].id))


@pytest.mark.databases("sqlite")
def test_credits_that_were_corrected_stand_in_the_log(database: Database, world: World) -> None:
    with database.write() as session:
        head, nodes = draft(session, world)
        actor = world.actor(session, "manager")
        unit = next(node for node in nodes if node.kind is NodeKind.UNIT)
        was = {"credits": unit.credits, "mandatory": unit.mandatory}
        new = NodeText(unit.ref, unit.text, credits=99, mandatory=not unit.mandatory)
        edit_node(session, actor, head, unit, new, shown=mark_of_node(unit))
        entry = entries_of(session, Stream.centre(world.centre_code))[0]
    told = json.loads(entry.body)["data"]
    said = {"ref": unit.ref, "text": unit.text}
    assert told["before"] == {**said, **was}
    assert told["after"] == {**said, "credits": 99, "mandatory": not was["mandatory"]}


def test_a_reference_that_is_taken_is_refused(database: Database, world: World) -> None:
    with database.write() as session:
        head, nodes = draft(session, world)
        actor = world.actor(session, "manager")
        with pytest.raises(Invalid) as caught:
            edit_node(
                session, actor, head, nodes[4], NodeText("1.1", "Anything"), shown=mark_of_node(nodes[4])
            )
        edit_node(
            session, actor, head, nodes[4], NodeText("1.3", "Something else"), shown=mark_of_node(nodes[4])
        )
    assert "used already" in caught.value.errors["ref"]
    assert nodes[4].text == "Something else"


def test_an_active_version_is_not_edited(database: Database, world: World) -> None:
    with database.write() as session:
        head, unit = loaded(session, world)
        with pytest.raises(Locked):
            edit_node(
                session,
                world.actor(session, "manager"),
                head,
                unit,
                NodeText("U/1", "Other"),
                shown=mark_of_node(unit),
            )
