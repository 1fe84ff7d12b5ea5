"""The examples in the documentation of the formats are read without a problem, and say the same."""

import re
from pathlib import Path

from criteria.importers.reading import parse

_DOCUMENT = Path(__file__).parents[4] / "docs" / "framework-format.md"


def _example(language: str) -> bytes:
    blocks = re.findall(
        r"^```(\w*)\n(.*?)^```$", _DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    examples: list[str] = [text for found, text in blocks if found == language]
    return examples[-1].encode()


def test_the_yaml_and_the_csv_example_are_the_same_framework() -> None:
    yaml, csv = parse(_example("yaml")), parse(_example("csv"))

    assert yaml.problems == ()
    assert yaml == csv
    assert all(yaml.units[0].guidance.to_json().values())


def test_the_unit_page_example_is_understood() -> None:
    found = parse(_example(""))

    assert found.problems == ()
    assert [len(c.range_items) for c in found.units[0].criteria] == [2]
