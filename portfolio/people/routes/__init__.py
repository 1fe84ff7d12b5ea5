"""Pages of people."""

from collections.abc import Sequence

from fastapi import APIRouter

from portfolio.people.routes import account, centre, entering, installation, keeping, members, messages
from portfolio.people.routes.keeping import signed_out

ROUTERS: Sequence[APIRouter] = (
    entering.routes,
    keeping.routes,
    account.routes,
    members.routes,
    centre.routes,
    messages.routes,
    installation.routes,
)

__all__ = ["ROUTERS", "signed_out"]
