"""Root fields of the audit trail's webhook, and of deliveries of whatever webhook."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.api.graphql.shared.convert import edges, page_info, search
from gantry.api.graphql.shared.types import SearchInput
from gantry.api.graphql.webhooks.delivery_types import (
    SearchWebhookDeliveriesOutput,
    WebhookDelivery,
    WebhookDeliveryEdge,
)
from gantry.api.graphql.webhooks.types import (
    AuditTrailWebhook,
    AuditTrailWebhookDeleteHeadersInput,
    AuditTrailWebhookInput,
    AuditTrailWebhookSetHeadersInput,
    pairs,
)
from gantry.domains.stacks import callbacks
from gantry.domains.webhooks import auditing, deliveries, repo, service
from gantry.domains.webhooks.auditing import WantedAudit
from gantry.kernel.secret import Secret


@strawberry.type
class DeliveryQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def audit_trail_webhook(self, info: Info) -> AuditTrailWebhook | None:
        """Where the audit trail is sent; none when it is not. For root admins."""
        async with info.context.read() as tx:
            found = await auditing.get(tx)
        return None if found is None else AuditTrailWebhook(model=found)

    @query(SIGNED_IN)
    async def search_webhook_deliveries(
        self, info: Info, webhook: strawberry.ID, input: SearchInput
    ) -> SearchWebhookDeliveriesOutput:
        """What a webhook was told, the newest first, for whoever administers it.

        Deliveries that are settled are kept for a week.
        """
        async with info.context.read() as tx:
            told = await callbacks.administered(tx, str(webhook))
            found = await repo.log(tx, told.id, search(input))
        shown = found.shown(lambda one: WebhookDelivery(model=one))
        return SearchWebhookDeliveriesOutput(
            edges=edges(shown, WebhookDeliveryEdge), page_info=page_info(shown)
        )

    @query(SIGNED_IN)
    async def webhook_delivery(
        self, info: Info, webhook: strawberry.ID, id: strawberry.ID
    ) -> WebhookDelivery | None:
        """One delivery, for whoever administers the webhook; none when it is not kept any more."""
        async with info.context.read() as tx:
            told = await callbacks.administered(tx, str(webhook))
            found = await repo.delivery(tx, told.id, str(id))
        return None if found is None else WebhookDelivery(model=found)


def _wanted(given: AuditTrailWebhookInput) -> WantedAudit:
    headers = given.custom_headers
    return WantedAudit(
        given.endpoint,
        given.enabled,
        Secret(given.secret),
        given.retry_on_failure,
        include_runs=given.include_runs,
        headers=None if headers is None else pairs(headers.entries),
    )


@strawberry.type
class DeliveryMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def audit_trail_set_webhook(
        self, info: Info, input: AuditTrailWebhookInput
    ) -> AuditTrailWebhook | None:
        """Send the audit trail somewhere. One that is enabled is saved if the endpoint takes a
        test with a status of 2xx.
        """
        house, wanted = info.context.house, _wanted(input)
        if wanted.enabled:
            async with info.context.read() as tx:
                trial = await auditing.rehearsal(
                    tx, house.vault, house.outward, wanted, address=info.context.address
                )
            outcome = await deliveries.send(house.outward, trial)
            auditing.require_taken(outcome)
        async with info.context.write() as tx:
            webhook = await auditing.put(tx, house.vault, house.outward, wanted)
            info.context.about(webhook.id)
        return AuditTrailWebhook(model=webhook)

    @mutation(SIGNED_IN)
    async def audit_trail_delete_webhook(self, info: Info) -> AuditTrailWebhook | None:
        """The audit trail is not sent any more; that it is not is the last thing that is."""
        async with info.context.write() as tx:
            gone = await auditing.remove(tx)
            info.context.about(gone.id)
        return AuditTrailWebhook(model=gone)

    @mutation(SIGNED_IN)
    async def audit_trail_webhook_set_headers(
        self, info: Info, input: AuditTrailWebhookSetHeadersInput
    ) -> AuditTrailWebhook | None:
        """Set headers that are sent along; those of other names stay."""
        async with info.context.write() as tx:
            webhook = await auditing.held(tx)
            await service.put_headers(tx, info.context.house.vault, webhook, pairs(input.entries))
            info.context.about(webhook.id)
        return AuditTrailWebhook(model=webhook)

    @mutation(SIGNED_IN)
    async def audit_trail_webhook_delete_headers(
        self, info: Info, input: AuditTrailWebhookDeleteHeadersInput
    ) -> AuditTrailWebhook | None:
        """Headers of these names are not sent along any more."""
        async with info.context.write() as tx:
            webhook = await auditing.held(tx)
            await service.remove_headers(tx, webhook, input.keys)
            info.context.about(webhook.id)
        return AuditTrailWebhook(model=webhook)

    @mutation(SIGNED_IN)
    async def webhook_test(self, info: Info, webhook: strawberry.ID) -> WebhookDelivery:
        """Send a test to a webhook, whether or not it is enabled, and wait for what comes of it."""
        house = info.context.house
        async with info.context.read() as tx:
            tested = await callbacks.administered(tx, str(webhook))
            delivery, outgoing = await deliveries.rehearse(tx, house.vault, tested)
        outcome = await deliveries.send(house.outward, outgoing)
        await deliveries.keep_trace(house.objects, delivery, outgoing, outcome)
        async with info.context.write() as tx:
            await callbacks.administered(tx, str(webhook))
            kept = await deliveries.conclude(tx, delivery, outcome)
        return WebhookDelivery(model=kept)
