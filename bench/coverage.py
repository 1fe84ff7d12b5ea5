"""Coverage of 500 criteria with 5,000 mappings: the pure rule, a whole recompute, and that after one judgement.

`recompute` runs inside the transaction of every decision, so one judgement must not cost what a portfolio costs.
"""

from sqlalchemy import select

from bench._data import LARGEST, installation, make
from bench.figures import Figure, alternating
from criteria.rules import DEFAULT_RULE, coverage
from portfolio.core import clock
from portfolio.core.touched import touch_criteria, touch_portfolio
from portfolio.people.models import Centre
from portfolio.records.models import Portfolio
from portfolio.tracking.facts import read_facts

ROUNDS = 7


def measure() -> list[Figure]:
    """Milliseconds of each, and how much of a whole recompute one judgement costs."""
    with installation() as parts:
        made, database = make(parts, LARGEST), parts.database
        with database.read() as session:
            facts = read_facts(session, [made.portfolio_id]).mappings
            zone = session.scalars(
                select(Centre.zone).join(Portfolio).where(Portfolio.id == made.portfolio_id)
            ).one()
        today = clock.today(zone)

        def rule() -> None:
            for found in facts.values():
                coverage(DEFAULT_RULE, found, today)

        def one() -> None:
            with database.write() as session:
                touch_criteria(session, made.portfolio_id, [made.criterion_ids[7]])

        def whole() -> None:
            with database.write() as session:
                touch_portfolio(session, made.portfolio_id)

        pure, single, everything = alternating(rule, one, whole, rounds=ROUNDS)
        size = sum(len(found) for found in facts.values())
    return [
        Figure(f"the rule on {len(facts)} criteria with {size} facts", pure * 1000, "ms"),
        Figure("recompute after one judgement", single * 1000, "ms"),
        Figure("recompute of the whole portfolio", everything * 1000, "ms"),
        Figure("one judgement over the whole", single / everything, "×", at_most=0.1),
        Figure("whole recompute over the rule alone", everything / pure, "×"),
    ]
