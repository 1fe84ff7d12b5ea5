"""The accounts of a demonstration, kept in a file of the data folder: the mark of a finished demonstration.

The file holds sign-in links that work, so it is readable by its owner only. It is written last.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from portfolio.core.actor import ROLE_LABELS, Role
from portfolio.core.errors import Invalid

FILE = "demo.json"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody to sign in as. `path` is the address of their link without the site: "/demo/…"."""

    role: str
    name: str
    email: str
    password: str
    path: str

    @property
    def label(self) -> str:
        """The role in words."""
        return ROLE_LABELS[Role(self.role)]

    def to_json(self, public_url: str) -> dict[str, str]:
        """What `portfolio demo --json` prints."""
        return {
            "role": self.role,
            "name": self.name,
            "email": self.email,
            "password": self.password,
            "url": public_url + self.path,
        }


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A finished demonstration: who can sign in, and what had to be left out, as sentences."""

    seed: int
    accounts: Sequence[Account]
    notes: Sequence[str] = ()


def is_demonstration(data_dir: Path) -> bool:
    """Whether the folder holds a finished demonstration."""
    return (data_dir / FILE).is_file()


def read_demonstration(data_dir: Path) -> Demonstration:
    """What `write_demonstration` wrote. Raises Invalid when the file cannot be read as such."""
    path = data_dir / FILE
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        accounts = [Account(**each) for each in said["accounts"]]
        return Demonstration(int(said["seed"]), accounts, [str(note) for note in said["notes"]])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Invalid(
            f"{path} does not describe a demonstration. Remove the folder {data_dir} to make a new one."
        ) from error


def write_demonstration(data_dir: Path, made: Demonstration) -> None:
    """Mark a folder as a finished demonstration."""
    said = {
        "seed": made.seed,
        "notes": list(made.notes),
        "accounts": [asdict(each) for each in made.accounts],
    }
    descriptor = os.open(data_dir / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(said, file, ensure_ascii=False, indent=2)
        file.flush()
        os.fsync(file.fileno())
