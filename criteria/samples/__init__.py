"""Sample frameworks that come with the system, as package data in our own YAML format, and questions about them."""

from dataclasses import dataclass
from importlib.resources import files

import yaml

from criteria.importers.parsed import ParsedFramework
from criteria.importers.yaml_format import read_yaml

SAMPLE_FILE = "contact_centre.yaml"
QUESTIONS_FILE = "questions.yaml"


@dataclass(frozen=True, slots=True)
class SampleQuestion:
    """A question about a unit; `criteria` are references, `pointers` what a good answer holds, or ""."""

    text: str
    pointers: str
    criteria: tuple[str, ...]


def sample_bytes() -> bytes:
    """The sample framework as the file that ships."""
    return files(__name__).joinpath(SAMPLE_FILE).read_bytes()


def load_sample() -> ParsedFramework:
    """The sample qualification with its two units, written for this project."""
    return read_yaml(sample_bytes())


def sample_questions() -> dict[str, list[SampleQuestion]]:
    """The questions that come with the sample, by the reference of the unit, in order."""
    loaded = yaml.safe_load(files(__name__).joinpath(QUESTIONS_FILE).read_text(encoding="utf-8"))
    return {
        unit: [
            SampleQuestion(each["question"], each.get("pointers", "").strip(), tuple(each["criteria"]))
            for each in questions
        ]
        for unit, questions in loaded.items()
    }
