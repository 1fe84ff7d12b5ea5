"""Plain text: decoded whatever its encoding, its beginning shown, all of it up to a limit kept for searching."""

from pathlib import Path

import pytest

from evidence.previews import texts
from evidence.rules.previews import PreviewKind
from tests.unit.evidence.previews.looks import look

WORDS = "Größe;1 €\nשלום;2"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    found = look(tmp_path, WORDS.encode(encoding), "text/csv")

    assert (found.reason, found.texts) == ("", {1: WORDS})
    assert [(each.kind, each.data) for each in found.shown] == [
        (PreviewKind.PAGE_TEXT, {"text": WORDS, "whole": True})
    ]


def test_what_is_no_utf_8_is_read_as_windows_writes() -> None:
    assert texts.decoded("Größe 1 €".encode("cp1252")) == "Größe 1 €"


def test_a_character_cut_in_two_is_left_out() -> None:
    assert texts.decoded("a€".encode()[:-1]) == "a"


def test_of_a_long_file_the_beginning_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_READ_BYTES", 10)
    monkeypatch.setattr(texts, "MAX_SHOWN_CHARACTERS", 4)

    found = look(tmp_path, b"0123456789abc", "text/plain")

    assert found.texts == {1: "0123456789"}
    assert found.shown[0].data == {"text": "0123", "whole": False}


@pytest.mark.parametrize("content", [b"\x00\x01", b" \n ", b"\xff\xfe"])
def test_without_words_there_is_a_reason(tmp_path: Path, content: bytes) -> None:
    assert look(tmp_path, content, "text/plain").reason == "There is nothing to read in the file."
