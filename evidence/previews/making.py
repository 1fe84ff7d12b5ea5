"""Which maker looks at which file. Each that parses starts children; nothing of a stranger's file is parsed here."""

from collections.abc import Callable

from evidence.previews import archives, office, pdf, pictures, recordings, texts
from evidence.previews.looking import Look, Source
from evidence.sniff import Family, family

_MAKERS: dict[Family, Callable[[Source], Look]] = {
    Family.IMAGE: pictures.look,
    Family.PDF: pdf.look,
    Family.AUDIO: recordings.look,
    Family.VIDEO: recordings.look,
    Family.OFFICE: office.look,
    Family.ARCHIVE: archives.look,
    Family.TEXT: texts.look,
}


def look_at(source: Source) -> Look:
    """What is known of a file and what can be shown of it. Raises Unavailable when no child can be started."""
    maker = _MAKERS.get(family(source.media_type))
    if source.size_bytes == 0:
        return Look(reason="The file is empty.")
    return maker(source) if maker else Look(reason="Files of this kind are not shown here.")
