"""Webhooks as the API shows and takes them. Secrets and values of headers are never shown."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from gantry.api.graphql.account.types import Space
from gantry.api.graphql.account.views import load_space
from gantry.api.graphql.context import Info
from gantry.api.graphql.shared.convert import seconds
from gantry.api.graphql.shared.types import PageInfo
from gantry.domains.webhooks import repo
from gantry.domains.webhooks.model import Webhook
from gantry.domains.webhooks.service import Wanted, WantedNamed
from gantry.kernel.secret import Secret


@strawberry.type
class _Shared:
    """What all webhooks have."""

    model: strawberry.Private[Webhook]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """What policies and deliveries name it by."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def enabled(self) -> bool:
        """Whether anything is sent."""
        return self.model.enabled

    @strawberry.field
    def endpoint(self) -> str:
        """Where deliveries go."""
        return self.model.endpoint

    @strawberry.field
    def retry_on_failure(self) -> bool | None:
        """Whether a delivery that fails is sent up to three times more."""
        return self.model.retry_on_failure

    @strawberry.field(description="Whether deliveries are signed.")
    def has_secret(self) -> bool:
        """The secret itself is never shown."""
        return self.model.secret_sealed is not None

    @strawberry.field(description="Deliveries that failed since the last one that arrived.")
    def failures(self) -> int:
        """In a row."""
        return self.model.failures

    @strawberry.field(description="Why the system switched it off; none when a person did.")
    def disabled_reason(self) -> str | None:
        """A sentence."""
        return self.model.disabled_reason

    @strawberry.field
    async def secret_headers(self, info: Info) -> list[str]:
        """The names of headers of one's own; their values are never shown."""
        found = await info.context.load(repo.headers_of, self.model.id) or []
        return [header.key for header in found]


@strawberry.type
class AuditTrailWebhook(_Shared):
    """Where the audit trail is sent."""

    @strawberry.field
    def include_runs(self) -> bool:
        """Whether moves of runs are sent as well."""
        return self.model.include_runs

    @strawberry.field
    def secret(self) -> str:
        """Always empty: it can be set and not be read."""
        return ""


@strawberry.type
class WebhooksIntegration(_Shared):
    """A webhook of a stack."""

    gone: strawberry.Private[bool] = False

    @strawberry.field
    def deleted(self) -> bool:
        """Whether it was deleted just now."""
        return self.gone

    @strawberry.field
    def secret(self) -> str:
        """Always empty: it can be set and not be read."""
        return ""


@strawberry.type
class NamedWebhooksIntegration(_Shared):
    """A webhook with a name, for policies to use."""

    @strawberry.field
    def name(self) -> str:
        """What people call it."""
        return self.model.name

    @strawberry.field
    def labels(self) -> list[str]:
        """For finding it."""
        return list(self.model.labels)

    @strawberry.field
    def secret(self) -> str | None:
        """Always none: it can be set and not be read."""
        return None

    @strawberry.field
    async def space(self, info: Info) -> Space:
        """Whoever administers it administers the webhook."""
        return await load_space(info, self.model.space_id or "")

    @strawberry.field
    def created_at(self) -> int:
        """Unix seconds."""
        return seconds(self.model.created_at)


@strawberry.type
class SearchNamedWebhooksIntegrationsOutputEdge:
    """A webhook on a page."""

    cursor: str
    node: NamedWebhooksIntegration


@strawberry.type
class SearchNamedWebhooksIntegrationsOutput:
    """A page of webhooks."""

    edges: list[SearchNamedWebhooksIntegrationsOutputEdge]
    page_info: PageInfo


@strawberry.input
class KeyValuePairInput:
    """A header."""

    key: str
    value: str


@strawberry.input
class StringMapInput:
    """Headers."""

    entries: list[KeyValuePairInput]


@strawberry.input
class AuditTrailWebhookInput:
    """The audit trail's webhook as somebody wants it."""

    enabled: bool
    endpoint: str
    include_runs: bool
    secret: str
    custom_headers: StringMapInput | None = None
    retry_on_failure: bool | None = None


@strawberry.input
class AuditTrailWebhookSetHeadersInput:
    """Headers to set."""

    entries: list[KeyValuePairInput]


@strawberry.input
class AuditTrailWebhookDeleteHeadersInput:
    """Headers to remove."""

    keys: list[str]


@strawberry.input
class WebhooksIntegrationInput:
    """A webhook of a stack as somebody wants it."""

    enabled: bool
    endpoint: str
    secret: str
    retry_on_failure: bool | None = None


@strawberry.input
class NamedWebhooksIntegrationInput:
    """A named webhook as somebody wants it."""

    name: str
    enabled: bool
    endpoint: str
    space: strawberry.ID
    labels: list[str]
    secret: str | None = None
    retry_on_failure: bool | None = None


@strawberry.input
class NamedWebhookHeaderInput:
    """Headers to set."""

    entries: list[KeyValuePairInput]


def pairs(entries: Sequence[KeyValuePairInput]) -> list[tuple[str, str]]:
    """Headers as the services take them."""
    return [(entry.key, entry.value) for entry in entries]


def wanted_of_stack(given: WebhooksIntegrationInput) -> Wanted:
    """A stack's webhook as the service takes it."""
    return Wanted(given.endpoint, given.enabled, Secret(given.secret), given.retry_on_failure)


def wanted_named(given: NamedWebhooksIntegrationInput) -> WantedNamed:
    """A named webhook as the service takes it."""
    return WantedNamed(
        given.endpoint,
        given.enabled,
        Secret(given.secret or ""),
        given.retry_on_failure,
        name=given.name,
        space_id=str(given.space),
        labels=given.labels,
    )
