"""What can be done with API keys.

Root admins do all of it. If the account lets them, admins of other spaces make keys too, which
are given nothing but what such an admin can give; and whoever made a key may change its words and
delete it, whatever they may do now (contract notes, "API keys").
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gantry.domains.people import access, repo, user_repo
from gantry.domains.people.actions import Action
from gantry.domains.people.model import ApiKey, ApiKeyTraits
from gantry.domains.people.rules import DESCRIPTION_MAX, GROUP_NAME_MAX
from gantry.kernel.errors import NotAllowed, NotFound, Unauthenticated, UserError
from gantry.kernel.ids import new_id
from gantry.kernel.secret import Secret
from gantry.kernel.texts import can_be_kept
from gantry.kernel.tx import Tx
from gantry.ports.issuers import Issuers, Trust
from gantry.ports.passwords import Passwords

NAME_MAX = 255
MAX_TEAMS = 100
"""Groups of a key, and claims that name groups: they are read with each of its requests."""

GROUPS = "groups"
"""The one thing that a claim can say of whoever comes with the token."""

Claims = Sequence[tuple[str, str]]
"""Names of claims, and what each says: GROUPS."""


class BadApiKey(UserError):
    """Settings that no API key can have."""

    code = "BAD_API_KEY"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A key as somebody wants it. `admin`: it may do everything."""

    name: str
    admin: bool = False
    description: str = ""
    expires_at: datetime | None = None
    teams: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Federation:
    """A key without a secret: tokens of somebody else are taken for it."""

    trust: Trust
    mapping: Claims = ()


async def create(tx: Tx, passwords: Passwords, wanted: Wanted) -> tuple[ApiKey, Secret]:
    """A new key and its secret, which is shown this once. Raises BadApiKey, NotAllowed."""
    await _require_maker(tx, mighty=wanted.admin or bool(wanted.teams))
    # 32 random bytes: nothing to guess.
    secret = Secret(secrets.token_hex(32))
    key = _new(tx, wanted, secret_hash=await passwords.hash(secret))
    await _keep(tx, key, ApiKeyTraits(teams=_teams(wanted.teams), claim_mapping=[]))
    return key, secret


async def create_federated(
    tx: Tx, issuers: Issuers, wanted: Wanted, federation: Federation
) -> ApiKey:
    """A new key for which tokens of an issuer are taken. Raises BadApiKey, BadTrust, NotAllowed,
    and what the address of an issuer may not be (`Outward.check`).
    """
    mighty = wanted.admin or bool(wanted.teams) or bool(federation.mapping)
    await _require_maker(tx, mighty=mighty)
    trust = federation.trust
    issuers.check(trust)
    key = _new(tx, wanted, secret_hash="")
    traits = ApiKeyTraits(
        teams=_teams(wanted.teams),
        issuer=trust.issuer,
        client_id=trust.client_id,
        subject_expression=trust.subject_expression,
        claim_mapping=_mapping(federation.mapping),
    )
    await _keep(tx, key, traits)
    return key


async def update(
    tx: Tx,
    key_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    teams: Sequence[str] | None = None,
    mapping: Claims | None = None,
) -> ApiKey:
    """Change a key; None keeps. Its groups need root admin. Raises NotFound, BadApiKey,
    NotAllowed.
    """
    key = await find(tx, key_id)
    if name is not None:
        key.name = _name(name)
    if description is not None:
        key.description = _description(description)
    if teams is not None or mapping is not None:
        access.require_admin(tx)
        traits = await repo.traits_held(tx, key.id)
        if teams is not None:
            traits.teams = _teams(teams)
        if mapping is not None:
            if traits.issuer is None and mapping:
                raise BadApiKey("A key with a secret has no claims to read groups from.")
            traits.claim_mapping = _mapping(mapping)
            # What tokens named until now counts no more, as whatever is taken away.
            await repo.forget_claimed_groups(tx, key.id)
        await tx.session.flush()
    return key


async def delete(tx: Tx, key_id: str) -> ApiKey:
    """The key no longer opens anything, nor do its sessions. Raises NotFound."""
    key = await find(tx, key_id)
    key.deleted_at = tx.now
    await repo.end_sessions_of_key(tx, key.id)
    return key


async def find(tx: Tx, key_id: str) -> ApiKey:
    """The key, for root admins and whoever made it. Raises NotFound."""
    key = await repo.api_key(tx, key_id)
    if key is None or not await _made_it(tx, key_id):
        access.require_admin(tx)
    if key is None:
        raise NotFound("could not find api key")
    return key


async def listed(tx: Tx) -> list[ApiKey]:
    """Every key, the oldest first; for who is no root admin, those that they made."""
    if not access.may(tx.actor, Action.SPACE_ADMIN, "root"):
        own = await repo.api_keys_made_by(tx, tx.actor.id)
        if own or await _may_make_some(tx):
            return own
        access.require_admin(tx)
    return await repo.api_keys(tx)


async def let_space_admins(tx: Tx) -> bool:
    """Whether admins of single spaces make keys too."""
    return (await user_repo.management(tx)).space_admins_manage_keys


async def _require_maker(tx: Tx, *, mighty: bool) -> None:
    """Raises NotAllowed for who may make no such key. `mighty`: it gets more than is given to it
    in single spaces, so only root admins make it.
    """
    if access.may(tx.actor, Action.SPACE_ADMIN, "root"):
        return
    if not await _may_make_some(tx):
        access.require_admin(tx)
    if mighty:
        raise NotAllowed(
            "unauthorized: only root admins make keys that may do everything, or that are in"
            " groups; give the key roles in your spaces instead"
        )


async def _may_make_some(tx: Tx) -> bool:
    if tx.actor.kind == "anonymous":
        raise Unauthenticated
    return access.may_anywhere(tx.actor, Action.SPACE_ADMIN) and await let_space_admins(tx)


async def _made_it(tx: Tx, key_id: str) -> bool:
    if access.may(tx.actor, Action.SPACE_ADMIN, "root"):
        return True
    traits = (await repo.traits_by_ids(tx, [key_id])).get(key_id)
    return traits is not None and traits.created_by_id == tx.actor.id


def _new(tx: Tx, wanted: Wanted, *, secret_hash: str) -> ApiKey:
    if wanted.expires_at is not None and wanted.expires_at <= tx.now:
        raise BadApiKey("An API key has to expire in the future, or never.")
    return ApiKey(
        id=new_id(),
        name=_name(wanted.name),
        description=_description(wanted.description),
        secret_hash=secret_hash,
        admin=wanted.admin,
        created_by=tx.actor.name,
        created_at=tx.now,
        expires_at=wanted.expires_at,
    )


async def _keep(tx: Tx, key: ApiKey, traits: ApiKeyTraits) -> None:
    tx.session.add(key)
    await tx.session.flush()
    traits.key_id, traits.created_by_id = key.id, tx.actor.id
    tx.session.add(traits)
    await tx.session.flush()


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_MAX:
        raise BadApiKey(f"An API key's name has 1 to {NAME_MAX} characters.")
    return name


def _description(text: str) -> str | None:
    if len(text) > DESCRIPTION_MAX:
        raise BadApiKey(f"An API key's description has at most {DESCRIPTION_MAX} characters.")
    return text or None


def _teams(names: Sequence[str]) -> list[str]:
    wanted = sorted(set(names))
    if len(wanted) > MAX_TEAMS:
        raise BadApiKey(f"An API key is in at most {MAX_TEAMS} groups.")
    if any(not one or len(one) > GROUP_NAME_MAX or not can_be_kept(one) for one in wanted):
        raise BadApiKey(f"A group's name has 1 to {GROUP_NAME_MAX} characters.")
    return wanted


def _mapping(pairs: Claims) -> list[list[str]]:
    if len(pairs) > MAX_TEAMS:
        raise BadApiKey(f"At most {MAX_TEAMS} claims are read.")
    for claim, target in pairs:
        if target != GROUPS or not claim or len(claim) > NAME_MAX:
            raise BadApiKey(
                f'A claim has a name of 1 to {NAME_MAX} characters, and is mapped to "{GROUPS}".'
            )
    return [list(pair) for pair in pairs]
