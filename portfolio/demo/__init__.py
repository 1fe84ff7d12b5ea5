"""The demonstration centre: a believable installation made through the services, deterministic by seed.

At the roof: it composes services of every package and inserts nothing itself.
"""

from portfolio.demo.accounts import Account, Demonstration, is_demonstration, read_demonstration
from portfolio.demo.build import PASSWORD, Progress
from portfolio.demo.installation import ensure_demonstration

__all__ = [
    "PASSWORD",
    "Account",
    "Demonstration",
    "Progress",
    "ensure_demonstration",
    "is_demonstration",
    "read_demonstration",
]
