"""The page of a version and the page of a unit, and the part of each whose order can be changed. No addresses here."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from criteria.glossary import Marker
from criteria.models import Node, VersionState
from criteria.permissions import BANK_VIEW, FRAMEWORK_MANAGE, FRAMEWORK_RULE
from criteria.queries import (
    VersionHead,
    glossary_of,
    group_rows,
    groups_of_version,
    stored_rules,
    tree_of,
    unit_guide,
)
from criteria.rule_wording import maker_word, node_words, rule_lines, rule_sentences
from criteria.rules import Groups, group_notes
from criteria.service import mark_of_groups, mark_of_order
from criteria.wording import guidance_word
from portfolio.core.actor import Actor
from portfolio.web.pages import render

LIST = ("Frameworks", "/frameworks")


def version_page(
    request: Request,
    session: Session,
    actor: Actor,
    head: VersionHead,
    *,
    part: str = "",
    status: int = 200,
    **said: str,
) -> Response:
    """A version with its units and its rules. `part`: the table of "units" or the list of "groups" alone, for htmx.

    `said` may hold `moved`, where something stands now, and `stale`, why it was not moved; for groups with "groups_".
    """
    root = tree_of(session, head.version.id)
    context: dict[str, Any] = {
        "head": head,
        "root": root,
        "group_titles": {group.id: group.title for group in groups_of_version(session, head.version.id)},
        "may_manage": FRAMEWORK_MANAGE.allows_role(actor),
        "order_mark": mark_of_order(branch.node for branch in root.children),
        **_said(said),
    }
    if part == "units":
        return render(request, "criteria/_units.html", status=status, **context)
    groups = group_rows(session, head.version.id)
    may_edit = context["may_manage"] and head.version.state is VersionState.DRAFT
    context |= _groups_shown(groups, may_edit, said)
    if part == "groups":
        return render(request, "criteria/_groups.html", status=status, **context)
    return render(
        request,
        "criteria/version.html",
        title=root.node.text,
        status=status,
        crumbs=[LIST, (f"Version {head.version.label}", "")],
        group_notes=group_notes(groups) if may_edit else [],
        rules=_rules_shown(session, actor, head, {each.node.id: each.node for each in root.walk()}),
        portfolios=request.app.state.questions.portfolios_on(session, head.version.id),
        may_rule=FRAMEWORK_RULE.allows_role(actor) and head.version.state is not VersionState.RETIRED,
        may_ask=BANK_VIEW.allows_role(actor) and head.version.state is not VersionState.DRAFT,
        **context,
    )


def _groups_shown(groups: Groups, may_edit: bool, said: Mapping[str, str]) -> dict[str, Any]:
    """The rules of combination, with a link to each group while it may be changed."""
    links = {each.ref: f"unit-group?ref={quote(each.ref, safe='')}" for each in groups.groups}
    return {
        "groups": groups.combination(),
        "group_urls": links if may_edit else {},
        "groups_mark": mark_of_groups(each.ref for each in groups.groups),
        "groups_moved": said.get("groups_moved", ""),
        "groups_stale": said.get("groups_stale", ""),
    }


def _rules_shown(
    session: Session, actor: Actor, head: VersionHead, nodes: Mapping[int, Node]
) -> list[tuple[Node, str, str, list[str]]]:
    """Each stored rule in the framework's order: its node, what that is called, whose rule it is, and its sentences."""
    stored = stored_rules(session, head.version.id, actor.centre_id)
    return [
        (nodes[at], node_words(nodes[at].kind, nodes[at].ref), maker_word(by), rule_sentences(rule))
        for (at, by), rule in sorted(stored.items(), key=lambda item: nodes[item[0][0]].position)
    ]


def unit_page(
    request: Request,
    session: Session,
    actor: Actor,
    head: VersionHead,
    unit: Node,
    *,
    part: bool = False,
    status: int = 200,
    **said: str,
) -> Response:
    """A unit with its guidance. `part`: its criteria alone, for htmx; `said` as in `version_page`."""
    terms = glossary_of(session, [unit.id])
    code = head.version.code
    guide = unit_guide(session, head, unit, actor.centre_id)
    return render(
        request,
        "criteria/_unit_body.html" if part else "criteria/unit.html",
        title=unit.text,
        status=status,
        crumbs=[
            LIST,
            (f"{head.qualification.title}, version {head.version.label}", f"/frameworks/{code}"),
            (unit.ref, ""),
        ],
        guide=guide,
        terms=terms,
        marked=Marker(terms),
        rule_lines=rule_lines,
        guidance_word=guidance_word,
        base=f"/frameworks/{code}",
        may_manage=FRAMEWORK_MANAGE.allows_role(actor) and head.version.state is VersionState.DRAFT,
        may_rule=FRAMEWORK_RULE.allows_role(actor) and head.version.state is not VersionState.RETIRED,
        may_ask=BANK_VIEW.allows_role(actor) and head.version.state is not VersionState.DRAFT,
        order_mark=mark_of_order([branch.node for branch in guide.branch.walk()][1:]),
        **_said(said),
    )


def _said(said: dict[str, str]) -> dict[str, str]:
    return {"moved": "", "stale": "", **said}
