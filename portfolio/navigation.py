"""The main navigation by role: which pages stand in the top bar."""

from collections.abc import Sequence

from portfolio.core.actor import Actor, Role
from portfolio.web.pages import NavItem

_SEARCH = ("Search", "/search")
_CANDIDATE = (
    ("My portfolio", "/portfolio"),
    ("Evidence", "/evidence"),
    ("Feedback", "/feedback"),
    ("Unit guide", "/units"),
    _SEARCH,
)
_ASSESSOR = (("Queue", "/queue"), ("Caseload", "/caseload"), ("Frameworks", "/frameworks"))
_STAFF_READ = (("Portfolios", "/portfolios"), ("Frameworks", "/frameworks"), _SEARCH)

ITEMS: dict[Role, tuple[tuple[str, str], ...]] = {
    Role.CANDIDATE: _CANDIDATE,
    Role.ASSESSOR: (*_ASSESSOR, ("Countersign", "/countersign"), _SEARCH),
    Role.TRAINEE_ASSESSOR: (*_ASSESSOR, _SEARCH),
    Role.IQA: _STAFF_READ,
    Role.LEAD_IQA: _STAFF_READ,
    Role.EQA: _STAFF_READ,
    Role.CENTRE_MANAGER: (
        ("Progress", "/progress"),
        ("Enrol", "/enrolments"),
        ("People", "/people"),
        ("Frameworks", "/frameworks"),
        ("Centre", "/centre"),
        ("Outbox", "/outbox"),
        _SEARCH,
    ),
    Role.OPERATOR: (("Installation", "/installation"),),
}

HOMES = {role: items[0][1] for role, items in ITEMS.items()}
"""Where each role lands after sign-in: the first entry of its navigation."""


def navigation(actor: Actor | None, path: str) -> Sequence[NavItem]:
    """The entries for a person, with the one that the path belongs to marked."""
    if actor is None:
        return ()
    entries = ITEMS[actor.role]
    matching = [url for _, url in entries if path == url or path.startswith(url + "/")]
    current = max(matching, key=len, default="")
    return [NavItem(label, url, url == current) for label, url in entries]
