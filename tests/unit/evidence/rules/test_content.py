"""The digest of a revision covers everything it says, and nothing else."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from criteria.rules import EvidenceKind
from evidence.rules import FileContent, MappingContent, RevisionContent, canonical_content
from portfolio.core.log import digest_of

FILE = FileContent("f1", "call.mp3", "ab" * 32, 1200)
OTHER = FileContent("f2", "notes.pdf", "cd" * 32, 10)
FIRST = MappingContent("c1", "Shows it.", ({"file": "f1", "fragment": "t=1,2"},), ("a", "b"))
SECOND = MappingContent("c2", "")
BASE = RevisionContent(
    portfolio="p1",
    evidence="E001",
    number=1,
    kind=EvidenceKind.RECORDING,
    title="Call",
    text="Text",
    details={"people": "Ann"},
    occurred_on=date(2026, 3, 1),
    site="s1",
    simulated=False,
    rpl=False,
    files=(FILE, OTHER),
    mappings=(FIRST, SECOND),
)


def digest(content: RevisionContent) -> str:
    return digest_of(canonical_content(content))


@pytest.mark.parametrize(
    "change",
    [
        {"portfolio": "p2"},
        {"evidence": "E002"},
        {"number": 2},
        {"kind": EvidenceKind.PRODUCT},
        {"title": "Call "},
        {"text": "text"},
        {"details": {"people": "Bob"}},
        {"occurred_on": date(2026, 3, 2)},
        {"occurred_on": None},
        {"site": None},
        {"simulated": True},
        {"rpl": True},
        {"files": (OTHER, FILE)},
        {"files": (FILE,)},
        {"files": (replace(FILE, sha256="ef" * 32), OTHER)},
        {"files": (replace(FILE, name="x.mp3"), OTHER)},
        {"mappings": (FIRST,)},
        {"mappings": (replace(FIRST, reason="Other"), SECOND)},
        {"mappings": (replace(FIRST, locators=()), SECOND)},
        {"mappings": (replace(FIRST, range_items=("a",)), SECOND)},
        {"mappings": (replace(FIRST, criterion="c3"), SECOND)},
    ],
)
def test_any_change_changes_the_digest(change: dict[str, Any]) -> None:
    assert digest(replace(BASE, **change)) != digest(BASE)


@pytest.mark.parametrize(
    "change",
    [
        {"mappings": (SECOND, FIRST)},
        {"mappings": (replace(FIRST, range_items=("b", "a")), SECOND)},
        {"details": {"people": "Ann", "later_field": ""}},
    ],
)
def test_what_means_the_same_has_the_same_digest(change: dict[str, Any]) -> None:
    assert digest(replace(BASE, **change)) == digest(BASE)
