"""The states of a request to a witness, when it reminds, what a testimony must say."""

from datetime import UTC, date, datetime, timedelta

import pytest

from criteria.rules import EvidenceKind, WitnessStatus
from evidence.rules import FIELDS, DraftPicture, problems_before_submission
from evidence.rules.kinds import REQUEST_KEY
from evidence.rules.witness import (
    DECLARATIONS,
    LINK_LASTS,
    REMIND_AFTER,
    Asks,
    Confirmation,
    ContactMethod,
    DeclineReason,
    RequestState,
    RequestTimes,
    Statement,
    Way,
    decline_words,
    is_open,
    method_word,
    next_reminder,
    plain_statuses,
    problems_of_statement,
    request_state,
    request_state_word,
    way_words,
)
from portfolio.core.log import digest_of

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
TODAY = date(2026, 3, 3)
S = RequestState
SAID = Statement(
    text="She led the huddle.",
    occurred_on=date(2026, 3, 2),
    place="Leeds",
    name="Janet Ogden",
    role="Team leader",
    relationship="Line manager",
    status="occupational_expert",
    contact="janet@example.net",
)


@pytest.mark.parametrize(
    ("times", "state"),
    [
        ({}, S.SENT),
        ({"opened_at": NOON}, S.OPENED),
        ({"expires_at": NOON}, S.EXPIRED),
        ({"expires_at": NOON, "opened_at": NOON}, S.EXPIRED),
        ({"closed_at": NOON}, S.EXPIRED),
        ({"confirmed_at": NOON, "closed_at": NOON}, S.CONFIRMED),
        ({"confirmed_at": NOON, "closed_at": NOON, "expires_at": NOON}, S.CONFIRMED),
        ({"declined_at": NOON, "closed_at": NOON, "expires_at": NOON}, S.DECLINED),
        ({"cancelled_at": NOON, "closed_at": NOON, "expires_at": NOON}, S.CANCELLED),
    ],
)
def test_state_follows_from_the_moments(times: dict[str, datetime], state: RequestState) -> None:
    found = request_state(RequestTimes(**{"expires_at": LATER, **times}), NOON)
    assert found is state
    assert is_open(found) is (state in (S.SENT, S.OPENED))


def test_there_are_two_reminders_and_none_after_the_link_has_expired() -> None:
    end = NOON + LINK_LASTS
    assert [next_reminder(NOON, n, end) for n in range(3)] == [*(NOON + each for each in REMIND_AFTER), None]
    assert next_reminder(NOON, 1, NOON + REMIND_AFTER[1]) is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": ""}, "text"),
        ({"occurred_on": None}, "occurred_on"),
        ({"occurred_on": date(2026, 3, 4)}, "occurred_on"),
        ({"occurred_on": date(1926, 3, 4)}, "occurred_on"),
        ({"place": ""}, "place"),
        ({"role": ""}, "role"),
        ({"relationship": ""}, "relationship"),
        ({"status": ""}, "status"),
        ({"status": "king"}, "status"),
        ({"contact": ""}, "contact"),
        ({"name": ""}, "name"),
        ({"name": "J"}, "name"),
    ],
)
def test_each_answer_is_needed(change: dict[str, object], field: str) -> None:
    said = Statement(**{**{n: getattr(SAID, n) for n in SAID.__slots__}, **change})
    assert [p.field for p in problems_of_statement(said, Asks.WRITE, TODAY, declared=True)] == [field]


def test_a_whole_testimony_can_be_confirmed_once_it_is_declared() -> None:
    assert list(problems_of_statement(SAID, Asks.WRITE, TODAY, declared=True)) == []
    assert [p.field for p in problems_of_statement(SAID, Asks.WRITE, TODAY, declared=False)] == ["declared"]


def test_what_was_handed_in_needs_no_further_words() -> None:
    said = Statement(
        **{n: getattr(SAID, n) for n in SAID.__slots__ if n not in ("text", "place", "occurred_on")}
    )
    assert list(problems_of_statement(said, Asks.CONFIRM, TODAY, declared=True)) == []


def test_details_have_the_names_of_the_kinds_fields() -> None:
    known = {field.name for field in FIELDS[EvidenceKind.WITNESS_TESTIMONY]}
    assert set(SAID.to_details()) <= known
    assert REQUEST_KEY not in known, "no form may set it"


def test_the_digest_covers_every_part_of_a_confirmation() -> None:
    def made(**changes: object) -> str:
        base: dict[str, object] = {
            "request": "abc", "asks": Asks.WRITE, "question": "What?", "given_on": Way.OWN_LINK, "said": SAID,
            "declaration": "True.", "criteria": ("x",), "files": ("00",), "seen_digest": None,
        }  # fmt: skip
        return digest_of(Confirmation(**{**base, **changes}).content())  # type: ignore[arg-type]

    others = [
        made(request="abd"),
        made(asks=Asks.CONFIRM),
        made(question="Why?"),
        made(given_on=Way.CANDIDATE_DEVICE),
        made(said=Statement()),
        made(declaration="So."),
        made(criteria=("y",)),
        made(files=()),
        made(seen_digest="1"),
    ]
    assert len({made(), *others}) == len(others) + 1
    assert made() == made()


@pytest.mark.parametrize(("files", "fields"), [(frozenset(), ["files"]), (frozenset({"f"}), [])])
def test_a_confirmation_on_paper_needs_the_paper(files: frozenset[str], fields: list[str]) -> None:
    assert _missing({"confirmed_by": "Janet Ogden", "confirmed_on": "2026-03-03"}, files) == fields


def test_a_confirmation_by_request_needs_no_paper() -> None:
    details = {"confirmed_by": "Janet", "confirmed_on": "2026-03-03", REQUEST_KEY: "abc"}
    assert _missing(details, frozenset()) == []


def _missing(details: dict[str, str], files: frozenset[str]) -> list[str]:
    picture = DraftPicture(
        kind=EvidenceKind.WITNESS_TESTIMONY,
        title="T",
        text="x",
        details={**SAID.to_details(), **details},
        occurred_on=date(2026, 3, 2),
        file_codes=files,
    )
    return [p.field for p in problems_before_submission(picture, TODAY) if p.field != "mappings"]


def test_every_value_has_its_words() -> None:
    words = [
        *map(request_state_word, RequestState),
        *map(way_words, Way),
        *map(decline_words, DeclineReason),
        *map(method_word, ContactMethod),
        *(DECLARATIONS[each] for each in Asks),
    ]
    assert len(set(words)) == len(words)
    assert [value for value, _, _ in plain_statuses()] == [each.value for each in WitnessStatus]
