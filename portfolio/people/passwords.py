"""Passwords: hashed with Argon2id, checked in the same time whether the account exists or not."""

import threading
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portfolio.people.rules import PASSWORD_MAX

HASHER = PasswordHasher()
_AT_ONCE = threading.BoundedSemaphore(
    4
)  # each hash takes 64 MiB; a flood of sign-ins must not take all memory


def hash_password(password: str) -> str:
    """The Argon2id hash of a password, with its parameters and salt inside."""
    with _AT_ONCE:
        return HASHER.hash(_plain(password))


def is_right_password(stored: str | None, password: str) -> bool:
    """Whether a password fits a stored hash. None (no account, no password yet) takes as long and is False."""
    if len(password) > PASSWORD_MAX:
        return False
    try:
        with _AT_ONCE:
            HASHER.verify(stored or _nobody(), _plain(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's, so that it should be made again."""
    return HASHER.check_needs_rehash(stored)


def _plain(password: str) -> bytes:
    # NFKC, as NIST SP 800-63B asks: the same keys give the same password on every system
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@lru_cache(maxsize=1)
def _nobody() -> str:
    return HASHER.hash(b"the password of nobody")
