"""Sample frameworks that come with the system, as package data in our own YAML format."""

from importlib.resources import files

from criteria.importers.parsed import ParsedFramework
from criteria.importers.yaml_format import read_yaml

SAMPLE_FILE = "contact_centre.yaml"


def sample_bytes() -> bytes:
    """The sample framework as the file that ships."""
    return files(__name__).joinpath(SAMPLE_FILE).read_bytes()


def load_sample() -> ParsedFramework:
    """The sample qualification with its two units, written for this project."""
    return read_yaml(sample_bytes())
