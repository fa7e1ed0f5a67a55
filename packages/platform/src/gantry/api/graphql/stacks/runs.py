"""Runs together with their stacks: searching across stacks, and a run's stack."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, query
from gantry.api.graphql.runs.types import Run
from gantry.api.graphql.shared.convert import (
    edges,
    page_info,
    search,
    search_of_suggestions,
    suggestions_view,
)
from gantry.api.graphql.shared.types import (
    PageInfo,
    SearchInput,
    SearchSuggestions,
    SearchSuggestionsInput,
)
from gantry.api.graphql.stacks.types import Stack, load_stack
from gantry.domains.runs import repo
from gantry.kernel.errors import NotFound


@strawberry.type(description="A run together with its stack.")
class RunWithStack:
    """A pair."""

    run: Run
    stack_id: strawberry.Private[str]

    @strawberry.field
    async def stack(self, info: Info) -> Stack:
        """The run's stack. Raises NotFound when it was deleted meanwhile."""
        found = await load_stack(info, self.stack_id)
        if found is None:
            raise NotFound("stack not found")
        return found


@strawberry.type(description="A run on a page.")
class SearchRunsOutputEdge:
    """An edge."""

    cursor: str
    node: RunWithStack


@strawberry.type(description="A page of runs.")
class SearchRunsOutput:
    """A page."""

    edges: list[SearchRunsOutputEdge]
    page_info: PageInfo


@strawberry.type
class RunQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def run_stack(self, info: Info, run_id: strawberry.ID) -> Stack:
        """The stack of a run; fails with exactly "not found"."""
        async with info.context.read() as tx:
            run = await repo.find(tx, str(run_id))
            return Stack(model=await repo.stack_of(tx, run))

    @query(SIGNED_IN)
    async def search_runs(self, info: Info, input: SearchInput) -> SearchRunsOutput:
        """Runs by predicates and words, in pages."""
        async with info.context.read() as tx:
            found = await repo.search(tx, search(input))
        shown = found.shown(lambda run: RunWithStack(run=Run(model=run), stack_id=run.stack_id))
        return SearchRunsOutput(
            edges=edges(shown, SearchRunsOutputEdge), page_info=page_info(shown)
        )

    @query(SIGNED_IN)
    async def search_runs_suggestions(
        self, info: Info, input: SearchSuggestionsInput
    ) -> SearchSuggestions:
        """What the runs of a search can be narrowed by, with how many have each value.

        Fields: branch, stack, state, triggeredBy, type.
        """
        async with info.context.read() as tx:
            found = await repo.suggestions(
                tx, search_of_suggestions(input), input.fields, words=input.value_contains
            )
        return suggestions_view(found)
