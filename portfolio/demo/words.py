"""The words that differ between candidates: employer, team, colleagues, figures. Deterministic by seed."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a candidate works, and the words that stand for braces in the story."""

    site: str
    words: Mapping[str, str]

    def fill(self, text: str, day: date) -> str:
        """A text with every brace filled; `day` is the date of the work."""
        return text.format_map({**self.words, "day": _written(day), "month": day.strftime("%B")}).strip()

    def fill_all(self, value: Any, day: date) -> Any:
        """The same for every text inside lists and mappings."""
        if isinstance(value, str):
            return self.fill(value, day)
        if isinstance(value, Mapping):
            return {name: self.fill_all(inner, day) for name, inner in value.items()}
        if isinstance(value, Sequence):
            return [self.fill_all(inner, day) for inner in value]
        return value


def chance_for(seed: int, what: str) -> random.Random:
    """A source of chance that is the same for the same seed and purpose."""
    return random.Random(f"{seed} {what}")  # noqa: S311  figures and names in a story, nothing secret


def make_setting(people: Mapping[str, Any], name: str, chance: random.Random) -> Setting:
    """Where the candidate of this name works."""
    work = chance.choice(people["employers"])
    leader = chance.choice(people["leaders"])
    after, resolved, quality = chance.randint(318, 352), chance.randint(62, 68), chance.randint(77, 82)
    return Setting(
        work["site"],
        {
            "name": name.split()[0],
            "employer": work["employer"],
            "queue": work["queue"],
            "product": work["product"],
            "site": next(site["name"] for site in people["sites"] if site["key"] == work["site"]),
            "team": chance.choice(people["teams"]),
            "leader": leader,
            "leader_mail": f"{mail_name(leader)}@{work['employer'].lower().replace(' ', '-')}.example",
            "agent": chance.choice(people["agents"]),
            "aht_after": f"{after // 60}:{after % 60:02d}",
            "fcr_before": str(resolved),
            "fcr_after": str(resolved + 7),
            "qa_before": str(quality),
            "qa_after": str(quality + chance.randint(8, 12)),
            "wrap_before": str(chance.randint(74, 92)),
        },
    )


def mail_name(name: str) -> str:
    """The part of an address before the @.

    >>> mail_name("Liam O'Connor")
    'liam.oconnor'
    """
    words = name.lower().replace("'", "").split()
    return ".".join(word for word in words if word != "dr")


def _written(day: date) -> str:
    return f"{day.day} {day.strftime('%B')}"
