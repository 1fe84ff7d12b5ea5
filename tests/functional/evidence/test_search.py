"""Search: who finds what, what is searched, where a hit leads, and that it follows every change."""

from collections.abc import Callable, Sequence
from urllib.parse import quote

import pytest
from sqlalchemy import delete, func, select, update

from criteria.rules import EvidenceKind
from evidence.models import Evidence, EvidenceFile, Revision, Submission
from evidence.previews.models import PageText, Preview
from evidence.queries.search import Hit, Within, search_evidence
from evidence.rules.keeping import ScanState
from evidence.rules.previews import PreviewKind, PreviewState
from evidence.rules.search import parse_query
from evidence.search_models import SearchPassage
from evidence.service import (
    detach_file,
    discard_revision,
    fill_batch,
    fill_everything,
    rename_file,
    restore_draft,
    save_draft,
    start_revision,
    withdraw_draft,
)
from evidence.service.confidential import mark_confidential
from evidence.service.timed_text import add_captions, add_transcript, remove_captions
from evidence.storage_models import BlobScan
from portfolio.app import Parts
from portfolio.core import clock
from portfolio.core.db import Database
from tests.factories import work
from tests.factories.world import World
from tests.functional.evidence.making import attach, begin, fields, hand_in
from tests.queries import counted
from tests.web import Browser

Browse = Callable[[str], Browser]
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
VTT = "WEBVTT\n\n00:01.000 --> 00:04.000\nGood morning.\n\n01:23.000 --> 01:28.000\nA crème brûlée, please.\n"
ODD = [
    "", " ", "\x00", '"', '""', '"""', "*", "a*", "NEAR(zebra", "zebra AND", "NOT zebra", "zebra OR OR", "(", ")))",
    "zebra:*", "-zebra", "^zebra", "{words}: zebra", "words:zebra", "'; DROP TABLE evidence; --", "\\", "a\\'b:*",
    "zebra & ! | <->", "<script>", "%", "_", "zebra\u202eabc", "\u05e9\u05dc\u05d5\u05dd", "🙂🙂", "e\u0301", "\ud800",
    "日本語", "\u0300\u0301", "½", "zebra " * 2000, "z" * 10_000, '"zebra ' * 3000, "a b c d e f g h i j",
]  # fmt: skip


def found(database: Database, world: World, who: str, typed: str, within: Within | None = None) -> list[str]:
    """The titles that somebody finds, in order of the alphabet."""
    with database.read() as session:
        results = search_evidence(session, world.actor(session, who), parse_query(typed), within)
        assert results.total == len(results.rows)
        return sorted(row.revision.title for row in results.rows)


def hits(database: Database, world: World, who: str, typed: str) -> Sequence[Hit]:
    """The places in the first item that somebody finds."""
    with database.read() as session:
        rows = search_evidence(session, world.actor(session, who), parse_query(typed)).rows
        return rows[0].hits if rows else ()


def wheres(database: Database, world: World, typed: str) -> list[str]:
    return [hit.where for hit in hits(database, world, "candidate", typed)]


def document(parts: Parts, world: World, *, pages: int, text: str) -> int:
    """The blob of a document with so many pages of the same text."""
    code = begin(parts.database, world, title="Plain")
    attach(parts.database, world, parts.store, code, "a.pdf", b"%PDF-x", media_type="application/pdf")
    with parts.database.write() as session:
        blob_id = session.query(EvidenceFile).one().blob_id
        session.add_all(PageText(blob_id=blob_id, page=page + 1, text=text) for page in range(pages))
    return blob_id


def test_everybody_finds_what_their_pages_show_and_nothing_else(database: Database, world: World) -> None:
    hand_in(database, world, begin(database, world, title="Zebra handed in"))
    held_back = begin(database, world, title="Zebra held back", criteria=(1,))
    hand_in(database, world, held_back)
    with database.write() as session:
        mark_confidential(session, world.actor(session, "manager"), held_back, "Names of customers.")
    begin(database, world, title="Zebra draft")
    begin(database, world, title="Zebra of an assessor", who="assessor", kind=EvidenceKind.OBSERVATION)
    begin(database, world, title="Zebra asked for", who="assessor", kind=EvidenceKind.WITNESS_TESTIMONY)
    hand_in(
        database,
        world,
        begin(database, world, who="other_candidate", title="Zebra elsewhere"),
        "other_candidate",
    )

    seen = {who: found(database, world, who, "zebra") for who in world.people}

    handed_in = ["Zebra handed in", "Zebra held back"]
    assert seen == {
        "candidate": ["Zebra asked for", "Zebra draft", *handed_in],
        "other_candidate": ["Zebra elsewhere"],
        "assessor": ["Zebra asked for", *handed_in, "Zebra of an assessor"],
        "unallocated_assessor": [],
        "trainee": handed_in,
        "iqa": handed_in,
        "unallocated_iqa": [],
        "lead_iqa": ["Zebra elsewhere", *handed_in],
        "eqa": ["Zebra handed in"],
        "manager": ["Zebra elsewhere", *handed_in],
        "operator": [],
        "foreign_manager": [],
    }


def test_odd_queries_find_something_or_nothing_and_never_fail(
    database: Database, world: World, browse: Browse
) -> None:
    begin(database, world, title="Zebra", text="a b c")
    own = browse("candidate")

    for typed in ODD:
        found(database, world, "candidate", typed)
    pages = [own.get("/search?q=" + quote(typed.encode("utf-8", "replace"))) for typed in ODD]

    assert [page.status_code for page in pages] == [200] * len(ODD)
    assert "There is no letter or number" in own.get("/search?q=%F0%9F%99%82").text
    assert "<mark>Zebra</mark>" in own.get("/search?q=zebra%2A%29&page=99999&kind=x%27").text


def test_words_phrases_and_unfinished_words(database: Database, world: World) -> None:
    begin(database, world, title="Über die Straße", text="A *team* meeting about Łódź and 日本語 calls.")

    def is_found(typed: str) -> bool:
        return bool(found(database, world, "candidate", typed))

    yes = (
        "uber",
        "STRASSE",
        '"team meeting"',
        "meet",
        "strasse calls",
        "łódź",
        "日本",
        "e001",
        '"about łódź and"',
    )
    no = ('"meeting team"', '"team meet"', "meet calls zebra", "meet calls", "本日", "e002")
    assert [typed for typed in yes if not is_found(typed)] == []
    assert [typed for typed in no if is_found(typed)] == []


@pytest.mark.databases("sqlite")
def test_a_long_text_is_found_to_its_end(database: Database, world: World) -> None:
    text = " ".join(f"word{n}" for n in range(20_000))
    begin(database, world, text=text)

    assert len(found(database, world, "candidate", '"word489 word490 word491" word19999')) == 1
    assert found(database, world, "candidate", '"word489 word491"') == []


def test_each_hit_says_where_it_is_and_leads_there(parts: Parts, world: World) -> None:
    database = parts.database
    code = begin(
        database,
        world,
        title="Plain",
        text="Some text",
        kind=EvidenceKind.PRODUCT,
        details={"contribution": "My gnu"},
    )
    sound = attach(database, world, parts.store, code, "lion_call.mp3", b"ID3", media_type="audio/mpeg")
    paper = attach(database, world, parts.store, code, "paper.pdf", b"%PDF-x", media_type="application/pdf")
    with database.write() as session:
        add_captions(session, world.actor(session, "candidate"), sound, VTT.encode(), "call.vtt")
        blob_id = session.query(EvidenceFile).filter_by(code=paper).one().blob_id
        session.add(PageText(blob_id=blob_id, page=4, text="The <i>okapi</i>\nis shy"))

    assert [(hit.where, hit.url) for hit in hits(database, world, "candidate", "gnu")] == [
        ("Details", f"/evidence/{code}")
    ]
    assert [(hit.where, hit.url) for hit in hits(database, world, "candidate", "lion")] == [
        ("File name", f"/evidence/{code}#shown-{sound}")
    ]
    (said,) = hits(database, world, "candidate", '"creme brulee"')
    assert (said.where, said.snippet.pieces[1]) == ("lion_call.mp3 at 1:23", ("crème brûlée", True))
    assert said.url.startswith(f"/evidence/{code}#cue-")
    assert said.url.endswith("-2")
    (page,) = hits(database, world, "candidate", "okapi")
    assert (page.where, page.url) == ("Page 4 of paper.pdf", f"/files/{paper}#page=4")
    assert wheres(database, world, "some okapi creme") == [
        "Text",
        "lion_call.mp3 at 1:23",
        "Page 4 of paper.pdf",
    ]


@pytest.mark.databases("sqlite")
def test_a_hit_leads_to_where_the_words_are_shown(parts: Parts, world: World) -> None:
    database = parts.database
    code = begin(database, world, title="Plain")
    notes = attach(database, world, parts.store, code, "notes.txt", b"We saw a tapir.")
    parts.worker().run_due()
    letter = attach(database, world, parts.store, code, "letter.docx", b"PK", media_type=DOCX)
    with database.write() as session:
        blob_id = session.query(EvidenceFile).filter_by(code=letter).one().blob_id
        session.add(Preview(blob_id=blob_id, kind=PreviewKind.OFFICE_PDF, state=PreviewState.READY))
        session.add(PageText(blob_id=blob_id, page=30, text="okapi"))

    (written,), (late,) = (hits(database, world, "candidate", typed) for typed in ("tapir", "okapi"))

    assert (written.where, written.url) == ("In notes.txt", f"/evidence/{code}#shown-{notes}")
    assert (late.where, late.url) == (
        "Page 30 of letter.docx",
        f"/files/{letter}/previews/office_pdf#page=30",
    )


def test_the_search_follows_every_change(parts: Parts, world: World) -> None:
    database = parts.database
    code = begin(database, world, title="First title", text="Old words")
    file = attach(database, world, parts.store, code, "walrus.mp3", b"ID3", media_type="audio/mpeg")

    def who_finds(typed: str) -> list[str]:
        return [who for who in ("candidate", "assessor") if found(database, world, who, typed)]

    with database.write() as session:
        own = world.actor(session, "candidate")
        revision = save_draft(session, own, code, fields(title="Second title", text="New words"), 1)
        rename_file(session, own, file, "seal.mp3")
        add_transcript(session, own, file, "0:05 penguin")
    assert [who_finds(typed) for typed in ("first", "old", "second", "new", "walrus", "seal", "penguin")] == [
        [], [], ["candidate"], ["candidate"], [], ["candidate"], ["candidate"],
    ]  # fmt: skip
    with database.write() as session:
        withdraw_draft(session, own, code)
    assert who_finds("second") == []
    with database.write() as session:
        restore_draft(session, own, code)
        remove_captions(session, own, file)
    assert [who_finds("second"), who_finds("penguin")] == [["candidate"], []]

    hand_in(database, world, code)
    with database.write() as session:
        add_transcript(session, world.actor(session, "assessor"), file, "0:09 heron")
        work.send_back(session, world, session.query(Submission).one())
    both = ["candidate", "assessor"]
    assert [who_finds("second"), who_finds("heron")] == [both, both]

    with database.write() as session:
        revision = start_revision(session, own, code)
        save_draft(session, own, code, fields(title="Third title", text="x"), revision.edit_version)
        copied = session.query(EvidenceFile).filter_by(revision_id=revision.id).one().code
    assert [who_finds(typed) for typed in ("second", "third", "seal", "heron")] == [
        ["assessor"], ["candidate"], both, both,
    ]  # fmt: skip
    with database.write() as session:
        detach_file(session, own, copied)
    assert [who_finds("seal"), who_finds("heron")] == [["assessor"], ["assessor"]]
    with database.write() as session:
        discard_revision(session, own, code)
    assert [who_finds(typed) for typed in ("third", "second", "heron")] == [[], both, both]


@pytest.mark.databases("sqlite")
def test_pages_follow_their_document_and_hide_with_a_virus(parts: Parts, world: World) -> None:
    database = parts.database
    blob_id = document(parts, world, pages=1, text="okapi")
    assert found(database, world, "candidate", "okapi") == ["Plain"]

    with database.write() as session:
        scan = session.get(BlobScan, blob_id) or BlobScan(blob_id=blob_id, wanted_at=clock.now())
        scan.state, scan.found = ScanState.INFECTED, "Eicar"
        session.add(scan)
    assert found(database, world, "candidate", "okapi") == []

    with database.write() as session:
        session.execute(delete(PageText))
    with database.read() as session:
        assert session.scalar(select(func.count()).where(SearchPassage.page == 1)) == 0


def test_what_was_there_before_is_filled_in_by_the_worker(parts: Parts, world: World) -> None:
    database = parts.database
    codes = [begin(database, world, title=f"Zebra {n}") for n in range(3)]
    file = attach(database, world, parts.store, codes[0], "gnu.mp3", b"ID3", media_type="audio/mpeg")
    with database.write() as session:
        add_captions(session, world.actor(session, "candidate"), file, VTT.encode(), "call.vtt")
    parts.worker().run_due()
    with database.write() as session:
        session.add(PageText(blob_id=session.query(EvidenceFile).one().blob_id, page=1, text="okapi"))
        session.flush()
        session.execute(delete(SearchPassage))
        fill_everything(session)
    assert found(database, world, "candidate", "zebra") == []

    parts.worker().run_due()
    with database.write() as session:
        fill_everything(session)
    parts.worker().run_due()

    assert found(database, world, "candidate", "zebra") == ["Zebra 0", "Zebra 1", "Zebra 2"]
    assert [found(database, world, "candidate", typed) for typed in ("gnu", "brulee", "okapi")] == [
        ["Zebra 0"]
    ] * 3
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(SearchPassage)) == 3 * 2 + 3


def test_the_worker_fills_in_a_few_long_rows_at_a_time(parts: Parts, world: World) -> None:
    database = parts.database
    blob_id = document(parts, world, pages=5, text="okapi " + "-" * 300_000)
    with database.write() as session:
        session.execute(delete(SearchPassage))
    filled = select(func.count()).select_from(SearchPassage)
    counts, after = [], list[int]()

    for _ in range(3):
        fill_batch(database, {"source": 3, "after": after})
        with database.read() as session:
            counts.append(session.scalar(filled) or 0)
        after = [blob_id, counts[-1]]

    assert counts == [2, 4, 5]


@pytest.mark.databases("sqlite")
def test_a_statement_that_the_search_would_not_see_is_refused(database: Database, world: World) -> None:
    begin(database, world)
    with database.write() as session:
        session.execute(update(Revision).values(simulated=True))
        with pytest.raises(RuntimeError, match="row by row"):
            session.execute(update(Revision).values(title="Other"))


@pytest.mark.databases("sqlite")
def test_a_search_costs_the_same_for_one_item_and_for_many(database: Database, world: World) -> None:
    def queries() -> int:
        with database.read() as session:
            actor = world.actor(session, "candidate")
            with counted(session) as sent:
                assert search_evidence(session, actor, parse_query("zebra text")).rows
            return len(sent)

    begin(database, world, title="Zebra", text="text")
    one = queries()
    for n in range(25):
        begin(database, world, title=f"Zebra {n}", text="zebra text")

    assert queries() == one <= 7
    for page in (2, 9):  # beyond the last page stands the last one
        with database.read() as session:
            actor = world.actor(session, "candidate")
            second = search_evidence(session, actor, parse_query("zebra"), page=page)
        assert (second.total, second.page, len(second.rows)) == (26, 2, 6)


@pytest.mark.databases("sqlite")
def test_the_page_narrows_by_portfolio_kind_and_candidate(
    database: Database, world: World, browse: Browse
) -> None:
    hand_in(database, world, begin(database, world, title="Zebra one"))
    other = begin(database, world, who="other_candidate", title="Zebra <two>")
    hand_in(database, world, other, "other_candidate")
    with database.write() as session:
        session.query(Evidence).filter_by(code=other).one().kind = EvidenceKind.PRODUCT
    manager = browse("manager")

    def shown(query: str) -> list[str]:
        text = manager.get(f"/search?q=zebra&{query}").text
        return [name for name in (" one</bdi>", " &lt;two&gt;</bdi>") if name in text]

    assert shown("") == [" one</bdi>", " &lt;two&gt;</bdi>"]
    assert shown(f"portfolio={world.portfolio_code}") == [" one</bdi>"]
    assert shown("kind=product") == [" &lt;two&gt;</bdi>"]
    assert shown("candidate=OTHER") == [" &lt;two&gt;</bdi>"]
    assert "Nothing found" in manager.get("/search?q=unheard-of").text
    assert "What are you looking for?" in manager.get("/search").text
    assert browse("other_candidate").get(f"/search?portfolio={world.portfolio_code}").status_code == 404
    assert browse("operator").get("/search?q=zebra").status_code == 404
