"""Writes of evidence: drafts, files, mappings, submission, revisions."""

from evidence.service.blobs import UNUSED_BLOB
from evidence.service.confidential import Handling, clear_confidential, mark_confidential
from evidence.service.drafts import (
    DraftFields,
    create_draft,
    overtaken,
    restore_draft,
    save_draft,
    withdraw_draft,
)
from evidence.service.files import (
    MAX_FILES,
    Upload,
    attach_file,
    attach_within_limits,
    check_upload,
    detach_file,
    forget_unused_blob,
    move_file,
    rename_file,
)
from evidence.service.kinds import MAX_TEXT, change_kind, was_changed
from evidence.service.mappings import (
    Claim,
    add_mapping_in_review,
    drop_mapping_in_review,
    map_criteria,
    map_drafts,
    unmap_criterion,
)
from evidence.service.revisions import discard_revision, start_revision
from evidence.service.search import FILL, fill_batch, fill_everything
from evidence.service.submission import submit_evidence
from evidence.service.uploads import UPLOAD_RECEIVED, Announced
from evidence.service.versions import restore_version

__all__ = [
    "FILL",
    "MAX_FILES",
    "MAX_TEXT",
    "UNUSED_BLOB",
    "UPLOAD_RECEIVED",
    "Announced",
    "Claim",
    "DraftFields",
    "Handling",
    "Upload",
    "add_mapping_in_review",
    "attach_file",
    "attach_within_limits",
    "change_kind",
    "check_upload",
    "clear_confidential",
    "create_draft",
    "detach_file",
    "discard_revision",
    "drop_mapping_in_review",
    "fill_batch",
    "fill_everything",
    "forget_unused_blob",
    "map_criteria",
    "map_drafts",
    "mark_confidential",
    "move_file",
    "overtaken",
    "rename_file",
    "restore_draft",
    "restore_version",
    "save_draft",
    "start_revision",
    "submit_evidence",
    "unmap_criterion",
    "was_changed",
    "withdraw_draft",
]
