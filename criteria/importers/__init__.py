"""Frameworks in files: from bytes or pasted text to `ParsedFramework`, and back to bytes.

Pure functions: no database, no files, no clock. `detect.parse` and `detect.write` are the entrance.
"""
