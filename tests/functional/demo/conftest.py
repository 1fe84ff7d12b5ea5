"""One copy of the demonstration for a module whose tests do no more than sign in and read."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from portfolio.app import Parts, create_app, open_parts
from tests.demo import DemoInstallation


@pytest.fixture(scope="module")
def shared_installation(
    demo_original: DemoInstallation, tmp_path_factory: pytest.TempPathFactory
) -> DemoInstallation:
    """A copy for the module."""
    return demo_original.copy_to(tmp_path_factory.mktemp("shared") / "demo")


@pytest.fixture(scope="module")
def shared_parts(shared_installation: DemoInstallation) -> Iterator[Parts]:
    """Its parts, closed at the end."""
    parts = open_parts(shared_installation.settings)
    yield parts
    parts.close()


@pytest.fixture(scope="module")
def shared_app(shared_installation: DemoInstallation, shared_parts: Parts) -> FastAPI:
    """The application on it."""
    return create_app(shared_installation.settings, shared_parts)
