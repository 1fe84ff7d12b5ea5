"""Digests of uploads that are not whole yet, kept between requests, so that the end need not read it all again.

Only a saving: what is not known here, because another process took the earlier bytes or this one was started
anew, is read from the store. A digest is kept only for bytes that are durable and written down, and those never
change afterwards.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

_KEPT = 512


@dataclass(frozen=True, slots=True)
class Running:
    """The SHA-256 of the first `size_bytes` bytes."""

    size_bytes: int
    sha256: "_Hash"

    def copy(self) -> "Running":
        """One that can go its own way."""
        return Running(self.size_bytes, self.sha256.copy())


class Digests:
    """Running digests by the code of their upload; the longest unused are forgotten. Safe for many threads."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._known: OrderedDict[str, Running] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, code: str, size_bytes: int) -> Running | None:
        """The digest of exactly so many bytes, to go on with; None when it is not known."""
        found = self.up_to(code, size_bytes)
        return found if found.size_bytes == size_bytes else None

    def up_to(self, code: str, size_bytes: int) -> Running:
        """The digest of as many of these bytes as are known, at worst of none."""
        with self._lock:
            found = self._known.get(code)
            if found is not None and found.size_bytes <= size_bytes:
                self._known.move_to_end(code)
                return found.copy()
        return Running(0, hashlib.sha256())

    def keep(self, code: str, running: Running) -> None:
        """Remember the digest of bytes that are durable and written down."""
        with self._lock:
            self._known[code] = running.copy()
            self._known.move_to_end(code)
            while len(self._known) > self._kept:
                self._known.popitem(last=False)

    def forget(self, code: str) -> None:
        """The upload has ended, or begins anew."""
        with self._lock:
            self._known.pop(code, None)
