"""Tells the whole story on an empty installation, day by day, through the services."""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from evidence.previews import jobs as preview_jobs
from evidence.sniff import sniff_blob
from evidence.storage import BlobStore
from portfolio.app import Parts
from portfolio.core import clock, touched
from portfolio.core.actor import Role
from portfolio.core.db import Database
from portfolio.demo import assessing_acts, evidence_acts, witness_acts
from portfolio.demo.accounts import Account
from portfolio.demo.cast import Company, bring_framework, open_centre
from portfolio.demo.history import History
from portfolio.demo.media import make_library
from portfolio.demo.players import Player, Stage, StoredFile
from portfolio.demo.settling import Deferred, finish_mail_jobs, recompute_all
from portfolio.demo.story import Step, Story, read_story
from portfolio.demo.words import chance_for, make_setting
from portfolio.people.models import Person
from portfolio.people.passwords import hash_password
from portfolio.people.rules import AllocationRole, LinkPurpose
from portfolio.people.service import issue_link, link_path, mark_all_read
from portfolio.records.models import Portfolio
from portfolio.records.service import Share, share

FOUNDED_DAYS_AGO = 60
VISIT_DAYS_AGO = 2
READ_DAYS_AGO = 3
PASSWORD = "kettle harbour ninety lanterns"  # noqa: S105  printed for everybody to see
_LARGEST_FILE = 50_000_000

Progress = Callable[[str, int, int], None]
"""(what is being made, steps done, steps in all)"""
Act = Callable[[Session, Player, Step], None]

ACTS: Mapping[str, Act] = {
    "enrol": evidence_acts.enrol_candidate,
    "accept": evidence_acts.accept,
    "begin": evidence_acts.begin,
    "hand-in": evidence_acts.hand_in,
    "rework": evidence_acts.rework,
    "withdraw": evidence_acts.withdraw,
    "judge": assessing_acts.judge,
    "hold": assessing_acts.hold,
    "return": assessing_acts.give_back,
    "record": assessing_acts.record,
    "plan": assessing_acts.plan,
    "countersign": assessing_acts.countersign,
    "judge-again": assessing_acts.rethink,
    "sign": assessing_acts.sign,
    "unlock": assessing_acts.unlock,
    "archive": assessing_acts.archive,
    "ask-witness": witness_acts.ask,
    "witness-confirms": witness_acts.confirm,
    "witness-declines": witness_acts.decline,
    "talk-to-witness": witness_acts.talk,
}


def build(parts: Parts, seed: int, progress: Progress) -> tuple[Sequence[Account], Sequence[str]]:
    """Make the demonstration on an empty, migrated installation.

    Returns one account per role, and sentences about what had to be left out. The same seed gives the same
    names, texts and states, dates counted from today.
    """
    story = read_story()
    history = History(clock.now(), story.people["centre"]["zone"])
    progress("Making files", 0, story.step_count)
    files, notes = _store_files(parts.store, seed, history)
    company = _found(parts.database, story, history)
    stage = Stage(story, company, history, files)
    players = [
        Player(
            stage, number, journey, make_setting(story.people, journey.name, chance_for(seed, journey.name))
        )
        for number, journey in enumerate(story.journeys)
    ]
    with history.in_force():
        _tell(parts.database, stage, players, seed, progress)
    recompute_all(parts.database, {player.portfolio_id for player in players})
    finish_mail_jobs(parts.database)
    # Previews follow once it is served: nobody waits for them
    parts.worker(without=preview_jobs.ALL).run_due()
    return _accounts(parts.database, stage, players), notes


def _store_files(
    store: BlobStore, seed: int, history: History
) -> tuple[dict[str, StoredFile], Sequence[str]]:
    """Make the files and put them into the store, each once."""
    stored = {}
    with tempfile.TemporaryDirectory(prefix="portfolio-demo-") as folder:
        library = make_library(Path(folder), seed, history.now)
        for key, made in library.files.items():
            with store.writer(_LARGEST_FILE) as writer:
                writer.write(made.path.read_bytes())
                blob = writer.finish()
            names = tuple(made.name(number) for number in range(len(made.names)))
            stored[key] = StoredFile(blob, sniff_blob(store, blob), names, made.cues)
    return stored, library.notes


def _found(database: Database, story: Story, history: History) -> Company:
    password_hash = hash_password(PASSWORD)
    with history.in_force():
        history.go_to(FOUNDED_DAYS_AGO, 0)
        with database.write() as session:
            company = open_centre(session, story.people, password_hash, history)
        history.go_to(FOUNDED_DAYS_AGO, 6)
        with database.write() as session:
            bring_framework(session, company)
    return company


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    """When a step is due: the order of these is the order of time."""

    days_before: int  # negative: nearer to today is larger
    slot: int
    minutes: int
    number: int
    step: Step = field(compare=False)
    player: Player = field(compare=False)


def _timetable(players: Sequence[Player], seed: int) -> list[_Due]:
    """Every step of every candidate with its moment, in order of time."""
    due = []
    for player in players:
        chance, slots = chance_for(seed, f"minutes {player.journey.name}"), Counter[int]()
        for step in player.journey.steps:
            due.append(
                _Due(-step.days_ago, slots[step.days_ago], chance.randrange(30), player.number, step, player)
            )
            slots[step.days_ago] += 1
    return sorted(due)


def _tell(database: Database, stage: Stage, players: Sequence[Player], seed: int, progress: Progress) -> None:
    """Everything that happens, in order of time; the centre's own events in between."""
    deferred = Deferred()
    quick = Database(database.engine, deferred)
    timetable = _timetable(players, seed)
    centre = [(READ_DAYS_AGO, _everybody_reads), (VISIT_DAYS_AGO, _begin_visit)]
    for done, due in enumerate(timetable):
        while centre and due.step.days_ago < centre[0][0]:
            centre.pop(0)[1](quick, stage, players)
        stage.history.go_to(due.step.days_ago, due.slot, due.minutes)
        with quick.write() as session:
            _act(session, deferred, due.player, due.step)
        progress("Telling twelve weeks", done + 1, len(timetable))


def _act(session: Session, deferred: Deferred, player: Player, step: Step) -> None:
    """One step. Signing and unlocking look at coverage, and change what later steps may do."""
    if step.verb not in ("sign", "unlock"):
        ACTS[step.verb](session, player, step)
        return
    deferred.catch_up(session)
    ACTS[step.verb](session, player, step)
    deferred(session, touched.take(session))
    deferred.catch_up(session)


def _everybody_reads(database: Database, stage: Stage, players: Sequence[Player]) -> None:
    """All but the last days' notifications have been read."""
    stage.history.go_to(READ_DAYS_AGO, 12)
    with database.write() as session:
        for person_id in [*stage.company.staff.values(), *(player.person_id for player in players)]:
            if person_id:
                mark_all_read(session, person_id)


def _begin_visit(database: Database, stage: Stage, players: Sequence[Player]) -> None:
    """The centre manager opens chosen portfolios to the external quality assurer."""
    company = stage.company
    stage.history.go_to(VISIT_DAYS_AGO, 13)
    eqa = next(key for key, role in company.roles.items() if role is Role.EQA)
    visited = company.people["visited"]
    with database.write() as session:
        manager = company.actor(session, company.manager)
        for player in players:
            if player.journey.name in visited:
                portfolio = session.get_one(Portfolio, player.portfolio_id)
                share(session, manager, portfolio, Share(company.staff[eqa], AllocationRole.EQA))


def _accounts(database: Database, stage: Stage, players: Sequence[Player]) -> Sequence[Account]:
    """One account per role with a sign-in link that can be used again and again."""
    first = players[0]
    wanted = {Role.CANDIDATE: first.person_id}
    for member in stage.company.people["staff"]:
        if len(member["roles"]) == 1:
            wanted.setdefault(Role(member["roles"][0]), stage.company.staff[member["key"]])
    with database.write() as session:
        return [
            _account(session, role, wanted[role], stage.company.centre_id) for role in Role if role in wanted
        ]


def _account(session: Session, role: Role, person_id: int, centre_id: int) -> Account:
    person = session.get_one(Person, person_id)
    token = issue_link(session, LinkPurpose.DEMO, person_id=person_id, centre_id=centre_id)
    return Account(role.value, person.name, person.email, PASSWORD, link_path(LinkPurpose.DEMO, token))
