"""The closed lists of the domain that several packages share, stored in the database by value as text."""

from enum import StrEnum


class EvidenceKind(StrEnum):
    """What sort of evidence an item is; sufficiency rules count by it."""

    RECORDING = "recording"
    OBSERVATION = "observation"
    WITNESS_TESTIMONY = "witness_testimony"
    REFLECTIVE_ACCOUNT = "reflective_account"
    PRODUCT = "product"
    PROFESSIONAL_DISCUSSION = "professional_discussion"
    QUESTIONING = "questioning"
    IN_SITU = "in_situ"


class WitnessStatus(StrEnum):
    """How far a witness's own competence lends weight to a testimony."""

    EXPERT_MEETING_REQUIREMENTS = "expert_meeting_requirements"
    OCCUPATIONAL_EXPERT = "occupational_expert"
    FAMILIAR_WITH_STANDARDS = "familiar_with_standards"
    OTHER = "other"


class NodeKind(StrEnum):
    """The levels of a framework tree, from the root to the leaves that evidence must cover."""

    QUALIFICATION = "qualification"
    UNIT = "unit"
    OUTCOME = "outcome"
    CRITERION = "criterion"


class GuidanceKind(StrEnum):
    """The parts of a unit's teaching text."""

    SYNOPSIS = "synopsis"
    OVERVIEW = "overview"
    KEY_CONCEPTS = "key_concepts"
    ADVICE = "advice"
    COMMON_MISTAKES = "common_mistakes"
    PREREQUISITES = "prerequisites"
    KEY_TERMS = "key_terms"
    FAQ = "faq"
