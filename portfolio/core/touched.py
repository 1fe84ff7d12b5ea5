"""What a session changed that coverage depends on. Notes only; the recompute happens before the commit.

Every floor may call `touch_*`. The function that recomputes is registered by the composition root.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

_KEY = "touched"
_HOOKS = "after_commit"


@dataclass(slots=True)
class Touched:
    """Portfolios with the criteria concerned (None: all of them), framework versions whose rules changed, and
    centres where the day begins at another moment."""

    criteria: dict[int, set[int] | None] = field(default_factory=dict)
    versions: set[int] = field(default_factory=set)
    centres: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.criteria or self.versions or self.centres)


def _of(session: Session) -> Touched:
    found = session.info.setdefault(_KEY, Touched())
    assert isinstance(found, Touched)
    return found


def touch_criteria(session: Session, portfolio_id: int, criterion_ids: Iterable[int]) -> None:
    """The coverage of these criteria (node ids) in this portfolio has to be computed again."""
    changes = _of(session).criteria
    known = changes.get(portfolio_id, set())
    changes[portfolio_id] = None if known is None else known | set(criterion_ids)


def touch_portfolio(session: Session, portfolio_id: int) -> None:
    """All coverage of this portfolio has to be computed again (enrolment, units chosen, unlocking)."""
    _of(session).criteria[portfolio_id] = None


def touch_version(session: Session, version_id: int) -> None:
    """A rule on this framework version changed: every portfolio pinned to it is concerned."""
    _of(session).versions.add(version_id)


def touch_centre(session: Session, centre_id: int) -> None:
    """The zone of this centre changed, and with it what day it is: all its portfolios are concerned."""
    _of(session).centres.add(centre_id)


def take(session: Session) -> Touched:
    """What was touched since the last call; the note is emptied."""
    found = _of(session)
    session.info[_KEY] = Touched()
    return found


def after_commit(session: Session, hook: Callable[[], None]) -> None:
    """Run `hook` once the transaction is durable, and never when it is rolled back (waking the worker)."""
    session.info.setdefault(_HOOKS, []).append(hook)


def after_commit_hooks(session: Session) -> list[Callable[[], None]]:
    """The hooks noted on a session, taken from it."""
    hooks: list[Callable[[], None]] = session.info.pop(_HOOKS, [])
    return hooks
