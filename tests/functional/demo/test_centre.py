"""What the demonstration centre holds: every state, and nothing that does not hold."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, func, select

from assessors.models import Countersignature, Judgement, ReviewDraft, SignOff, Unlock, Waiver
from assessors.rules import Countersign, Decision
from criteria.models import RuleChange
from criteria.rules import EvidenceKind, RuleBy, Status
from evidence.models import Blob, Evidence, EvidenceFile, Mapping, Revision
from evidence.previews import jobs as preview_jobs
from evidence.rules import EvidenceState
from evidence.rules.timed_text import TimedTextForm
from evidence.rules.witness import RequestState, request_state
from evidence.timed_models import TimedText
from evidence.witness_models import WitnessContact, WitnessRequest
from portfolio.app import Parts, open_parts
from portfolio.commands.tracking import check_blobs, check_coverage, check_log
from portfolio.commands.verify import check_records
from portfolio.core import clock
from portfolio.core.jobs import Job, JobState
from portfolio.core.mail import MailMessage, MailState
from portfolio.people.models import Membership, Notification, Person
from portfolio.records.models import CoverageRow, Portfolio, PortfolioUnit
from portfolio.records.rules import PortfolioState, UnitState
from tests.demo import SEED, DemoInstallation, make_demo

pytestmark = [pytest.mark.slow, pytest.mark.long]


def _values(parts: Parts, query: Select[Any]) -> Sequence[Any]:
    with parts.database.read() as session:
        return session.scalars(query).all()


def _count(parts: Parts, query: Select[Any]) -> int:
    return len(_values(parts, query))


def test_verify_finds_nothing(shared_parts: Parts) -> None:
    found = [*check_log(shared_parts), *check_coverage(shared_parts), *check_blobs(shared_parts, quick=False)]
    assert [*found, *check_records(shared_parts)] == []


def test_every_status_of_a_criterion_occurs(shared_parts: Parts) -> None:
    assert set(_values(shared_parts, select(CoverageRow.status).distinct())) == set(Status)


def test_every_state_and_kind_of_evidence_occurs(shared_parts: Parts) -> None:
    assert set(_values(shared_parts, select(Evidence.state).distinct())) == set(EvidenceState)
    assert set(_values(shared_parts, select(Evidence.kind).distinct())) == set(EvidenceKind)


def test_units_are_open_ready_and_signed(shared_parts: Parts) -> None:
    found = set(_values(shared_parts, select(PortfolioUnit.state).distinct()))
    assert found == {UnitState.IN_PROGRESS, UnitState.READY_TO_SIGN, UnitState.SIGNED}


def test_reasons_of_every_sort_are_there_to_be_read(shared_parts: Parts) -> None:
    rows = _values(shared_parts, select(CoverageRow.reasons))
    codes = {reason["code"] for reasons in rows for reason in reasons}
    assert codes >= {
        "no_evidence",
        "draft_only",
        "awaiting_assessor",
        "awaiting_countersignature",
        "not_yet",
        "more_items",
        "method_missing",
        "too_old",
        "simulation_not_allowed",
        "range_missing",
    }


def test_24_candidates_with_one_archived_and_one_not_yet_signed_in(shared_parts: Parts) -> None:
    states = _values(shared_parts, select(Portfolio.state))
    assert (len(states), states.count(PortfolioState.ARCHIVED)) == (24, 1)
    without = select(Person.name).where(Person.password_hash.is_(None))
    assert _values(shared_parts, without) == ["Chloe Hartley"]


def test_somebody_is_overdue_and_somebody_long_silent(shared_parts: Parts) -> None:
    overdue = select(Portfolio).where(Portfolio.target_on < clock.today())
    silent = select(Portfolio).where(
        Portfolio.last_activity_at < clock.now() - timedelta(days=56),
        Portfolio.state == PortfolioState.ACTIVE,
    )
    assert _count(shared_parts, overdue) >= 2
    assert _count(shared_parts, silent) >= 1


def test_decisions_of_every_sort_were_made(shared_parts: Parts) -> None:
    assert set(_values(shared_parts, select(Judgement.decision).distinct())) == set(Decision)
    assert set(_values(shared_parts, select(Countersignature.answer).distinct())) == set(Countersign)
    for model in (ReviewDraft, SignOff, Unlock, Waiver):
        assert _count(shared_parts, select(model)) >= 1


def test_a_trainees_judgement_and_sign_off_wait_for_a_countersignature(shared_parts: Parts) -> None:
    judged = select(Judgement).where(
        Judgement.needs_countersignature,
        ~select(Countersignature.id).where(Countersignature.judgement_id == Judgement.id).exists(),
    )
    signed = select(SignOff).where(
        SignOff.needs_countersignature,
        ~select(Countersignature.id).where(Countersignature.sign_off_id == SignOff.id).exists(),
    )
    assert _count(shared_parts, judged) >= 1
    assert _count(shared_parts, signed) == 1


def test_mappings_carry_reasons_parts_and_range_items(shared_parts: Parts) -> None:
    mappings = _values(shared_parts, select(Mapping))
    assert all(mapping.reason for mapping in mappings)
    starts = {part["fragment"].partition("=")[0] for m in mappings for part in m.locators if part["fragment"]}
    assert starts == {"t", "page", "xywh"}
    assert any(mapping.range_items for mapping in mappings)


def test_witnesses_are_asked_confirm_and_decline(shared_parts: Parts) -> None:
    rows = _values(shared_parts, select(WitnessRequest))
    states = {request_state(row.times, clock.now()) for row in rows}
    assert states == {RequestState.SENT, RequestState.CONFIRMED, RequestState.DECLINED}
    assert _count(shared_parts, select(WitnessContact)) == 1


def test_no_text_is_left_with_a_brace(shared_parts: Parts) -> None:
    rows = _values(shared_parts, select(Revision))
    assert rows
    brace = re.compile(r"\{[a-z_]+\}")
    assert not [row.title for row in rows if brace.search(f"{row.title} {row.text} {row.details}")]


def test_few_files_serve_many_candidates(shared_parts: Parts) -> None:
    assert _count(shared_parts, select(Blob)) == 25
    assert _count(shared_parts, select(EvidenceFile)) > 100


def test_the_centre_adds_one_rule_with_a_reason(shared_parts: Parts) -> None:
    found = _values(shared_parts, select(RuleChange).where(RuleChange.owner == RuleBy.CENTRE))
    assert [bool(rule.reason) for rule in found] == [True]


def test_the_visit_of_the_external_quality_assurer_is_in_force(shared_parts: Parts) -> None:
    visit = _values(shared_parts, select(Membership).where(Membership.starts_on.is_not(None)))[0]
    assert visit.starts_on <= clock.today() <= visit.ends_on


def test_messages_stay_in_the_outbox_and_only_previews_are_left_to_make(shared_parts: Parts) -> None:
    assert _count(shared_parts, select(MailMessage)) > 100
    assert set(_values(shared_parts, select(MailMessage.state).distinct())) == {MailState.WAITING}
    left = select(Job.name).where(Job.state != JobState.DONE).distinct()
    assert set(_values(shared_parts, left)) <= preview_jobs.ALL


def test_messages_were_written_in_order_of_time(shared_parts: Parts) -> None:
    written = _values(shared_parts, select(MailMessage.created_at).order_by(MailMessage.id))
    assert written == sorted(written)


def test_some_notifications_are_read_and_some_are_not(shared_parts: Parts) -> None:
    unread = _count(shared_parts, select(Notification).where(Notification.read_at.is_(None)))
    assert 0 < unread < _count(shared_parts, select(Notification))


def test_recordings_have_captions_from_a_file_and_written_transcripts(shared_parts: Parts) -> None:
    forms = set(_values(shared_parts, select(TimedText.form).distinct()))
    assert forms == {TimedTextForm.WEBVTT, TimedTextForm.TRANSCRIPT}
    assert all(
        "tariff" in words or "Hold time" in words for words in _values(shared_parts, select(TimedText.words))
    )


def test_the_history_lies_in_the_last_twelve_weeks(shared_parts: Parts) -> None:
    with shared_parts.database.read() as session:
        first, last = session.execute(
            select(func.min(Revision.created_at), func.max(Revision.created_at))
        ).one()
    assert clock.now() - timedelta(weeks=13) < first < clock.now() - timedelta(weeks=11)
    assert clock.now() - timedelta(days=5) < last < clock.now()


def test_the_clock_runs_again_afterwards(demo_original: DemoInstallation) -> None:
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5


def test_the_same_seed_tells_the_same_story(shared_parts: Parts, tmp_path: Path) -> None:
    again = open_parts(make_demo(tmp_path / "again", SEED).settings)
    try:
        assert _told(again) == _told(shared_parts)
    finally:
        again.close()


def _told(parts: Parts) -> list[list[tuple[Any, ...]]]:
    """Names, titles, texts and states, without codes and times."""
    candidate = select(Person.name, CoverageRow.criterion_id, CoverageRow.status).join(
        Portfolio, Portfolio.candidate_id == Person.id
    )
    queries: Sequence[Any] = (
        select(Person.name, Person.email).order_by(Person.email),
        select(Evidence.portfolio_id, Evidence.number, Evidence.title, Evidence.state).order_by(
            Evidence.portfolio_id, Evidence.number
        ),
        select(Revision.text, Revision.occurred_on).order_by(Revision.id),
        candidate.join(CoverageRow, CoverageRow.portfolio_id == Portfolio.id).order_by(
            Person.name, CoverageRow.criterion_id
        ),
        select(EvidenceFile.name, EvidenceFile.position).order_by(EvidenceFile.id),
        select(TimedText.file_id, TimedText.name, TimedText.vtt).order_by(TimedText.id),
    )
    with parts.database.read() as session:
        return [[tuple(row) for row in session.execute(query)] for query in queries]
