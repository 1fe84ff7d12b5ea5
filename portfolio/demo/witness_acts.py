"""What witnesses do in the story: they are asked by mail, confirm or decline; the assessor speaks to one."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from evidence.models import Evidence
from evidence.queries.witness import newest_request, open_request
from evidence.rules.witness import ContactMethod, DeclineReason, Statement, Way
from evidence.service import create_draft, map_criteria
from evidence.service.drafts import DraftFields
from evidence.service.testimony import confirm_testimony, decline_testimony, open_testimony
from evidence.service.witness import Contact, Question, ask_witness, record_contact
from portfolio.core import clock
from portfolio.demo.evidence_acts import claims_of
from portfolio.demo.players import Player
from portfolio.demo.story import Item, Step
from portfolio.people.rules import LinkPurpose
from portfolio.people.service import issue_link

_QUESTION = (
    "Please say what you saw of how I kept the floor running on {day}: what I moved and when, how I told the team, "
    "and what came of it."
)


def ask(session: Session, player: Player, step: Step) -> None:
    """The candidate begins a testimony, says what it is to show, and asks the witness."""
    item, actor = player.item(step.what), player.actor(session)
    day = _day(player, item, step)
    fields = DraftFields(title=player.setting.fill(player.title(item), day), site_code=player.site_code())
    evidence = create_draft(session, actor, player.portfolio_code, item.kind, fields)
    player.items[item.key] = evidence.code
    map_criteria(session, actor, evidence.code, list(claims_of(player, item, day, [])))
    details = player.setting.fill_all(item.details, day)
    question = Question(
        witness_name=details["witness_name"],
        witness_email=details["contact"],
        question=player.setting.fill(_QUESTION, day),
        way=Way.OWN_LINK,
    )
    ask_witness(session, actor, evidence.code, question)


def confirm(session: Session, player: Player, step: Step) -> None:
    """The witness opens the link, writes and confirms."""
    item, token = player.item(step.what), _token(session, player, step)
    day = _day(player, item, step)
    details = player.setting.fill_all(item.details, day)
    said = Statement(
        text=player.setting.fill(item.text, day),
        occurred_on=day,
        place=f"{player.setting.words['team']}, {player.setting.words['site']}",
        name=details["witness_name"],
        role="Operations manager",
        relationship=details["relationship"],
        status=details["witness_status"],
        contact=details["contact"],
    )
    open_testimony(session, token)
    shown = open_request(session, token).shown
    confirm_testimony(session, token, said, declared=True, shown=shown)


def decline(session: Session, player: Player, step: Step) -> None:
    """The witness says no."""
    token = _token(session, player, step)
    open_testimony(session, token)
    note = "I was on leave that week. My deputy was there and can tell you."
    decline_testimony(session, token, DeclineReason.NOT_SEEN, note)


def talk(session: Session, player: Player, step: Step) -> None:
    """The assessor rings the witness up and writes it down."""
    note = "Rang the number of the company's switchboard. The witness remembers the week and stands by every sentence."
    contact = Contact(clock.today(), ContactMethod.PHONE, note)
    record_contact(session, player.assessor(session), player.items[step.what], contact)


def _day(player: Player, item: Item, step: Step) -> date:
    return player.work_day(item, step.days_ago + 2)


def _token(session: Session, player: Player, step: Step) -> str:
    """A link as it stands in the witness's mail; only its hash is kept of that one."""
    code = player.items[step.what]
    evidence_id = session.scalars(select(Evidence.id).where(Evidence.code == code)).one()
    request = newest_request(session, evidence_id)
    assert request is not None
    return issue_link(
        session, LinkPurpose.WITNESS, subject=request.code, lasts=request.expires_at - clock.now()
    )
