"""What people do in a browser, step by step, and what the gap matrix says afterwards.

Each function does what one person would do on one page, by its labels and buttons, and leaves the browser on the
page that follows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.rules import Status, Who
from criteria.wording import status_word, who_word
from portfolio.app import Parts
from portfolio.core.log import LogEntry, LogStream
from portfolio.people.models import Notification, Person
from portfolio.records.models import Portfolio
from portfolio.records.rules import UnitState
from portfolio.tracking.matrix import read_matrix
from portfolio.tracking.turns import OWNER, Viewer
from portfolio.tracking.views import Matrix
from tests.browser.conftest import Live, OpenContext

ZONE = "Europe/London"
PASSWORD = "quiet-harbour-lantern-9"
expect.set_options(timeout=45_000)  # a loaded machine answers late; what never comes still fails


@dataclass(frozen=True, kw_only=True)
class Stands:
    """How a criterion is expected to stand. `cells` holds what the row says of each item, as "E001 Met"."""

    status: Status
    reasons: list[str] = field(default_factory=list)
    next: tuple[Who, str] | None = None
    cells: list[str] = field(default_factory=list)


def not_started() -> Stands:
    """Nothing is mapped."""
    return Stands(
        status=Status.NOT_STARTED,
        reasons=["Nothing is mapped to it yet."],
        next=(Who.CANDIDATE, "Add evidence."),
    )


def claimed(*refs: str) -> Stands:
    """In drafts only; the first one is to be submitted."""
    return Stands(
        status=Status.CLAIMED,
        reasons=[in_draft(ref) for ref in refs],
        next=(Who.CANDIDATE, f"Submit {refs[0]}."),
        cells=[f"{ref} Claimed" for ref in refs],
    )


def met(*refs: str, and_also: Sequence[str] = ()) -> Stands:
    """Met by these items; `and_also` is what the row says of others."""
    return Stands(status=Status.MET, cells=sorted([*(f"{ref} Met" for ref in refs), *and_also]))


def in_draft(ref: str) -> str:
    """The reason for a draft."""
    return f"In draft {ref}. Submit it to be assessed."


def waits(ref: str) -> str:
    """The reason for something submitted today."""
    return f"{ref} was submitted today and waits for the assessor."


@dataclass
class Play:
    """The stage: a served installation and one browser for each person."""

    live: Live
    open_context: OpenContext
    pages: dict[str, Page] = field(default_factory=dict)
    portfolio_code: str = ""

    def page(self, name: str) -> Page:
        """The page of a person's own browser."""
        if name not in self.pages:
            self.pages[name] = self.open_context().new_page()
        return self.pages[name]

    def go(self, name: str, path: str) -> Page:
        """Open an address as this person; it must answer without an error."""
        page = self.page(name)
        answer = page.goto(self.live.url + path)
        assert answer is not None
        assert answer.status == 200, f"{path} answered {answer.status}"
        return page

    def matrix(self, viewer: Viewer = OWNER) -> Matrix:
        """The matrix as the code reads it."""
        with self.live.parts.database.read() as session:
            return matrix_of(session, self.portfolio_code, viewer)


def matrix_of(session: Session, portfolio_code: str, viewer: Viewer = OWNER) -> Matrix:
    """The matrix of a portfolio by its code."""
    row = session.scalars(select(Portfolio).where(Portfolio.code == portfolio_code)).one()
    return read_matrix(session, row, viewer=viewer, zone=ZONE)


def press(page: Page, button: str) -> None:
    """Press a button by its name and wait for the page that follows."""
    with page.expect_navigation():
        page.get_by_role("button", name=button).first.click()


def choose_password(page: Page) -> None:
    """Fill the page behind an invitation; leads to the person's home."""
    page.locator("#f-password").fill(PASSWORD)
    press(page, "Save and sign in")


def new_item(page: Page, url: str, kind: str, title: str) -> str:
    """Begin an item of a kind; the browser then shows its edit page. Its code."""
    page.goto(f"{url}/evidence/new")
    page.locator("#f-title").fill(title)
    page.locator(f"label[for=f-kind-{kind}]").click()
    press(page, "Begin")
    return page.url.split("/evidence/")[1].split("/")[0]


def add_files(page: Page, *paths: Path) -> None:
    """Choose files, which the script sends; waits until all of them stand in the list."""
    before = page.locator("#file-list > li").count()
    page.locator("#f-files").set_input_files(list(paths))
    expect(page.locator("#file-list > li")).to_have_count(before + len(paths))


def tick_criteria(page: Page, refs: Sequence[str], unit: int = 0) -> None:
    """On the mapping page: tick criteria of one unit and add them."""
    box = page.locator("#picker > details").nth(unit)
    if not box.evaluate("details => details.open"):
        box.locator("summary").click()
    for ref in refs:
        box.locator("label", has=page.locator(".ref", has_text=ref)).first.click()
    press(page, "Add the ticked criteria")


def card_of(page: Page, ref: str, unit: int = 0) -> Any:
    """The card of a criterion that stands on a mapping, review or unit page."""
    return page.locator("article, fieldset.crit", has=page.locator(".ref", has_text=ref)).nth(unit)


def give_reason(page: Page, ref: str, words: str) -> None:
    """On the mapping page: say how the item shows a criterion; the form is not sent yet."""
    card_of(page, ref).locator("textarea").first.fill(words)


def declare_and_submit(page: Page, ref: str) -> None:
    """On the submit page: tick the declaration and submit."""
    page.locator("label[for=f-declared]").click()
    press(page, f"Submit {ref}")
    expect(page.locator("#flashes")).to_contain_text("Submitted. It is frozen now")


def decide(page: Page, ref: str, verdict: str, feedback: str = "") -> None:
    """On a review page: met or not_yet for one criterion, with feedback."""
    card = card_of(page, ref)
    card.locator(f".decide-{verdict} input").check()
    if feedback:
        card.locator("textarea[data-feedback]").fill(feedback)


_DRAWN = """() => [...document.querySelectorAll('table.matrix tbody tr[id^="c-"]')].map(row => {
  const text = node => node.textContent.replace(/\\s+/g, ' ').trim();
  const told = row.cells[1];
  return {
    ref: text(row.cells[0].querySelector('.ref')),
    status: text(told.querySelector('.chip')),
    notes: [...told.querySelectorAll('.why')].map(text),
    link: told.querySelector('.next-link') ? text(told.querySelector('.next-link')) : '',
    cells: [...row.querySelectorAll('td a.c')].map(text),
  };
})"""


def drawn_rows(page: Page) -> dict[str, dict[str, Any]]:
    """What the matrix that is open says of each criterion, by its reference."""
    return {row["ref"]: row for row in page.evaluate(_DRAWN)}


def _as_drawn(ref: str, stands: Stands) -> dict[str, Any]:
    """How a row must look to the candidate: the next action is a link when it is theirs."""
    who, sentence = stands.next or (Who.CANDIDATE, "")
    own = who is Who.CANDIDATE
    told = [] if own else [f"Next, {who_word(who).lower()}: {sentence}"]
    return {
        "ref": ref,
        "status": status_word(stands.status),
        "notes": stands.reasons + told,
        "link": sentence if own else "",
        "cells": stands.cells,
    }


def _as_read(matrix: Matrix) -> dict[str, Stands]:
    rows = [row for unit in matrix.units for group in unit.groups for row in group.rows]
    shown = {row.criterion_id: row for unit in matrix.shown for group in unit.groups for row in group.rows}
    return {
        row.ref: Stands(
            status=row.status,
            reasons=list(row.reasons),
            next=(row.next.who, row.next.sentence) if row.next else None,
            cells=[
                f"{matrix.items[n].ref} {status_word(status)}"
                for n, status in shown[row.criterion_id].marks.items()
            ],
        )
        for row in rows
    }


def check_matrix(play: Play, wanted: Mapping[str, Stands], state: UnitState = UnitState.IN_PROGRESS) -> None:
    """The matrix says exactly this of every criterion, in the code and on the candidate's page, roll-ups included."""
    read = play.matrix()
    _same(_as_read(read), wanted, "read_matrix")
    met_count = sum(each.status is Status.MET for each in wanted.values())
    begun = sum(each.status not in (Status.MET, Status.NOT_STARTED) for each in wanted.values())
    assert (read.rollup.met, read.rollup.mapped_not_met, read.rollup.total) == (met_count, begun, len(wanted))
    for status in Status:
        assert read.rollup.of(status) == sum(each.status is status for each in wanted.values())
    assert [unit.state for unit in read.units] == [state]
    page = play.go("candidate", "/portfolio")
    _same(drawn_rows(page), {ref: _as_drawn(ref, stands) for ref, stands in wanted.items()}, "the page")
    _check_sums(page, wanted, met_count, begun, state)


def _same(found: Mapping[str, object], wanted: Mapping[str, object], where: str) -> None:
    assert list(found) == list(wanted)
    wrong = [
        f"{ref}: {where} says {found[ref]}, not {wanted[ref]}" for ref in wanted if found[ref] != wanted[ref]
    ]
    assert not wrong, "\n".join(wrong)


def _check_sums(
    page: Page, wanted: Mapping[str, Stands], met_count: int, begun: int, state: UnitState
) -> None:
    total = len(wanted)
    expect(page.locator(".head-sum .rollup-met")).to_have_text(f"{100 * met_count // total} % met")
    expect(page.locator(".head-sum .rollup-claimed")).to_have_text(f"{100 * begun // total} % claimed")
    unit_row = page.locator(".table-unit")
    expect(unit_row).to_contain_text(f"{met_count} of {total} met · {state.value.replace('_', ' ')}")
    for number in ("1", "2"):
        own = [each for ref, each in wanted.items() if ref.startswith(f"{number}.")]
        done = sum(each.status is Status.MET for each in own)
        expect(page.locator("tr.table-group").nth(int(number) - 1)).to_contain_text(
            f"{done} of {len(own)} met"
        )
    expect(page.locator(".filters .pill").nth(1)).to_have_text(f"Gaps only {total - met_count}")
    expect(page.locator("ul.units")).to_contain_text(
        "Signed" if state.is_signed else f"{100 * met_count // total} %"
    )


def actions_logged(parts: Parts, portfolio_code: str) -> list[str]:
    """The actions in the decision log of a portfolio, in their order."""
    with parts.database.read() as session:
        rows = session.scalars(
            select(LogEntry.action)
            .join(LogStream, LogStream.id == LogEntry.stream_id)
            .where(LogStream.subject == portfolio_code)
            .order_by(LogEntry.sequence)
        )
        return list(rows)


def notices_of(parts: Parts, email: str) -> list[tuple[str, str]]:
    """Kind and title of what a person was told, oldest first."""
    with parts.database.read() as session:
        rows = session.execute(
            select(Notification.kind, Notification.title)
            .join(Person, Person.id == Notification.person_id)
            .where(Person.email == email)
            .order_by(Notification.id)
        )
        return [(kind, title) for kind, title in rows]
