"""Forms that arrived after their session had ended: kept for a day, given back to the same person."""

import json
import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from portfolio.core import clock
from portfolio.core.errors import NotFound
from portfolio.core.ids import new_code
from portfolio.people.models import SavedForm
from portfolio.web.forms import Fields

_SECRET = re.compile(r"pass|token|secret", re.IGNORECASE)
_KEPT_PER_PERSON = 20


def keep_form(session: Session, *, person_id: int, url: str, fields: Fields) -> str | None:
    """Keep what was typed, without passwords and tokens; returns the code, or None when nothing is left.

    Only the latest twenty forms of a person are kept.
    """
    kept = [(name, value) for name, value in fields.items if not _SECRET.search(name)]
    if not any(value.strip() for _, value in kept):
        return None
    row = SavedForm(
        code=new_code(), person_id=person_id, url=url, fields=json.dumps(kept), created_at=clock.now()
    )
    session.add(row)
    session.flush()
    surplus = select(SavedForm).where(SavedForm.person_id == person_id).order_by(SavedForm.id.desc())
    for old in session.scalars(surplus.offset(_KEPT_PER_PERSON)):
        session.delete(old)
    return row.code


def use_kept_form(session: Session, person_id: int, code: str) -> str:
    """Mark a kept form as sent (or thrown away) and return its address. Raises NotFound when it is gone."""
    row = session.scalars(
        select(SavedForm).where(
            SavedForm.code == code, SavedForm.person_id == person_id, SavedForm.used_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        raise NotFound("This form was sent already, or it was kept too long ago.")
    row.used_at, row.fields = clock.now(), "[]"
    session.flush()
    return row.url
