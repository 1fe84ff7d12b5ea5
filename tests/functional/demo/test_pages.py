"""Every page that the people of the demonstration can reach answers, with one main heading."""

import pytest
from fastapi import FastAPI

from portfolio.app import Parts
from portfolio.core.actor import Role
from tests.demo import DemoInstallation, demo_browser
from tests.functional.demo.crawling import walk
from tests.web import Browser

pytestmark = [pytest.mark.slow, pytest.mark.long]

LEAST_PAGES = {Role.OPERATOR: 8}


@pytest.mark.parametrize("role", Role)
def test_every_page_within_reach_answers(
    role: Role, shared_installation: DemoInstallation, shared_parts: Parts, shared_app: FastAPI
) -> None:
    account = shared_installation.account(role.value)

    found = walk(demo_browser(shared_app, shared_parts, account.email))

    assert found.problems == []
    assert len(found.visited) >= LEAST_PAGES.get(role, 30)


def test_somebody_with_two_roles_reaches_everything_too(shared_parts: Parts, shared_app: FastAPI) -> None:
    found = walk(demo_browser(shared_app, shared_parts, "owen.griffiths@northfield.example"))
    assert found.problems == []
    assert len(found.visited) >= 30


@pytest.mark.parametrize("role", Role)
def test_a_printed_link_signs_in_again_and_again(
    role: Role, shared_installation: DemoInstallation, shared_app: FastAPI
) -> None:
    account = shared_installation.account(role.value)
    for _ in range(2):
        with Browser(shared_app) as browser:
            assert account.name in browser.get(account.path).text
            assert browser.submit(account.path).status_code == 303
            page = browser.get("/")
        assert page.status_code == 200
        assert account.name in page.text


def test_printed_passwords_sign_in(shared_installation: DemoInstallation, shared_app: FastAPI) -> None:
    account = shared_installation.account("centre_manager")
    with Browser(shared_app) as browser:
        answer = browser.submit("/sign-in", {"email": account.email, "password": account.password})
    assert answer.status_code == 303


def test_every_page_says_that_it_is_a_demonstration(shared_app: FastAPI) -> None:
    with Browser(shared_app) as browser:
        assert "Demonstration centre" in browser.get("/sign-in").text
