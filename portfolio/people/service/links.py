"""Links that work once: issue, redeem, revoke. Only a hash of each is kept."""

from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from portfolio.core import clock
from portfolio.core.errors import NotFound
from portfolio.core.ids import new_token, token_hash
from portfolio.core.mail import forget_secret
from portfolio.people.models import SingleUseLink
from portfolio.people.queries import usable_link
from portfolio.people.rules import LIFETIMES, LINK_PATHS, LinkPurpose

_KEEP_EARLIER = frozenset({LinkPurpose.DEMO, LinkPurpose.WITNESS})


def issue_link(
    session: Session,
    purpose: LinkPurpose,
    *,
    person_id: int | None = None,
    centre_id: int | None = None,
    subject: str = "",
    lasts: timedelta | None = None,
) -> str:
    """A new link; returns its raw token, which is nowhere else. `subject` names what it is for by code.

    Earlier unused links of the same purpose, person and subject stop working, but for demonstration links, and
    for those of witnesses: a reminder must not break the link in the first message. `lasts` replaces the
    lifetime of the purpose.
    """
    if purpose not in _KEEP_EARLIER:
        revoke_links(session, purpose, person_id=person_id, subject=subject)
    token, now = new_token(), clock.now()
    session.add(
        SingleUseLink(
            token_hash=token_hash(token),
            purpose=purpose,
            person_id=person_id,
            centre_id=centre_id,
            subject=subject,
            created_at=now,
            expires_at=now + (lasts or LIFETIMES[purpose]),
        )
    )
    session.flush()
    return token


def link_path(purpose: LinkPurpose, token: str) -> str:
    """Where a link leads: "/invitation/…"."""
    return f"{LINK_PATHS[purpose]}/{token}"


def redeem_link(session: Session, purpose: LinkPurpose, token: str) -> SingleUseLink:
    """Mark a link used and return it. Raises NotFound when it is unknown, used, revoked or expired."""
    link = usable_link(session, purpose, token)
    if link is None:
        raise NotFound("This link does not work any more.")
    link.used_at = clock.now()
    session.flush()
    forget_secret(session, link_path(purpose, token))
    return link


def revoke_links(session: Session, purpose: LinkPurpose, *, person_id: int | None, subject: str = "") -> None:
    """Make unused links of a purpose for a person (None: for nobody in particular) and subject useless."""
    mine = SingleUseLink.person_id.is_(None) if person_id is None else SingleUseLink.person_id == person_id
    session.execute(
        update(SingleUseLink)
        .where(
            SingleUseLink.purpose == purpose,
            SingleUseLink.subject == subject,
            SingleUseLink.used_at.is_(None),
            SingleUseLink.revoked_at.is_(None),
            mine,
        )
        .values(revoked_at=clock.now())
    )
