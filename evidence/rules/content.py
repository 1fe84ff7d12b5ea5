"""The canonical content of a revision: what its digest covers. Equal content gives equal structures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from criteria.rules import EvidenceKind

FORMAT = 1


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file as the digest covers it. `captions`: the digest of the author's captions of it, "" for none."""

    code: str
    name: str
    sha256: str
    size_bytes: int
    captions: str = ""


@dataclass(frozen=True, slots=True)
class MappingContent:
    """A mapping as the digest covers it. `criterion` is the opaque code of the framework node."""

    criterion: str
    reason: str
    locators: Sequence[Mapping[str, Any]] = ()
    range_items: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionContent:
    """Everything a revision says, for `canonical_content`. `files` in the order of the item."""

    portfolio: str
    evidence: str
    number: int
    kind: EvidenceKind
    title: str
    text: str
    details: Mapping[str, Any]
    occurred_on: date | None
    site: str | None
    simulated: bool
    rpl: bool
    files: Sequence[FileContent] = field(default_factory=tuple)
    mappings: Sequence[MappingContent] = field(default_factory=tuple)


def canonical_content(revision: RevisionContent) -> dict[str, Any]:
    """What the digest of a revision covers, ready for canonical JSON.

    The order of mappings, locators and range items means nothing and is normalised; that of files stays.
    Empty details, and captions where there are none, are left out, so that asking for something new later does not
    change old digests.
    """
    return {
        "format": FORMAT,
        "portfolio": revision.portfolio,
        "evidence": revision.evidence,
        "revision": revision.number,
        "kind": revision.kind.value,
        "title": revision.title,
        "text": revision.text,
        "details": {name: value for name, value in revision.details.items() if value},
        "occurred_on": revision.occurred_on.isoformat() if revision.occurred_on else None,
        "site": revision.site,
        "simulated": revision.simulated,
        "rpl": revision.rpl,
        "files": [_file(f) for f in revision.files],
        "mappings": sorted((_mapping(m) for m in revision.mappings), key=lambda m: str(m["criterion"])),
    }


def _file(file: FileContent) -> dict[str, Any]:
    said = {"code": file.code, "name": file.name, "sha256": file.sha256, "size_bytes": file.size_bytes}
    return said | ({"captions": file.captions} if file.captions else {})


def _mapping(mapping: MappingContent) -> dict[str, Any]:
    locators = [(str(each.get("file") or ""), str(each.get("fragment") or "")) for each in mapping.locators]
    return {
        "criterion": mapping.criterion,
        "reason": mapping.reason,
        "locators": [list(each) for each in sorted(locators)],
        "range_items": sorted(mapping.range_items),
    }
