"""Reading from a bucket, piece by piece."""

from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from urllib3.exceptions import HTTPError

from portfolio.core.errors import Unavailable

if TYPE_CHECKING:
    from evidence.storage.s3 import S3Store

_PIECE_BYTES = 256 * 1024


class Body(Protocol):
    """What the client gives back as the body of an answer."""

    def read(self, amt: int | None = None) -> bytes: ...

    def close(self) -> None: ...


class S3Reader:
    """Streams a range; a connection lost in the middle is taken up again where it broke, three times."""

    def __init__(
        self, store: "S3Store", key: str, start: int, end_exclusive: int, body: "Body | None"
    ) -> None:
        self._store, self._key = store, key
        self._position, self._end = start, end_exclusive
        self._resumes = 3
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while self._position < self._end and self._body is not None:
            piece = self._read()
            if piece:
                self._position += len(piece)
                return piece
        self.close()
        raise StopIteration

    def close(self) -> None:
        if self._body is not None:
            with suppress(HTTPError, OSError):
                self._body.close()
            self._body = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> bytes:
        """The next bytes, or none after a connection was opened anew."""
        try:
            with self._store.translated(self._key):
                assert self._body is not None
                piece = self._body.read(min(_PIECE_BYTES, self._end - self._position))
        except Unavailable:
            piece = b""
        if piece:
            return piece
        self.close()
        self._resumes -= 1
        if self._resumes < 0:
            raise Unavailable("The file store broke off in the middle of a file.", store=self._store.name)
        self._body, _ = self._store.body(self._key, self._position, self._end)
        return b""
