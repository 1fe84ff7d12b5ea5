"""The choice of a time zone: everything that is accepted can be chosen once, and what is likely stands first."""

from portfolio.people.queries import zone_choices, zone_names


def test_every_zone_can_be_chosen_once_and_those_nearby_come_first() -> None:
    choices = zone_choices()
    chosen = [name for _, zones in choices for name, _ in zones]
    assert sorted(chosen) == sorted(zone_names())
    assert choices[0][0] == "United Kingdom and Ireland"
    assert choices[0][1][0] == ("Europe/London", "London")


def test_zones_are_told_in_words() -> None:
    words = {name: text for _, zones in zone_choices() for name, text in zones}
    assert words["America/Argentina/Buenos_Aires"] == "Argentina, Buenos Aires"
    assert words["Europe/Isle_of_Man"] == "Isle of Man"
    assert words["UTC"] == "UTC"
