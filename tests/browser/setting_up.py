"""The first half of the loop: centre, people, framework, enrolment; each step as its role takes it."""

import re

from playwright.sync_api import expect
from sqlalchemy import select

from portfolio.people.rules import LinkPurpose
from portfolio.people.service import issue_link
from portfolio.records.models import Portfolio
from tests.browser import steps
from tests.browser.steps import (
    Play,
    press,
)

UNIT_TITLE = "Keep a service desk running on a busy day"
PAGE = f"""{UNIT_TITLE}

Topic Synopsis
Planning the people and the hours of a desk, and putting things right while the day is under way.

Learning Outcomes
1. Be able to plan the desk
2. Be able to put things right during the day

Assessment Criteria
1.1 Match the rota to the calls that are expected
1.2 Explain how breaks are spread over the day
2.1 Act on the wallboard when waiting grows
2.2 Tell the team what was changed and why

Assessment Guidance
- Show the figures you worked from

Common Mistakes
- Judging a day by its average alone

Key Terminology
- Wallboard: the screen that shows the queue to everybody
"""
CRITERIA = ["1.1", "1.2", "2.1", "2.2"]
PEOPLE = {
    "assessor": ("Asa Sessor", "assessor"),
    "trainee": ("Tara Trainee", "trainee_assessor"),
    "iqa": ("Ida Quinn", "iqa"),
}


def set_up_the_centre(play: Play) -> None:
    with play.live.parts.database.write() as session:
        token = issue_link(session, LinkPurpose.SETUP)
    page = play.go("manager", f"/setup/{token}")
    page.get_by_label("Name of the centre").fill("Harbour Training")
    page.get_by_label("Your name").fill("Mara Manager")
    page.get_by_label("Your email address").fill("mara@harbour.example")
    page.get_by_label("Password").fill(steps.PASSWORD)
    press(page, "Set up the centre")
    expect(page.locator("#flashes")).to_contain_text("The centre is set up")
    page.goto(f"{play.live.url}/setup/{token}")
    expect(page.get_by_role("heading", level=1)).to_have_text("This link does not work any more")


def invite_the_staff(play: Play) -> None:
    page = play.go("manager", "/centre/sites/new")
    page.get_by_label("Name").fill("Quay Street")
    press(page, "Add the site")
    for name, (full_name, role) in PEOPLE.items():
        play.go("manager", "/people/new")
        page.locator("#f-name").fill(full_name)
        page.locator("#f-email").fill(f"{name}@harbour.example")
        page.locator("#f-role").select_option(role)
        press(page, "Add and invite")
        accept_invitation(play, name, full_name)


def accept_invitation(play: Play, name: str, full_name: str) -> None:
    """The manager reads the link in the outbox; the person opens it in their own browser."""
    page = play.go("manager", "/outbox")
    mine = page.locator("tr", has_text=f"{name}@harbour.example")
    mine.get_by_role("link", name="Your account at Harbour Training").click()
    press(page, "Show the link")
    text = page.locator("pre.message-text").inner_text()
    found = re.search(r"/invitation/\S+", text)
    assert found, text
    own = play.go(name, found.group())
    expect(own.locator("main")).to_contain_text(f"Hello {full_name}. Harbour Training has made an account")
    steps.choose_password(own)
    expect(own.locator("#flashes")).to_contain_text("Your password is set.")


def import_a_pasted_page(play: Play) -> None:
    page = play.go("manager", "/frameworks/import")
    page.get_by_label("Text of the page").fill(PAGE)
    press(page, "Show what is understood")
    understood = page.locator("article.understood")
    expect(understood.locator("h3")).to_contain_text(UNIT_TITLE)
    expect(understood).to_contain_text("2 outcomes · 4 criteria")
    assert understood.locator(".criteria-list li b").all_inner_texts() == CRITERIA
    for heading in ("Synopsis (1)", "Advice (1)", "Common mistakes (1)", "Key terms (1)"):
        expect(understood).to_contain_text(heading)
    line = page.locator("tr", has_text="Act on the wallboard when waiting grows").last
    expect(line.locator("td").last).to_contain_text("riterion")
    page.get_by_label("Title of the qualification").fill("Award in desk work")
    press(page, "Save as draft")
    expect(page.locator("main")).to_contain_text("This is a draft")
    press(page, "Activate")


def ask_for_two_items(play: Play, ref: str) -> None:
    """A rule of the centre on one criterion: two items."""
    page = play.page("manager")
    page.get_by_role("link", name=UNIT_TITLE).first.click()
    row = page.locator("li.criterion", has=page.locator(".criterion-ref", has_text=ref))
    row.locator("summary").click()
    row.get_by_role("link", name=f"Change the rule on {ref}").click()
    page.locator("#f-minimum_items").fill("2")
    page.get_by_label("Reason").fill("One good day proves little.")
    press(page, "Show what changes")
    expect(page.locator("main")).to_contain_text("1 criterion. Nothing is saved yet.")
    press(page, "Put in force")


def enrol_the_candidate(play: Play) -> None:
    page = play.go("manager", "/enrolments/new")
    page.get_by_label("Email address").fill("candidate@harbour.example")
    page.locator("#f-name").fill("Cara Candidate")
    page.locator("#f-site").select_option(label="Quay Street")
    unit = page.get_by_role("checkbox", name=UNIT_TITLE)
    if not unit.is_checked():
        page.locator("label", has_text=UNIT_TITLE).first.click()
    page.locator("#f-assessor").select_option(label="Asa Sessor")
    page.locator("#f-trainee").select_option(label="Tara Trainee")
    page.locator("#f-iqa").select_option(label="Ida Quinn")
    press(page, "Enrol")
    accept_invitation(play, "candidate", "Cara Candidate")
    with play.live.parts.database.read() as session:
        play.portfolio_code = session.scalars(select(Portfolio.code)).one()
