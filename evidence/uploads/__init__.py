"""Resumable uploads at work: the blocking steps (`desk`), the bytes of one request (`intake`), running digests."""

from evidence.uploads.desk import Desk, Standing
from evidence.uploads.intake import Body, Gone, Intake

__all__ = ["Body", "Desk", "Gone", "Intake", "Standing"]
