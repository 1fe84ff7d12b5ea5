"""What a media type is called on pages, for people who have never heard of one."""

_OOXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"
_NAMES = {
    "application/octet-stream": "of no known kind",
    "application/pdf": "PDF",
    "application/json": "JSON data",
    "application/xml": "XML data",
    "application/x-subrip": "SubRip captions",
    "application/zip": "ZIP archive",
    "application/gzip": "GZIP archive",
    "application/msword": "Word document",
    "application/rtf": "RTF document",
    "application/vnd.ms-excel": "Excel spreadsheet",
    "application/vnd.ms-excel.sheet.binary.macroEnabled.12": "Excel spreadsheet",
    "application/vnd.ms-powerpoint": "PowerPoint presentation",
    "application/vnd.ms-outlook": "Outlook message",
    "application/x-ooxml-protected": "Office document with a password",
    f"{_OOXML}.wordprocessingml.document": "Word document",
    f"{_OOXML}.spreadsheetml.sheet": "Excel spreadsheet",
    f"{_OOXML}.presentationml.presentation": "PowerPoint presentation",
    f"{_ODF}.text": "OpenDocument text",
    f"{_ODF}.spreadsheet": "OpenDocument spreadsheet",
    f"{_ODF}.presentation": "OpenDocument presentation",
    "audio/mpeg": "MP3 sound",
    "audio/mp4": "M4A sound",
    "audio/webm": "WebM sound",
    "image/svg+xml": "SVG drawing",
    "message/rfc822": "e-mail message",
    "text/plain": "text",
    "text/csv": "CSV table",
    "text/html": "web page",
    "text/calendar": "calendar entry",
    "text/vcard": "contact",
    "video/quicktime": "QuickTime video",
    "video/webm": "WebM video",
    "video/x-matroska": "Matroska video",
}
_NOUNS = {"audio": "sound", "image": "picture", "video": "video"}


def type_word(media_type: str) -> str:
    """What people call a kind of file; one without a name of its own is called by its media type.

    >>> type_word("image/jpeg"), type_word("text/csv"), type_word("application/x-tar")
    ('JPEG picture', 'CSV table', 'application/x-tar')
    """
    if named := _NAMES.get(media_type):
        return named
    major, _, minor = media_type.partition("/")
    noun = _NOUNS.get(major)
    return f"{minor.removeprefix('x-').upper()} {noun}" if noun and minor else media_type
