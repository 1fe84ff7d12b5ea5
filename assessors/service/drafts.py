"""Keeping what an assessor typed and chose before the review is finished. A draft decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from assessors.models import ReviewDraft
from assessors.permissions import JUDGE
from assessors.queries.desk import draft_of, get_desk, portfolio_of_submission
from assessors.rules import VACSR, Answer
from assessors.service.shared import take_portfolio
from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.errors import Stale


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftContent:
    """What a window holds. `return_reason` is what was typed for a return. Fields as in `Finished`."""

    answers: Sequence[Answer] = ()
    comment: str = ""
    return_reason: str = ""
    draft_version: int = 0
    tab: str = ""


def save_draft(session: Session, actor: Actor, submission_code: str, content: DraftContent) -> ReviewDraft:
    """Keep the draft of this actor for this submission; `edit_version` counts the saves.

    Raises NotFound, and Stale (`data["version"]`) when another window saved something else since; what that
    window wrote stays.
    """
    take_portfolio(session, actor, portfolio_of_submission(session, submission_code), JUDGE)
    desk = get_desk(session, actor, submission_code)
    data = draft_data(content)
    row = draft_of(session, desk.submission.id, actor.person_id)
    if row is None:
        row = ReviewDraft(
            submission_id=desk.submission.id,
            person_id=actor.person_id,
            data=data,
            edit_version=1,
            saved_at=clock.now(),
        )
        session.add(row)
        session.flush()
        return row
    if _is_the_same(row.data, data):
        return row
    own_tab = bool(content.tab) and row.data.get("tab") == content.tab
    if not own_tab and content.draft_version != row.edit_version:
        raise Stale(
            "You changed this review in another window. Reload the page to go on with what you wrote there.",
            version=row.edit_version,
        )
    row.data, row.edit_version, row.saved_at = data, row.edit_version + 1, clock.now()
    session.flush()
    return row


def draft_data(content: DraftContent) -> dict[str, Any]:
    """The draft as the table keeps it."""
    return {
        "tab": content.tab,
        "comment": content.comment,
        "return_reason": content.return_reason,
        "answers": {
            answer.mapping: {
                "decision": answer.decision.value if answer.decision else "",
                "feedback": answer.feedback,
                "vacsr": [question for question in VACSR if question in answer.vacsr],
            }
            for answer in content.answers
        },
    }


def _is_the_same(stored: dict[str, Any], data: dict[str, Any]) -> bool:
    return {k: v for k, v in stored.items() if k != "tab"} == {k: v for k, v in data.items() if k != "tab"}
