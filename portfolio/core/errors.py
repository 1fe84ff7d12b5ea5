"""Errors that are raised on purpose. They carry data; the web kit alone knows status codes."""

from collections.abc import Mapping
from typing import Any


class AppError(Exception):
    """Base of everything we raise on purpose.

    `message` is a whole sentence for the person who caused it: what happened, what was kept.
    `data` names the things concerned (which unit, which limit, which revision).
    """

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class NotFound(AppError):
    """There is no such thing, or the person may not know that there is."""

    def __init__(self, message: str = "There is nothing at this address.", **data: Any) -> None:
        super().__init__(message, **data)


class Forbidden(AppError):
    """The person sees the object, but may not do this with it."""


class Invalid(AppError):
    """Input that breaks a rule. `errors` maps a field name to a sentence; "" is the form as a whole."""

    def __init__(self, message: str, errors: Mapping[str, str] | None = None, **data: Any) -> None:
        super().__init__(message, **data)
        self.errors = dict(errors or {})


class Stale(AppError):
    """The thing was changed by somebody else since the page was drawn."""


class Locked(AppError):
    """The thing is in a state in which this cannot be done to it."""


class TooLarge(AppError):
    """More bytes, rows or characters than the limit in `data["limit"]`."""


class Unavailable(AppError):
    """A part of the system is away (database, store, disk). Nothing was done; trying again later helps."""


class TooMany(AppError):
    """Tried too often; `data["retry_after_seconds"]` says when the next try is allowed."""
