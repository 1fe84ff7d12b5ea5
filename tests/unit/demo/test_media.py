"""The files of the demonstration are what they say, with and without the programs of the system."""

import wave
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from PIL import Image

from evidence.sniff import sniff
from portfolio.demo.media import make_library, sound
from portfolio.demo.media.documents import DOCUMENTS, make_document
from portfolio.demo.media.library import MEETING, Library
from portfolio.demo.media.sheets import TABLES, make_table
from portfolio.demo.words import chance_for

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def _type_of(path: Path) -> str:
    content = path.read_bytes()
    return sniff(content, len(content), lambda start, length: content[start : start + length])


def test_hummed_sound_is_a_recording_of_half_a_minute(tmp_path: Path) -> None:
    spans = sound.write_hummed(tmp_path / "a.wav", MEETING)
    with wave.open(str(tmp_path / "a.wav"), "rb") as file:
        seconds = file.getnframes() / file.getframerate()
    assert 26 < seconds < 60  # the story points at seconds up to 26
    times = [time for span in spans for time in span]
    assert (len(spans), times == sorted(set(times))) == (len(MEETING), True)
    assert seconds * 1000 - 600 < times[-1] < seconds * 1000


def test_hummed_sound_is_the_same_each_time(tmp_path: Path) -> None:
    sound.write_hummed(tmp_path / "a.wav", MEETING[:2])
    sound.write_hummed(tmp_path / "b.wav", MEETING[:2])
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_have_the_pages_they_number(tmp_path: Path, name: str) -> None:
    path = make_document(tmp_path, name)
    content = path.read_bytes()
    assert _type_of(path) == "application/pdf"
    assert content.count(b"/Type /Page ") == len(DOCUMENTS[name][1])
    start = int(content.rsplit(b"startxref\n", 1)[1].split()[0])
    assert content[start:].startswith(b"xref")


def test_the_table_of_a_document_points_at_its_objects(tmp_path: Path) -> None:
    content = make_document(tmp_path, "proposal-pdf").read_bytes()
    table = content[int(content.rsplit(b"startxref\n", 1)[1].split()[0]) :].split(b"trailer")[0]
    places = [int(line[:10]) for line in table.splitlines()[3:]]
    assert [content[place:].split(b" ", 1)[0] for place in places] == [
        b"%d" % number for number in range(1, len(places) + 1)
    ]


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_the_same_for_the_same_seed(tmp_path: Path, name: str) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    made, again = make_table(first, name, chance_for(1, "x")), make_table(second, name, chance_for(1, "x"))
    assert made.name == again.name
    if made.suffix == ".xlsx":
        assert _cells(made) == _cells(again)
    else:
        assert made.read_bytes() == again.read_bytes()


def _cells(path: Path) -> list[bytes]:
    with zipfile.ZipFile(path) as book:
        return [book.read(name) for name in sorted(book.namelist()) if "sheet" in name]


def test_the_weekly_report_holds_fourteen_agents_and_no_name(tmp_path: Path) -> None:
    book = load_workbook(make_table(tmp_path, "kpi-sheet", chance_for(1, "x")))
    agents = [row[0].value for row in book.worksheets[0].iter_rows(min_row=2)]
    assert agents == [f"Agent {number:02d}" for number in range(1, 15)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return make_library(tmp_path_factory.mktemp("media"), 1, NOON)


@pytest.mark.slow
def test_every_file_is_what_its_suffix_says(made: Library) -> None:
    wanted = {
        ".pdf": {"application/pdf"},
        ".jpg": {"image/jpeg"},
        ".xlsx": {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
        ".csv": {"text/csv", "text/plain"},
        ".txt": {"text/plain"},
        ".wav": {"audio/wav"},
        ".m4a": {"audio/mp4"},
        ".mp4": {"video/mp4"},
        ".webm": {"video/webm"},
    }
    for key, file in made.files.items():
        assert _type_of(file.path) in wanted[file.path.suffix], key


@pytest.mark.slow
def test_photographs_say_when_they_were_taken(made: Library) -> None:
    with Image.open(made.files["board-photo"].path) as photo:
        assert photo.getexif().get_ifd(0x8769)[0x9003] == "2026:11:20 12:00:00"


@pytest.mark.slow
def test_names_of_any_shape_are_among_them(made: Library) -> None:
    names = {file.name(0) for file in made.files.values()}
    assert any("Anruf Größe №1" in name for name in names)
    assert any("تقرير" in name for name in names)


@pytest.mark.slow
def test_without_ffmpeg_films_are_their_sound_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    made = make_library(tmp_path, 1, NOON)
    assert made.files["slides-video"].path.suffix == ".wav"
    assert len(made.notes) == 2
    assert "ffmpeg" in made.notes[0]
