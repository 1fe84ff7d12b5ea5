"""Asking a virus scanner about stored files: the client of clamd and the jobs that use it."""
