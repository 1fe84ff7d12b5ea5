"""A stored blob as a read-only, seekable file, for libraries that want one."""

import io

from evidence.storage.protocol import BlobStore


class BlobFile(io.RawIOBase):
    """Reads ranges of the blob as asked for. Wrap it in `io.BufferedReader` when reads are small."""

    def __init__(self, store: BlobStore, key: str, size_bytes: int) -> None:
        super().__init__()
        self._store, self._key, self._size, self._position = store, key, size_bytes, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._position = base + offset
        return self._position

    def readall(self) -> bytes:
        return self.read_at(self._position, self._size - self._position, advance=True)

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        data = self.read_at(self._position, len(buffer), advance=True)
        buffer[: len(data)] = data
        return len(data)

    def read_at(self, start: int, length: int, *, advance: bool = False) -> bytes:
        """Up to `length` bytes from `start`; fewer at the end of the blob."""
        end = min(self._size, start + length)
        if start >= end:
            return b""
        with self._store.open(self._key, start, end) as reader:
            data = b"".join(reader)
        if advance:
            self._position += len(data)
        return data
