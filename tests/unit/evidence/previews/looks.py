"""Looking at bytes as the job does."""

from pathlib import Path

from evidence.previews import making
from evidence.previews.looking import Look, Source


def look(folder: Path, content: bytes, media_type: str) -> Look:
    """What is found in a file of these bytes. The file lies outside the folder that is worked in."""
    path, work = folder / "original", folder / "work"
    path.write_bytes(content)
    work.mkdir(exist_ok=True)
    found = making.look_at(Source(path, media_type, len(content), work))
    assert path.read_bytes() == content
    return found
