"""Drafts through the services: references, saving, overtaken saves, withdrawing, who may."""

import threading
from collections.abc import Callable

import pytest

from criteria.rules import EvidenceKind
from evidence.models import Evidence
from evidence.queries import get_draft, get_evidence
from evidence.rules import EvidenceState
from evidence.service import Claim, create_draft, map_criteria, restore_draft, save_draft, withdraw_draft
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked, NotFound, Stale
from portfolio.core.ids import new_code
from portfolio.core.log import Stream, entries_of
from portfolio.people.models import Site
from portfolio.records.models import Portfolio
from portfolio.records.rules import PortfolioState
from tests.factories.world import World
from tests.functional.evidence.making import begin, fields, hand_in, item, restrict, sign, status_of

PRODUCT = EvidenceKind.PRODUCT


def test_references_count_up_and_are_never_reused(database: Database, world: World) -> None:
    first, second = begin(database, world), begin(database, world)
    with database.write() as session:
        withdraw_draft(session, world.actor(session, "candidate"), second)

    third = begin(database, world)

    assert [item(database, code).number for code in (first, second, third)] == [1, 2, 3]


def test_items_begun_at_once_get_references_of_their_own(database: Database, world: World) -> None:
    threads = [threading.Thread(target=lambda: begin(database, world)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as session:
        numbers = sorted(n for (n,) in session.query(Evidence.number))
    assert numbers == list(range(1, 9))


def test_a_second_click_on_begin_comes_back_with_the_same_item(database: Database, world: World) -> None:
    code = new_code()
    for _ in range(2):
        with database.write() as session:
            actor = world.actor(session, "candidate")
            create_draft(session, actor, world.portfolio_code, EvidenceKind.PRODUCT, code=code)

    with database.read() as session:
        assert session.query(Evidence).count() == 1


def test_somebody_elses_proposed_code_is_refused(database: Database, world: World) -> None:
    code = begin(database, world)

    with pytest.raises(NotFound), database.write() as session:
        create_draft(
            session, world.actor(session, "other_candidate"), world.other_portfolio_code, PRODUCT, code=code
        )


@pytest.mark.parametrize("code", ["", "x" * 21, "../../etc", "ABCDEFGH", "short"])
def test_a_made_up_code_is_refused(database: Database, world: World, code: str) -> None:
    with pytest.raises(NotFound), database.write() as session:
        create_draft(session, world.actor(session, "candidate"), world.portfolio_code, PRODUCT, code=code)


def test_a_draft_claims_its_criteria_and_nothing_more(database: Database, world: World) -> None:
    begin(database, world, criteria=(0, 5))

    assert [status_of(database, world, n) for n in (0, 1, 5)] == ["claimed", "not_started", "claimed"]


def test_saving_counts_up_and_saving_the_same_again_does_not(database: Database, world: World) -> None:
    code = begin(database, world)
    said = fields(title="Another title", details={"rpl_source": ""})
    for _ in range(2):
        with database.write() as session:
            revision = save_draft(session, world.actor(session, "candidate"), code, said, 1)

    assert (revision.edit_version, item(database, code).title) == (2, "Another title")


def test_an_overtaken_save_overwrites_nothing(database: Database, world: World) -> None:
    code = begin(database, world)
    with database.write() as session:
        save_draft(session, world.actor(session, "candidate"), code, fields(text="First tab"), 1)

    with pytest.raises(Stale) as refused, database.write() as session:
        save_draft(session, world.actor(session, "candidate"), code, fields(text="Second tab"), 1)

    assert refused.value.data["edit_version"] == 2
    with database.read() as session:
        assert get_draft(session, world.actor(session, "candidate"), code).revision.text == "First tab"


def test_a_submitted_item_cannot_be_saved(database: Database, world: World) -> None:
    code = begin(database, world)
    hand_in(database, world, code)

    with pytest.raises(Locked, match="frozen"), database.write() as session:
        save_draft(session, world.actor(session, "candidate"), code, fields(text="Later"), 1)


def test_withdrawing_frees_the_criteria_and_bringing_back_claims_them_again(
    database: Database, world: World
) -> None:
    code = begin(database, world)
    for _ in range(2):
        with database.write() as session:
            withdraw_draft(session, world.actor(session, "candidate"), code)
    assert (item(database, code).state, status_of(database, world, 0)) == (
        EvidenceState.WITHDRAWN,
        "not_started",
    )

    for _ in range(2):
        with database.write() as session:
            restore_draft(session, world.actor(session, "candidate"), code)

    assert (item(database, code).state, status_of(database, world, 0)) == (EvidenceState.DRAFT, "claimed")


def test_a_submitted_item_cannot_be_withdrawn(database: Database, world: World) -> None:
    code = begin(database, world)
    hand_in(database, world, code)

    with pytest.raises(Locked), database.write() as session:
        withdraw_draft(session, world.actor(session, "candidate"), code)


def test_the_log_tells_what_happened_to_the_item(database: Database, world: World) -> None:
    code = begin(database, world)
    with database.write() as session:
        withdraw_draft(session, world.actor(session, "candidate"), code)

    with database.read() as session:
        entries = entries_of(session, Stream.portfolio(world.portfolio_code))
        actions = [entry.action for entry in entries if entry.subject == code]
    assert actions == ["evidence.withdrawn", "evidence.created"]


@pytest.mark.parametrize(
    "who",
    ["other_candidate", "assessor", "trainee", "iqa", "lead_iqa", "eqa", "manager", "unallocated_assessor"],
)
def test_a_draft_is_visible_to_its_author_only(database: Database, world: World, who: str) -> None:
    code = begin(database, world)

    with database.read() as session, pytest.raises(NotFound):
        get_evidence(session, world.actor(session, who), code)


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("candidate", True), ("assessor", True), ("trainee", True), ("iqa", True), ("lead_iqa", True),
        ("eqa", True), ("manager", True), ("other_candidate", False), ("unallocated_assessor", False),
        ("unallocated_iqa", False), ("operator", False), ("foreign_manager", False),
    ],
)  # fmt: skip
def test_what_was_submitted_is_visible_by_the_rights_to_the_portfolio(
    database: Database, world: World, who: str, sees: bool
) -> None:
    code = begin(database, world)
    hand_in(database, world, code)

    with database.read() as session:
        actor = world.actor(session, who)
        if sees:
            assert get_evidence(session, actor, code).reference == "E001"
        else:
            with pytest.raises(NotFound):
                get_evidence(session, actor, code)


@pytest.mark.parametrize("who", ["assessor", "other_candidate", "manager", "iqa"])
def test_nobody_but_the_author_changes_a_draft(database: Database, world: World, who: str) -> None:
    code = begin(database, world)

    with pytest.raises(NotFound), database.write() as session:
        save_draft(session, world.actor(session, who), code, fields(text="Mine now"), 1)


@pytest.mark.parametrize("kind", EvidenceKind)
def test_an_assessor_begins_only_what_assessors_may(
    database: Database, world: World, kind: EvidenceKind
) -> None:
    allowed = {"observation", "questioning", "professional_discussion", "in_situ", "witness_testimony"}
    if kind.value not in allowed:
        with pytest.raises(Invalid):
            begin(database, world, kind=kind, who="assessor")
        return

    code = begin(database, world, kind=kind, who="assessor", details={"assessor": "Somebody else"})

    with database.read() as session:
        details = get_draft(session, world.actor(session, "assessor"), code).revision.details
    recorded = kind is not EvidenceKind.WITNESS_TESTIMONY  # a testimony is the word of the witness
    assert ("Assessor" in details.values()) is recorded


def test_an_assessor_maps_only_into_units_allocated_to_them(database: Database, world: World) -> None:
    restrict(database, world, "assessor", 1)

    with pytest.raises(Invalid, match="Not every criterion"):
        begin(database, world, kind=EvidenceKind.OBSERVATION, who="assessor", criteria=(0,))

    assert begin(database, world, kind=EvidenceKind.OBSERVATION, who="assessor", criteria=(5,))


def test_a_closed_portfolio_takes_nothing_new(database: Database, world: World) -> None:
    with database.write() as session:
        session.get_one(Portfolio, world.portfolio_id).state = PortfolioState.ARCHIVED

    with pytest.raises(Locked, match="archived"):
        begin(database, world)


def test_a_site_of_another_centre_is_refused(database: Database, world: World) -> None:
    code = begin(database, world)

    with pytest.raises(Invalid) as refused, database.write() as session:
        save_draft(session, world.actor(session, "candidate"), code, fields(site_code="nosuchsite"), 1)

    assert list(refused.value.errors) == ["site"]


def test_an_archived_site_stays_with_a_draft_that_has_it(database: Database, world: World) -> None:
    code = begin(database, world, site_code=world.site_code)
    with database.write() as session:
        site = session.get_one(Site, world.site_id)
        site.archived_at = site.created_at

    with database.write() as session:
        said = fields(site_code=world.site_code, title="Kept")
        assert save_draft(session, world.actor(session, "candidate"), code, said, 1).site_id == world.site_id


Change = Callable[[World], Claim]


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (lambda w: Claim("nosuchcode"), "not in the chosen units"),
        (lambda w: Claim(w.unit_codes[0]), "not in the chosen units"),
        (lambda w: Claim(w.criterion_codes[1], locators=(("nofile", "t=1,2"),)), "not among the files"),
        (lambda w: Claim(w.criterion_codes[1], locators=((None, "t=2,1"),)), "must end after"),
        (lambda w: Claim(w.criterion_codes[1], locators=((None, "rubbish"),)), "does not name a part"),
        (lambda w: Claim(w.criterion_codes[1], range_items=("x",)), "no range item"),
        (lambda w: Claim(w.criterion_codes[1], reason="x" * 5001), "at most 5,000"),
    ],
)
def test_a_wrong_claim_changes_nothing(database: Database, world: World, claim: Change, words: str) -> None:
    code = begin(database, world)
    claims = [Claim(world.criterion_codes[2]), claim(world)]

    with pytest.raises(Invalid) as refused, database.write() as session:
        map_criteria(session, world.actor(session, "candidate"), code, claims)

    assert words in " ".join(refused.value.errors.values())
    assert status_of(database, world, 2) == "not_started"


def test_a_signed_unit_takes_no_new_mapping(database: Database, world: World) -> None:
    code = begin(database, world, criteria=(4,))
    sign(database, world)

    with pytest.raises(Locked) as refused, database.write() as session:
        map_criteria(session, world.actor(session, "candidate"), code, [Claim(world.criterion_codes[0])])

    assert refused.value.data["units"] == ["U/1"]
