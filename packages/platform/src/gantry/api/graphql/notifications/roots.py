"""Root fields of the inbox: what administrators should know of, and dismissing it."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.api.graphql.notifications.types import (
    Notification,
    SearchNotificationsOutput,
    SearchNotificationsOutputEdge,
)
from gantry.api.graphql.shared.convert import (
    edges,
    page_info,
    search,
    search_of_suggestions,
    suggestions_view,
)
from gantry.api.graphql.shared.types import SearchInput, SearchSuggestions, SearchSuggestionsInput
from gantry.domains.inbox import repo, service
from gantry.domains.spaces import repo as spaces
from gantry.domains.stacks import repo as stacks


@strawberry.type
class NotificationQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def notification_count(self, info: Info) -> int:
        """Open notifications about what the caller administers."""
        async with info.context.read() as tx:
            return await repo.count(tx)

    @query(SIGNED_IN)
    async def search_notifications(
        self, info: Info, input: SearchInput
    ) -> SearchNotificationsOutput:
        """Notifications of two weeks about what the caller administers, by predicates and words,
        in pages. What was told last comes first.
        """
        async with info.context.read() as tx:
            found = await repo.search(tx, search(input))
        shown = found.shown(lambda one: Notification(model=one))
        return SearchNotificationsOutput(
            edges=edges(shown, SearchNotificationsOutputEdge), page_info=page_info(shown)
        )

    @query(SIGNED_IN)
    async def search_notifications_suggestions(
        self, info: Info, input: SearchSuggestionsInput
    ) -> SearchSuggestions:
        """What the notifications of a search can be narrowed by, with how many have each value.

        Fields: dismissed, group, severity, space, stack.
        """
        async with info.context.read() as tx:
            found = await repo.suggestions(
                tx, search_of_suggestions(input), input.fields, words=input.value_contains
            )
            ids = {f.field: [one.value for one in f.values] for f in found.fields}
            names = {
                "space": {
                    key: one.name
                    for key, one in (await spaces.by_ids(tx, ids.get("space", []))).items()
                },
                "stack": {
                    key: one.name
                    for key, one in (await stacks.by_ids(tx, ids.get("stack", []))).items()
                },
            }
        return suggestions_view(found, names)


@strawberry.type
class NotificationMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def dismiss_notifications(self, info: Info, ids: list[strawberry.ID]) -> bool:
        """These need nobody any more; they need not have been open. Everybody who sees them is
        shown who dismissed them.
        """
        async with info.context.write() as tx:
            await service.dismiss(tx, [str(one) for one in ids])
        return True

    @mutation(SIGNED_IN)
    async def dismiss_notification_group(self, info: Info, group: strawberry.ID) -> bool:
        """The same for all of a group that the caller sees."""
        async with info.context.write() as tx:
            await service.dismiss_group(tx, str(group))
        return True

    @mutation(SIGNED_IN)
    async def dismiss_all_notifications(self, info: Info) -> bool:
        """The same for all that the caller sees."""
        async with info.context.write() as tx:
            await service.dismiss_all(tx)
        return True
