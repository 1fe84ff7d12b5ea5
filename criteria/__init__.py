"""Frameworks, units, criteria, sufficiency, coverage, importers."""
