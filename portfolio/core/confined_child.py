"""The first thing that runs in a confined child: set the limits, then become the program or call the function.

Started by `portfolio.core.confined` as a script, with `-I -S`, and never imported. It uses the standard library
alone, so that it starts in a few hundredths of a second.

argv[1] is a JSON object: `limits` (numbers), `network` (whether it stays on), and either `program` (an argument
vector) or `function` ("module:name") with `path` (folders to import from). For a function, standard input holds
one line of JSON, the keyword arguments, and then the data. The answer on standard output is one line that names
its kind (`json`, `bytes`, `refused`) and then its body; whatever the function prints goes to standard error.
"""

import contextlib
import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from typing import Any

OUT_OF_MEMORY = 71  # an exit status of our own, told apart from that of a crash
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # CLONE_NEWUSER, CLONE_NEWNET


def main() -> None:
    told = json.loads(sys.argv[1])
    _die_with_parent()
    if not told["network"]:
        _close_network()
    _limit(told["limits"])
    if "program" in told:
        _become(told["program"])
    else:
        _call(told["function"], told["path"])


def _die_with_parent() -> None:
    """A server that is killed outright leaves nothing running. Linux; elsewhere the alarm must do."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _close_network() -> None:
    """A network of our own with nothing in it, where the system allows; else the network stays as it is."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_NEW_NETWORK) == 0 or libc.unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return
    # In a user namespace of our own we stay who we were: without this no file could be made.
    with contextlib.suppress(OSError):
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123  (pathlib would double the start)
                file.write(text)


def _limit(limits: dict[str, int]) -> None:
    os.nice(limits["niceness"])
    signal.alarm(limits["seconds"] + 5)  # kept over exec: ends us should nobody be left to do it
    cpu = limits["cpu_seconds"]
    for kind, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_CPU, cpu, cpu + 2),
        (resource.RLIMIT_FSIZE, limits["file_bytes"], limits["file_bytes"]),
        (resource.RLIMIT_NOFILE, limits["open_files"], limits["open_files"]),
        (resource.RLIMIT_AS, limits["memory_bytes"], limits["memory_bytes"]),
    ):
        _lower(kind, soft, hard)


def _lower(kind: int, soft: int, hard: int) -> None:
    """Set a limit, or a stricter one that stands already. Darwin refuses some of them; it goes without."""
    standing = resource.getrlimit(kind)[1]
    if standing != resource.RLIM_INFINITY:
        soft, hard = min(soft, standing), min(hard, standing)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (soft, hard))


def _become(program: list[str]) -> None:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores these two, and an exec would hand that on
    os.execv(program[0], program)  # noqa: S606  (no shell; the path was looked up by the parent)


def _call(function: str, path: list[str]) -> None:
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    module, _, name = function.partition(":")
    sys.path[:] = path
    try:
        target = getattr(importlib.import_module(module), name)
        options = json.loads(sys.stdin.buffer.readline())
        kind, body = _answer(target(sys.stdin.buffer.read(), **options))
    except (MemoryError, SystemError):  # the latter where a C module fails to say that it is the former
        os._exit(OUT_OF_MEMORY)  # there may not be enough left for an orderly end
    except Exception as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        kind, body = "refused", refusal
    answer.write(kind.encode() + b"\n" + body)
    answer.flush()
    os._exit(0)  # tearing a big heap down helps nobody


def _answer(value: Any) -> tuple[str, bytes]:
    return ("bytes", value) if isinstance(value, bytes) else ("json", json.dumps(value).encode())


def _refusal(error: Exception) -> bytes | None:
    """An error of ours, raised on purpose, in a form that crosses over; None for anything else."""
    if type(error).__module__ != "portfolio.core.errors":
        return None
    told: dict[str, Any] = vars(error)
    fields = {"class": type(error).__name__, "message": told["message"], "data": told["data"]}
    return json.dumps({**fields, "errors": told.get("errors")}, default=str).encode()


if __name__ == "__main__":
    main()
