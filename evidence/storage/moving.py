"""Two stores as one, while files move from the one to the other: new files go to the current store, and what is
read is looked for there first, then in the other.

Which of them is current is asked for each time, so that a running process follows the switch. Rows say where a
blob was checked last; nothing here relies on them.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from itertools import groupby
from typing import TypeVar

from evidence.storage.partial import Ledger, Partials, PartialWriter, Place
from evidence.storage.protocol import (
    BlobMissing,
    BlobReader,
    BlobStore,
    BlobWriter,
    StoredBlob,
    StoredKey,
)

_T = TypeVar("_T")


class MovingStore:
    """A BlobStore over several, by name. `current` gives the name of the one for new files; it may block."""

    def __init__(self, stores: Mapping[str, BlobStore], current: Callable[[], str]) -> None:
        self._stores, self._current = dict(stores), current

    @property
    def name(self) -> str:
        return self._current()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._stores)

    def at(self, name: str) -> BlobStore:
        if name not in self._stores:
            raise ValueError(f"there is no store {name!r}")
        return self._stores[name]

    @property
    def partials(self) -> "MovingPartials":
        return MovingPartials(self)

    def writer(self, max_bytes: int) -> BlobWriter:
        return self.in_order()[0].writer(max_bytes)

    def open(self, key: str, start: int = 0, end_exclusive: int | None = None) -> BlobReader:
        return self._first(lambda store: store.open(key, start, end_exclusive))

    def size(self, key: str) -> int:
        return self._first(lambda store: store.size(key))

    def exists(self, key: str) -> bool:
        return any(store.exists(key) for store in self.in_order())

    def delete(self, key: str, unless_modified_since: datetime | None = None) -> None:
        for store in self.in_order():
            store.delete(key, unless_modified_since)

    def keys(self, prefix: str = "") -> Iterator[StoredKey]:
        """As of one store; of a blob that is in both, the later time."""
        merged = heapq.merge(*(store.keys(prefix) for store in self.in_order()))
        for _, same in groupby(merged, lambda found: found.key):
            yield max(same, key=lambda found: found.modified_at)

    def sweep_temporary(self, older_than: datetime) -> int:
        return sum(store.sweep_temporary(older_than) for store in self.in_order())

    def check(self) -> None:
        for store in self.in_order():
            store.check()

    def in_order(self) -> list[BlobStore]:
        """All stores, the current one first."""
        current = self._current()
        return [self._stores[current], *(store for name, store in self._stores.items() if name != current)]

    def _first(self, work: Callable[[BlobStore], _T]) -> _T:
        """What the first store answers that has the blob. BlobMissing when none has."""
        stores = self.in_order()
        for store in stores[:-1]:
            try:
                return work(store)
            except BlobMissing:
                continue
        return work(stores[-1])


class MovingPartials:
    """Unfinished uploads go on in the store where they began; their places name it."""

    def __init__(self, store: MovingStore) -> None:
        self._store = store

    def hold(self, code: str, wait_seconds: float) -> AbstractContextManager[None]:
        return self._held(code, wait_seconds)

    def open(self, place: Place, ledger: Ledger) -> PartialWriter:
        return self._of(place).open(place, ledger)

    def assemble(self, place: Place) -> None:
        self._of(place).assemble(place)

    def read(self, place: Place, start: int) -> Iterator[bytes]:
        return self._of(place).read(place, start)

    def publish(self, place: Place, sha256: str) -> StoredBlob:
        return self._of(place).publish(place, sha256)

    def remove(self, code: str) -> None:
        for store in self._store.in_order():
            store.partials.remove(code)

    def leftovers(self, older_than: datetime) -> Iterator[str]:
        for store in self._store.in_order():
            yield from store.partials.leftovers(older_than)

    @contextmanager
    def _held(self, code: str, wait_seconds: float) -> Iterator[None]:
        """In all stores: which of them has it is not known yet."""
        with ExitStack() as stack:
            for store in sorted(self._store.in_order(), key=lambda each: each.name):
                stack.enter_context(store.partials.hold(code, wait_seconds))
            yield

    def _of(self, place: Place) -> Partials:
        name = place.store if place.store in self._store.names else self._store.name
        return self._store.at(name).partials
