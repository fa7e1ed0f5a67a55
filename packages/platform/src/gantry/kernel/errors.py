"""The errors a user may see. Anything else that escapes is a bug and is masked.

`code` is stable and has a page in docs/reference/errors.md; clients may branch on it.
Some messages carry exact words that existing clients look for ("not found",
"unauthorized"): keep them.
"""

from __future__ import annotations


class UserError(Exception):
    """A request that cannot be met, told in words its sender can act on.

    `message` is shown to the user as it stands. `detail` goes to the log only;
    put identifiers and causes there, never secrets.
    """

    code = "BAD_REQUEST"
    status = 400

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class NotFound(UserError):
    """The thing does not exist, or the actor may not know that it does."""

    code = "NOT_FOUND"
    status = 404


class NotAllowed(UserError):
    """The actor may know the thing, and may not do this to it."""

    code = "NOT_ALLOWED"
    status = 403


class Unauthenticated(UserError):
    """Nobody is signed in. Clients retry their login on the word "unauthorized"."""

    code = "UNAUTHENTICATED"
    status = 401

    def __init__(self, message: str = "unauthorized: sign in first", *, detail: str = "") -> None:
        super().__init__(message, detail=detail)


class Conflict(UserError):
    """The request is sound but the world is not in a state to take it."""

    code = "CONFLICT"
    status = 409


class TooLarge(UserError):
    """The request carries more than this installation takes."""

    code = "TOO_LARGE"
    status = 413


class TooMany(UserError):
    """The caller has to slow down."""

    code = "TOO_MANY_REQUESTS"
    status = 429


class Unavailable(UserError):
    """Something outside cannot be reached now; the same request may succeed later."""

    code = "UNAVAILABLE"
    status = 503
