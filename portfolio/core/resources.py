"""Where templates, migrations and static files are: beside the packages in a checkout, inside them in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def _find(name: str) -> Path:
    inside = _PACKAGE / f"_{name}"
    return inside if inside.is_dir() else _PACKAGE.parent / name


def templates_dir() -> Path:
    """The folder of Jinja2 templates."""
    return _find("templates")


def migrations_dir() -> Path:
    """The folder with Alembic's env.py and versions/."""
    return _find("migrations")


def static_dir() -> Path:
    """The folder of styles, scripts and icons; the built ones are in `dist` below it."""
    return _PACKAGE / "static"
