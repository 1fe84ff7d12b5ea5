"""Any name a client sends becomes one that can be shown and sent back."""

import re
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.filenames import clean_filename, content_disposition


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("C:\\fakepath\\report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("/etc/", "etc"),
        ("  two   spaces .txt ", "two spaces .txt"),
        ("line\r\nbreak\t.txt", "line break .txt"),
        ("nul\x00byte.txt", "nulbyte.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("\ufeffmark.txt", "mark.txt"),
        ("Pru\u0308fung.docx", "Pr\u00fcfung.docx"),
        ("日本語.mp4", "日本語.mp4"),
        ("عربي.pdf", "عربي.pdf"),
        ("👩‍🔧 at work.jpg", "👩‍🔧 at work.jpg"),
        ('quo"te%41;.txt', 'quo"te%41;.txt'),
        (".htaccess", ".htaccess"),
        ("dots...", "dots"),
        ("lone\ud800surrogate", "lone?surrogate"),
        (b"caf\xc3\xa9.txt", "café.txt"),
        (b"caf\xe9.txt", "café.txt"),
    ],
)
def test_names_are_cleaned(sent: str | bytes, shown: str) -> None:
    assert clean_filename(sent) == shown


@pytest.mark.parametrize("sent", [None, "", "   ", ".", "..", "/", "\\", "\x00\x01", "\u202e", "../..", b""])
def test_nothing_becomes_a_name(sent: str | bytes | None) -> None:
    assert clean_filename(sent) == "file"
    assert clean_filename(sent, "recording") == "recording"


def test_a_long_name_keeps_its_ending() -> None:
    name = clean_filename("ä" * 400 + ".docx")

    assert name.startswith("ää")
    assert name.endswith("ä.docx")
    assert 253 <= len(name.encode()) <= 255


def test_a_long_name_is_not_cut_between_a_letter_and_its_accent() -> None:
    name = clean_filename("x" * 254 + "x\u0323\u0307" * 100)

    assert not unicodedata.combining(name[-1])


@given(st.text() | st.binary())
def test_any_name_becomes_fit(sent: str | bytes) -> None:
    name = clean_filename(sent)

    assert name
    assert name == name.strip()
    assert len(name.encode("utf-8")) <= 255
    assert not re.search(r"[\x00-\x1f\x7f-\x9f/\\\u202a-\u202e\u2066-\u2069\u2028\u2029]", name)
    assert clean_filename(name) == name


@given(st.text())
def test_any_name_makes_a_sound_header(name: str) -> None:
    header = content_disposition("attachment", name)
    match = re.fullmatch(r'attachment; filename="([ !#-\[\]-~]+)"(?:; filename\*=UTF-8\'\'(\S+))?', header)

    assert match, header
    assert (unquote(match[2]) if match[2] else match[1]) == clean_filename(name)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.pdf", 'inline; filename="a.pdf"'),
        ("naïve “a”.pdf", "inline; filename=\"naive a.pdf\"; filename*=UTF-8''na%C3%AFve%20%E2%80%9Ca%E2%80%9D.pdf"),
        ("日本.mp4", "inline; filename=\"file.mp4\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.mp4"),
        ('a"b.txt', "inline; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
    ],
)  # fmt: skip
def test_old_clients_get_a_plain_name_beside_the_true_one(name: str, header: str) -> None:
    assert content_disposition("inline", name) == header
