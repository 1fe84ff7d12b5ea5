"""Questions that a lower floor asks and only a higher one can answer. The composition root wires the answers."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Questions:
    """The answers, in `app.state.questions`.

    portfolios_on(session, version_id)                 how many portfolios are pinned to a framework version
    unit_use(session, portfolio_id, unit_id)           why a unit cannot be taken out of a portfolio, as a
                                                       sentence; "" when nothing was submitted or judged
    """

    portfolios_on: Callable[[Session, int], int]
    unit_use: Callable[[Session, int, int], str]
