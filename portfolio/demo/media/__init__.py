"""Real files made on the spot for the demonstration: sound, video, documents, tables, pictures, text."""

from portfolio.demo.media.library import Library, MadeFile, make_library

__all__ = ["Library", "MadeFile", "make_library"]
