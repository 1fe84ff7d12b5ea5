"""The pages of evidence. `ROUTERS` in the order in which addresses are tried."""

from evidence.routes import (
    confidential,
    editing,
    files,
    items,
    limits,
    lists,
    mapping,
    replies,
    search,
    submitting,
    testimony,
    timed_text,
    uploads,
    witness,
    writing,
)

ROUTERS = (
    lists.routes,
    search.routes,
    limits.routes,
    editing.routes,
    files.routes,
    timed_text.routes,
    uploads.routes,
    mapping.routes,
    submitting.routes,
    replies.routes,
    confidential.routes,
    writing.routes,
    witness.routes,
    testimony.routes,
    items.routes,
)
