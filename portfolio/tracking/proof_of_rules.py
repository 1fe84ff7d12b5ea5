"""Whether the rules that centres state are those that the log of each centre tells of, in their order.

The awarding body's rules are part of the version, whose digest covers them: see `proof_of_frameworks`.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import FrameworkVersion, Node, RuleChange
from criteria.rules import RuleBy
from portfolio.core.log import LogEntry, LogStream, StreamKind
from portfolio.people.models import Centre, Person


class _Said(NamedTuple):
    """A rule as it was stated. `entry` is its number in the log, 0 for a stored one."""

    rule: dict[str, Any]
    reason: str
    person: str
    entry: int = 0


_Rules = dict[str, list[_Said]]


def changed_rules(session: Session) -> Iterator[tuple[str, str, str]]:
    """Version (code), node ("criterion 1.1") and problem of each rule that the log contradicts. Three queries a centre.

    Rules on what was taken out of a draft since are left out.
    """
    for centre_id, code in session.execute(select(Centre.id, Centre.code).order_by(Centre.id)).all():
        logged = _logged(session, code)
        stored = _stored(session, centre_id)
        places = {
            node: (version, f"{kind} {ref}".strip())
            for node, version, kind, ref in session.execute(
                select(Node.code, FrameworkVersion.code, Node.kind, Node.ref)
                .join(FrameworkVersion, FrameworkVersion.id == Node.version_id)
                .where(Node.code.in_(logged.keys() | stored.keys()))
            )
        }
        for node, (version, name) in sorted(places.items()):
            for problem in _compared(stored.get(node, []), logged.get(node, [])):
                yield version, name, problem


def _compared(stored: Sequence[_Said], logged: Sequence[_Said]) -> Iterator[str]:
    for row, said in zip_longest(stored, logged):
        if row is None:
            yield f"a rule is gone; entry {said.entry} of the centre's log has it"
        elif said is None:
            yield "a rule has no entry in the centre's log"
        elif row[:3] != said[:3]:
            names = [
                name for name in ("rule", "reason", "person") if getattr(row, name) != getattr(said, name)
            ]
            yield f"a rule differs from entry {said.entry} of the centre's log: {', '.join(names)}"


def _logged(session: Session, centre: str) -> _Rules:
    rows = session.execute(
        select(LogEntry.sequence, LogEntry.body)
        .join(LogStream, LogStream.id == LogEntry.stream_id)
        .where(
            LogStream.kind == StreamKind.CENTRE,
            LogStream.subject == centre,
            LogEntry.action == "rule.changed",
        )
        .order_by(LogEntry.sequence)
    )
    found: defaultdict[str, list[_Said]] = defaultdict(list)
    for sequence, text in rows:
        body = json.loads(text)
        if body["data"]["by"] == RuleBy.CENTRE.value:
            said = _Said(body["data"]["rule"], body["data"]["reason"], body["who"]["code"], sequence)
            found[body["subject"]].append(said)
    return found


def _stored(session: Session, centre_id: int) -> _Rules:
    rows = session.execute(
        select(Node.code, RuleChange.rule, RuleChange.reason, Person.code)
        .join(Node, Node.id == RuleChange.node_id)
        .outerjoin(Person, Person.id == RuleChange.created_by_id)
        .where(RuleChange.owner == RuleBy.CENTRE, RuleChange.centre_id == centre_id)
        .order_by(RuleChange.id)
    )
    found: defaultdict[str, list[_Said]] = defaultdict(list)
    for node, rule, reason, person in rows:
        found[node].append(_Said(dict(rule), reason, person or ""))
    return found
