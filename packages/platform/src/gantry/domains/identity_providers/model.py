"""Mapped classes of sign-on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from gantry.domains.identity_providers.kinds import ProviderKind
from gantry.kernel.model import Model
from gantry.kernel.sealed import sealed_for

THE_ONE = 1
"""One provider per installation: the row's key is fixed, so a second one cannot exist."""


class IdentityProvider(Model):
    """The provider whose people may sign in."""

    __tablename__ = "identity_provider"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=THE_ONE)
    kind: Mapped[ProviderKind]
    settings: Mapped[dict[str, Any]]
    """By kind: see `service`. Nothing secret."""
    secret_sealed: Mapped[bytes | None] = sealed_for("identity_provider:secret")
    """The client secret; SAML has none."""
    revision: Mapped[str]
    """New with every change: a sign-on that began under other settings does not end under these."""
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class SignOnAttempt(Model):
    """A sign-on that was begun here and has not come back, or was used already."""

    __tablename__ = "sign_on_attempt"

    id: Mapped[str] = mapped_column(primary_key=True)
    """The state of OAuth, or the id of a SAML request: random, and known to one browser."""
    revision: Mapped[str]
    browser: Mapped[str]
    """The digest of that browser's cookie."""
    nonce: Mapped[str]
    verifier_sealed: Mapped[bytes] = sealed_for("sign_on_attempt:{id}")
    """PKCE's code verifier."""
    return_to: Mapped[str]
    address: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    answer_sealed: Mapped[bytes | None] = sealed_for("sign_on_attempt:{id}")
    """What a SAML provider vouched for, and the digest of the ticket that was given for it; until
    the browser that began and brought it comes for it."""
    used_at: Mapped[datetime | None]


class UsedAssertion(Model):
    """A SAML assertion that let somebody in, for as long as it would be good."""

    __tablename__ = "used_assertion"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A digest of the provider's entity id and the assertion's id."""
    until: Mapped[datetime] = mapped_column(index=True)
