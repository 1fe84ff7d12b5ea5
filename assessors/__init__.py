"""Allocation, judgement, countersignature, sign-off, sampling, actions."""
