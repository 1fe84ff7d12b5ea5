"""A clamd that speaks the protocol on 127.0.0.1 and does what a test tells it, misbehaving included."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
VERSION = "ClamAV 1.4.3/27700/Wed Jul 16 08:37:25 2025"


@dataclass
class FakeClamd:
    """`max_bytes` is its StreamMaxLength. `dies`: it hangs up in the middle of a stream; `silent`: it reads
    everything and says nothing; `says`: its answer, whatever came."""

    address: str
    max_bytes: int = 10_000_000
    version: str = VERSION
    dies: bool = False
    silent: bool = False
    says: str = ""
    received: list[int] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def answer(self, line: socket.socket) -> None:
        """One connection."""
        command = _until_nul(line)
        if command == b"zVERSION":
            line.sendall(self.version.encode() + b"\0")
        elif command == b"zINSTREAM":
            self._instream(line)

    def _instream(self, line: socket.socket) -> None:
        content = bytearray()
        while size := struct.unpack("!I", _exactly(line, 4))[0]:
            if len(content) + size > self.max_bytes:
                line.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                self.received.append(len(content))
                return
            content += _exactly(line, size)
            if self.dies:
                self.received.append(len(content))
                return
        self.received.append(len(content))
        if self.silent:
            self.stopping.wait(10)
            return
        found = b"stream: Eicar-Signature FOUND\0" if EICAR in content else b"stream: OK\0"
        line.sendall(self.says.encode() + b"\0" if self.says else found)


@contextmanager
def fake_clamd() -> Iterator[FakeClamd]:
    """A running one, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        clamd = FakeClamd(f"127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=_serve, args=(listener, clamd), daemon=True)
        thread.start()
        try:
            yield clamd
        finally:
            clamd.stopping.set()
            with socket.create_connection(listener.getsockname()):
                pass  # wakes the thread from accept
            thread.join(timeout=5)


def _serve(listener: socket.socket, clamd: FakeClamd) -> None:
    while True:
        line, _ = listener.accept()
        with line:
            if clamd.stopping.is_set():
                return
            try:
                clamd.answer(line)
            except OSError:
                continue  # the client left


def _until_nul(line: socket.socket) -> bytes:
    said = bytearray()
    while not said.endswith(b"\0"):
        said += _exactly(line, 1)
    return bytes(said[:-1])


def _exactly(line: socket.socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        piece = line.recv(count - len(found))
        if not piece:
            raise ConnectionResetError
        found += piece
    return bytes(found)
