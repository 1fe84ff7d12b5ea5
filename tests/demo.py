"""The demonstration centre for tests: built once per run, copied for each test that wants to change it."""

import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI

from portfolio.app import Parts, create_app, open_parts
from portfolio.core.settings import Settings
from portfolio.demo import Demonstration, ensure_demonstration
from portfolio.demo.accounts import Account
from portfolio.people.models import Person
from tests.factories.world import sign_in_token
from tests.web import Browser

SEED = 1


@dataclass(frozen=True)
class DemoInstallation:
    """A demonstration in a folder: settings that open it, and one account per role."""

    settings: Settings
    made: Demonstration

    @property
    def data_dir(self) -> Path:
        """Its folder."""
        return self.settings.data_dir

    def account(self, role: str) -> Account:
        """The account of a role."""
        return next(account for account in self.made.accounts if account.role == role)

    def copy_to(self, folder: Path) -> "DemoInstallation":
        """The same demonstration in another folder."""
        shutil.copytree(self.data_dir, folder)
        return DemoInstallation(self.settings.model_copy(update={"data_dir": folder}), self.made)


def make_demo(folder: Path, seed: int = SEED) -> DemoInstallation:
    """Build a demonstration in a folder that is not there yet."""
    settings = Settings(data_dir=folder, demo=True, inline_worker=False, port=free_port())
    return DemoInstallation(settings, ensure_demonstration(settings, seed, lambda what, done, total: None))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def demo_original(tmp_path_factory: pytest.TempPathFactory) -> DemoInstallation:
    """The demonstration that all tests copy: made by the first process of a run that needs it. Nobody writes to it."""
    mine = tmp_path_factory.getbasetemp()
    return make_demo((mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) / "demonstration")


@pytest.fixture
def demo_installation(demo_original: DemoInstallation, tmp_path: Path) -> DemoInstallation:
    """This test's own copy of the demonstration."""
    return demo_original.copy_to(tmp_path / "demo")


@pytest.fixture
def demo_parts(demo_installation: DemoInstallation) -> Iterator[Parts]:
    """The parts of this test's demonstration, closed at the end."""
    parts = open_parts(demo_installation.settings)
    yield parts
    parts.close()


@pytest.fixture
def demo_app(demo_installation: DemoInstallation, demo_parts: Parts) -> FastAPI:
    """The application on this test's demonstration."""
    return create_app(demo_installation.settings, demo_parts)


def demo_browser(app: FastAPI, parts: Parts, email: str) -> Browser:
    """A browser in which the person of this address is signed in, in their first role."""
    with parts.database.write() as session:
        person = session.query(Person).filter_by(email=email).one()
        token = sign_in_token(session, person.id)
    browser = Browser(app, raise_server_exceptions=False)
    browser.cookies.set("session", token)
    return browser
