"""The sample units are complete, valid and round."""

from criteria.importers.detect import WriteFormat, write
from criteria.importers.parsed import split_faq, split_term
from criteria.importers.reading import parse
from criteria.samples import load_sample


def test_the_sample_can_be_stored_as_it_ships() -> None:
    sample = load_sample()

    assert sample.problems == ()
    assert sample.can_be_stored
    assert [len(unit.criteria) for unit in sample.units] == [16, 17]
    assert all(unit.criteria_of(None) == () for unit in sample.units)


def test_the_sample_has_every_kind_of_guidance_in_its_full_shape() -> None:
    for unit in load_sample().units:
        assert all(unit.guidance.to_json().values())
        assert all(split_term(term)[1] for term in unit.guidance.key_terms)
        assert all(split_faq(question)[1] for question in unit.guidance.faq)


def test_the_sample_survives_every_format() -> None:
    sample = load_sample()
    formats: tuple[WriteFormat, ...] = ("csv", "xlsx", "yaml")

    assert [parse(write(sample, name)) == sample for name in formats] == [True, True, True]
