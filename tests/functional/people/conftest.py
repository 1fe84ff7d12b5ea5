"""Fast hashing for tests: the same algorithm with small parameters."""

import pytest
from argon2 import PasswordHasher

from portfolio.people import passwords

PASSWORD = "three random words"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id with little memory, so that a sign-in takes a millisecond."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobody.cache_clear()
