"""The assessor's home: what waits, longest first; and the caseload."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from assessors.permissions import QUEUE
from assessors.queries.queue import PAGE_SIZE, QueueFilter, caseload, countersignatures_due, queue
from criteria.rules import EvidenceKind, percent
from criteria.wording import count_words, kind_word, moment_day
from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.text import clean_line
from portfolio.people.routes.common import lapsing_of
from portfolio.web.deps import CurrentActor, ReadSession, Routes
from portfolio.web.pages import render

routes = Routes()
LAST_PAGE = 100_000


@routes.page("/queue", QUEUE)
def show_queue(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """Submissions that wait for this assessor."""
    wanted = _filter(request)
    start = page_start(request)
    found = queue(session, actor, wanted, start)
    return render(
        request,
        "assessors/queue.html",
        title="Queue",
        found=found,
        wanted=wanted,
        is_filtered=wanted != QueueFilter(),
        due=countersignatures_due(session, actor),
        has_cases=bool(actor.grants),
        kinds=[(kind.value, kind_word(kind)) for kind in EvidenceKind],
        kind_word=kind_word,
        count_words=count_words,
        days_since=days_since(actor),
        pages=page_links(request, found.start, len(found.rows), found.total),
        **lapsing_of(request, session, actor, actor.person_id),
    )


@routes.page("/caseload", QUEUE)
def show_caseload(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """The candidates allocated to this assessor, with their progress."""
    start = page_start(request)
    rows, total = caseload(session, actor, start)
    return render(
        request,
        "assessors/caseload.html",
        title="Caseload",
        rows=rows,
        total=total,
        start=start,
        percent=percent,
        count_words=count_words,
        today=clock.today(actor.zone),
        pages=page_links(request, start, len(rows), total),
    )


def _filter(request: Request) -> QueueFilter:
    asked = request.query_params
    kind = asked.get("kind", "")
    return QueueFilter(
        kind=EvidenceKind(kind) if kind in set(EvidenceKind) else None,
        candidate=clean_line(asked.get("candidate", ""))[:100],
        begun=asked.get("begun") == "1",
    )


def days_since(actor: Actor) -> Callable[[datetime], int]:
    """How many days a moment lies back, by the calendar of the centre."""
    zone = ZoneInfo(actor.zone)
    return lambda moment: (clock.today(actor.zone) - moment_day(moment, zone)).days


def page_start(request: Request, size: int = PAGE_SIZE) -> int:
    """Where a page of a list begins, from `?page=`; rubbish is the first page."""
    asked = request.query_params.get("page", "")
    page = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
    return (min(max(page, 1), LAST_PAGE) - 1) * size


def page_links(
    request: Request, start: int, count: int, total: int, size: int = PAGE_SIZE, path: str = ""
) -> dict[str, object]:
    """What the pager needs: total, first and last shown (from 1), addresses of the pages beside this one.

    `path` of the list, where the request was posted elsewhere.
    """
    page = start // size + 1

    def link(number: int) -> str:
        kept = {k: v for k, v in request.query_params.items() if k != "page"}
        return f"{path or request.url.path}?{urlencode({**kept, 'page': number})}"

    return {
        "total": total,
        "start": start + 1 if count else 0,
        "end": start + count,
        "previous_url": link(page - 1) if page > 1 else "",
        "next_url": link(page + 1) if start + count < total else "",
    }
