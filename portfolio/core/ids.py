"""Opaque names for things: short codes for addresses, long random tokens for secrets."""

import hashlib
import secrets

ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"  # no 0/o, 1/l/i, u: safe to read aloud
CODE_LENGTH = 12


def new_code(length: int = CODE_LENGTH) -> str:
    """A random opaque code for URLs: 30^12, about 59 bits. Not a secret."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def code_of(*parts: str) -> str:
    """A code like those of `new_code`, always the same one for the same parts in the same order.

    >>> code_of("a", "bc") == code_of("ab", "c")
    False
    """
    told = b"".join(
        len(part).to_bytes(8) + part for part in (each.encode("utf-8", "surrogatepass") for each in parts)
    )
    number = int.from_bytes(hashlib.sha256(told).digest())
    return "".join(ALPHABET[number // len(ALPHABET) ** place % len(ALPHABET)] for place in range(CODE_LENGTH))


def new_token() -> str:
    """A secret of 256 bits, URL-safe. Only its hash is ever stored."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """SHA-256 of a token in hexadecimal: what the database keeps of it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
