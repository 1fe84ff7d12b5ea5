"""What kinds of files are called."""

import pytest

from evidence.rules.file_words import type_word


@pytest.mark.parametrize(
    ("media_type", "word"),
    [
        ("text/csv", "CSV table"), ("application/pdf", "PDF"), ("image/jpeg", "JPEG picture"),
        ("audio/x-ms-wma", "MS-WMA sound"), ("video/mp4", "MP4 video"), ("application/x-tar", "application/x-tar"),
        ("image/", "image/"), ("", ""),
    ],
)  # fmt: skip
def test_files_are_called_by_words_where_there_are_any(media_type: str, word: str) -> None:
    assert type_word(media_type) == word
