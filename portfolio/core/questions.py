"""Questions that a lower floor asks and only a higher one can answer. The composition root wires the answers."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Questions:
    """The answers, in `app.state.questions`.

    portfolios_on(session, version_id)                 how many portfolios are pinned to a framework version
    unit_use(session, portfolio_id, unit_id)           why a unit cannot be taken out of a portfolio, as a
                                                       sentence; "" when nothing was submitted or judged
    uncovered(session, portfolio_id)               the sentences that say where nobody may countersign a trainee
    uncovered_without(session, allocation_ids)     the same for what would come of it if these allocations ended, as
                                                   (code of the portfolio, sentence)
    """

    portfolios_on: Callable[[Session, int], int]
    unit_use: Callable[[Session, int, int], str]
    uncovered: Callable[[Session, int], Sequence[str]]
    uncovered_without: Callable[[Session, Collection[int]], Sequence[tuple[str, str]]]
