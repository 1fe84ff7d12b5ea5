"""Whether framework versions still are what was activated, by the digest in the log of their centre."""

import json
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import FrameworkVersion, Qualification
from criteria.queries import version_digests
from portfolio.core.log import LogEntry, LogStream, StreamKind
from portfolio.people.models import Centre

BATCH = 20
_ACTIVATED = "framework.activated"


def changed_versions(session: Session, batch: int = BATCH) -> Iterator[tuple[str, str]]:
    """Code and name of each version that changed after its activation. Seven queries for each batch.

    Versions that an earlier release activated, without a digest, are left out.
    """
    after = 0
    while found := session.execute(
        select(FrameworkVersion.id, FrameworkVersion.code, FrameworkVersion.label, Qualification.title,
               Centre.code)
        .join(Qualification, Qualification.id == FrameworkVersion.qualification_id)
        .join(Centre, Centre.id == Qualification.centre_id)
        .where(FrameworkVersion.id > after)
        .order_by(FrameworkVersion.id)
        .limit(batch)
    ).all():  # fmt: skip
        after = found[-1][0]
        said = _activated(session, [row[1] for row in found], {row[4] for row in found})
        fresh = version_digests(session, [row[0] for row in found if row[1] in said])
        for version_id, code, label, title, _ in found:
            if code in said and fresh[version_id] != said[code]:
                yield code, f"{title} {label}".rstrip()


def _activated(session: Session, codes: Sequence[str], centres: Collection[str]) -> dict[str, str]:
    """The digest that was logged, by version."""
    rows = session.scalars(
        select(LogEntry.body)
        .join(LogStream, LogStream.id == LogEntry.stream_id)
        .where(
            LogStream.kind == StreamKind.CENTRE,
            LogStream.subject.in_(centres),
            LogEntry.action == _ACTIVATED,
            LogEntry.subject.in_(codes),
        )
        .order_by(LogEntry.id)
    )
    entries = [json.loads(body) for body in rows]
    return {each["subject"]: each["data"]["digest"] for each in entries if "digest" in each["data"]}
