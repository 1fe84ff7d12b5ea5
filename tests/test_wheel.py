"""The wheel is whole: installed into a fresh environment, away from the checkout, it serves a styled page."""

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.programs import absent

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built with the tools of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a fresh environment with the wheel and exactly what locks/run.txt says."""
    folder = tmp_path_factory.mktemp("installed")
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"), cwd=folder)
    python = folder / "venv" / "bin" / "python"
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    assert uv is not None, "uv belongs to the environment that ./dev makes"
    install = [uv, "pip", "install", "--quiet", "--offline", "--python", str(python)]
    locked = [*install, "--require-hashes", "-r", str(ROOT / "locks" / "run.txt")]
    ran = subprocess.run(locked, cwd=folder, capture_output=True, text=True, check=False)
    if ran.returncode:
        absent("the cache of packages", f"let ./dev install them again: {ran.stderr.strip()}")
    _run(*install, "--no-deps", str(wheel), cwd=folder)
    return python.parent


def test_the_wheel_holds_what_the_server_needs_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    versions = sorted(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))
    templates = sorted(
        path.relative_to(ROOT / "templates").as_posix() for path in ROOT.glob("templates/**/*.html")
    )
    inside = "portfolio/_migrations/versions/"
    assert (
        sorted(n.removeprefix(inside) for n in names if n.startswith(inside) and n.endswith(".py"))
        == versions
    )
    prefix = "portfolio/_templates/"
    assert (
        sorted(n.removeprefix(prefix) for n in names if n.startswith(prefix) and n.endswith(".html"))
        == templates
    )
    assert "portfolio/static/dist/manifest.json" in names
    top = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert top == {"portfolio", "criteria", "evidence", "assessors"}
    assert [name for name in names if "__pycache__" in name or "node_modules" in name] == []


def test_the_fresh_environment_does_not_see_the_checkout(installed: Path) -> None:
    found = _run(
        str(installed / "python"), "-c", "import portfolio; print(portfolio.__file__)", cwd=installed
    )
    assert Path(found.strip()).is_relative_to(installed.parent)


def test_an_installed_server_serves_a_styled_page(installed: Path, tmp_path: Path) -> None:
    with _serving(installed, tmp_path) as client:
        page = client.get("/", follow_redirects=True)
        assert page.status_code == 200
        styles = re.findall(r'<link[^>]*rel="stylesheet"[^>]*href="([^"]+)"', page.text)
        assert styles, "the page names no style sheet"
        for address in styles:
            style = client.get(address)
            assert (style.status_code, style.headers["content-type"].split(";")[0]) == (200, "text/css")
            assert len(style.content) > 1000


def _run(*command: str, cwd: Path) -> str:
    ran = subprocess.run(command, cwd=cwd, env=_environment(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _environment() -> dict[str, str]:
    """This environment without what could lead back to the checkout or to somebody's installation."""
    dropped = ("PORTFOLIO_", "PYTHON", "VIRTUAL_ENV", "COV_", "COVERAGE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "PYTHONUNBUFFERED": "1"}


@contextmanager
def _serving(installed: Path, folder: Path) -> Iterator[httpx2.Client]:
    output = folder / "output"
    with output.open("wb") as log:
        server = subprocess.Popen(
            [str(installed / "portfolio"), "serve", "--data", str(folder / "data"), "--port", "0"],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        with httpx2.Client(base_url=_address(server, output), trust_env=False, timeout=30) as client:
            yield client
    finally:
        server.terminate()
        server.wait(30)


def _address(server: subprocess.Popen[bytes], output: Path) -> str:
    """The address that the server printed, once it answers there."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+", output.read_text(encoding="utf-8", errors="replace"))
        if found and _answers(found[0]):
            return found[0]
        time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{output.read_text(encoding='utf-8', errors='replace')}")


def _answers(address: str) -> bool:
    try:
        httpx2.head(address, trust_env=False, timeout=5)
    except httpx2.TransportError:
        return False
    return True
