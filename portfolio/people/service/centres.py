"""Centres and their sites: make, rename, archive."""

from zoneinfo import available_timezones

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portfolio.core import clock, log, touched
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid
from portfolio.core.ids import new_code
from portfolio.people.models import Centre, Site


def create_centre(session: Session, actor: Actor | None, *, name: str, zone: str = "Europe/London") -> Centre:
    """A new centre with its log stream begun. Raises Invalid for an unknown zone. `actor` None: the system."""
    _check_zone(zone)
    centre = Centre(code=new_code(), name=name, zone=zone, created_at=clock.now())
    session.add(centre)
    session.flush()
    log.append(
        session,
        actor,
        log.Stream.centre(centre.code),
        "centre.created",
        centre.code,
        {"name": name, "zone": zone},
    )
    return centre


def change_centre(session: Session, actor: Actor, centre: Centre, *, name: str, zone: str) -> None:
    """Another name or zone. In another zone it may be another day, so coverage is worked out again.

    Raises Invalid for an unknown zone.
    """
    _check_zone(zone)
    before = {"name": centre.name, "zone": centre.zone}
    after = {"name": name, "zone": zone}
    if before == after:
        return
    if zone != centre.zone:
        touched.touch_centre(session, centre.id)
    centre.name, centre.zone = name, zone
    _log(session, actor, centre.code, "centre.changed", centre.code, before=before, after=after)


def add_site(session: Session, actor: Actor, centre: Centre, *, name: str, address: str = "") -> Site:
    """A new place of assessment. Raises Invalid when the centre has one of this name."""
    _check_site_name(session, centre.id, name, None)
    site = Site(code=new_code(), centre_id=centre.id, name=name, address=address, created_at=clock.now())
    session.add(site)
    session.flush()
    _log(session, actor, centre.code, "site.added", site.code, name=name, address=address)
    return site


def change_site(session: Session, actor: Actor, site: Site, *, name: str, address: str) -> None:
    """Another name or address. Raises Invalid when the centre has another site of this name."""
    _check_site_name(session, site.centre_id, name, site.id)
    before = {"name": site.name, "address": site.address}
    after = {"name": name, "address": address}
    if before == after:
        return
    site.name, site.address = name, address
    _log(session, actor, actor.centre_code, "site.changed", site.code, before=before, after=after)


def archive_site(session: Session, actor: Actor, site: Site) -> None:
    """Offer the site no longer. What was done there keeps its place."""
    if site.archived_at is None:
        site.archived_at = clock.now()
        _log(session, actor, actor.centre_code, "site.archived", site.code, name=site.name)


def restore_site(session: Session, actor: Actor, site: Site) -> None:
    """Offer an archived site again."""
    if site.archived_at is not None:
        site.archived_at = None
        _log(session, actor, actor.centre_code, "site.restored", site.code, name=site.name)


def _check_zone(zone: str) -> None:
    if zone not in available_timezones():
        raise Invalid("There is no such time zone.", {"zone": "Choose a time zone such as Europe/London."})


def _check_site_name(session: Session, centre_id: int, name: str, besides_id: int | None) -> None:
    query = select(Site.id).where(Site.centre_id == centre_id, func.lower(Site.name) == name.lower())
    if any(found != besides_id for found in session.scalars(query)):
        message = "The centre has a site of this name already."
        raise Invalid(message, {"name": message})


def _log(session: Session, actor: Actor, centre_code: str, action: str, subject: str, **data: object) -> None:
    log.append(session, actor, log.Stream.centre(centre_code), action, subject, data)
