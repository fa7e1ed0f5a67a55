"""docs/reference/errors.md: every code that a client may meet, and what to do about it.

The web application explains the same codes at `/help/errors`, from the same list.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
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
    "WRONG_CREDENTIALS": "Signing in at `/admin-login` or `/apikeytoken` failed. HTTP status 401.",
}
"""Codes that no class carries. The generator stops when the API's source has others."""


STATUS_OF_OTHERS = {"DATABASE_UNAVAILABLE": 503, "INTERNAL": 500, "WRONG_CREDENTIALS": 401}
"""Those of `OTHER_CODES` that have another than 400."""

REMEDIES = Path(__file__).with_suffix(".toml")


def errors_page() -> str:
    """Every code that a client may meet."""
    found = _found()
    remedy = _remedies({error.code for error in found} | set(OTHER_CODES))
    rows = [
        [
            f"`{error.code}`",
            str(error.status),
            sentence(error),
            remedy(error.code, error.status),
            f"`{error.__name__}`",
        ]
        for error in found
    ]
    others = [[f"`{c}`", why, remedy(c, _status(c))] for c, why in OTHER_CODES.items()]
    same_keys("a code in the API's source", _literal_codes(), OTHER_CODES)
    return page(
        [
            "# Errors",
            "Every error has a message for people and a code for programs. Codes do not change;"
            " messages may. Details that only operators need go to the server's log.",
            "Over GraphQL the HTTP status is 200 whatever happened; the code is in"
            " `errors[].extensions.code`. Elsewhere the body is"
            ' `{"code": …, "message": …}` and the status is the one below.',
            table(["Code", "HTTP", "Meaning", "What to do", "Class"], rows),
            "Some answers have a code and no class:",
            table(["Code", "Meaning", "What to do"], others),
        ],
        "the subclasses of gantry.kernel.errors.UserError, and tools/reference/errors.toml",
    )


def errors_data() -> str:
    """The same as JSON: one entry a code, with the meanings of all its classes."""
    found = _found()
    remedy = _remedies({error.code for error in found} | set(OTHER_CODES))
    entries: dict[str, dict[str, object]] = {}
    for error in found:
        entry = entries.setdefault(
            error.code,
            {"status": error.status, "meanings": [], "remedy": remedy(error.code, error.status)},
        )
        entry["meanings"] = [*_list(entry["meanings"]), sentence(error)]
    for code, why in OTHER_CODES.items():
        entries[code] = {
            "status": _status(code),
            "meanings": [why],
            "remedy": remedy(code, _status(code)),
        }
    listed = [{"code": code, **entries[code]} for code in sorted(entries)]
    return json.dumps(listed, indent=2, ensure_ascii=False) + "\n"


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _status(code: str) -> int:
    return STATUS_OF_OTHERS.get(code, 400)


def _found() -> list[type[UserError]]:
    _import_everything()
    return sorted(
        {UserError, *_subclasses(UserError)}, key=lambda e: (e.code, e.__module__, e.__name__)
    )


def _remedies(codes: set[str]) -> Callable[[str, int], str]:
    written = tomllib.loads(REMEDIES.read_text())
    if gone := sorted(set(written["code"]) - codes):
        sys.exit(f"tools/reference/errors.toml has lines of codes that are gone: {', '.join(gone)}")
    return lambda code, status: written["code"].get(code) or written["status"][str(status)]


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
