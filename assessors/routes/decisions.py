"""What was decided on one item, as a page and as a part of the item's page; and replacing a decision."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from assessors.forms import again_answer
from assessors.permissions import DECISIONS, JUDGE
from assessors.queries.decisions import decisions_on
from assessors.queries.live import unit_facts
from assessors.rules import VACSR, why_not_judge_again
from assessors.service import judge_again
from evidence.models import Evidence, Mapping, Revision
from evidence.queries import get_evidence
from portfolio.core.actor import Actor
from portfolio.core.errors import AppError, Forbidden, Invalid, Locked, NotFound, Stale
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.errors import status_of
from portfolio.web.pages import render, see_other, wants_fragment

routes = Routes()


@routes.page("/evidence/{code}/decisions", DECISIONS)
def show_decisions(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """Every decision on the item, by criterion, with its history."""
    return _draw(request, session, actor, code)


@routes.action("/evidence/{code}/decisions/{mapping_code}", JUDGE)
def replace_decision(
    request: Request,
    code: str,
    mapping_code: str,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
) -> Response:
    """Decide one mapping again."""
    get_evidence(session, actor, code)
    if not _belongs(session, code, mapping_code):
        raise NotFound()
    answer, reason = again_answer(posted, mapping_code)
    try:
        posted.check()
        judge_again(session, actor, answer, reason)
    except (Invalid, Stale, Locked, Forbidden) as error:
        return _draw(
            request,
            session,
            actor,
            code,
            error,
            typed={"mapping": mapping_code, "vacsr": answer.vacsr, **posted.values()},
        )
    return see_other(request, f"/evidence/{code}/decisions", "The new decision replaces the earlier one.")


def _belongs(session: Session, code: str, mapping_code: str) -> bool:
    found = (
        select(Mapping.id)
        .join(Revision, Revision.id == Mapping.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .where(Evidence.code == code, Mapping.code == mapping_code)
    )
    return session.scalar(found) is not None


def _draw(
    request: Request,
    session: Session,
    actor: Actor,
    code: str,
    error: AppError | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    item = get_evidence(session, actor, code)
    found = decisions_on(session, actor, item.evidence)
    again = {
        each.live.mapping.code
        for each in found.mappings
        if each.live
        and each.live.decided
        and not why_not_judge_again(
            actor,
            unit_facts(item.portfolio, each.live.unit.unit_id, each.live.unit),
            each.live.decided.person_id,
        )
    }
    fragment = wants_fragment(request) and error is None
    return render(
        request,
        "assessors/_decisions.html" if fragment else "assessors/decisions.html",
        title=f"Decisions on {item.reference}",
        status=status_of(error) if error else 200,
        crumbs=[
            ("Evidence", f"/evidence?portfolio={item.portfolio.code}"),
            (item.reference, f"/evidence/{code}"),
        ],
        item=item,
        found=found,
        again=again,
        questions=VACSR,
        message=error.message if error else "",
        errors=error.errors if isinstance(error, Invalid) else {},
        typed=typed or {},
    )
