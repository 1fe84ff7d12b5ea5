"""Limits of storage: who sets them, and what they refuse. They never remove anything."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from evidence.queries.storage_room import (
    Whose,
    candidate_room,
    centre_room,
    get_candidate,
    holds,
    limits_of,
    managers_of,
    stored_bytes,
)
from evidence.rules.keeping import Room, StorageFull, tighter
from evidence.storage_models import CandidateStorage, CentreLimit
from portfolio.core import log
from portfolio.core.actor import Actor, Role
from portfolio.core.db import Database
from portfolio.core.errors import NotFound
from portfolio.people.models import Centre
from portfolio.records.models import Portfolio
from portfolio.web.pages import file_size

_BATCH = 200


def check_room(session: Session, actor: Actor | None, portfolio: Portfolio, size: int) -> int | None:
    """How many bytes more the candidate may keep just now; None when there is no limit.

    Raises StorageFull when `size` bytes more do not fit: the message says how much is used, what the limit is,
    and whom to ask. `actor` None is a witness, who is told no figures.
    """
    whose = Whose.of(portfolio)
    limits = limits_of(session, whose)
    own = candidate_room(session, whose, limits.own) if limits.own is not None else Room(0, None)
    centre = (
        centre_room(session, whose.centre_id, limits.centre) if limits.centre is not None else Room(0, None)
    )
    if not own.takes(size):
        raise _full(session, actor, portfolio, own, size, of_centre=False)
    if not centre.takes(size):
        raise _full(session, actor, portfolio, centre, size, of_centre=True)
    return tighter(own.left, centre.left)


def claim_room(
    session: Session, actor: Actor | None, portfolio: Portfolio, size: int, sha256: str = ""
) -> None:
    """As `check_room`, in a transaction that is about to add the bytes: nobody else's come in between.

    Content that the candidate keeps already (`sha256`) costs nothing. Raises StorageFull.
    """
    whose = Whose.of(portfolio)
    session.execute(
        select(CentreLimit.centre_id)
        .where(CentreLimit.centre_id == whose.centre_id, CentreLimit.max_bytes.is_not(None))
        .with_for_update()
    )
    _upsert_use(session, whose, None)
    if not (sha256 and holds(session, whose, sha256)):
        check_room(session, actor, portfolio, size)


def count_use(session: Session, whose: Whose) -> None:
    """Bring the counted bytes of a candidate up to date, after files were added or taken off."""
    session.flush()
    _upsert_use(session, whose, stored_bytes(session, whose))


def recount(database: Database) -> int:
    """Count every candidate's bytes anew, in small transactions; how many there were."""
    done, after = 0, (0, 0)
    while True:
        with database.write() as session:
            found = session.execute(
                select(Portfolio.centre_id, Portfolio.candidate_id)
                .where(
                    (Portfolio.centre_id > after[0])
                    | ((Portfolio.centre_id == after[0]) & (Portfolio.candidate_id > after[1]))
                )
                .order_by(Portfolio.centre_id, Portfolio.candidate_id)
                .distinct()
                .limit(_BATCH)
            )
            batch = [Whose(centre_id, person_id) for centre_id, person_id in found]
            for whose in batch:
                count_use(session, whose)
        if not batch:
            return done
        done, after = done + len(batch), (batch[-1].centre_id, batch[-1].person_id)


def set_centre_limit(session: Session, actor: Actor, centre_code: str, max_bytes: int | None) -> Centre:
    """How much a centre may keep; None for no limit. For the operator. Raises NotFound."""
    centre = session.scalars(select(Centre).where(Centre.code == centre_code)).one_or_none()
    if centre is None:
        raise NotFound()
    row = _centre_limit(session, centre.id)
    if row.max_bytes != max_bytes:
        _record(session, actor, centre, "centre.storage_limited", centre.code, row.max_bytes, max_bytes)
        row.max_bytes = max_bytes
    return centre


def set_limit_of_all(session: Session, actor: Actor, max_bytes: int | None) -> None:
    """How much each candidate of the actor's centre may keep who has no limit of their own; None for no limit."""
    centre = session.get_one(Centre, actor.centre_id)
    row = _centre_limit(session, centre.id)
    if row.candidate_max_bytes != max_bytes:
        _record(
            session,
            actor,
            centre,
            "candidates.storage_limited",
            centre.code,
            row.candidate_max_bytes,
            max_bytes,
        )
        row.candidate_max_bytes = max_bytes


def set_candidate_limit(session: Session, actor: Actor, code: str, max_bytes: int | None) -> str:
    """How much one candidate of the actor's centre may keep; None: what holds for all. Their name. Raises NotFound."""
    person = get_candidate(session, actor, code)
    count_use(session, Whose(actor.centre_id, person.id))
    row = session.get_one(CandidateStorage, (actor.centre_id, person.id), populate_existing=True)
    if row.max_bytes != max_bytes:
        centre = session.get_one(Centre, actor.centre_id)
        _record(session, actor, centre, "candidate.storage_limited", person.code, row.max_bytes, max_bytes)
        row.max_bytes = max_bytes
    return person.name


def _record(
    session: Session,
    actor: Actor,
    centre: Centre,
    action: str,
    subject: str,
    before: int | None,
    after: int | None,
) -> None:
    data = {"before_bytes": before, "after_bytes": after}
    log.append(session, actor, log.Stream.centre(centre.code), action, subject, data)


def _centre_limit(session: Session, centre_id: int) -> CentreLimit:
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(CentreLimit).values(centre_id=centre_id).on_conflict_do_nothing())
    return session.get_one(CentreLimit, centre_id, with_for_update=True)


def _upsert_use(session: Session, whose: Whose, used_bytes: int | None) -> None:
    """Write what is used (None: leave it) and hold the row until the transaction ends."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    new = {"centre_id": whose.centre_id, "person_id": whose.person_id, "used_bytes": used_bytes or 0}
    kept = CandidateStorage.used_bytes if used_bytes is None else used_bytes
    session.execute(
        insert(CandidateStorage)
        .values(**new)
        .on_conflict_do_update(index_elements=["centre_id", "person_id"], set_={"used_bytes": kept})
    )


def _full(
    session: Session, actor: Actor | None, portfolio: Portfolio, room: Room, size: int, *, of_centre: bool
) -> StorageFull:
    if actor is None:
        return StorageFull(
            "There is no room for a recording here just now. Nothing of it was stored. Write down what you saw "
            "instead; your text is kept.",
            limit=room.limit,
        )
    own = actor.role is Role.CANDIDATE
    if of_centre:
        whose = f"{session.get_one(Centre, portfolio.centre_id).name} keeps"
    else:
        whose = "Your files take" if own else "The candidate’s files take"
    names = " or ".join(managers_of(session, portfolio.centre_id))
    ask = f"the centre manager, {names}," if names else "the centre manager"
    instead = "" if of_centre else "Take files off drafts that do not need them, or ask"
    more = f", and this would be {file_size(size)} more" if size > 1 else ""
    return StorageFull(
        f"{whose} {file_size(room.used)} of {file_size(room.limit or 0)}{more}. It was not stored. "
        f"{instead or 'Ask'} {ask} for more room.",
        limit=room.limit,
        used=room.used,
    )
