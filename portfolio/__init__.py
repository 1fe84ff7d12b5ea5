"""Competency Portfolio: evidence of competence, mapped, judged and trustworthy."""

__version__ = "0.1.0"
