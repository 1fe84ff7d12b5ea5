"""Pages of frameworks: list, import with preview, version and unit pages, corrections, rules, export."""

from fastapi import APIRouter

from criteria.routes import bank, editing, groups, importing, ordering, point_lists, rule_editor, versions

routes = APIRouter()
for part in (importing, versions, editing, groups, ordering, point_lists, rule_editor, bank):
    routes.routes.extend(part.routes.routes)

__all__ = ["routes"]
