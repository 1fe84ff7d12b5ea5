"""Signing a unit off in one transaction, exactly what blocks it, waivers, and unlocking."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from assessors.models import SignOff, Waiver
from assessors.rules import Decision
from assessors.service import SigningOff, basis_digest, drop_mapping, sign_off_unit, unlock_unit
from portfolio.core.db import Database
from portfolio.core.errors import Forbidden, Invalid, Locked, NotFound, Stale
from portfolio.core.log import digest_of, verify_streams
from portfolio.people.rules import AllocationRole
from portfolio.records.models import PortfolioUnit
from portfolio.records.rules import UnitState
from portfolio.tracking.recompute import differences
from tests.factories.world import World, allocate
from tests.functional.assessors import acting
from tests.web import Browser


def blockers(database: Database, world: World) -> list[tuple[str, str]]:
    with database.write() as session:
        signing = SigningOff(
            statement=acting.STATEMENT, seen_digest=basis_digest(acting.picture(session, world))
        )
        with pytest.raises(Locked) as caught:
            sign_off_unit(
                session, world.actor(session, "assessor"), world.portfolio_code, world.unit_codes[0], signing
            )
        return [(each.code.value, each.criterion_ref) for each in caught.value.data["blockers"]]


def unlock(
    database: Database, world: World, sign_off: str, reason: str = "Wrong file judged.", by: str = "assessor"
) -> str:
    with database.write() as session:
        actor = world.actor(session, by)
        row = unlock_unit(session, actor, world.portfolio_code, world.unit_codes[0], sign_off, reason)
        return row.code


def set_state(database: Database, world: World, state: UnitState) -> None:
    with database.write() as session:
        unit = session.scalars(
            select(PortfolioUnit).where(
                PortfolioUnit.portfolio_id == world.portfolio_id,
                PortfolioUnit.unit_id == world.unit_ids[0],
            )
        ).one()
        unit.state = state


def test_a_unit_is_signed_with_the_digest_of_what_it_rests_on(database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    acting.sign(database, world)
    assert acting.unit_state(database, world) is UnitState.SIGNED
    assert acting.unit_state(database, world, 1) is UnitState.IN_PROGRESS
    assert acting.log_actions(database) == ["review.finished", "unit.signed"]
    assert acting.told(database, world, "candidate") == ["evidence.judged", "unit.signed"]
    with database.read() as session:
        row = session.scalars(select(SignOff)).one()
        basis = json.loads(row.basis)
        assert row.digest == digest_of(basis)
        assert [each["ref"] for each in basis["criteria"]] == ["1.1", "1.2", "2.1", "2.2"]
        assert all(len(each["judgements"]) == 1 for each in basis["criteria"])
        assert row.sample_reason == ""
        assert list(verify_streams(session)) == []
        assert list(differences(session)) == []


def test_one_criterion_that_is_not_met_blocks_the_whole_unit(database: Database, world: World) -> None:
    acting.judge(database, world, acting.submitted(database, world, 4), {2: Decision.NOT_YET})
    assert blockers(database, world) == [("criterion", "2.1")]
    assert acting.count(database, SignOff) == 0


def test_what_waits_for_a_decision_or_a_countersignature_blocks(database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    acting.judge(database, world, acting.submitted(database, world, 1), by="trainee")
    acting.submitted(database, world, 1, first=1)
    assert blockers(database, world) == [("awaiting_countersignature", "1.1"), ("awaiting_judgement", "1.2")]


def test_a_criterion_without_evidence_needs_a_typed_reason_and_forces_a_sample(
    database: Database, world: World
) -> None:
    acting.judge(database, world, acting.submitted(database, world, 3))
    assert blockers(database, world) == [("criterion", "2.2")]
    missing = world.criterion_codes[3]
    with pytest.raises(Locked):
        acting.sign(database, world, waivers={missing: "  "})
    acting.sign(database, world, waivers={missing: "Shown in the site visit of June."})
    assert acting.statuses(database, world)[3] == "met"
    assert acting.unit_state(database, world) is UnitState.SIGNED
    with database.read() as session:
        assert session.scalars(select(SignOff.sample_reason)).one() == "Signed without evidence: 2.2."
        assert session.scalars(select(Waiver.reason)).one() == "Shown in the site visit of June."
        assert list(differences(session)) == []


@pytest.mark.parametrize("criterion", ["with evidence", "of another unit"])
def test_a_waiver_is_for_criteria_of_the_unit_without_evidence(
    database: Database, world: World, criterion: str
) -> None:
    acting.judge(database, world, acting.submitted(database, world, 4), {0: Decision.NOT_YET})
    code = world.criterion_codes[0 if criterion == "with evidence" else 5]
    with pytest.raises(Invalid):
        acting.sign(database, world, waivers={code: "Because I say so."})
    assert acting.count(database, SignOff) == 0


@pytest.mark.parametrize("statement", ["", "  ", "x" * 5_001])
def test_a_sign_off_says_something(database: Database, world: World, statement: str) -> None:
    acting.meet_unit(database, world)
    with database.write() as session:
        signing = SigningOff(statement=statement, seen_digest=basis_digest(acting.picture(session, world)))
        with pytest.raises(Invalid):
            sign_off_unit(
                session, world.actor(session, "assessor"), world.portfolio_code, world.unit_codes[0], signing
            )


def test_signing_twice_signs_once(database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    assert acting.sign(database, world) == acting.sign(database, world)
    assert acting.count(database, SignOff) == 1


def test_a_page_that_showed_something_else_cannot_sign(database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    with database.write() as session:
        seen = basis_digest(acting.picture(session, world))
    acting.judge(database, world, acting.submitted(database, world, 1))
    with database.write() as session, pytest.raises(Stale):
        sign_off_unit(
            session,
            world.actor(session, "assessor"),
            world.portfolio_code,
            world.unit_codes[0],
            SigningOff(statement=acting.STATEMENT, seen_digest=seen),
        )


@pytest.mark.parametrize(
    "name", ["candidate", "unallocated_assessor", "iqa", "lead_iqa", "eqa", "manager", "foreign_manager"]
)
def test_nobody_else_signs(database: Database, world: World, name: str) -> None:
    acting.meet_unit(database, world)
    with pytest.raises(NotFound):
        acting.sign(database, world, by=name)


def test_an_assessor_of_another_unit_cannot_sign_this_one(database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    with database.write() as session:
        allocate(session, world, "unallocated_assessor", AllocationRole.ASSESSOR, world.unit_ids[1])
    with pytest.raises(Forbidden):
        acting.sign(database, world, by="unallocated_assessor")


def test_a_unit_that_was_not_chosen_cannot_be_signed(database: Database, world: World) -> None:
    with database.write() as session:
        actor = world.actor(session, "assessor")
        signing = SigningOff(statement=acting.STATEMENT, seen_digest="")
        with pytest.raises(NotFound):
            sign_off_unit(session, actor, world.portfolio_code, "rubbish", signing)


@pytest.mark.parametrize("name", ["assessor", "lead_iqa"])
def test_unlocking_takes_the_unit_back_and_tells_who_is_concerned(
    database: Database, world: World, name: str
) -> None:
    acting.meet_unit(database, world)
    sign_off = acting.sign(database, world)
    first = unlock(database, world, sign_off, by=name)
    assert unlock(database, world, sign_off, by=name) == first
    assert acting.unit_state(database, world) is UnitState.IN_PROGRESS
    assert acting.told(database, world, "candidate")[-1] == "unit.unlocked"
    assert ("unit.unlocked" in acting.told(database, world, "assessor")) is (name == "lead_iqa")
    assert acting.log_actions(database)[-1] == "unit.unlocked"
    again = acting.sign(database, world)
    assert again != sign_off
    with database.read() as session:
        assert list(differences(session)) == []


@pytest.mark.parametrize("decision", ["a judgement", "a dropped criterion"])
def test_an_unlocked_unit_is_ready_again_once_something_in_it_was_decided(
    database: Database, world: World, decision: str
) -> None:
    acting.meet_unit(database, world)
    unlock(database, world, acting.sign(database, world))
    code = acting.submitted(database, world, 2)
    assert acting.unit_state(database, world) is UnitState.IN_PROGRESS

    if decision == "a judgement":
        acting.judge(database, world, code)
    else:
        with database.write() as session:
            mapping = acting.desk(session, world, code).own[0].mapping.code
            drop_mapping(session, world.actor(session, "assessor"), code, mapping, "It shows something else.")

    assert acting.unit_state(database, world) is UnitState.READY_TO_SIGN
    with database.read() as session:
        assert list(differences(session)) == []


def test_the_page_of_an_unlocked_unit_says_why_and_offers_the_signature(
    database: Database, world: World, browse: Callable[[str], Browser]
) -> None:
    acting.meet_unit(database, world)
    unlock(database, world, acting.sign(database, world), "The date has to be checked.")
    page = browse("assessor").get(f"/portfolios/{world.portfolio_code}/units/{world.unit_codes[0]}").text
    assert "In progress" in page
    assert "The date has to be checked." in page.split('id="sign-off"')[1].split("</section>")[0]
    assert "Sign the unit off" in page


def test_unlocking_needs_a_reason_and_the_sign_off_that_was_shown(database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    sign_off = acting.sign(database, world)
    with pytest.raises(Invalid):
        unlock(database, world, sign_off, " ")
    with pytest.raises(Stale):
        unlock(database, world, "another")
    assert acting.unit_state(database, world) is UnitState.SIGNED


@pytest.mark.parametrize("state", [UnitState.VERIFIED, UnitState.CLAIMED])
def test_what_was_verified_or_claimed_only_the_lead_iqa_unlocks(
    database: Database, world: World, state: UnitState
) -> None:
    acting.meet_unit(database, world)
    sign_off = acting.sign(database, world)
    set_state(database, world, state)
    with pytest.raises(Forbidden):
        unlock(database, world, sign_off)
    unlock(database, world, sign_off, by="lead_iqa")
    assert not acting.unit_state(database, world).is_signed


@pytest.mark.parametrize("name", ["candidate", "trainee", "unallocated_assessor", "iqa", "eqa", "manager"])
def test_nobody_else_unlocks(database: Database, world: World, name: str) -> None:
    acting.meet_unit(database, world)
    sign_off = acting.sign(database, world)
    with pytest.raises(NotFound):
        unlock(database, world, sign_off, by=name)


def test_an_unsigned_unit_cannot_be_unlocked(database: Database, world: World) -> None:
    with pytest.raises(Locked):
        unlock(database, world, "none")


@pytest.mark.databases("sqlite", "postgres")
def test_signing_at_the_same_moment_signs_once(database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    with database.read() as session:
        signing = SigningOff(
            statement=acting.STATEMENT, seen_digest=basis_digest(acting.picture(session, world))
        )

    def press(name: str) -> str:
        with database.write() as session:
            actor = world.actor(session, name)
            return sign_off_unit(session, actor, world.portfolio_code, world.unit_codes[0], signing).code

    with ThreadPoolExecutor(3) as pool:
        pressed = [pool.submit(press, name) for name in ("assessor", "assessor", "trainee")]
    errors = [each.exception() for each in pressed if each.exception()]
    assert all(isinstance(error, Locked | Stale) for error in errors)
    assert acting.count(database, SignOff) == 1
    with database.read() as session:
        assert list(verify_streams(session)) == []
        assert list(differences(session)) == []
