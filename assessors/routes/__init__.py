"""The pages of assessing. `ROUTERS` in the order in which addresses are tried."""

from assessors.routes import countersign, decisions, feedback, queue, records, review, units, visits

ROUTERS = (
    queue.routes,
    review.routes,
    countersign.routes,
    feedback.routes,
    decisions.routes,
    records.routes,
    visits.routes,
    units.routes,
)
