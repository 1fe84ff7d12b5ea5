"""Pages of portfolios' own affairs: enrolling one or many, settings, and the candidate's guide to their units."""

from fastapi import APIRouter

from portfolio.records.routes import bulk, enrolling, guide, settings

routes = APIRouter()
for part in (bulk.routes, enrolling.routes, settings.routes, guide.routes):
    routes.routes.extend(part.routes)

__all__ = ["routes"]
