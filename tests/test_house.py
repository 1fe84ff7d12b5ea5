"""Rules of the house that hold for the project as a whole, whatever a change is about."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from jinja2 import meta

import portfolio
from portfolio.core import migrate
from portfolio.core.settings import Settings
from portfolio.web.pages import make_environment

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("portfolio", "criteria", "evidence", "assessors")
TEMPLATES = ROOT / "templates"
MAY_COMMIT = {"portfolio/core/db.py", "portfolio/cli.py", "portfolio/worker.py"}
MAXIMUM_LINES = 600
MAXIMUM_WIDTH = 120
_COMMENT = re.compile(r"{#.*?#}", re.DOTALL)
HEAVY = {"sqlalchemy", "alembic", "fastapi", "starlette", "jinja2", "boto3", "botocore", "psycopg", "sqlite3"}

# Written in pieces, so that this file does not break its own rule.
PLACES = [
    re.compile(re.escape(".".join(parts)))
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("deb", "debian", "org"),
    )
] + [
    re.compile(pattern)
    for pattern in (r"/root[/]", r"/home[/][a-z]+[/]", r"/Users[/]", r"/work[/](main|shared)")
]


@cache
def tracked_files() -> tuple[Path, ...]:
    """The project's own files, relative to its root: what git tracks, or everything in an unpacked archive."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        found = [Path(name) for name in listed.stdout.split("\0") if name]
        return tuple(sorted(path for path in found if (ROOT / path).is_file()))
    made = {".venv", "node_modules", "var", "dist", "__pycache__", "htmlcov"}
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return tuple(sorted(path for path in paths if not made & set(path.parts)))


def python_files(*folders: str) -> Iterator[tuple[str, str]]:
    """(path relative to the root, source) of each module below the folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def template_names() -> list[str]:
    return sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))


def template_source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def is_page(name: str) -> bool:
    """A page answers a request as a whole; bases, layouts, macros and fragments do not."""
    folder, _, last = name.rpartition("/")
    return (
        not last.startswith("_") and name != "base.html" and folder.split("/")[0] not in {"layouts", "macros"}
    )


def referenced(name: str) -> list[str]:
    """The templates that this one names outright in extends, include and import."""
    tree = make_environment().parse(template_source(name))
    return [found for found in meta.find_referenced_templates(tree) if found]


def line_of(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1


# ---------------------------------------------------------------- templates


def test_there_are_templates() -> None:
    assert any(is_page(name) for name in template_names())


@pytest.mark.parametrize("name", template_names())
def test_template_compiles_and_finds_its_parts(name: str) -> None:
    make_environment().get_template(name)
    assert [part for part in referenced(name) if not (TEMPLATES / part).is_file()] == []


@pytest.mark.parametrize("name", [name for name in template_names() if is_page(name)])
def test_page_has_the_common_head(name: str) -> None:
    found = [name]
    while (parent := _parent(found[-1])) is not None:
        found.append(parent)
    assert "<title>" in template_source(found[-1]), f"{name} does not extend a page with a title"
    assert sum("<h1" in template_source(part) for part in found) >= 1, f"{name} has no h1"


def _parent(name: str) -> str | None:
    match = re.search(r"{%-?\s*extends\s+[\"']([^\"']+)[\"']", template_source(name))
    return match[1] if match else None


INLINE = {
    "a script without src": re.compile(r"<script(?![^>]*\bsrc=)", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "a style attribute": re.compile(r"\sstyle\s*=", re.I),
    "an event attribute": re.compile(r"\s(on[a-z]+|hx-on[:a-z-]*)\s*=\s*[\"']", re.I),
    "a javascript: address": re.compile(r"javascript:", re.I),
}


@pytest.mark.parametrize("name", template_names())
def test_template_has_nothing_that_the_content_security_policy_refuses(name: str) -> None:
    source = template_source(name)
    found = [
        f"line {line_of(source, m.start())}: {what}" for what, p in INLINE.items() for m in p.finditer(source)
    ]
    assert found == []


@pytest.mark.parametrize("name", template_names())
def test_unescaped_output_says_who_made_it_safe(name: str) -> None:
    lines = template_source(name).splitlines()
    for number, line in enumerate(lines, 1):
        if re.search(r"\|\s*safe\b", line):
            assert "{#" in line or "{#" in lines[number - 2], f"line {number}: |safe without a comment"


def test_every_drawn_page_is_given_a_title() -> None:
    untitled = []
    for path, source in python_files(*PACKAGES):
        for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            constants = [a.value for a in call.args if isinstance(a, ast.Constant)]
            drawn = [value for value in constants if isinstance(value, str) and value.endswith(".html")]
            if name != "render" or not drawn or not is_page(drawn[0]):
                continue
            titles = [keyword.value for keyword in call.keywords if keyword.arg == "title"]
            if not titles or (isinstance(titles[0], ast.Constant) and not titles[0].value):
                untitled.append(f"{path}:{call.lineno} {drawn[0]}")
    assert untitled == []


# ---------------------------------------------------------------- source


def test_only_the_edges_commit() -> None:
    found = [
        f"{path}:{line_of(source, match.start())}"
        for path, source in python_files(*PACKAGES)
        if path not in MAY_COMMIT
        for match in re.finditer(r"\.commit\(", source)
    ]
    assert found == []


def test_no_module_is_too_long() -> None:
    # Migrations are not counted: the first one lists every table, and nobody reads it as a whole.
    sizes = {path: source.count("\n") for path, source in python_files(*PACKAGES, "tests", "bench")}
    assert {path: lines for path, lines in sizes.items() if lines > MAXIMUM_LINES} == {}


def rules_modules() -> list[str]:
    paths = [Path(path).with_suffix("") for path, _ in python_files(*PACKAGES)]
    return [".".join(path.parts).removesuffix(".__init__") for path in paths if "rules" in path.parts]


@pytest.mark.parametrize("module", rules_modules())
def test_rules_import_nothing_heavy(module: str) -> None:
    program = (
        f"import {module}, sys; print(*sorted({{name.split('.')[0] for name in sys.modules}} & {HEAVY!r}))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, ""), ran.stderr


def test_rules_are_told_the_date() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, source in python_files(*PACKAGES)
        if "rules" in Path(path).with_suffix("").parts
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"now", "today", "utcnow"}
    ]
    assert found == []


def test_every_module_of_the_foundation_has_its_floor() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    floors = " ".join(project["tool"]["importlinter"]["contracts"][0]["layers"])
    children = {path.stem for path in (ROOT / "portfolio").iterdir() if path.suffix == ".py"}
    children |= {path.parent.name for path in (ROOT / "portfolio").glob("*/__init__.py")}
    known = set(re.findall(r"portfolio\.(\w+)", floors))
    assert children - {"__init__", "__main__"} - known == set()


def test_migrations_are_named_by_their_time_and_import_no_model() -> None:
    found = list(python_files("migrations/versions"))
    assert found
    for path, source in found:
        assert re.fullmatch(r"\d{8}_\d{4}_[0-9a-z]+_[a-z0-9_]+\.py", Path(path).name), path
        imported = re.findall(r"^\s*(?:from|import)\s+(\S+)", source, re.M)
        assert [name for name in imported if name == "portfolio.tables" or ".models" in name] == [], path


def test_every_table_is_known_to_whoever_imports_the_tables_alone() -> None:
    known = (ROOT / "portfolio" / "tables.py").read_text(encoding="utf-8").split()
    lost = [
        module
        for path in tracked_files()
        if path.parts[0] in PACKAGES
        and "__tablename__ =" in (ROOT / path).read_text(encoding="utf-8", errors="replace")
        if (module := path.with_suffix("").as_posix().replace("/", ".")) not in known
    ]
    assert lost == []


# ---------------------------------------------------------------- files


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = []
    for path in tracked_files():
        try:
            source = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path}:{line_of(source, m.start())} {m[0]}" for p in PLACES for m in p.finditer(source)]
    assert found == []


def locked(name: str) -> dict[str, str]:
    """Package → version of one lock, names in the form that indexes use."""
    source = (ROOT / "locks" / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", source, re.M))


def wanted(requirements: list[str]) -> set[str]:
    names = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in names if match}


def test_locks_hold_every_package_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [requirement for group in project["dependency-groups"].values() for requirement in group]
    assert wanted(project["project"]["dependencies"]) - set(locked("run.txt")) == set()
    assert wanted(groups) - set(locked("dev.txt")) == set()


def test_both_locks_agree() -> None:
    developers = locked("dev.txt")
    assert {
        name: version for name, version in locked("run.txt").items() if developers.get(name) != version
    } == {}


@pytest.mark.parametrize("name", ["uv.txt", "run.txt", "dev.txt"])
def test_lock_has_hashes_and_no_place(name: str) -> None:
    source = (ROOT / "locks" / name).read_text(encoding="utf-8")
    assert "://" not in source
    options = re.findall(r"^\s*(-\S*)", source, re.M)
    assert [option for option in options if not re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", option)] == []
    unhashed = [block for block in re.split(r"\n(?=\S)", source.strip()) if "--hash=sha256:" not in block]
    assert unhashed == []


def test_front_end_lock_names_no_host() -> None:
    assert '"resolved": "http' not in (ROOT / "package-lock.json").read_text(encoding="utf-8")


def test_every_setting_is_documented() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = [f"PORTFOLIO_{name.upper()}" for name in Settings.model_fields]
    assert [name for name in names if not re.search(rf"\b{name}\b", readme)] == []


def test_no_line_of_the_changelog_or_of_a_comment_in_a_template_is_too_long() -> None:
    comments = {path.name: _COMMENT.findall(path.read_text("utf-8")) for path in TEMPLATES.rglob("*.html")}
    texts = {"CHANGELOG.md": [(ROOT / "CHANGELOG.md").read_text("utf-8")], **comments}
    long = [
        f"{name}: {line[:60]}"
        for name, found in texts.items()
        for text in found
        for line in text.split("\n")
        if len(line) > MAXIMUM_WIDTH
    ]
    assert long == []


def test_the_changelog_knows_this_version() -> None:
    assert f"## {portfolio.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_there_is_one_line_of_migrations() -> None:
    """Two that follow the same one are made when two people work at once: no upgrade knows which comes first."""
    scripts = ScriptDirectory.from_config(migrate.config_for(""))
    assert len(scripts.get_heads()) == 1, scripts.get_heads()


# ---------------------------------------------------------------- the script


def test_dev_refuses_an_unknown_command_and_lists_those_it_knows() -> None:
    ran = subprocess.run(["sh", ROOT / "dev", "nonsense"], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "there is no command 'nonsense'" in ran.stderr
    for command in ("run", "test", "check", "bench", "lock", "portfolio"):
        assert f"./dev {command}" in ran.stderr


def test_every_script_is_executable() -> None:
    scripts = [ROOT / "dev", ROOT / ".ci" / "run"]
    assert [path.name for path in scripts if not path.stat().st_mode & 0o111] == []
