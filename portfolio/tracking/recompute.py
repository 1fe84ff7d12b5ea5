"""Keeps coverage rows, units and items equal to what the pure rules say.

`recompute` runs once before each commit with what was touched. Rules that concern very many portfolios mark
the rows stale and go in batches by a job. `differences` recomputes everything and compares, changing nothing.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, delete, false, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from criteria.queries import effective_rules
from criteria.rules import DEFAULT_RULE, NO_CRITERION_FACTS, Coverage, EffectiveRule, Status, coverage
from evidence.storage import BlobStore
from portfolio.core import clock, jobs
from portfolio.core.db import Database
from portfolio.core.settings import Settings
from portfolio.core.touched import Touched
from portfolio.people.models import Centre
from portfolio.records.models import CoverageRow, Portfolio, PortfolioUnit
from portfolio.records.rules import UnitState
from portfolio.tracking.differences import Difference
from portfolio.tracking.facts import Facts, Key, chosen_criteria, pinned_portfolio_ids, read_facts
from portfolio.tracking.items import item_differences, refresh_items
from portfolio.tracking.unlocks import untouched_since

BATCH = 50
STALE = "coverage.staled"
REFRESH = "coverage.expired"


def recompute(session: Session, changes: Touched) -> None:
    """Recompute what was touched, in a number of queries that does not depend on how much it was.

    Work on a portfolio is activity on it; a rule or a zone that changed, or time that passed, is not.
    """
    worked_on = sorted(changes.criteria)
    for version_id in sorted(changes.versions | _versions_in(session, changes.centres)):
        _touch_version(session, version_id, changes)
    _lock(session, changes.criteria)
    if worked_on:
        active = update(Portfolio).where(Portfolio.id.in_(worked_on))
        session.execute(active.values(last_activity_at=clock.now()))
    whole = {portfolio_id for portfolio_id, wanted in changes.criteria.items() if wanted is None}
    if whole:
        _recompute_locked(session, whole)
    partly = {p: wanted for p, wanted in changes.criteria.items() if wanted}
    if partly:
        ids = frozenset().union(*partly.values())
        _recompute_locked(session, partly.keys(), ids)


def recompute_portfolios(session: Session, portfolio_ids: Collection[int]) -> None:
    """Write fresh coverage rows for all criteria, and the states of units and items.

    The portfolios stay locked until the transaction ends, so that nobody decides in them between the reading
    of the facts and the writing of what follows from them.
    """
    _lock(session, portfolio_ids)
    _recompute_locked(session, portfolio_ids)


def _lock(session: Session, portfolio_ids: Collection[int]) -> None:
    """Lock portfolios in order of id, so that two who lock several wait for each other in turn.

    `key_share`: whoever has added a row of a portfolio holds a share of its key, and locks it here, too, before
    committing. Two of them would wait for each other without end if this asked for the key as well.
    """
    if portfolio_ids:
        wanted = select(Portfolio.id).where(Portfolio.id.in_(portfolio_ids)).order_by(Portfolio.id)
        session.execute(wanted.with_for_update(key_share=True)).all()


def _recompute_locked(
    session: Session, portfolio_ids: Collection[int], criterion_ids: Collection[int] | None = None
) -> None:
    fresh = computed(session, portfolio_ids, criterion_ids)
    if criterion_ids is None:
        _remove_unchosen(session, portfolio_ids, fresh)
    _upsert(session, list(fresh.rows.values()))
    _refresh_units(session, portfolio_ids, fresh.facts)
    refresh_items(session, portfolio_ids, criterion_ids)


@dataclass(frozen=True, slots=True)
class Computed:
    """Fresh values of coverage rows by key, and the facts they were computed from."""

    rows: dict[Key, dict[str, Any]]
    facts: Facts


def computed(
    session: Session, portfolio_ids: Collection[int], criterion_ids: Collection[int] | None = None
) -> Computed:
    """What the coverage rows must say now. Reads only."""
    contexts = _contexts(session, portfolio_ids)
    wanted = chosen_criteria(session, portfolio_ids)
    if criterion_ids is not None:
        wanted = {key: unit for key, unit in wanted.items() if key[1] in criterion_ids}
    facts = read_facts(session, portfolio_ids, criterion_ids)
    rows = {}
    for (portfolio_id, criterion_id), unit_id in wanted.items():
        context = contexts[portfolio_id]
        rule = context.rules.get(criterion_id)
        result = coverage(
            rule.rule if rule else DEFAULT_RULE,
            facts.mappings.get((portfolio_id, criterion_id), ()),
            context.today,
            facts.criteria.get((portfolio_id, criterion_id), NO_CRITERION_FACTS),
        )
        rows[portfolio_id, criterion_id] = _row(portfolio_id, criterion_id, unit_id, result)
    return Computed(rows, facts)


@dataclass(frozen=True, slots=True)
class _Context:
    today: date
    rules: Mapping[int, EffectiveRule]


def _contexts(session: Session, portfolio_ids: Collection[int]) -> dict[int, _Context]:
    rows = session.execute(
        select(Portfolio.id, Portfolio.version_id, Centre.id, Centre.zone)
        .join(Centre, Centre.id == Portfolio.centre_id)
        .where(Portfolio.id.in_(portfolio_ids))
    )
    rules: dict[tuple[int, int], Mapping[int, EffectiveRule]] = {}
    found = {}
    for portfolio_id, version_id, centre_id, zone in rows:
        if (version_id, centre_id) not in rules:
            rules[version_id, centre_id] = effective_rules(session, version_id, centre_id)
        found[portfolio_id] = _Context(clock.today(zone), rules[version_id, centre_id])
    return found


def _row(portfolio_id: int, criterion_id: int, unit_id: int, found: Coverage) -> dict[str, Any]:
    return {
        "portfolio_id": portfolio_id,
        "criterion_id": criterion_id,
        "unit_id": unit_id,
        "status": found.status,
        "reasons": [reason.to_dict() for reason in found.reasons],
        "next_action": found.next_action.to_dict() if found.next_action else None,
        "counted": list(found.counted),
        "surplus": found.surplus,
        "waived": found.waived,
        "expires_on": found.expires_on,
        "refresh_on": found.refresh_on,
        "stale": False,
        "computed_at": clock.now(),
    }


def _upsert(session: Session, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(CoverageRow)
    changed = {n: statement.excluded[n] for n in rows[0] if n not in ("portfolio_id", "criterion_id")}
    session.execute(
        statement.on_conflict_do_update(index_elements=["portfolio_id", "criterion_id"], set_=changed), rows
    )
    for held in list(session.identity_map.values()):
        if isinstance(held, CoverageRow):  # older than what was just written
            session.expire(held)


def _remove_unchosen(session: Session, portfolio_ids: Collection[int], fresh: Computed) -> None:
    known = session.execute(
        select(CoverageRow.portfolio_id, CoverageRow.criterion_id).where(
            CoverageRow.portfolio_id.in_(portfolio_ids)
        )
    )
    for portfolio_id, criterion_id in set(known) - fresh.rows.keys():
        session.execute(
            delete(CoverageRow).where(
                CoverageRow.portfolio_id == portfolio_id, CoverageRow.criterion_id == criterion_id
            )
        )


def _refresh_units(session: Session, portfolio_ids: Collection[int], facts: Facts) -> None:
    counts = _unit_counts(session, portfolio_ids)
    reopened = untouched_since(session, facts.unlocked_units)
    units = session.scalars(
        select(PortfolioUnit).where(
            PortfolioUnit.portfolio_id.in_(portfolio_ids), PortfolioUnit.removed_at.is_(None)
        )
    )
    for unit in units:
        total, met, claimed = counts.get((unit.portfolio_id, unit.unit_id), (0, 0, 0))
        unit.total_count, unit.met_count, unit.claimed_count = total, met, claimed
        unit.state = unit_state(
            unit.state,
            signed=unit.id in facts.signed_units,
            complete=0 < total == met,
            reopened=unit.id in reopened,
        )


def unit_state(now: UnitState, *, signed: bool, complete: bool, reopened: bool = False) -> UnitState:
    """The state of a unit (domain.md §4): a sign-off in force keeps what was reached on top of it.

    `complete`: every criterion is met. `reopened`: it was unlocked and nothing was decided in it since; it is
    in progress then, though it may be signed at any time that nothing blocks it.
    """
    if signed:
        return now if now.is_signed else UnitState.SIGNED
    return UnitState.READY_TO_SIGN if complete and not reopened else UnitState.IN_PROGRESS


def _unit_counts(session: Session, portfolio_ids: Collection[int]) -> dict[Key, tuple[int, int, int]]:
    """(portfolio id, unit node id) → criteria in all, met, mapped but not met."""
    rows = session.execute(
        select(CoverageRow.portfolio_id, CoverageRow.unit_id, CoverageRow.status).where(
            CoverageRow.portfolio_id.in_(portfolio_ids)
        )
    )
    found: dict[Key, tuple[int, int, int]] = {}
    for portfolio_id, unit_id, status in rows:
        total, met, claimed = found.get((portfolio_id, unit_id), (0, 0, 0))
        is_met, is_none = status is Status.MET, status is Status.NOT_STARTED
        found[portfolio_id, unit_id] = (total + 1, met + is_met, claimed + (not is_met and not is_none))
    return found


def _versions_in(session: Session, centre_ids: Collection[int]) -> set[int]:
    """The framework versions that portfolios of these centres are pinned to."""
    if not centre_ids:
        return set()
    return set(
        session.scalars(select(Portfolio.version_id).where(Portfolio.centre_id.in_(centre_ids)).distinct())
    )


def _touch_version(session: Session, version_id: int, changes: Touched) -> None:
    """Few portfolios: recompute them now. Many: mark their rows stale and leave them to batches."""
    ids = list(pinned_portfolio_ids(session, version_id, 0, BATCH + 1))
    if len(ids) <= BATCH:
        changes.criteria.update(dict.fromkeys(ids))
        return
    pinned = select(Portfolio.id).where(Portfolio.version_id == version_id)
    session.execute(update(CoverageRow).where(CoverageRow.portfolio_id.in_(pinned)).values(stale=True))
    jobs.enqueue(session, STALE, {"version_id": version_id, "after": 0})


def handlers(settings: Settings, store: BlobStore) -> Mapping[str, jobs.Handler]:
    """The jobs that recompute in batches: after a rule change, and when currency runs out."""

    def recompute_batch(database: Database, payload: Mapping[str, Any]) -> None:
        with database.write() as session:
            ids = list(pinned_portfolio_ids(session, payload["version_id"], payload["after"], BATCH))
            if not ids:
                return
            recompute_portfolios(session, ids)
            jobs.enqueue(session, STALE, {"version_id": payload["version_id"], "after": ids[-1]})

    def refresh_expired(database: Database, payload: Mapping[str, Any]) -> None:
        with database.write() as session:
            ids = _expired(session, payload.get("after", 0))
            recompute_portfolios(session, ids)
            if len(ids) == BATCH:
                jobs.enqueue(session, REFRESH, {"after": ids[-1]})

    return {STALE: recompute_batch, REFRESH: refresh_expired}


def schedule(session: Session) -> None:
    """Once an hour, because a day begins at another hour in each zone: rows whose currency has run out."""
    hour = f"{clock.now():%Y-%m-%dT%H}"
    jobs.enqueue(session, REFRESH, {"after": 0}, unique_key=f"{REFRESH}:{hour}")


def _expired(session: Session, after: int) -> list[int]:
    """Portfolios with an id above `after` in which a row changes by today, as it is where the centre is.

    At most `BATCH`, in order of id.
    """
    zones: dict[date, list[str]] = defaultdict(list)
    for zone in session.scalars(select(Centre.zone).distinct()):
        zones[clock.today(zone)].append(zone)
    due = [(CoverageRow.refresh_on <= today) & Centre.zone.in_(those) for today, those in zones.items()]
    query = (
        select(CoverageRow.portfolio_id)
        .join(Portfolio, Portfolio.id == CoverageRow.portfolio_id)
        .join(Centre, Centre.id == Portfolio.centre_id)
        .where(or_(false(), *due), CoverageRow.portfolio_id > after)
        .distinct()
        .order_by(CoverageRow.portfolio_id)
        .limit(BATCH)
    )
    return list(session.scalars(query))


def awaited_portfolios(session: Session) -> int:
    """How many portfolios a job is still to work out again: after an upgrade, or a rule that concerns very many."""
    return session.scalar(select(func.count()).select_from(Portfolio).where(_is_awaited(session))) or 0


def _is_awaited(session: Session) -> ColumnElement[bool]:
    """A batch that was begun goes on in a job for the portfolios after it; those up to there are done."""
    payloads = session.scalars(
        select(jobs.Job.payload).where(
            jobs.Job.name == STALE, jobs.Job.state.in_([jobs.JobState.QUEUED, jobs.JobState.RUNNING])
        )
    )
    waiting = [json.loads(payload) for payload in payloads]
    return or_(
        false(),
        *((Portfolio.version_id == each["version_id"]) & (Portfolio.id > each["after"]) for each in waiting),
    )


def differences(session: Session, batch: int = BATCH) -> Iterator[Difference]:
    """Compare every coverage row, cached unit and cached item with what the facts say. Changes nothing.

    Portfolios that a job is about to work out again are left out: see `awaited_portfolios`.
    """
    after, compared = 0, ~_is_awaited(session)
    query = select(Portfolio.id).where(compared).order_by(Portfolio.id).limit(batch)
    while ids := list(session.scalars(query.where(Portfolio.id > after))):
        after = ids[-1]
        yield from _differences_of(session, ids)


def _differences_of(session: Session, portfolio_ids: Collection[int]) -> Iterator[Difference]:
    fresh = computed(session, portfolio_ids)
    codes = dict(
        session.execute(select(Portfolio.id, Portfolio.code).where(Portfolio.id.in_(portfolio_ids))).all()
    )
    stored = {
        (row.portfolio_id, row.criterion_id): row
        for row in session.scalars(select(CoverageRow).where(CoverageRow.portfolio_id.in_(portfolio_ids)))
    }
    for key in sorted(stored.keys() | fresh.rows.keys()):
        row, wanted = stored.get(key), fresh.rows.get(key)
        if row is not None and row.stale:
            continue  # it says so itself, and a job is on its way
        said, right = _said(row), _said_by(wanted)
        if said != right:
            yield Difference(codes[key[0]], f"criterion {key[1]}", said, right)
    yield from _unit_differences(session, portfolio_ids, codes, fresh)
    yield from item_differences(session, portfolio_ids, codes)


def _unit_differences(
    session: Session, portfolio_ids: Collection[int], codes: Mapping[int, str], fresh: Computed
) -> Iterator[Difference]:
    counts: dict[Key, tuple[int, int, int]] = {}
    for (portfolio_id, _), row in fresh.rows.items():
        total, met, claimed = counts.get((portfolio_id, row["unit_id"]), (0, 0, 0))
        is_met, is_none = row["status"] is Status.MET, row["status"] is Status.NOT_STARTED
        counts[portfolio_id, row["unit_id"]] = (
            total + 1,
            met + is_met,
            claimed + (not is_met and not is_none),
        )
    reopened = untouched_since(session, fresh.facts.unlocked_units)
    units = session.scalars(
        select(PortfolioUnit).where(
            PortfolioUnit.portfolio_id.in_(portfolio_ids), PortfolioUnit.removed_at.is_(None)
        )
    )
    for unit in units:
        total, met, claimed = counts.get((unit.portfolio_id, unit.unit_id), (0, 0, 0))
        state = unit_state(
            unit.state,
            signed=unit.id in fresh.facts.signed_units,
            complete=0 < total == met,
            reopened=unit.id in reopened,
        )
        said = (unit.total_count, unit.met_count, unit.claimed_count, unit.state.value)
        right = (total, met, claimed, state.value)
        if said != right:
            yield Difference(codes[unit.portfolio_id], f"unit {unit.code}", str(said), str(right))


def _said(row: CoverageRow | None) -> str:
    if row is None:
        return "no row"
    dates = row.expires_on, row.refresh_on
    return _canonical(row.status, row.reasons, row.next_action, row.counted, row.surplus, row.waived, *dates)


def _said_by(values: dict[str, Any] | None) -> str:
    if values is None:
        return "no row"
    names = (
        "status", "reasons", "next_action", "counted", "surplus", "waived", "expires_on", "refresh_on"
    )  # fmt: skip
    return _canonical(*(values[name] for name in names))


def _canonical(*values: Any) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
