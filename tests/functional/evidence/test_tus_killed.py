"""`kill -9` of a real server in the middle of a PATCH, at whatever moment: nothing counted is lost, nothing doubled."""

import hashlib
import http.client
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from portfolio.app import open_parts
from portfolio.web.csrf import _token_for
from tests.functional.evidence.making import begin
from tests.functional.evidence.tusing import MEBIBYTE, TYPE, contents, metadata
from tests.functional.test_crash import Town, findings, running, town

__all__ = ["town"]
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.databases("sqlite")]
SIZE = 60 * MEBIBYTE + 11
KILLS = 3
UNCOUNTED = 8 * MEBIBYTE + 8 * MEBIBYTE  # what is synced at a time, and what is in buffers on the way


class Client:
    """A client over a real connection."""

    def __init__(self, town: Town, address: str) -> None:
        self.headers = {
            "Cookie": f"session={town.candidate}",
            "X-CSRF-Token": _token_for(town.candidate),
            "Tus-Resumable": "1.0.0",
        }
        where = urlsplit(address)
        self.connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def send(
        self, method: str, url: str, body: bytes | Iterator[bytes] = b"", **headers: str
    ) -> http.client.HTTPResponse:
        """One request."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, url, body=body, headers={**self.headers, **given})
        answer = self.connection.getresponse()
        answer.read()
        return answer


class Killed(Exception):
    """The server was killed while its client was sending."""


def until_killed(content: bytes, server: "subprocess.Popen[str]", after_bytes: int) -> Iterator[bytes]:
    """The content in pieces; after so many bytes the server is killed without warning."""
    for start in range(0, len(content), 256 * 1024):
        if start >= after_bytes:
            server.send_signal(signal.SIGKILL)
            server.wait()
            raise Killed
        yield content[start : start + 256 * 1024]


def test_killed_in_the_middle_of_a_patch_an_upload_goes_on(town: Town) -> None:
    content, chance = random.Random(9).randbytes(SIZE), random.Random(10)
    parts = open_parts(town.settings)
    item = begin(parts.database, town.world)
    url, sent = "", 0
    for kill in range(KILLS + 1):
        with running(town) as (server, address), closing(Client(town, address)) as client:
            if not url:
                said = {"Upload_Length": str(SIZE), "Upload_Metadata": metadata(filename="notes.txt")}
                url = client.send("POST", f"/evidence/{item}/uploads", b"", **said).headers["Location"]
            offset = int(client.send("HEAD", url).headers["Upload-Offset"])
            assert sent - UNCOUNTED <= offset <= sent
            if kill == KILLS:
                end = client.send(
                    "PATCH", url, content[offset:], Upload_Offset=str(offset), Content_Type=TYPE
                )
                assert end.status == 204
                break
            after = chance.randint(1, (SIZE - offset) // 2)
            headers = {
                "Upload_Offset": str(offset),
                "Content_Type": TYPE,
                "Content_Length": str(SIZE - offset),
            }
            with pytest.raises(Killed):
                client.send("PATCH", url, until_killed(content[offset:], server, after), **headers)
            sent = offset + after + 256 * 1024
    found = contents(parts.database, parts.store)
    assert [(name, hashlib.sha256(got).digest()) for name, got in found] == [
        ("notes.txt", hashlib.sha256(content).digest())
    ]
    parts.close()
    assert findings(town) == []
