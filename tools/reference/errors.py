"""docs/reference/errors.md: every code that a client may meet."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import gantry
import gantry.api
from gantry.kernel.errors import UserError

from reference.markdown import page, same_keys, sentence, table

MIGRATIONS = "gantry.infra.migrations"
"""Runs when it is imported, and needs a database."""

OTHER_CODES = {
    "BAD_DOCUMENT": "The GraphQL document is wrong; the message says where.",
    "INTERNAL": "A bug or a broken part. The message says nothing; the server's log does.",
    "DATABASE_UNAVAILABLE": "The database does not answer. Try again in a moment.",
    "WRONG_CREDENTIALS": "Signing in at `/admin-login` failed. HTTP status 401.",
}
"""Codes that no class carries. The generator stops when the API's source has others."""


def errors_page() -> str:
    """Every code that a client may meet."""
    _import_everything()
    found = sorted(
        {UserError, *_subclasses(UserError)}, key=lambda e: (e.code, e.__module__, e.__name__)
    )
    rows = [
        [f"`{error.code}`", str(error.status), sentence(error), f"`{error.__name__}`"]
        for error in found
    ]
    same_keys("a code in the API's source", _literal_codes(), OTHER_CODES)
    return page(
        [
            "# Errors",
            "Every error has a message for people and a code for programs. Codes do not change;"
            " messages may. Details that only operators need go to the server's log.",
            "Over GraphQL the HTTP status is 200 whatever happened; the code is in"
            " `errors[].extensions.code`. Elsewhere the body is"
            ' `{"code": …, "message": …}` and the status is the one below.',
            table(["Code", "HTTP", "Meaning", "Class"], rows),
            "Some answers have a code and no class:",
            table(["Code", "Meaning"], [[f"`{c}`", why] for c, why in OTHER_CODES.items()]),
        ],
        "the subclasses of gantry.kernel.errors.UserError",
    )


def _import_everything() -> None:
    for module in pkgutil.walk_packages(gantry.__path__, "gantry."):
        if not module.name.startswith(MIGRATIONS):
            importlib.import_module(module.name)


def _subclasses(kind: type[UserError]) -> Iterator[type[UserError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)


def _literal_codes() -> set[str]:
    sources = Path(gantry.api.__path__[0]).rglob("*.py")
    return {c for p in sources for c in re.findall(r'"code": "([A-Z_]+)"', p.read_text())}
