"""The foundation: settings, database, errors, jobs, clock, ids, text, mail, Actor, decision log.

Imports nothing else of ours.
"""
