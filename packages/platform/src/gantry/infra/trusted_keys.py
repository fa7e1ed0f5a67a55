"""Whose signature of a token is believed: the keys in use, and those that were until lately."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from joserfc.jwk import OctKey, RSAKey

from gantry.infra.tokens import check_token, published, token_rules
from gantry.ports.vault import InvalidToken, KeptKey, SignedToken

BY_SECRET, BY_RSA = "HS256", "RS256"

_HEADER_LENGTH = 4096  # characters; ours have some hundred
_SLACK = timedelta(minutes=15)
"""How much later than noted a key may have signed last: notes are five minutes apart, and clocks
may differ."""

_RULES = {algorithm: token_rules(algorithm) for algorithm in (BY_SECRET, BY_RSA)}
Key = RSAKey | OctKey


class TrustedKeys:
    """Chooses the key by the token's `kid`, and takes no algorithm but that key's.

    `own` are keys of this process that sign what it takes itself. What it signs for other systems
    alone is signed with `others`, and whoever else may use those has no way in here. Secrets that
    every process makes of the data keys count if `with_secrets`, or while `trust` tells of one that
    was used lately.
    """

    def __init__(
        self,
        *,
        own: Sequence[RSAKey] = (),
        others: Sequence[RSAKey] = (),
        with_secrets: bool = False,
    ) -> None:
        self._own: dict[str, Key] = {key.thumbprint(): key for key in own}
        self._public = [*own, *others]
        self._signs_with_secrets = self._with_secrets = with_secrets
        self._secrets: dict[str, Key] = {}
        self._kept: dict[str, tuple[Key, datetime]] = {}
        self._once_public: list[Key] = []
        self._since: datetime | None = None

    def set_secrets(self, secrets: Mapping[str, OctKey]) -> None:
        """Believe these from now on, and no others."""
        self._secrets = dict(secrets)

    def trust(self, kept: Sequence[KeptKey], *, since: datetime) -> None:
        """Believe these as well, if they were used last at `since` or later."""
        self._since = since
        keys = {one.kid: _loaded(one) for one in kept}
        self._kept = {one.kid: (keys[one.kid], one.last_used_at) for one in kept if one.own}
        self._once_public = [keys[one.kid] for one in kept if self._lately(one.last_used_at)]
        self._with_secrets = self._signs_with_secrets or any(
            one.algorithm == BY_SECRET and self._lately(one.last_used_at) for one in kept
        )

    def verify(
        self, token: str, *, audience: str, purpose: str, now: datetime, ever: bool
    ) -> SignedToken:
        """What the token says. With `ever` a key may be long out of use, if the token's `iat` is
        from when it was in use. Raises InvalidToken.
        """
        kid = _kid_of(token)
        key, last_used_at = self._find(kid, ever=ever)
        found = check_token(
            token,
            key,
            _RULES[_algorithm(key)],
            kids=(kid,),
            audience=audience,
            purpose=purpose,
            now=now,
        )
        if last_used_at is not None and ever and not _made_before(found, last_used_at + _SLACK):
            raise InvalidToken
        return found

    def published(self) -> Mapping[str, Any]:
        """A JSON Web Key Set of the public keys: in use first, then those that were lately."""
        public = {
            key.thumbprint(): key
            for key in (*self._public, *self._once_public)
            if isinstance(key, RSAKey)
        }
        return {"keys": [published(key) for key in public.values()]}

    def _find(self, kid: str, *, ever: bool) -> tuple[Key, datetime | None]:
        if (key := self._own.get(kid)) is not None:
            return key, None
        if self._with_secrets and (key := self._secrets.get(kid)) is not None:
            return key, None
        kept = self._kept.get(kid)
        if kept is None or not (ever or self._lately(kept[1])):
            raise InvalidToken
        return kept

    def _lately(self, used_at: datetime) -> bool:
        return self._since is not None and used_at >= self._since


def _kid_of(token: str) -> str:
    head, _, _ = token.partition(".")
    if len(head) > _HEADER_LENGTH:
        raise InvalidToken
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        raise InvalidToken from None
    kid = header.get("kid") if isinstance(header, dict) else None
    if not isinstance(kid, str):
        raise InvalidToken
    return kid


def _algorithm(key: Key) -> str:
    return BY_RSA if isinstance(key, RSAKey) else BY_SECRET


def _loaded(kept: KeptKey) -> Key:
    jwk = json.loads(kept.jwk)
    if kept.algorithm == BY_RSA:
        return RSAKey.import_key(jwk)
    return OctKey.import_key(jwk)


def _made_before(token: SignedToken, moment: datetime) -> bool:
    made = token.claims.get("iat")
    return isinstance(made, int | float) and made <= moment.timestamp()
