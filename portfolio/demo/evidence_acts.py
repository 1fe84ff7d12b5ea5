"""What candidates do in the story: drafts with files and mappings, handing in, answering."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import PurePath
from typing import Any

from sqlalchemy.orm import Session

from criteria.rules import EvidenceKind
from evidence.models import EvidenceFile
from evidence.rules.timed_text import Cue, render_transcript, render_vtt
from evidence.service import (
    Claim,
    DraftFields,
    Upload,
    attach_file,
    create_draft,
    map_criteria,
    save_draft,
    start_revision,
    submit_evidence,
    withdraw_draft,
)
from evidence.service.timed_text import add_captions, add_transcript
from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.demo.cast import MAIL_DOMAIN, accept_invitation
from portfolio.demo.players import Player
from portfolio.demo.story import Item, Step
from portfolio.demo.words import mail_name
from portfolio.people.rules import AllocationRole
from portfolio.people.service import mark_all_read
from portfolio.records.service import Enrolment, NewCandidate, Share, enrol


def enrol_candidate(session: Session, player: Player, step: Step) -> None:
    """The centre manager enrols the candidate and gives the portfolio to its assessors."""
    company, journey = player.stage.company, player.journey
    manager = company.actor(session, company.manager)
    enrolment = Enrolment(
        candidate=NewCandidate(f"{mail_name(journey.name)}@{MAIL_DOMAIN}", journey.name),
        version_id=company.version_id,
        unit_ids=tuple(company.nodes[unit].id for unit in journey.units),
        target_on=max(_days_on(player, journey.target), clock.today()),
        site_id=company.sites[player.setting.site][0],
        cohort=journey.cohort,
        shares=tuple(_shares(player)),
        choose_later=len(journey.units) < 2,
    )
    portfolio = enrol(session, manager, enrolment)
    player.person_id, player.portfolio_id = portfolio.candidate_id, portfolio.id
    player.portfolio_code = portfolio.code


def accept(session: Session, player: Player, step: Step) -> None:
    """The candidate opens the invitation, sets a password and looks at what is there."""
    accept_invitation(session, player.person_id, player.stage.company.password_hash)
    mark_all_read(session, player.person_id)


def begin(session: Session, player: Player, step: Step) -> None:
    """The candidate makes a draft with its files, and says what it shows."""
    item, actor = player.item(step.what), player.actor(session)
    day = player.work_day(item, step.days_ago)
    evidence = create_draft(
        session, actor, player.portfolio_code, item.kind, fields_of(player, item, day, step.days_ago)
    )
    player.items[item.key] = evidence.code
    codes = attach(session, actor, player, item)
    if "unmapped" not in step.options:
        map_criteria(session, actor, evidence.code, list(claims_of(player, item, day, codes)))


def hand_in(session: Session, player: Player, step: Step) -> None:
    """The candidate declares and submits."""
    actor = player.actor(session)
    submission = submit_evidence(session, actor, player.items[step.what], declared=True)
    player.submissions[step.what] = submission.code


def rework(session: Session, player: Player, step: Step) -> None:
    """The candidate begins a new revision and adds what was asked for."""
    item, actor = player.item(step.what), player.actor(session)
    revision = start_revision(session, actor, player.items[item.key])
    assert revision.occurred_on is not None
    added = player.setting.fill(
        item.revised or "I looked at it again and sent it anew.", revision.occurred_on
    )
    fields = DraftFields(
        title=revision.title,
        text=f"{revision.text}\n\n{added}".strip(),
        details=revision.details,
        occurred_on=revision.occurred_on,
        site_code=player.site_code(),
        simulated=revision.simulated,
        rpl=revision.rpl,
    )
    save_draft(session, actor, player.items[item.key], fields, revision.edit_version)


def withdraw(session: Session, player: Player, step: Step) -> None:
    """The candidate takes a draft back."""
    withdraw_draft(session, player.actor(session), player.items[step.what])


def fields_of(player: Player, item: Item, day: date, days_ago: int) -> DraftFields:
    """What an item says, with every brace filled."""
    return DraftFields(
        title=player.setting.fill(player.title(item), day),
        text=player.setting.fill(item.text, day),
        details={**player.setting.fill_all(item.details, day), **_own_details(player, item, days_ago)},
        occurred_on=day,
        site_code=player.site_code(),
        simulated=item.simulated,
        rpl=item.rpl,
    )


def attach(session: Session, actor: Actor, player: Player, item: Item) -> list[str]:
    """Attach the files of an item; their codes in order. The bytes are in the store already."""
    codes = []
    for key in item.files:
        stored = player.stage.files[key]
        name = stored.names[player.number % len(stored.names)]
        upload = Upload(stored.blob, name, stored.media_type, stored.media_type)
        file = attach_file(session, actor, player.items[item.key], upload)
        codes.append(file.code)
        if stored.cues:
            caption(session, actor, item, file, stored.cues)
    return codes


def caption(session: Session, actor: Actor, item: Item, file: EvidenceFile, cues: Sequence[Cue]) -> None:
    """Put beside a recording what is said in it, in the way of the item: as a file, typed, or not at all."""
    if item.captions == "file":
        name = f"{PurePath(file.name).stem}.vtt"
        add_captions(session, actor, file.code, render_vtt(cues).encode(), name)
    elif item.captions == "typed":
        add_transcript(session, actor, file.code, render_transcript(cues))


def _shares(player: Player) -> Iterator[Share]:
    company, journey = player.stage.company, player.journey
    first = company.staff[journey.assessor]
    if journey.second_assessor:
        units = [company.nodes[unit].id for unit in journey.units]
        yield Share(first, AllocationRole.ASSESSOR, units[0])
        yield Share(company.staff[journey.second_assessor], AllocationRole.ASSESSOR, units[1])
    else:
        yield Share(first, AllocationRole.ASSESSOR)
    if journey.trainee:
        yield Share(company.staff[journey.trainee], AllocationRole.TRAINEE_ASSESSOR)


def _days_on(player: Player, days: int) -> date:
    return date.fromordinal(player.stage.history.today.toordinal() + days)


def _own_details(player: Player, item: Item, days_ago: int) -> dict[str, Any]:
    """Dates and names that follow from the story and not from the item."""
    today = player.stage.history.day(days_ago).isoformat()
    if item.kind is EvidenceKind.WITNESS_TESTIMONY:
        return {"confirmed_on": today}
    if item.rpl:
        return {"rpl_achieved_on": today}
    if item.kind is EvidenceKind.IN_SITU:
        staff = player.stage.company.people["staff"]
        seen_by = next(each["name"] for each in staff if each["key"] == player.journey.assessor)
        return {"seen_on": today, "seen_by": seen_by}
    return {}


def claims_of(player: Player, item: Item, day: date, codes: list[str]) -> Iterator[Claim]:
    """What an item is said to show, of the units that the candidate takes; `codes` are those of its files."""
    for claim in item.claims:
        if claim.criterion.split("/")[0] not in player.journey.units:
            continue
        number, _, fragment = claim.at.partition(" ")
        yield Claim(
            player.stage.company.nodes[claim.criterion].code,
            player.setting.fill(claim.why, day),
            ((codes[int(number)], fragment),) if number and codes else (),
            claim.range,
        )
