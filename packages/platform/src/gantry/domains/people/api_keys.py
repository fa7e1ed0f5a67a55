"""What can be done with API keys. All of it needs root admin."""

from __future__ import annotations

import secrets
from datetime import datetime

from gantry.domains.people import access, repo
from gantry.domains.people.model import ApiKey
from gantry.kernel.errors import NotFound, UserError
from gantry.kernel.ids import new_id
from gantry.kernel.secret import Secret
from gantry.kernel.tx import Tx
from gantry.ports.passwords import Passwords

NAME_MAX = 255
DESCRIPTION_MAX = 4096
"""Characters: a page, which is more than anybody reads of a key."""


class BadApiKey(UserError):
    """Settings that no API key can have."""

    code = "BAD_API_KEY"


async def create(
    tx: Tx,
    passwords: Passwords,
    *,
    name: str,
    admin: bool,
    description: str = "",
    expires_at: datetime | None = None,
) -> tuple[ApiKey, Secret]:
    """A new key and its secret, which is shown this once. Raises BadApiKey."""
    access.require_admin(tx)
    if expires_at is not None and expires_at <= tx.now:
        raise BadApiKey("An API key has to expire in the future, or never.")
    # 32 random bytes: nothing to guess.
    secret = Secret(secrets.token_hex(32))
    key = ApiKey(
        id=new_id(),
        name=_name(name),
        description=_description(description),
        secret_hash=await passwords.hash(secret),
        admin=admin,
        created_by=tx.actor.name,
        created_at=tx.now,
        expires_at=expires_at,
    )
    tx.session.add(key)
    return key, secret


async def update(tx: Tx, key_id: str, *, name: str | None, description: str | None) -> ApiKey:
    """Call the key something else; None keeps. Raises NotFound, BadApiKey."""
    key = await find(tx, key_id)
    if name is not None:
        key.name = _name(name)
    if description is not None:
        key.description = _description(description)
    return key


async def delete(tx: Tx, key_id: str) -> ApiKey:
    """The key no longer opens anything, nor do its sessions. Raises NotFound."""
    key = await find(tx, key_id)
    key.deleted_at = tx.now
    await repo.end_sessions_of_key(tx, key.id)
    return key


async def find(tx: Tx, key_id: str) -> ApiKey:
    """The key. Raises NotFound."""
    access.require_admin(tx)
    key = await repo.api_key(tx, key_id)
    if key is None:
        raise NotFound("could not find api key")
    return key


async def listed(tx: Tx) -> list[ApiKey]:
    """Every key, the oldest first."""
    access.require_admin(tx)
    return await repo.api_keys(tx)


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_MAX:
        raise BadApiKey(f"An API key's name has 1 to {NAME_MAX} characters.")
    return name


def _description(text: str) -> str | None:
    if len(text) > DESCRIPTION_MAX:
        raise BadApiKey(f"An API key's description has at most {DESCRIPTION_MAX} characters.")
    return text or None
