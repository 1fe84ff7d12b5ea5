"""What a revision says, as pages show it and as the rules check it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from criteria.models import Node
from criteria.queries import RangeRef, range_by_criterion
from criteria.rules import Status
from criteria.wording import status_word
from evidence.models import Blob, EvidenceFile, Mapping, Revision
from evidence.queries.items import Draft
from evidence.queries.previews import UNKNOWN, LookView, extents_of, looks_at
from evidence.queries.timed_text import CaptionsView, captions_of
from evidence.rules import (
    DraftPicture,
    MappingOrigin,
    MappingPicture,
    fragment_words,
    parse_fragment,
    seek_fragment,
)
from evidence.rules.file_words import type_word
from evidence.rules.previews import PreviewKind, PreviewState, claim_mismatch, length_words
from evidence.sniff import Family, family, is_inline_safe
from portfolio.core.log import digest_of
from portfolio.people.models import Site
from portfolio.records.models import CoverageRow, Portfolio

_PLAYED = (Family.AUDIO, Family.VIDEO)


@dataclass(frozen=True, slots=True)
class FileView:
    """A file as a page shows it. Sizes in bytes."""

    code: str
    name: str
    media_type: str
    family: Family
    shown: bool  # whether a browser may show it inside the page
    size_bytes: int
    sha256: str
    added_at: datetime
    position: int  # grows along the list; not always by one
    claimed_type: str = ""
    look: LookView = UNKNOWN
    captions: Sequence[CaptionsView] = ()

    @property
    def is_recording(self) -> bool:
        """Whether it is sound or film, so that it can have captions."""
        return self.family in _PLAYED

    @property
    def own_captions(self) -> CaptionsView | None:
        """The captions that belong to what the author says."""
        return next((each for each in self.captions if not each.added_later), None)

    @property
    def url(self) -> str:
        """Where the original is shown or played."""
        return f"/files/{self.code}"

    @property
    def details(self) -> str:
        """What was measured, for people: "3:12 · 1,920 × 1,080 · MP4 video"."""
        look, words = self.look, []
        if look.duration_seconds:
            words.append(length_words(look.duration_seconds))
        if look.width and look.height:
            words.append(f"{look.width:,} × {look.height:,}")
        if look.pages:
            words.append("1 page" if look.pages == 1 else f"{look.pages:,} pages")
        return " · ".join([*words, type_word(self.media_type) if self.size_bytes else "empty"])

    @property
    def mismatch(self) -> bool:
        """Whether the sender claimed another type than was found."""
        return claim_mismatch(self.claimed_type, self.media_type)

    def preview_url(self, kind: str, page: int = 0) -> str:
        """The address of a preview that is ready; "" when it is not."""
        wanted = PreviewKind(kind)
        there = page in self.look.page_images if page else self.look.ready(wanted) is not None
        return f"{self.url}/previews/{kind}{f'-{page}' if page else ''}" if there else ""

    @property
    def played(self) -> tuple[str, str] | None:
        """Address and media type of what a player should play: the version for browsers, or the original.

        None when neither can be played.
        """
        for kind in (PreviewKind.PROXY_VIDEO, PreviewKind.PROXY_AUDIO):
            if proxy := self.look.ready(kind):
                return self.preview_url(kind), proxy.media_type
        if self.is_recording and self.shown:
            return self.url, self.media_type
        return None

    @property
    def pictured(self) -> str:
        """The address of what stands for a picture: the upright copy, or the original where it is safe.

        "" for a picture that could not be drawn: a browser would show a broken one.
        """
        usable = self.shown and self.look.state is not PreviewState.NONE
        return self.preview_url(PreviewKind.PICTURE) or (self.url if usable else "")


@dataclass(frozen=True, slots=True)
class LocatorView:
    """A part of a file, or (file None) of the item as a whole."""

    file: FileView | None
    fragment: str

    @property
    def words(self) -> str:
        """Such as "0:12–0:40"."""
        return fragment_words(self.fragment)

    @property
    def shown_at(self) -> str:
        """The place in the page where the first page of the part is shown ("#page-…"); "" when it is not."""
        page = re.match(r"page=(\d{1,6})", self.fragment)
        if self.file is None or page is None or int(page[1]) not in self.file.look.page_images:
            return ""
        return f"#page-{self.file.code}-{page[1]}"

    @property
    def url(self) -> str:
        """The file opened at that part; "" without a file."""
        seek = seek_fragment(self.fragment)
        return f"{self.file.url}#{seek}" if self.file and seek else (self.file.url if self.file else "")


@dataclass(frozen=True, slots=True)
class MappingView:
    """A mapping with its criterion and unit. `status` is the criterion's coverage today."""

    mapping: Mapping
    criterion: Node
    unit: Node
    locators: Sequence[LocatorView]
    ranges: Sequence[RangeRef]  # all that apply to the criterion
    status: Status | None

    @property
    def status_words(self) -> str:
        """Such as "Criterion met": the criterion may be met by other items, whatever was decided on this one."""
        return f"Criterion {status_word(self.status).lower()}" if self.status else ""

    @property
    def chosen_ranges(self) -> Sequence[RangeRef]:
        """The range items that the mapping claims."""
        return [item for item in self.ranges if item.ref in self.mapping.range_items]

    @property
    def range_options(self) -> list[tuple[str, str]]:
        """The range items as (reference, words) to tick."""
        return [(item.ref, f"{item.ref} {item.text}") for item in self.ranges]

    @property
    def fingerprint(self) -> str:
        """What the mapping says, in short: a form carries it, so that an overtaken save is noticed."""
        return fingerprint(self.mapping)

    @property
    def by_assessor(self) -> bool:
        """Whether an assessor said so, and not the candidate."""
        return self.mapping.origin is MappingOrigin.ASSESSOR


@dataclass(frozen=True, slots=True)
class Clip:
    """A part of a recording that a mapping names. `status` and `word`: how its criterion stands, or its decision."""

    mapping: str
    ref: str
    unit_ref: str
    fragment: str
    status: str
    word: str = ""  # "" for the word of the status

    @property
    def words(self) -> str:
        """Such as "0:12–0:40"."""
        return fragment_words(self.fragment)


@dataclass(frozen=True, slots=True)
class RevisionView:
    """A revision with everything a page shows of it. `mappings` are live ones in the framework's order."""

    revision: Revision
    site: Site | None
    files: Sequence[FileView]
    mappings: Sequence[MappingView]
    dropped: Sequence[MappingView]

    def by_unit(self) -> list[tuple[Node, list[MappingView]]]:
        """The live mappings under their units, in the framework's order."""
        found: dict[int, tuple[Node, list[MappingView]]] = {}
        for each in self.mappings:
            found.setdefault(each.unit.id, (each.unit, []))[1].append(each)
        return list(found.values())

    def clips_of(self, file_code: str) -> list[Clip]:
        """The parts of a recording that the live mappings name, in order of time."""
        found = [
            Clip(
                mapping=each.mapping.code,
                ref=each.criterion.ref,
                unit_ref=each.unit.ref,
                fragment=part.fragment,
                status=(each.status or Status.CLAIMED).value,
                word=each.status_words,
            )
            for each in self.mappings
            for part in each.locators
            if part.file and part.file.code == file_code and part.fragment.startswith("t=")
        ]
        return sorted(found, key=lambda clip: parse_fragment(clip.fragment).start_seconds or 0.0)


def fingerprint(mapping: Mapping) -> str:
    """What a mapping says, in short."""
    return digest_of([mapping.reason, mapping.locators, mapping.range_items])[:16]


def file_view(file: EvidenceFile, blob: Blob, look: LookView = UNKNOWN) -> FileView:
    """A file row for pages."""
    return FileView(
        file.code,
        file.name,
        blob.media_type,
        family(blob.media_type),
        is_inline_safe(blob.media_type) and not look.scan.is_infected,
        blob.size_bytes,
        blob.sha256,
        file.added_at,
        file.position,
        file.claimed_type,
        look,
    )


def files_of(session: Session, revision_id: int) -> list[FileView]:
    """The files of a revision in their order. Three queries; up to two more where there are recordings."""
    rows = session.execute(
        select(EvidenceFile, Blob)
        .join(Blob, Blob.id == EvidenceFile.blob_id)
        .where(EvidenceFile.revision_id == revision_id)
        .order_by(EvidenceFile.position, EvidenceFile.id)
    ).all()
    looks = looks_at(session, {blob.id for _, blob in rows})
    recordings = {blob.id for _, blob in rows if family(blob.media_type) in _PLAYED}
    captions = captions_of(session, revision_id, recordings)
    return [
        replace(file_view(file, blob, looks.get(blob.id, UNKNOWN)), captions=tuple(captions.get(blob.id, ())))
        for file, blob in rows
    ]


def revision_view(session: Session, portfolio: Portfolio, revision: Revision) -> RevisionView:
    """Everything a page shows of a revision that the caller has authorised. At most nine queries."""
    files = files_of(session, revision.id)
    mappings = _mapping_views(session, portfolio, revision, files)
    return RevisionView(
        revision=revision,
        site=session.get(Site, revision.site_id) if revision.site_id else None,
        files=files,
        mappings=[each for each in mappings if each.mapping.dropped_at is None],
        dropped=[each for each in mappings if each.mapping.dropped_at is not None],
    )


def _mapping_views(
    session: Session, portfolio: Portfolio, revision: Revision, files: Sequence[FileView]
) -> list[MappingView]:
    unit = aliased(Node)
    rows = session.execute(
        select(Mapping, Node, unit, CoverageRow.status)
        .join(Node, Node.id == Mapping.criterion_id)
        .join(unit, unit.id == Node.unit_id)
        .outerjoin(
            CoverageRow,
            (CoverageRow.criterion_id == Node.id) & (CoverageRow.portfolio_id == portfolio.id),
        )
        .where(Mapping.revision_id == revision.id)
        .order_by(Node.position, Mapping.id)
    ).all()
    ranges = range_by_criterion(session, portfolio.version_id) if rows else {}
    by_code = {file.code: file for file in files}
    return [
        MappingView(
            mapping, criterion, inside, _locators(mapping, by_code), ranges.get(criterion.id, ()), status
        )
        for mapping, criterion, inside, status in rows
    ]


def _locators(mapping: Mapping, files: dict[str, FileView]) -> list[LocatorView]:
    return [
        LocatorView(files.get(str(each.get("file") or "")), str(each.get("fragment") or ""))
        for each in mapping.locators
    ]


def draft_picture(session: Session, draft: Draft) -> DraftPicture:
    """A draft as `problems_before_submission` sees it, its files as far as they were measured. Two queries."""
    revision = draft.revision
    mappings = session.execute(
        select(Mapping, Node.ref)
        .join(Node, Node.id == Mapping.criterion_id)
        .where(Mapping.revision_id == revision.id, Mapping.dropped_at.is_(None))
        .order_by(Node.position)
    )
    extents = extents_of(session, revision.id)
    return DraftPicture(
        kind=draft.evidence.kind,
        title=revision.title,
        text=revision.text,
        details=revision.details,
        occurred_on=revision.occurred_on,
        has_site=revision.site_id is not None,
        rpl=revision.rpl,
        file_codes=frozenset(extents),
        extents=extents,
        mappings=tuple(
            MappingPicture(ref, mapping.reason, tuple(_pairs(mapping.locators))) for mapping, ref in mappings
        ),
    )


def _pairs(locators: Sequence[dict[str, Any]]) -> list[tuple[str | None, str]]:
    return [(each.get("file"), str(each.get("fragment") or "")) for each in locators]


def file_blobs(session: Session, after_id: int = 0, limit: int = 1000) -> Sequence[Blob]:
    """Blob rows in order of id, a page at a time, for checks of the store."""
    return session.scalars(select(Blob).where(Blob.id > after_id).order_by(Blob.id).limit(limit)).all()
