"""Frameworks in files: from bytes or pasted text to `ParsedFramework`, and back to bytes.

Pure functions: no database, no files, no clock. `apart.parse_apart`, `reading.parse` for what is ours, and
`detect.write` are the entrance.
"""
