"""Root fields of named webhooks and of stacks' webhooks."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.api.graphql.shared.convert import (
    edges,
    page_info,
    search,
    search_of_suggestions,
    suggestions_view,
)
from gantry.api.graphql.shared.types import SearchInput, SearchSuggestions, SearchSuggestionsInput
from gantry.api.graphql.webhooks.types import (
    NamedWebhookHeaderInput,
    NamedWebhooksIntegration,
    NamedWebhooksIntegrationInput,
    SearchNamedWebhooksIntegrationsOutput,
    SearchNamedWebhooksIntegrationsOutputEdge,
    WebhooksIntegration,
    WebhooksIntegrationInput,
    pairs,
    wanted_named,
    wanted_of_stack,
)
from gantry.domains.spaces import repo as spaces
from gantry.domains.stacks import callbacks
from gantry.domains.webhooks import repo, service


@strawberry.type
class WebhookQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def named_webhooks_integration(
        self, info: Info, id: strawberry.ID
    ) -> NamedWebhooksIntegration | None:
        """A named webhook; none when the caller may not see it."""
        found = await info.context.load(repo.by_ids, str(id))
        return None if found is None else NamedWebhooksIntegration(model=found)

    @query(SIGNED_IN)
    async def search_named_webhooks_integrations(
        self, info: Info, input: SearchInput
    ) -> SearchNamedWebhooksIntegrationsOutput:
        """Named webhooks by predicates and words, in pages."""
        async with info.context.read() as tx:
            found = await repo.search(tx, search(input))
        shown = found.shown(lambda one: NamedWebhooksIntegration(model=one))
        return SearchNamedWebhooksIntegrationsOutput(
            edges=edges(shown, SearchNamedWebhooksIntegrationsOutputEdge),
            page_info=page_info(shown),
        )

    @query(SIGNED_IN)
    async def search_named_webhooks_integrations_suggestions(
        self, info: Info, input: SearchSuggestionsInput
    ) -> SearchSuggestions:
        """What the webhooks of a search can be narrowed by, with how many have each value.

        Fields: enabled, label, space.
        """
        async with info.context.read() as tx:
            found = await repo.suggestions(
                tx, search_of_suggestions(input), input.fields, words=input.value_contains
            )
            ids = [one.value for f in found.fields if f.field == "space" for one in f.values]
            names = {key: space.name for key, space in (await spaces.by_ids(tx, ids)).items()}
        return suggestions_view(found, {"space": names})


@strawberry.type
class WebhookMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def named_webhooks_integration_create(
        self, info: Info, input: NamedWebhooksIntegrationInput
    ) -> NamedWebhooksIntegration:
        """A new named webhook."""
        house = info.context.house
        async with info.context.write() as tx:
            made = await service.create_named(tx, house.vault, house.outward, wanted_named(input))
            info.context.about(made.id)
        return NamedWebhooksIntegration(model=made)

    @mutation(SIGNED_IN)
    async def named_webhooks_integration_update(
        self, info: Info, id: strawberry.ID, input: NamedWebhooksIntegrationInput
    ) -> NamedWebhooksIntegration | None:
        """Change a named webhook; without a secret, the one there is stays."""
        house = info.context.house
        async with info.context.write() as tx:
            changed = await service.update_named(
                tx, house.vault, house.outward, str(id), wanted_named(input)
            )
        return NamedWebhooksIntegration(model=changed)

    @mutation(SIGNED_IN)
    async def named_webhooks_integration_delete(
        self, info: Info, id: strawberry.ID
    ) -> NamedWebhooksIntegration:
        """Delete a named webhook, and the log of its deliveries."""
        async with info.context.write() as tx:
            gone = await service.delete_named(tx, str(id))
        return NamedWebhooksIntegration(model=gone)

    @mutation(SIGNED_IN)
    async def named_webhooks_integration_set_headers(
        self, info: Info, id: strawberry.ID, input: NamedWebhookHeaderInput
    ) -> NamedWebhooksIntegration:
        """Set headers that are sent along; those of other names stay."""
        async with info.context.write() as tx:
            webhook = await service.named(tx, str(id), lock=True)
            await service.put_headers(tx, info.context.house.vault, webhook, pairs(input.entries))
        return NamedWebhooksIntegration(model=webhook)

    @mutation(SIGNED_IN)
    async def named_webhooks_integration_delete_headers(
        self, info: Info, id: strawberry.ID, header_keys: list[str]
    ) -> NamedWebhooksIntegration:
        """Headers of these names are not sent along any more."""
        async with info.context.write() as tx:
            webhook = await service.named(tx, str(id), lock=True)
            await service.remove_headers(tx, webhook, header_keys)
        return NamedWebhooksIntegration(model=webhook)

    @mutation(SIGNED_IN)
    async def webhooks_integration_create(
        self, info: Info, stack: strawberry.ID, input: WebhooksIntegrationInput
    ) -> WebhooksIntegration:
        """A new webhook of a stack, called at each move of its runs."""
        house = info.context.house
        async with info.context.write() as tx:
            made = await callbacks.put(
                tx, house.vault, house.outward, str(stack), wanted_of_stack(input)
            )
            info.context.about(made.id)
        return WebhooksIntegration(model=made)

    @mutation(SIGNED_IN)
    async def webhooks_integration_update(
        self, info: Info, stack: strawberry.ID, id: strawberry.ID, input: WebhooksIntegrationInput
    ) -> WebhooksIntegration:
        """Change a webhook of a stack; with an empty secret, the one there is stays."""
        house = info.context.house
        async with info.context.write() as tx:
            changed = await callbacks.put(
                tx,
                house.vault,
                house.outward,
                str(stack),
                wanted_of_stack(input),
                webhook_id=str(id),
            )
        return WebhooksIntegration(model=changed)

    @mutation(SIGNED_IN)
    async def webhooks_integration_delete(
        self, info: Info, stack: strawberry.ID, id: strawberry.ID
    ) -> WebhooksIntegration:
        """Delete a webhook of a stack, and the log of its deliveries."""
        async with info.context.write() as tx:
            gone = await callbacks.remove(tx, str(stack), str(id))
        return WebhooksIntegration(model=gone, gone=True)
