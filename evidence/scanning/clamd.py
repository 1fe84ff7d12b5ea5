"""A small client of clamd, the daemon of ClamAV: what it is, and whether a stream of bytes is clean.

Ours, because the maintained libraries (all descend from pyclamd, LGPL) read a whole file object, hang on a
silent daemon, and lose the answer "size limit exceeded", which clamd gives in the middle of the sending.
Constant memory: a piece of the stream at a time. Protocol: clamd(8), commands VERSION and INSTREAM.
"""

import select
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from portfolio.core.errors import Unavailable

CONNECT_SECONDS = 5.0
SEND_SECONDS = 30.0
ANSWER_SECONDS = 180.0  # clamd gives up on one file after two minutes by itself
_MAX_ANSWER_BYTES = 4096
_MAX_PIECE_BYTES = 1024 * 1024
_LIMITS = "Heuristics.Limits.Exceeded"


class ScannerAway(Unavailable):
    """The scanner cannot be reached, does not answer in time, or breaks off. Nothing is known about the file."""


class Outcome(StrEnum):
    """What the scanner said of a stream."""

    CLEAN = "clean"
    INFECTED = "infected"
    TOO_LARGE = "too large"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`words` names what was found, or why it failed; "" for a clean stream."""

    outcome: Outcome
    words: str = ""


@dataclass(frozen=True, slots=True)
class Engine:
    """What the scanner says it is: "ClamAV 1.4.3", and the number and date of its signatures."""

    name: str
    signatures: str


class Clamd:
    """Talks to the daemon at "host:port" or at the path of its socket. One connection for each question."""

    def __init__(
        self,
        address: str,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        self._address = address
        self._answer_seconds, self._connect_seconds = answer_seconds, connect_seconds

    def engine(self) -> Engine:
        """Which engine answers, with its signatures. Raises ScannerAway."""
        with self._connected() as line:
            line.settimeout(self._connect_seconds)
            line.sendall(b"zVERSION\0")
            return parse_version(_answer(line))

    def scan(self, pieces: Iterable[bytes]) -> Verdict:
        """What it says of these bytes. Stops reading them once it has answered. Raises ScannerAway, and
        whatever the pieces raise."""
        with self._connected() as line:
            line.settimeout(SEND_SECONDS)
            line.sendall(b"zINSTREAM\0")
            if self._send(line, pieces):
                line.settimeout(self._answer_seconds)
            return parse_verdict(_answer(line))

    def _send(self, line: socket.socket, pieces: Iterable[bytes]) -> bool:
        """Send all, or as much as it takes: False when it has said something, or hung up, before the end."""
        try:
            for piece in pieces:
                for start in range(0, len(piece), _MAX_PIECE_BYTES):
                    part = piece[start : start + _MAX_PIECE_BYTES]
                    if select.select([line], [], [], 0)[0]:
                        return False
                    line.sendall(struct.pack("!I", len(part)) + part)
            line.sendall(struct.pack("!I", 0))
        except (BrokenPipeError, ConnectionResetError):
            return False  # most likely it has answered; if not, reading says so
        return True

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        try:
            with self._connect() as line:
                yield line
        except TimeoutError as error:
            raise ScannerAway("The virus scanner did not answer in time.") from error
        except UnicodeError as error:
            raise ScannerAway("The address of the virus scanner is none.") from error
        except OSError as error:
            raise ScannerAway("The virus scanner cannot be reached, or broke off.") from error

    def _connect(self) -> socket.socket:
        if self._address.startswith("/"):
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.settimeout(self._connect_seconds)
            try:
                line.connect(self._address)
            except BaseException:
                line.close()
                raise
            return line
        host, _, port = self._address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=self._connect_seconds)


def parse_version(answer: str) -> Engine:
    """
    >>> parse_version("ClamAV 1.4.3/27700/Wed Jul 16 08:37:25 2025")
    Engine(name='ClamAV 1.4.3', signatures='27700 of Wed Jul 16 08:37:25 2025')
    """
    name, _, rest = answer.partition("/")
    number, _, date = rest.partition("/")
    return Engine(name[:80], f"{number} of {date}"[:80] if number and date else rest[:80])


def parse_verdict(answer: str) -> Verdict:
    """What an answer to INSTREAM means. A limit of the engine is no virus; anything unknown is a failure.

    >>> parse_verdict("stream: Eicar-Signature FOUND").words
    'Eicar-Signature'
    """
    said = answer.removeprefix("stream:").strip()
    if said == "OK":
        return Verdict(Outcome.CLEAN)
    if said.endswith(" FOUND"):
        name = said.removesuffix(" FOUND").strip()[:200]
        return Verdict(Outcome.TOO_LARGE if name.startswith(_LIMITS) else Outcome.INFECTED, name)
    if "size limit exceeded" in said.lower():
        return Verdict(Outcome.TOO_LARGE)
    return Verdict(Outcome.FAILED, said[:200])


def _answer(line: socket.socket) -> str:
    """One answer, up to its NUL or the end. ScannerAway when there is none."""
    said = bytearray()
    while b"\0" not in said and len(said) < _MAX_ANSWER_BYTES:
        piece = line.recv(1024)
        if not piece:
            break
        said += piece
    words = bytes(said).partition(b"\0")[0].decode("utf-8", "replace").strip()
    if not words:
        raise ScannerAway("The virus scanner broke off without an answer.")
    return words
