"""The rule on a node: what is in force, a form, a preview of which criteria a change alters, and saving it."""

from collections.abc import Iterable, Sequence

from fastapi import Request
from starlette.responses import Response

from criteria.forms import read_rule, rule_values
from criteria.models import Node, VersionState
from criteria.permissions import FRAMEWORK_MANAGE, FRAMEWORK_RULE, FRAMEWORK_VIEW
from criteria.queries import (
    RangeRef,
    VersionHead,
    get_node,
    get_version,
    range_by_criterion,
    rules_by_node,
    stored_rules,
    subtree_of,
)
from criteria.rule_wording import FIELD_LABELS, node_words, rule_lines, rule_sentences
from criteria.rules import EvidenceKind, RuleBy, SufficiencyRule
from criteria.service import RuleEffect, check_rule, mark_of_rule, rule_effects, set_rule
from criteria.wording import kind_word
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Stale
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.forms import Fields
from portfolio.web.pages import render, see_other

routes = Routes()
PATH = "/frameworks/{code}/nodes/{node_code}/rule"


@routes.page(PATH, FRAMEWORK_RULE)
def show(request: Request, session: ReadSession, actor: CurrentActor, code: str, node_code: str) -> Response:
    """The rules on and above a node, and a form for the one that this person may state."""
    head, node = _load(session, actor, code, node_code)
    stored, mark = _stored(session, actor, head, node)
    return _page(request, session, actor, head, node, values={**rule_values(stored), "shown": mark})


@routes.action(PATH + "/preview", FRAMEWORK_RULE)
def preview(
    request: Request, session: ReadSession, actor: CurrentActor, posted: Posted, code: str, node_code: str
) -> Response:
    """Which criteria a change would alter. Stores nothing."""
    head, node = _load(session, actor, code, node_code)
    try:
        rule = read_rule(posted)
        check_rule(session, actor, head, node, _owner(actor, head), rule)
    except Invalid as error:
        return _again(request, session, actor, head, node, posted, error.errors)
    effects = rule_effects(session, actor, head, node, _owner(actor, head), rule)
    return _page(
        request,
        session,
        actor,
        head,
        node,
        values={**rule_values(rule), "shown": posted.raw("shown")},
        reason=posted.raw("reason"),
        effects=effects,
    )


@routes.action(PATH, FRAMEWORK_RULE)
def save(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str, node_code: str
) -> Response:
    """State the rule. Coverage follows in the same transaction."""
    head, node = _load(session, actor, code, node_code)
    try:
        rule = read_rule(posted)
        reason = posted.text("reason", "Reason", limit=2000)
        posted.check()
        set_rule(session, actor, head, node, _owner(actor, head), rule, reason, shown=posted.raw("shown"))
    except Invalid as error:
        return _again(request, session, actor, head, node, posted, error.errors)
    except Stale as error:
        return _again(request, session, actor, head, node, posted, {}, stale=error.message)
    return see_other(
        request, f"/frameworks/{code}", f"The rule on {node_words(node.kind, node.ref)} is in force."
    )


def _load(session: ReadSession, actor: Actor, code: str, node_code: str) -> tuple[VersionHead, Node]:
    head = get_version(session, actor, code, FRAMEWORK_VIEW)
    FRAMEWORK_RULE.require(actor, head)
    return head, get_node(session, head, node_code)


def _range_choices(below: Iterable[Sequence[RangeRef]]) -> list[tuple[str, str]]:
    """The references to tick, each with every text that stands behind it: "a" may mean something else elsewhere."""
    texts: dict[str, dict[str, None]] = {}
    for items in below:
        for item in items:
            texts.setdefault(item.ref, {})[item.text] = None
    return [(ref, f"{ref}: {'; or '.join(found)}") for ref, found in texts.items()]


def _owner(actor: Actor, head: VersionHead) -> RuleBy:
    """On a draft the manager states what the awarding body asks; otherwise it is the centre that asks for more."""
    draft = head.version.state is VersionState.DRAFT and FRAMEWORK_MANAGE.allows_role(actor)
    return RuleBy.AWARDING_BODY if draft else RuleBy.CENTRE


def _stored(
    session: ReadSession, actor: Actor, head: VersionHead, node: Node
) -> tuple[SufficiencyRule | None, str]:
    """The rule that this person may state here, as it is now, and its mark."""
    owner = _owner(actor, head)
    stored = stored_rules(session, head.version.id, actor.centre_id).get((node.id, owner))
    return stored, mark_of_rule(stored, owner)


def _again(
    request: Request,
    session: ReadSession,
    actor: Actor,
    head: VersionHead,
    node: Node,
    posted: Fields,
    errors: dict[str, str],
    *,
    stale: str = "",
) -> Response:
    """The form as it was filled in, with its errors; what could not be read stands in the fields as typed.

    `stale` says that another rule was stored meanwhile: the page shows it, and saving again replaces it.
    """
    typed: dict[str, object] = dict(posted.values())
    for name in ("required_kinds_all", "required_kinds_any", "range_required"):
        typed[name] = posted.many(name)
    typed["minimum_of_kind"] = {kind.value: posted.raw(f"minimum_of_{kind.value}") for kind in EvidenceKind}
    typed["simulation_allowed"] = {"yes": True, "no": False}.get(posted.raw("simulation_allowed"))
    stored, mark = _stored(session, actor, head, node)
    typed["shown"] = mark if stale else posted.raw("shown")
    return _page(
        request,
        session,
        actor,
        head,
        node,
        values=typed,
        reason=posted.raw("reason"),
        errors=errors,
        stale=stale,
        stored_now=rule_sentences(stored) if stored else [],
        status=409 if stale else 422,
    )


def _page(
    request: Request,
    session: ReadSession,
    actor: Actor,
    head: VersionHead,
    node: Node,
    *,
    values: dict[str, object],
    reason: str = "",
    effects: list[RuleEffect] | None = None,
    errors: dict[str, str] | None = None,
    stale: str = "",
    stored_now: list[str] | None = None,
    status: int = 200,
) -> Response:
    words = node_words(node.kind, node.ref)
    ranges = range_by_criterion(session, head.version.id)
    below = [ranges.get(found.id, ()) for found in subtree_of(session, node).criteria]
    return render(
        request,
        "criteria/rule.html",
        title=f"Rule on {words[0].lower()}{words[1:]}",
        status=status,
        crumbs=[
            ("Frameworks", "/frameworks"),
            (f"{head.qualification.title}, version {head.version.label}", f"/frameworks/{head.version.code}"),
            (words, ""),
        ],
        head=head,
        node=node,
        in_force=rule_lines(rules_by_node(session, head.version.id, actor.centre_id)[node.id][1]),
        rule_lines=rule_lines,
        values=values,
        reason=reason,
        effects=effects,
        errors=errors or {},
        stale=stale,
        stored_now=stored_now or [],
        labels=FIELD_LABELS,
        kinds=[(kind.value, kind_word(kind)) for kind in EvidenceKind],
        ranges=_range_choices(below),
        by_centre=_owner(actor, head) is RuleBy.CENTRE,
    )
