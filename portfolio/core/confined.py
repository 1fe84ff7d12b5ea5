"""Work on a stranger's file in a child process that can be killed: a parser of ours, or a program such as ffmpeg.

The child has limits on time, memory, files and output, an environment without anything of ours, no network where
the system allows that, and a session of its own that is killed as a whole, however the call ends. Nothing is
forked: calls are safe in a server with threads, and each waits in the thread that made it.

    found = confined.call("criteria.importers.job:parse", data, {"format": "xlsx"}, Limits(seconds=30))
    done = confined.run(["ffprobe", "-show_format", "-"], given=file, limits=Limits(memory_bytes=2 * GIBIBYTE))

A start costs about 0.05 s, and what the function's module imports on top of that. The limit of memory is one of
address space: programs with many threads or large mappings (ffmpeg, LibreOffice) need some GiB of it.
"""

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

from portfolio.core import errors
from portfolio.core.errors import AppError, Unavailable

MIBIBYTE = 1024**2
_CHILD = Path(__file__).with_name("confined_child.py")
_CHUNK = 64 * 1024
_COMPLAINTS_BYTES = 8 * 1024
_TICK_SECONDS = 0.1
_OUT_OF_MEMORY = 71  # confined_child.OUT_OF_MEMORY, which is not imported for its sake
_MEMORY_WORDS = (
    "memoryerror",
    "cannot allocate memory",
    "bad_alloc",
    "out of memory",
    "enomem",
    "failed to map segment",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use. `cpu_seconds` counts all its threads; None stands for `seconds` on every core.

    `file_bytes` bounds each file it writes, `output_bytes` what it may write to standard output. Without `network`
    it has none where the system allows that; elsewhere nothing is said.
    """

    seconds: float = 30.0
    cpu_seconds: float | None = None
    memory_bytes: int = 512 * MIBIBYTE
    output_bytes: int = 64 * MIBIBYTE
    file_bytes: int = 64 * MIBIBYTE
    open_files: int = 64
    niceness: int = 0
    network: bool = False

    def for_child(self) -> dict[str, int]:
        """The same in whole numbers, rounded up."""
        cpu = self.cpu_seconds if self.cpu_seconds is not None else self.seconds * (os.cpu_count() or 1)
        return {
            "seconds": _rounded_up(self.seconds),
            "cpu_seconds": _rounded_up(cpu),
            "memory_bytes": self.memory_bytes,
            "file_bytes": self.file_bytes,
            "open_files": self.open_files,
            "niceness": self.niceness,
        }


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ended with status 0 within its limits. `complaints` is the end of its standard error."""

    output: bytes
    complaints: str
    seconds: float


class Failed(AppError):
    """The child gave no answer; `data` holds `complaints`, the end of what it wrote to standard error."""


class TimedOut(Failed):
    """It ran longer, or computed longer, than it may."""


class OutOfMemory(Failed):
    """It asked for more memory than it may have, or the system took it down for want of memory."""


class TooMuchOutput(Failed):
    """It wrote more to standard output, or into one file, than it may."""


class Crashed(Failed):
    """It ended by itself without success: `data` has `status` (negative: the number of a signal)."""


class Missing(Failed):
    """The program is not installed, or may not be run."""


def run(
    program: Sequence[str | Path],
    *,
    given: bytes | IO[bytes] | None = None,
    limits: Limits = Limits(),
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    on_tick: Callable[[], None] | None = None,
) -> Finished:
    """Run a program (argument vector, no shell) and return what it wrote.

    `given` is its standard input: bytes, or an open file, read from where it stands; None closes it. The program
    starts in `folder`, which is also its HOME and TMPDIR; without one, in a folder of its own that is removed
    afterwards. `environment` adds to the few variables it gets. `on_tick` is called about ten times a second
    while it runs (a lease to extend, a stop to ask for); what it raises ends the program and is passed on.
    Raises Missing, TimedOut, OutOfMemory, TooMuchOutput and Crashed.
    """
    first = shutil.which(str(program[0]))
    if first is None:
        raise Missing(f"The program {Path(program[0]).name} is not installed.", program=str(program[0]))
    told = {"program": [str(Path(first).absolute()), *map(str, program[1:])]}
    job = _Job(told, given, limits, dict(environment or {}), on_tick)
    ended = job.ended_in(folder)
    if ended.status != 0:
        _blame(ended)
    return Finished(bytes(ended.output), ended.complaints, ended.seconds)


def call(
    function: str,
    data: bytes = b"",
    options: Mapping[str, Any] | None = None,
    limits: Limits = Limits(),
    *,
    folder: Path | None = None,
    on_tick: Callable[[], None] | None = None,
) -> Any:
    """What `function` ("package.module:name") returns for `data` and the keyword arguments `options`.

    `options` and the answer are JSON; an answer may be bytes as well. Nothing else crosses over, so a child that
    was taken over by its input can only lie about the result. An error of `portfolio.core.errors` that the
    function raises is raised here again. Otherwise as `run`.
    """
    told = {"function": function, "path": [str(Path(p).absolute()) for p in sys.path]}
    given = json.dumps(dict(options or {})).encode() + b"\n" + data
    ended = _Job(told, given, limits, {}, on_tick).ended_in(folder)
    if ended.status != 0:
        _blame(ended)
    kind, _, body = bytes(ended.output).partition(b"\n")
    if kind == b"bytes":
        return body
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise Crashed("The child's answer is not readable.", complaints=ended.complaints) from error
    if kind == b"refused":
        _raise_again(answer)
    return answer


@dataclass(slots=True)
class _Ended:
    status: int
    output: bytearray
    complaints: str
    seconds: float


@dataclass(slots=True)
class _Job:
    """One child, from its start to its last trace."""

    told: Mapping[str, Any]
    given: bytes | IO[bytes] | None
    limits: Limits
    environment: Mapping[str, str]
    on_tick: Callable[[], None] | None
    output: bytearray = field(default_factory=bytearray)
    complaints: bytearray = field(default_factory=bytearray)

    def ended_in(self, folder: Path | None) -> _Ended:
        if folder is not None:
            return self._ended(folder)
        with tempfile.TemporaryDirectory(prefix="confined-", ignore_cleanup_errors=True) as made:
            return self._ended(Path(made))

    def _ended(self, folder: Path) -> _Ended:
        began = time.monotonic()
        process = self._start(folder)
        try:
            self._attend(process, began + self.limits.seconds)
        finally:
            _kill_session(process)
        return _Ended(process.returncode, self.output, self._complaints(), time.monotonic() - began)

    def _start(self, folder: Path) -> "subprocess.Popen[bytes]":
        told = {**self.told, "limits": self.limits.for_child(), "network": self.limits.network}
        stdin: int | IO[bytes] = subprocess.DEVNULL
        if self.given is not None:
            stdin = subprocess.PIPE if isinstance(self.given, bytes) else _from_where_it_stands(self.given)
        try:
            return subprocess.Popen(  # noqa: S603  (our own script; what it becomes was named by our code)
                [sys.executable, "-I", "-S", str(_CHILD), json.dumps(told)],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=folder,
                env={**_plain_environment(folder), **self.environment},
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable("No program can be started at the moment. Nothing was done.") from error

    def _attend(self, process: "subprocess.Popen[bytes]", deadline: float) -> None:
        """Feed and read the child until it has ended. Pipes that its own children still hold are not waited for."""
        with _Pipes(process, self.given if isinstance(self.given, bytes) else b"") as pipes:
            while not (pipes.all_read and _has_ended(process)):
                if self.on_tick is not None:
                    self.on_tick()
                left = deadline - time.monotonic()
                if left <= 0:
                    self._give_up(TimedOut, f"This took longer than {self.limits.seconds:g} seconds.")
                if ended := _has_ended(process):
                    _signal_session(process)
                if not self._take(pipes, min(left, _TICK_SECONDS)) and ended:
                    return  # whoever fled the session may hold the pipes for as long as he likes

    def _take(self, pipes: "_Pipes", seconds: float) -> bool:
        """Move what can be moved within this time; whether anything was."""
        moved = False
        for is_output, chunk in pipes.moved(seconds):
            moved = True
            if is_output:
                self.output += chunk
            else:
                self.complaints = (self.complaints + chunk)[-_COMPLAINTS_BYTES:]
        if len(self.output) > self.limits.output_bytes:
            self._give_up(TooMuchOutput, f"This gave more than {self.limits.output_bytes:,} bytes.")
        return moved

    def _give_up(self, kind: type[Failed], message: str) -> NoReturn:
        raise kind(message, complaints=self._complaints())

    def _complaints(self) -> str:
        return self.complaints.decode("utf-8", "replace")


class _Pipes:
    """The three pipes of a child, none of which may block us."""

    def __init__(self, process: "subprocess.Popen[bytes]", given: bytes) -> None:
        self._process = process
        self._given = memoryview(given)
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> "_Pipes":
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            self._watch(pipe, selectors.EVENT_READ)
        if self._process.stdin is not None:
            self._watch(self._process.stdin, selectors.EVENT_WRITE)
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    @property
    def all_read(self) -> bool:
        """Whether the child closed both ends that it writes to."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        return self._process.stdout.closed and self._process.stderr.closed

    def moved(self, seconds: float) -> Iterator[tuple[bool, bytes]]:
        """What arrived within this time, as (whether it is output, bytes). Input is written along the way."""
        if not self._selector.get_map():
            time.sleep(min(seconds, 0.01))  # both ends are closed, and yet it runs
            return
        for key, _ in self._selector.select(seconds):
            pipe: Any = key.fileobj
            if key.events == selectors.EVENT_WRITE:
                self._feed(pipe)
            elif chunk := os.read(key.fd, _CHUNK):
                yield pipe is self._process.stdout, chunk
            else:
                self._forget(pipe)

    def _feed(self, pipe: IO[bytes]) -> None:
        try:
            self._given = self._given[os.write(pipe.fileno(), self._given[:_CHUNK]) :]
        except BrokenPipeError:
            self._given = self._given[:0]  # it has read enough, or is gone
        if not self._given:
            self._forget(pipe)

    def _watch(self, pipe: IO[bytes], events: int) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._selector.register(pipe, events)

    def _forget(self, pipe: IO[bytes]) -> None:
        self._selector.unregister(pipe)
        pipe.close()


def _has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Whether the child has ended. Not reaped where that is possible, so its number still names its session."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _signal_session(process: "subprocess.Popen[bytes]") -> None:
    # Darwin says "not permitted" where only the dead are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _kill_session(process: "subprocess.Popen[bytes]") -> None:
    """End the child and whatever it started in its session, and reap it."""
    _signal_session(process)
    process.wait()


def _from_where_it_stands(file: IO[bytes]) -> IO[bytes]:
    """The file, its descriptor set to where Python has read to, not to where it has read ahead."""
    if file.seekable():
        os.lseek(file.fileno(), file.tell(), os.SEEK_SET)
    return file


def _plain_environment(folder: Path) -> dict[str, str]:
    """Nothing of ours: settings with passwords and keys are environment variables."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
    }


def _blame(ended: _Ended) -> NoReturn:
    """Raise what fits how the child ended."""
    status, complaints = ended.status, ended.complaints
    said = complaints.lower()
    if status in (-signal.SIGXCPU, -signal.SIGALRM):
        raise TimedOut("This computed longer than it may.", complaints=complaints)
    if status == -signal.SIGXFSZ:
        raise TooMuchOutput("This wrote a larger file than it may.", complaints=complaints)
    # We kill only what was given up or has ended: SIGKILL here came from the system, or from the hard CPU limit.
    if status in (_OUT_OF_MEMORY, -signal.SIGKILL) or any(word in said for word in _MEMORY_WORDS):
        raise OutOfMemory("This needed more memory than it may have.", complaints=complaints)
    how = f"by signal {-status}" if status < 0 else f"with status {status}"
    raise Crashed(f"This ended {how}.", status=status, complaints=complaints)


def _raise_again(answer: Mapping[str, Any]) -> NoReturn:
    kind = getattr(errors, str(answer.get("class")), None)
    message, data = str(answer.get("message")), dict(answer.get("data") or {})
    if not (isinstance(kind, type) and issubclass(kind, AppError)):
        raise Crashed("The child's answer is not readable.")
    if issubclass(kind, errors.Invalid):
        raise kind(message, answer.get("errors"), **data)
    raise kind(message, **data)


def _rounded_up(seconds: float) -> int:
    return max(1, int(-(-seconds // 1)))
