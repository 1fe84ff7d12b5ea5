"""What the tests of `portfolio.core.confined` have a child do: each function misbehaves in its own way."""

import os
import socket
import sys
import time
from pathlib import Path

from portfolio.core.errors import Invalid, TooLarge


def describe(data: bytes, *, word: str = "") -> dict[str, object]:
    print("this must not get in between")
    return {"length": len(data), "word": word, "environment": dict(os.environ), "here": str(Path.cwd())}


def shout(data: bytes) -> bytes:
    return data.upper()


def refuse(data: bytes) -> None:
    raise Invalid("The file is wrong.", {"name": "Not this."}, line=int(data))


def refuse_size(_: bytes) -> None:
    raise TooLarge("Too large.", limit=3)


def fall_over(_: bytes) -> None:
    raise ZeroDivisionError("a bug")


def sleep(_: bytes) -> None:
    time.sleep(60)


def compute(_: bytes) -> None:
    while True:
        pass


def eat(_: bytes) -> int:
    return len(bytearray(2 * 1024**3))


def talk(_: bytes) -> bytes:
    return b"x" * 3_000_000


def complain(_: bytes) -> int:
    for _n in range(50_000):
        sys.stderr.write("no, no, no, no\n")
    return 1


def open_many(_: bytes) -> int:
    opened: list[int] = []
    try:
        while len(opened) < 1000:
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return len(opened)
    return len(opened)


def write_large(_: bytes) -> str:
    with open("large", "wb") as file:  # noqa: PTH123
        try:
            for _n in range(64):
                file.write(b"0" * 1024**2)
                file.flush()
        except OSError as error:
            return type(error).__name__
    return "written"


def connect(data: bytes) -> str:
    try:
        socket.create_connection(("127.0.0.1", int(data)), timeout=5).close()
    except OSError:
        return "refused"
    return "connected"


def answer_rubbish(_: bytes) -> None:
    for number in range(3, 20):  # one of them is what the answer would go to
        try:
            os.write(number, b"json\n{rubbish")
        except OSError:
            continue
    os._exit(0)
