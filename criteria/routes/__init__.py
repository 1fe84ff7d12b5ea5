"""Pages of frameworks: list, import with preview, version and unit pages, corrections, rules, export."""

from fastapi import APIRouter

from criteria.routes import bank, editing, importing, point_lists, rule_editor, versions

routes = APIRouter()
for part in (
    importing.routes,
    versions.routes,
    editing.routes,
    point_lists.routes,
    rule_editor.routes,
    bank.routes,
):
    routes.routes.extend(part.routes)

__all__ = ["routes"]
