"""Writes of assessing, one module per thing that is done."""

from assessors.service.countersignatures import Reply, countersign_judgements, countersign_sign_off
from assessors.service.drafts import DraftContent, save_draft
from assessors.service.mappings import NewMapping, add_mapping, drop_mapping
from assessors.service.recording import Recording, Seen
from assessors.service.records import begin_record, keep_record, record_evidence
from assessors.service.repeats import RecordedAlready
from assessors.service.replacing import judge_again
from assessors.service.reviews import Finished, finish_review, return_submission
from assessors.service.sign_offs import STATEMENT, SigningOff, basis_digest, sign_off_unit, unlock_unit

__all__ = [
    "STATEMENT",
    "DraftContent",
    "Finished",
    "NewMapping",
    "RecordedAlready",
    "Recording",
    "Reply",
    "Seen",
    "SigningOff",
    "add_mapping",
    "basis_digest",
    "begin_record",
    "countersign_judgements",
    "countersign_sign_off",
    "drop_mapping",
    "finish_review",
    "judge_again",
    "keep_record",
    "record_evidence",
    "return_submission",
    "save_draft",
    "sign_off_unit",
    "unlock_unit",
]
