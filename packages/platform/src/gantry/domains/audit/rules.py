"""What an entry keeps of a request, and what its digest covers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gantry.kernel.paging import BadSearch

MAX_ENTRY = 16 * 1024
"""Characters of what an entry keeps of its request. The trail says what was done; what is larger
is kept where it belongs."""

ROLES = "actorRoles"
"""Under which name an entry keeps the slugs of the roles that its actor had."""

HIDDEN = "(hidden)"
CUT = "(cut)"

_SECRET = frozenset(
    {
        "secret",
        "password",
        "token",
        "privateKey",
        "apiKey",
        "clientSecret",
        "signingSecret",
        "webhookSecret",
        "certificateSigningRequest",
        "state",
        "body",
    }
)
"""Names of arguments whose values are secret, or large and kept elsewhere."""

_OF_ACCOUNT = frozenset(
    {
        "account",
        "api_key",
        "audit_trail_webhook",
        "context",
        "named_webhook",
        "role",
        "role_binding",
        "sign_on",
        "space",
        "user",
        "user_group",
        "user_group_integration",
    }
)
"""What the whole account shares, by the first word of the actions on it. Stacks, runs and pools are
not here: they have signals of their own, and move far more often."""
_MOVES = frozenset(
    {
        "stack.change_labels",
        "stack.create",
        "stack.delete",
        "stack.update",
        "worker_pool.create",
        "worker_pool.delete",
        "worker_pool.update",
    }
)
"""What is done to stacks and pools that spaces and contexts show: what is in them, or has them."""

GENESIS = bytes(32)
"""What the first entry's digest follows."""


_SHORT = ("mutation", ROLES)
"""What is kept of an entry that is too large: which mutation it was, and by what right."""


def is_of_account(action: str) -> bool:
    """Whether the action changes what the whole account shares, or what is where in it."""
    return action.partition(".")[0] in _OF_ACCOUNT or action in _MOVES


def kept(given: Mapping[str, Any]) -> str:
    """What an entry keeps of a request's arguments: JSON without the values of secrets. Of one that
    is too large, the name of the mutation is kept.

    A value of a configuration element is secret or not by its neighbour; its digest is kept, so
    that two can be told apart. So it is for custom headers, and for a configuration as YAML.
    """
    text = json.dumps(_without_secrets(given), ensure_ascii=False, sort_keys=True)
    if len(text) <= MAX_ENTRY:
        return text
    short = {name: given[name] for name in _SHORT if name in given}
    return json.dumps({**short, "arguments": CUT}, sort_keys=True)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            str(name): _secret(name, inner, value)
            if _is_secret(str(name), value)
            else _without_secrets(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_secrets(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _is_secret(name: str, around: Mapping[str, Any]) -> bool:
    if name in _SECRET or name == "yaml":
        # A configuration as a text may hold variables, and those of a run are sealed.
        return True
    # An element of a configuration, a header, a variable given with a run: named pairs.
    return name == "value" and any(other in around for other in ("id", "key", "name"))


def _secret(name: Any, value: Any, around: Mapping[str, Any]) -> str:
    if value is None or value == "":
        return ""
    if name in ("value", "yaml") and isinstance(value, str):
        return f"sha256:{hashlib.sha256(value.encode(errors='replace')).hexdigest()}"
    return HIDDEN


def digest(before: bytes, seq: int, parts: tuple[str, ...]) -> bytes:
    """The digest of an entry: of the one before it, its place, and all that it says.

    Each part goes in with its length, so that no two entries say the same bytes.
    """
    found = hashlib.sha256(before)
    found.update(b"%d\n" % seq)
    for part in parts:
        data = part.encode()
        found.update(b"%d:" % len(data))
        found.update(data)
    return found.digest()


def spoken(at: datetime) -> str:
    """A time as a digest covers it: UTC, to the microsecond, as databases keep it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def span(given: str) -> tuple[datetime | None, datetime | None]:
    """`<from>..<until>` in Unix seconds, the end not included; either may be left out.

    Raises BadSearch.
    """
    since, dots, until = given.partition("..")
    try:
        if not dots:
            raise ValueError
        found = tuple(datetime.fromtimestamp(int(at), UTC) if at else None for at in (since, until))
    except (ValueError, OverflowError, OSError):
        raise BadSearch(
            'Search "createdAt" by `<from>..<until>` in Unix seconds; either may be left out.'
        ) from None
    return found[0], found[1]


def month_of(at: datetime) -> datetime:
    """Midnight of the first of the month, UTC."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_after(at: datetime) -> datetime:
    """Midnight of the first of the next month, UTC."""
    first = month_of(at)
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
