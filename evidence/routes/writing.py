"""Writing a reflective account: guidance and key terms beside the text, and the versions of what was written."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from criteria.rules import EvidenceKind
from evidence.forms import read_page
from evidence.permissions import EVIDENCE_WRITE
from evidence.queries import Draft, get_draft, get_own_item
from evidence.queries.versions import (
    MAX_SHOWN,
    get_version,
    newest_version,
    standing_revision,
    units_to_write_about,
    versions_of,
    writing_help,
)
from evidence.rules import ABOUT, EvidenceState
from evidence.rules.differences import Change, differences
from evidence.rules.writing import PROMPTS, count_words
from evidence.service import restore_version
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import render, see_other

routes = Routes()


def writing_context(session: Session, draft: Draft, values: dict[str, Any]) -> dict[str, Any]:
    """What the edit page of an account needs beside the fields, for what stands in them."""
    about, text = values.get(ABOUT) or [], values.get("text") or ""
    return {
        "writing": writing_help(session, draft.portfolio.id, draft.revision.id, about, text),
        "about_units": units_to_write_about(session, draft.portfolio.id),
        "prompts": PROMPTS,
        "words": count_words(text),
        "has_versions": newest_version(session, draft.evidence.id) is not None,
    }


@routes.action("/evidence/{code}/terms", EVIDENCE_WRITE)
def show_terms(
    request: Request, code: str, session: ReadSession, actor: CurrentActor, posted: Posted
) -> Response:
    """The key terms used and not used in what is typed now; nothing is stored."""
    return _beside(
        request, session, get_draft(session, actor, code), posted.raw("text"), posted.many(ABOUT), "terms"
    )


@routes.action("/evidence/{code}/guidance", EVIDENCE_WRITE)
def show_guidance(
    request: Request, code: str, session: ReadSession, actor: CurrentActor, posted: Posted
) -> Response:
    """The guidance of the units that are ticked now; nothing is stored."""
    draft = get_draft(session, actor, code)
    return _beside(request, session, draft, posted.raw("text"), posted.many(ABOUT), "guidance")


def _beside(
    request: Request, session: Session, draft: Draft, text: str, about: list[str], part: str
) -> Response:
    writing = writing_help(session, draft.portfolio.id, draft.revision.id, about, text)
    return render(request, f"evidence/_writing_{part}.html", writing=writing)


@routes.page("/evidence/{code}/versions", EVIDENCE_WRITE)
def show_versions(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """What was written, from the newest version to the oldest."""
    item = get_own_item(session, actor, code)
    page = read_page(request.query_params)
    lines = versions_of(session, item.evidence.id, (page - 1) * MAX_SHOWN)
    standing = standing_revision(session, item)
    return render(
        request,
        "evidence/versions.html",
        title=f"Versions of {item.reference}",
        crumbs=[
            ("Evidence", f"/evidence?portfolio={item.portfolio.code}"),
            (item.reference, f"/evidence/{code}"),
        ],
        item=item,
        lines=lines,
        standing=standing,
        newer=page - 1,
        older=page + 1 if lines and lines[-1].number > 1 else 0,
    )


@routes.page("/evidence/{code}/versions/{version_code}", EVIDENCE_WRITE)
def show_version(
    request: Request, code: str, version_code: str, session: ReadSession, actor: CurrentActor
) -> Response:
    """One version, and how it differs from what stands now."""
    item, version = get_version(session, actor, code, version_code)
    standing = standing_revision(session, item)
    pieces = differences(version.text, standing.text)
    return render(
        request,
        "evidence/version.html",
        title=f"Version {version.number} of {item.reference}",
        crumbs=[(item.reference, f"/evidence/{code}"), ("Versions", f"/evidence/{code}/versions")],
        item=item,
        version=version,
        standing=standing,
        pieces=pieces,
        added=sum(count_words(each.text) for each in pieces if each.change is Change.ADDED),
        taken=sum(count_words(each.text) for each in pieces if each.change is Change.TAKEN),
        same=version.text == standing.text,
        restorable=item.evidence.state is EvidenceState.DRAFT
        and item.evidence.kind is EvidenceKind.REFLECTIVE_ACCOUNT,
    )


@routes.action("/evidence/{code}/versions/{version_code}/restore", EVIDENCE_WRITE)
def restore(
    request: Request,
    code: str,
    version_code: str,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
) -> Response:
    """Bring an earlier version back into the draft."""
    number = restore_version(session, actor, code, version_code)
    message = f"Version {number} stands in the draft again. What stood there is a version too."
    return see_other(request, f"/evidence/{code}/edit#f-text", message)
