"""Reads of assessing."""
