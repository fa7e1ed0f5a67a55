"""API keys without a secret: a token of an issuer that the key trusts is exchanged for ours.

A token may be exchanged again while its own time lasts, as programs do that renew theirs; what it
opens never lasts longer than any key's session does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gantry.domains.people import repo, service
from gantry.domains.people.admission import MAX_GROUPS
from gantry.domains.people.model import ApiKeyTraits
from gantry.domains.people.rules import GROUP_NAME_MAX
from gantry.domains.people.service import SignIn
from gantry.kernel.ids import is_ulid
from gantry.kernel.texts import can_be_kept
from gantry.kernel.tx import SYSTEM
from gantry.ports.db import Db
from gantry.ports.issuers import Issuers, Trust, UntrustedToken
from gantry.ports.vault import Vault

MAX_TOKEN = 16 * 1024
"""Characters of a token: those of large companies, with all their groups, have a few thousand."""


async def trust_of(db: Db, key_id: str) -> Trust | None:
    """Whose tokens the key takes; None for one with a secret, for one that is over or was deleted,
    and for none at all.
    """
    if not is_ulid(key_id):
        return None
    async with db.read(SYSTEM) as tx:
        key = await repo.api_key(tx, key_id)
        if key is None or (key.expires_at is not None and key.expires_at <= tx.now):
            return None
        traits = (await repo.traits_by_ids(tx, [key_id])).get(key_id)
    return None if traits is None else trust(traits)


def trust(traits: ApiKeyTraits) -> Trust | None:
    """Whose tokens a key with these traits takes."""
    if traits.issuer is None:
        return None
    return Trust(traits.issuer, traits.client_id or "", traits.subject_expression or "")


async def sign_in(
    db: Db,
    vault: Vault,
    issuers: Issuers,
    *,
    key_id: str,
    trusted: Trust,
    token: str,
    audience: str,
    address: str,
) -> SignIn | None:
    """Exchange a token for a session of the key; None when the key is gone or has expired.

    The issuer is asked between transactions. Raises UntrustedToken, which counts as a failed
    sign-in; IssuerUnreachable, which does not; TooMany after too many of them.
    """
    async with db.write(SYSTEM) as tx:
        waits = await service.in_turn(tx, service.key_name(key_id), address, key_id)
    service.arrived(waits)
    try:
        if len(token) > MAX_TOKEN:
            raise UntrustedToken(f"the token has more than {MAX_TOKEN} characters")
        claims = await issuers.claims(trusted, token)
    except UntrustedToken as refused:
        async with db.write(SYSTEM) as tx:
            waits = await service.in_turn(tx, service.key_name(key_id), address, key_id)
            if waits is None:
                service.fail_key(tx, key_id, address, why=refused.message)
        service.arrived(waits)
        raise
    async with db.write(SYSTEM) as tx:
        key = await repo.api_key(tx, key_id)
        # Whoever changes what its tokens say waits, and then finds this session.
        traits = await repo.traits_shared(tx, key_id)
        over = key is not None and key.expires_at is not None and key.expires_at <= tx.now
        if key is None or traits is None or over:
            service.fail_key(tx, key_id, address)
            return None
        return await service.open_for_key(
            tx,
            vault,
            key,
            audience=audience,
            address=address,
            groups=traits.teams,
            claimed=_groups(claims, traits.claim_mapping),
        )


def _groups(claims: Mapping[str, Any], mapping: Iterable[Sequence[str]]) -> list[str]:
    """Names of groups in the claims that are mapped to them: a text is one, a list several.

    What can be no name is left out.
    """
    said: set[str] = set()
    for claim, _ in mapping:
        value = claims.get(claim)
        said.update(
            one
            for one in (value if isinstance(value, list) else [value])
            if isinstance(one, str) and one and len(one) <= GROUP_NAME_MAX and can_be_kept(one)
        )
    return sorted(said)[:MAX_GROUPS]
