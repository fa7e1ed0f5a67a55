"""Tokens that others sign, taken for a secret: who may say what, and whether it was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gantry.kernel.errors import Unavailable, UserError


class BadTrust(UserError):
    """An issuer or an expression that no token can be checked by."""

    code = "BAD_TRUST"


class UntrustedToken(UserError):
    """A token that was not signed for this, or not by whom it says, or whose time is over."""

    code = "UNTRUSTED_TOKEN"
    status = 401

    def __init__(self, reason: str, *, detail: str = "") -> None:
        super().__init__(f"unauthorized: {reason}", detail=detail)


class IssuerUnreachable(Unavailable):
    """The issuer does not say by which keys it signs; the token may be good."""

    code = "ISSUER_UNREACHABLE"


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose tokens are taken: of this issuer, for this client, about subjects of this form."""

    issuer: str
    """As `iss` says it, to the letter; what it signs by is found below this address."""
    client_id: str
    """One of those that `aud` names."""
    subject_expression: str
    """A regular expression that the whole of `sub` has to match."""


class Issuers(Protocol):
    """Checks tokens of OpenID Connect."""

    def check(self, trust: Trust) -> None:
        """What can be said without asking anybody. Raises BadTrust."""
        ...

    async def claims(self, trust: Trust, token: str) -> Mapping[str, Any]:
        """Everything that the token claims, after its signature, issuer, audience, times and
        subject were found to be right. Raises UntrustedToken, IssuerUnreachable.
        """
        ...
