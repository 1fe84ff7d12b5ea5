"""Codes of portfolios and references of units, for log entries: ids mean nothing to whoever reads an exported log.

Both lie on floors above, so their tables are known by name only.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Integer, String, column, select, table
from sqlalchemy.orm import Session

_PORTFOLIOS = table("portfolios", column("id", Integer), column("code", String))
_NODES = table("nodes", column("id", Integer), column("code", String), column("ref", String))


def portfolio_codes(session: Session, portfolio_ids: Collection[int]) -> dict[int, str]:
    """By id."""
    query = select(_PORTFOLIOS.c.id, _PORTFOLIOS.c.code).where(_among(_PORTFOLIOS.c.id, portfolio_ids))
    return dict(session.execute(query).all())


def unit_names(session: Session, unit_ids: Collection[int | None]) -> dict[int | None, dict[str, str] | None]:
    """Code and reference by id; None, for a whole portfolio, has None."""
    wanted = {unit_id for unit_id in unit_ids if unit_id is not None}
    query = select(_NODES.c.id, _NODES.c.code, _NODES.c.ref).where(_among(_NODES.c.id, wanted))
    found = {unit_id: {"code": code, "ref": ref} for unit_id, code, ref in session.execute(query)}
    return {None: None, **found}


def _among(which: ColumnElement[int], ids: Collection[int]) -> ColumnElement[bool]:
    return which.in_(sorted(ids))
