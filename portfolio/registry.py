"""What the packages contribute: routers, job handlers, scheduled work, the recompute of coverage.

The one place to add a package's part; the web application, the worker and the command line read it.
"""

from collections.abc import Callable, Mapping, Sequence

from fastapi import APIRouter
from sqlalchemy.orm import Session

from assessors import routes as assessing
from criteria import routes as criteria_routes
from evidence import jobs as evidence_jobs
from evidence import routes as evidence_routes
from evidence.previews import jobs as preview_jobs
from evidence.scanning import jobs as scan_jobs
from evidence.storage import BlobStore
from evidence.uploads import jobs as upload_jobs
from portfolio import home
from portfolio.core import jobs
from portfolio.core.db import Recompute
from portfolio.core.questions import Questions
from portfolio.core.settings import Settings
from portfolio.people import jobs as people_jobs
from portfolio.people import routes as people
from portfolio.people.routes import signed_out
from portfolio.records import routes as records
from portfolio.tracking import recompute
from portfolio.tracking import routes as tracking
from portfolio.tracking.answers import portfolios_on, uncovered, uncovered_without, unit_use

MakeHandlers = Callable[[Settings, BlobStore], Mapping[str, jobs.Handler]]

ROUTERS: Sequence[APIRouter] = (
    home.routes,
    *assessing.ROUTERS,
    *evidence_routes.ROUTERS,
    *people.ROUTERS,
    criteria_routes.routes,
    records.routes,
    tracking.routes,
)
HANDLERS: Sequence[MakeHandlers] = (
    recompute.handlers,
    evidence_jobs.handlers,
    upload_jobs.handlers,
    preview_jobs.handlers,
    scan_jobs.handlers,
    people_jobs.handlers,
)
SCHEDULE: Sequence[Callable[[Session], None]] = (
    recompute.schedule,
    evidence_jobs.schedule,
    upload_jobs.schedule,
    preview_jobs.schedule,
    scan_jobs.schedule,
    people_jobs.schedule,
)
SLOW_JOBS = preview_jobs.SLOW
WAITING_JOBS = scan_jobs.JOBS
RECOMPUTE: Recompute | None = recompute.recompute
QUESTIONS = Questions(
    portfolios_on=portfolios_on,
    unit_use=unit_use,
    uncovered=uncovered,
    uncovered_without=uncovered_without,
)

__all__ = [
    "HANDLERS",
    "QUESTIONS",
    "RECOMPUTE",
    "ROUTERS",
    "SCHEDULE",
    "SLOW_JOBS",
    "WAITING_JOBS",
    "MakeHandlers",
    "signed_out",
]
