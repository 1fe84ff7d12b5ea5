"""`portfolio import-framework` and `portfolio export`, as they are typed."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from criteria.importers import reading
from criteria.models import FrameworkVersion, VersionState
from criteria.samples import load_sample, sample_bytes
from portfolio.cli import main
from portfolio.core.db import Database
from portfolio.people.models import Centre
from tests.factories.world import World, make_centre

Run = Callable[..., "Done"]
PAGE = b"Handle complaints\n\nAssessment criteria\n1.1 Describe causes\n1.2 Settle one\n"


@dataclass(frozen=True)
class Done:
    """A command that has run."""

    returncode: int
    stdout: bytes
    stderr: bytes


@pytest.fixture
def run(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Run:
    """Runs the command on this test's installation, in this process; answers what it wrote and its code."""
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", database_url)
    monkeypatch.setenv("PORTFOLIO_DATA_DIR", str(tmp_path / "data"))

    def command(*words: str, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["portfolio", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        written = capfdbinary.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, written.out, written.err)

    return command


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.txt"
    path.write_bytes(PAGE)
    return path


def test_json_has_the_documented_shape_and_a_dry_run_stores_nothing(
    run: Run, page: Path, world: World, database: Database
) -> None:
    done = run("import-framework", str(page), "--dry-run", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert set(found) == {"qualification", "units", "problems"}
    [unit] = found["units"]
    assert set(unit) == {"ref", "title", "outcomes", "criteria", "guidance"}
    assert unit["criteria"][0] == {"ref": "1.1", "text": "Describe causes", "outcome": None}
    assert set(unit["guidance"]) == {
        "synopsis", "overview", "key_concepts", "advice", "common_mistakes", "prerequisites", "key_terms", "faq",
    }  # fmt: skip
    with database.read() as session:
        assert len(session.scalars(select(FrameworkVersion)).all()) == 1


def test_importing_stores_a_version_and_export_gives_it_back(
    run: Run, tmp_path: Path, world: World, database: Database
) -> None:
    path = tmp_path / "sample.yaml"
    path.write_bytes(sample_bytes())
    done = run("import-framework", str(path), "--centre", world.centre_code, "--activate")
    assert done.returncode == 0, done.stderr
    with database.read() as session:
        version = session.scalars(select(FrameworkVersion).order_by(FrameworkVersion.id.desc())).first()
    assert version is not None
    assert (version.state, version.label) == (VersionState.ACTIVE, "Sample issue 1")
    assert reading.parse(run("export", version.code).stdout, filename="x.yaml") == load_sample()
    for form in ("csv", "xlsx"):
        out = tmp_path / f"out.{form}"
        assert run("export", version.code, "--format", form, "--output", str(out)).returncode == 0
        assert reading.parse(out.read_bytes(), filename=out.name) == load_sample()


def test_the_only_centre_needs_no_name_and_several_do(run: Run, page: Path, database: Database) -> None:
    with database.write() as session:
        make_centre(session, "Northfield Training")
    assert run("import-framework", str(page)).returncode == 0
    with database.write() as session:
        make_centre(session, "Elsewhere")
        assert len(session.scalars(select(Centre)).all()) == 2
    done = run("import-framework", str(page), "--label", "2")
    assert done.returncode == 1
    assert b"Name one with --centre" in done.stderr


def test_standard_input_is_read(run: Run, world: World) -> None:
    done = run("import-framework", "-", "--dry-run", stdin=PAGE)
    assert done.returncode == 0
    assert b"Handle complaints" in done.stdout


def test_a_page_without_a_title_asks_for_one(run: Run, tmp_path: Path, world: World) -> None:
    path = tmp_path / "untitled.txt"
    path.write_text("Assessment criteria\n1.1 Describe causes\n")
    done = run("import-framework", str(path), "--dry-run")
    assert done.returncode == 1
    assert b"title" in done.stderr
    assert run("import-framework", str(path), "--dry-run", "--title", "Causes").returncode == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, b"No such file"),
        (b"", b"no text"),
        (b"\x00\x01\x02rubbish", b"NUL"),
        (b"%PDF-1.7", b"PDF"),
        (b"PK\x03\x04broken", b"workbook"),
        (b"just words", b"cannot be stored"),
        (b"\x89PNG\r\n\x1a\n", b"picture"),
    ],
    ids=["missing", "empty", "binary", "pdf", "workbook", "words", "picture"],
)
def test_rubbish_is_one_clear_line_and_a_failure(
    content: bytes | None, words: bytes, run: Run, tmp_path: Path, world: World
) -> None:
    path = tmp_path / "input"
    if content is not None:
        path.write_bytes(content)
    done = run("import-framework", str(path))
    assert done.returncode == 1
    assert words in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("import-framework", "."), b"directory"),
        (("import-framework", "x", "--format", "magic"), b"is not a format"),
        (("export", "nothing"), b"no framework version"),
        (("export", "nothing", "--format", "pdf"), b"is not a format"),
    ],
)
def test_wrong_words_are_one_clear_line(
    command: tuple[str, ...], words: bytes, run: Run, world: World
) -> None:
    done = run(*command)
    assert done.returncode != 0
    assert words in done.stderr
    assert b"Traceback" not in done.stderr


def test_output_that_cannot_be_written_is_said(run: Run, tmp_path: Path, world: World) -> None:
    done = run("export", world.version_code, "--output", str(tmp_path / "none" / "x.yaml"))
    assert done.returncode == 1
    assert b"cannot write" in done.stderr


def test_the_same_label_twice_is_refused(run: Run, page: Path, world: World) -> None:
    words = ("import-framework", str(page), "--centre", world.centre_code)
    assert run(*words).returncode == 0
    again = run(*words)
    assert again.returncode == 1
    assert b"already has a version" in again.stderr


def test_an_unknown_centre_is_said(run: Run, page: Path, world: World) -> None:
    done = run("import-framework", str(page), "--centre", "nowhere")
    assert done.returncode == 1
    assert b"no centre with the code" in done.stderr


@pytest.mark.slow
def test_without_an_installation_the_way_to_one_is_told(tmp_path: Path, page: Path) -> None:
    env = {**os.environ, "PORTFOLIO_DATA_DIR": str(tmp_path / "empty")}
    env.pop("PORTFOLIO_DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-m", "portfolio", "import-framework", str(page)],
        env=env, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert b"no installation" in done.stderr
