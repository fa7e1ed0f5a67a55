"""How far the audit trail's chain has come."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, query
from gantry.api.graphql.shared.convert import (
    search_of_suggestions,
    seconds_or_none,
    suggestions_view,
)
from gantry.api.graphql.shared.types import SearchSuggestions, SearchSuggestionsInput
from gantry.domains.people import audit_trail


@strawberry.type(description="How far the chain of the audit trail and its checkpoints have come.")
class AuditTrailChain:
    """Places count from 1, without gaps."""

    sealed: int = strawberry.field(description="The place of the last entry that is sealed.")
    waiting: int = strawberry.field(description="Entries that are not sealed yet; they soon are.")
    checkpoint: int | None = strawberry.field(description="How far the newest checkpoint goes.")
    checkpoint_at: int | None = strawberry.field(description="Unix seconds.")


@strawberry.type
class AuditStandingQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def audit_trail_chain(self, info: Info) -> AuditTrailChain:
        """How far entries are sealed, and the seal is signed. For root admins."""
        async with info.context.read() as tx:
            found = await audit_trail.standing(tx)
        return AuditTrailChain(
            sealed=found.sealed,
            waiting=found.waiting,
            checkpoint=found.checkpoint,
            checkpoint_at=seconds_or_none(found.checkpoint_at),
        )

    @query(SIGNED_IN)
    async def search_audit_trail_entries_suggestions(
        self, info: Info, input: SearchSuggestionsInput
    ) -> SearchSuggestions:
        """What the newest entries of a search can be narrowed by. For root admins.

        Fields: action, actor, affectedResourceType.
        """
        async with info.context.read() as tx:
            found = await audit_trail.suggestions(
                tx, search_of_suggestions(input), input.fields, words=input.value_contains
            )
        return suggestions_view(found)
