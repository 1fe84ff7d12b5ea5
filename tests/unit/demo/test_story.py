"""The script that ships: it is complete, agrees with the sample framework, and tells every state."""

from collections import Counter
from datetime import date

import pytest

from criteria.rules import EvidenceKind
from criteria.samples import load_sample
from evidence.rules import GUIDES, parse_fragment
from portfolio.core.actor import Role
from portfolio.demo.media.documents import DOCUMENTS
from portfolio.demo.media.pictures import PHOTOS
from portfolio.demo.media.sheets import TABLES
from portfolio.demo.story import Item, Story, read_story
from portfolio.demo.words import chance_for, mail_name, make_setting

MEDIA = {"call-audio", "meeting-audio", "wallboard-video", "slides-video", *DOCUMENTS, *PHOTOS, *TABLES}


@pytest.fixture(scope="module")
def story() -> Story:
    return read_story()


def _items(story: Story) -> list[Item]:
    return list(story.items.values())


def test_there_are_24_candidates_with_names_of_their_own(story: Story) -> None:
    assert len({mail_name(journey.name) for journey in story.journeys}) == 24


def test_every_role_has_somebody(story: Story) -> None:
    held = {role for member in story.people["staff"] for role in member["roles"]}
    assert held | {"candidate"} == {role.value for role in Role}


def test_assessors_are_three_and_one_of_them_a_trainee(story: Story) -> None:
    roles = Counter(role for member in story.people["staff"] for role in member["roles"])
    assert (roles["assessor"], roles["trainee_assessor"]) == (2, 1)


def test_one_person_has_two_roles(story: Story) -> None:
    assert [len(member["roles"]) for member in story.people["staff"]].count(2) == 1


def test_all_eight_kinds_of_evidence_occur(story: Story) -> None:
    assert {item.kind for item in _items(story)} == set(EvidenceKind)


def test_every_claim_names_a_criterion_and_range_of_the_sample(story: Story) -> None:
    known = {
        f"{unit.ref.rsplit('/', 1)[1]}/{criterion.ref}": {item.ref for item in criterion.range_items}
        for unit in load_sample().units
        if unit.ref
        for criterion in unit.criteria
    }
    for item in _items(story):
        for claim in item.claims:
            assert set(claim.range) <= known[claim.criterion], (item.key, claim.criterion)


def test_every_criterion_of_both_units_is_covered_by_something(story: Story) -> None:
    claimed = {claim.criterion for item in _items(story) for claim in item.claims}
    wanted = {
        f"{unit.ref.rsplit('/', 1)[1]}/{criterion.ref}"
        for unit in load_sample().units
        if unit.ref
        for criterion in unit.criteria
    }
    assert claimed == wanted


def test_every_file_can_be_made_and_every_locator_points_into_one(story: Story) -> None:
    for item in _items(story):
        assert set(item.files) <= MEDIA
        assert item.files or not GUIDES[item.kind].files_required
        for claim in item.claims:
            number, _, fragment = claim.at.partition(" ")
            assert not number or int(number) < len(item.files), (item.key, claim.criterion)
            assert not fragment or parse_fragment(fragment)


def test_no_candidate_makes_the_same_item_twice(story: Story) -> None:
    for journey in story.journeys:
        made = Counter(step.what for step in journey.steps if step.verb in ("begin", "record"))
        assert max(made.values(), default=1) == 1, journey.name


def test_every_text_can_be_filled_for_every_candidate(story: Story) -> None:
    for journey in story.journeys:
        setting = make_setting(story.people, journey.name, chance_for(1, journey.name))
        for item in _items(story):
            texts = [*item.titles, item.text, item.returned, item.revised]
            texts += [word for claim in item.claims for word in (claim.why, claim.met, claim.not_yet)]
            filled = setting.fill_all(texts, date(2026, 11, 3))
            assert not [text for text in filled if "{" in text or "}" in text]


def test_an_item_that_goes_back_says_why(story: Story) -> None:
    for journey in story.journeys:
        for step in journey.steps:
            if step.verb == "return":
                assert story.items[step.what].returned, step.what


def test_another_seed_tells_other_words(story: Story) -> None:
    names = [journey.name for journey in story.journeys]
    first = [make_setting(story.people, name, chance_for(1, name)) for name in names]
    again = [make_setting(story.people, name, chance_for(1, name)) for name in names]
    other = [make_setting(story.people, name, chance_for(2, name)) for name in names]
    assert first == again
    assert first != other
