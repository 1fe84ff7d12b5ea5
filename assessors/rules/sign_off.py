"""The canonical basis of a sign-off: everything it rests on. Equal facts give an equal structure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assessors.rules.decisions import Decision
from criteria.rules import Status

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisJudgement:
    """A judgement in force, with what it was made about and the digest that was seen.

    `countersignature` is the code of the answer that put a trainee's judgement in force; "" for all others.
    """

    judgement: str
    decision: Decision
    evidence: str
    revision: int
    mapping: str
    seen_digest: str
    assessor: str
    countersignature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisCriterion:
    """A criterion with its status, the rule in force and the judgements on it."""

    code: str
    ref: str
    status: Status
    rule: Mapping[str, Any]
    counted: Sequence[str] = ()
    judgements: Sequence[BasisJudgement] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisUnit:
    """Where the unit stands: portfolio, framework version and unit by code and reference."""

    portfolio: str
    version: str
    unit: str
    unit_ref: str


def basis_of(
    unit: BasisUnit, criteria: Sequence[BasisCriterion], waivers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What a sign-off rests on, ready for canonical JSON. Criteria in the framework's order.

    Judgements are sorted by code, so that the order in which they were read means nothing. `waivers` maps
    codes of criteria to typed reasons; a criterion that is met needs none, and its reason is left out.
    """
    given = waivers or {}
    return {
        "format": FORMAT,
        "portfolio": unit.portfolio,
        "framework_version": unit.version,
        "unit": {"code": unit.unit, "ref": unit.unit_ref},
        "criteria": [_criterion(each) for each in criteria],
        "waivers": [
            {"criterion": each.code, "ref": each.ref, "reason": given[each.code].strip()}
            for each in criteria
            if each.status is not Status.MET and given.get(each.code, "").strip()
        ],
    }


def is_same_basis(signed: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether a unit still rests on what was signed: two of `basis_of`, both as JSON gives them.

    The first sign-offs did not name countersignatures: where the signed one names none, none is compared.
    """
    named = {
        judgement["code"]
        for criterion in signed.get("criteria", ())
        for judgement in criterion["judgements"]
        if judgement["countersignature"]
    }
    return dict(signed) == {**now, "criteria": [_as_named(each, named) for each in now["criteria"]]}


def _as_named(criterion: Mapping[str, Any], named: Collection[str]) -> dict[str, Any]:
    judgements = [
        each if each["code"] in named else {**each, "countersignature": ""}
        for each in criterion["judgements"]
    ]
    return {**criterion, "judgements": judgements}


def _criterion(each: BasisCriterion) -> dict[str, Any]:
    return {
        "code": each.code,
        "ref": each.ref,
        "status": each.status.value,
        "rule": dict(each.rule),
        "counted": sorted(each.counted),
        "judgements": [_judgement(j) for j in sorted(each.judgements, key=lambda j: j.judgement)],
    }


def _judgement(each: BasisJudgement) -> dict[str, Any]:
    return {
        "code": each.judgement,
        "decision": each.decision.value,
        "evidence": each.evidence,
        "revision": each.revision,
        "mapping": each.mapping,
        "seen_digest": each.seen_digest,
        "assessor": each.assessor,
        "countersignature": each.countersignature,
    }
