"""The pages of evidence. `ROUTERS` in the order in which addresses are tried."""

from evidence.routes import editing, files, items, lists, mapping, submitting, uploads

ROUTERS = (
    lists.routes,
    editing.routes,
    files.routes,
    uploads.routes,
    mapping.routes,
    submitting.routes,
    items.routes,
)
