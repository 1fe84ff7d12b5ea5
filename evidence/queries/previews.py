"""Reads about previews: what is known of files, what can be shown of them, and the bytes of one preview."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from evidence.models import Blob, EvidenceFile
from evidence.previews.models import BlobFacts, Preview
from evidence.queries.items import FileFound, get_file
from evidence.rules import Extent
from evidence.rules.keeping import UNSCANNED, Scan
from evidence.rules.previews import PreviewKind, PreviewState
from evidence.storage_models import BlobScan
from portfolio.core.actor import Actor
from portfolio.core.errors import NotFound

_NAME = re.compile(r"([a-z_]{1,20})(?:-([1-9][0-9]{0,5}))?")
_LONG_WORK = frozenset({PreviewKind.PROXY_VIDEO, PreviewKind.PROXY_AUDIO})


@dataclass(frozen=True, slots=True)
class Shown:
    """A preview without its bytes."""

    kind: PreviewKind
    page: int
    state: PreviewState
    reason: str
    data: Any
    media_type: str


@dataclass(frozen=True, slots=True)
class LookView:
    """What is known of a file. Of one that nobody looked at or will, everything is None or empty."""

    state: PreviewState | None = None
    reason: str = ""
    duration_seconds: float | None = None
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    taken_at: str | None = None
    shown: Sequence[Shown] = field(default=())
    scan: Scan = UNSCANNED

    @property
    def extent(self) -> Extent:
        """How long the file is, for checking locators."""
        return Extent(self.duration_seconds, self.pages)

    def ready(self, kind: str) -> Shown | None:
        """The preview of this kind, if it is there."""
        found = (each for each in self.shown if each.kind == kind and each.state is PreviewState.READY)
        return next(found, None)

    @property
    def page_images(self) -> list[int]:
        """The pages that can be shown, in order."""
        ready = (e for e in self.shown if e.kind is PreviewKind.PAGE_IMAGE and e.state is PreviewState.READY)
        return sorted(each.page for each in ready)

    @property
    def note(self) -> str:
        """Where the previews stand, as a sentence; "" when all are there, or none was asked for."""
        if self.state is None or self.scan.is_infected:
            return ""
        if self.state is PreviewState.WAITING:
            return "A preview is being made."
        if any(each.state is PreviewState.WAITING for each in self.shown):
            return "A version that plays in every browser is being made."
        if self.state is PreviewState.NONE:
            return f"No preview: {_lowered(self.reason)}"
        if failed := [each for each in self.shown if each.state is PreviewState.NONE]:
            what = "No version that plays in every browser" if failed[0].kind in _LONG_WORK else "No preview"
            return f"{what}: {_lowered(failed[0].reason)}"
        return ""


UNKNOWN = LookView()


def _lowered(reason: str) -> str:
    """A sentence behind a colon, unless it begins with a name."""
    first = reason.partition(" ")[0]
    return (
        reason[:1].lower() + reason[1:]
        if first in {"The", "This", "Files", "Pictures", "Looking"}
        else reason
    )


def looks_at(session: Session, blob_ids: Collection[int]) -> Mapping[int, LookView]:
    """What is known of these blobs, by their id. Two queries."""
    if not blob_ids:
        return {}
    shown: dict[int, list[Shown]] = {}
    rows = session.execute(
        select(Preview, Blob.media_type)
        .outerjoin(Blob, Blob.id == Preview.content_id)
        .where(Preview.blob_id.in_(blob_ids))
        .order_by(Preview.blob_id, Preview.kind, Preview.page)
    )
    for row, media_type in rows:
        each = Shown(row.kind, row.page, row.state, row.reason, row.data, media_type or "")
        shown.setdefault(row.blob_id, []).append(each)
    facts = session.execute(
        select(BlobFacts, BlobScan)
        .outerjoin(BlobScan, BlobScan.blob_id == BlobFacts.blob_id)
        .where(BlobFacts.blob_id.in_(blob_ids))
    )
    return {row.blob_id: _view(row, shown.get(row.blob_id, []), scan) for row, scan in facts}


def _view(facts: BlobFacts, shown: Sequence[Shown], row: BlobScan | None) -> LookView:
    """Nothing that was made of an infected file is shown."""
    scan = Scan(row.state, row.reason, row.found, row.engine, row.signatures) if row else UNSCANNED
    return LookView(
        facts.state,
        facts.reason,
        facts.duration_seconds,
        facts.width,
        facts.height,
        facts.pages,
        facts.taken_at,
        () if scan.is_infected else tuple(shown),
        scan,
    )


def extents_of(session: Session, revision_id: int) -> dict[str, Extent]:
    """The length of each file of a revision as far as it was measured, by the code of the file."""
    rows = session.execute(
        select(EvidenceFile.code, BlobFacts.duration_seconds, BlobFacts.pages)
        .outerjoin(BlobFacts, BlobFacts.blob_id == EvidenceFile.blob_id)
        .where(EvidenceFile.revision_id == revision_id)
    )
    return {code: Extent(seconds, pages) for code, seconds, pages in rows}


def get_preview(session: Session, actor: Actor, code: str, name: str) -> tuple[FileFound, Blob]:
    """The bytes of a preview, by the rights to its file: `name` is a kind, or "page_image-3" for a page.

    Raises NotFound, also when there is no such preview.
    """
    found = get_file(session, actor, code)
    match = _NAME.fullmatch(name)
    if match is None or match[1] not in set(PreviewKind):
        raise NotFound()
    blob = session.scalars(
        select(Blob)
        .join(Preview, Preview.content_id == Blob.id)
        .where(
            Preview.blob_id == found.blob.id,
            Preview.kind == PreviewKind(match[1]),
            Preview.page == int(match[2] or 0),
            Preview.state == PreviewState.READY,
        )
    ).one_or_none()
    if blob is None:
        raise NotFound()
    return found, blob
