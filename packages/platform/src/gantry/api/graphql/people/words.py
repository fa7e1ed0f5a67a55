"""Words of the business under the names that the API has for them. Import them from here."""

from __future__ import annotations

import strawberry

from gantry.domains.people.model import ChannelKind, Scheme
from gantry.domains.people.rules import Status

__all__ = ["ChannelKind", "Scheme", "Status"]

strawberry.enum(Status, name="ManagedUserStatus", description="How far somebody has come.")
strawberry.enum(
    ChannelKind, name="ManagedUserGroupIntegrationType", description="Where a channel is."
)
strawberry.enum(
    Scheme, name="AuthorizationScheme", description="Who decides which people may enter."
)
