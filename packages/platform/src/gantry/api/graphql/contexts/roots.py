"""Root fields of contexts, and of a stack's own environment and mounted files."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.contexts.context_types import (
    Context,
    ContextEdge,
    ContextInput,
    ContextStackAttachment,
    SearchContextsOutput,
    element_wanted,
    wanted,
)
from gantry.api.graphql.contexts.types import ConfigElement, ConfigInput
from gantry.api.graphql.contexts.views import element_view
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.api.graphql.shared.convert import (
    edges,
    page_info,
    search,
    search_of_suggestions,
    suggestions_view,
)
from gantry.api.graphql.shared.types import SearchInput, SearchSuggestions, SearchSuggestionsInput
from gantry.domains.contexts import context_repo, context_service, repo, service
from gantry.domains.contexts.kinds import OwnerKind
from gantry.domains.people.actions import Action
from gantry.domains.spaces import repo as spaces
from gantry.domains.stacks import access, attachments, homes
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks.events import StackChanged


def _stacks(given: ContextInput, *, replaces: bool) -> list[tuple[str, int]] | None:
    """The stacks that are to have it; None: those that do. Whoever `replaces` sends null for an
    empty list; null of others says as little as a list that is not there (contract notes).
    """
    asked = given.stack_attachments
    if asked is strawberry.UNSET or (asked is None and not replaces):
        return None
    return [(str(one.stack), one.priority) for one in asked or []]


@strawberry.type
class ContextQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def context(self, info: Info, id: strawberry.ID) -> Context | None:
        """A context; none when the caller may not see it."""
        found = await info.context.load(context_repo.by_ids, str(id))
        return None if found is None else Context(model=found)

    @query(SIGNED_IN)
    async def contexts(self, info: Info) -> list[Context]:
        """Every context the caller may see, by name."""
        async with info.context.read() as tx:
            return [Context(model=one) for one in await context_repo.all_visible(tx)]

    @query(SIGNED_IN)
    async def search_contexts(self, info: Info, input: SearchInput) -> SearchContextsOutput:
        """Contexts by predicates and words, in pages."""
        async with info.context.read() as tx:
            found = await context_repo.search(tx, search(input))
        shown = found.shown(lambda one: Context(model=one))
        return SearchContextsOutput(edges=edges(shown, ContextEdge), page_info=page_info(shown))

    @query(SIGNED_IN)
    async def search_contexts_suggestions(
        self, info: Info, input: SearchSuggestionsInput
    ) -> SearchSuggestions:
        """What the contexts of a search can be narrowed by, with how many have each value.

        Fields: label, space.
        """
        async with info.context.read() as tx:
            found = await context_repo.suggestions(
                tx, search_of_suggestions(input), input.fields, words=input.value_contains
            )
            ids = {facet.field: [one.value for one in facet.values] for facet in found.fields}
            known = await spaces.by_ids(tx, ids.get("space", []))
            names = {key: space.name for key, space in known.items()}
        return suggestions_view(found, {"space": names})


@strawberry.type
class ContextMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def context_create_v2(self, info: Info, input: ContextInput) -> Context:
        """A new context, with its variables and files, attached to the stacks named."""
        async with info.context.write() as tx:
            made = await context_service.create(tx, info.context.house.vault, wanted(input))
            await attachments.attach_exactly(tx, made.id, _stacks(input, replaces=True) or [])
            info.context.about(made.id)
        return Context(model=made)

    @mutation(SIGNED_IN)
    async def context_update_v2(
        self,
        info: Info,
        id: strawberry.ID,
        input: ContextInput,
        replace_config_elements: bool | None = None,
    ) -> Context:
        """Change a context. Variables and files stay as they are unless they are to be replaced
        and a list of them is given; stacks that are named are all that have it attached from then
        on, and without a list of them they stay too.
        """
        replaces = bool(replace_config_elements)
        async with info.context.write() as tx:
            changed = await context_service.update(
                tx,
                info.context.house.vault,
                str(id),
                wanted(input),
                replace_elements=replaces and input.config_attachments is not strawberry.UNSET,
            )
            stacks_wanted = _stacks(input, replaces=replaces)
            if stacks_wanted is not None:
                await attachments.attach_exactly(tx, changed.id, stacks_wanted)
            await homes.require_context_in_reach(tx, changed.id)
        return Context(model=changed)

    @mutation(SIGNED_IN)
    async def context_delete(
        self, info: Info, id: strawberry.ID, force: bool | None = None
    ) -> Context | None:
        """Delete a context that no stack has attached; forced, it is taken from them."""
        async with info.context.write() as tx:
            gone = await context_service.delete(tx, str(id), force=bool(force))
        return Context(model=gone)

    @mutation(SIGNED_IN)
    async def context_attach(
        self, info: Info, id: strawberry.ID, stack: strawberry.ID, priority: int
    ) -> ContextStackAttachment:
        """Give a stack a context; lower priorities win."""
        async with info.context.write() as tx:
            made = await attachments.attach(tx, str(id), str(stack), priority)
        return ContextStackAttachment(model=made)

    @mutation(SIGNED_IN)
    async def context_detach(self, info: Info, id: strawberry.ID) -> ContextStackAttachment | None:
        """Take a context from a stack, by the id of the attachment."""
        async with info.context.write() as tx:
            gone = await attachments.detach(tx, str(id))
            info.context.about(gone.context.id)
        return ContextStackAttachment(model=gone)

    @mutation(SIGNED_IN)
    async def context_config_add(
        self, info: Info, context: strawberry.ID, config: ConfigInput
    ) -> ConfigElement:
        """Set a variable or a mounted file of a context; one of the same name is replaced."""
        async with info.context.write() as tx:
            element = await context_service.put_element(
                tx, info.context.house.vault, str(context), element_wanted(config)
            )
        return element_view(info, element)

    @mutation(SIGNED_IN)
    async def context_config_delete(
        self, info: Info, context: strawberry.ID, id: strawberry.ID
    ) -> ConfigElement | None:
        """Remove a variable or a mounted file of a context; none when there was none."""
        async with info.context.write() as tx:
            element = await context_service.remove_element(tx, str(context), str(id))
        return element_view(info, element) if element else None

    @mutation(SIGNED_IN)
    async def stack_config_add(
        self, info: Info, stack: strawberry.ID, config: ConfigInput
    ) -> ConfigElement:
        """Set a variable or a mounted file; one of the same name is replaced."""
        async with info.context.write() as tx:
            owner = await stacks.lock(tx, str(stack))
            access.require(tx, Action.STACK_ADD_CONFIG, owner)
            element = await service.put(
                tx,
                info.context.house.vault,
                owner=OwnerKind.STACK,
                owner_id=owner.id,
                element_type=config.type,
                element_id=str(config.id),
                value=config.value,
                write_only=config.write_only,
                description=config.description,
            )
            tx.emit(StackChanged(owner.id))
        return element_view(info, element)

    @mutation(SIGNED_IN)
    async def stack_config_delete(
        self, info: Info, stack: strawberry.ID, id: strawberry.ID
    ) -> ConfigElement | None:
        """Remove a variable or a mounted file; none when there was none of that name."""
        async with info.context.write() as tx:
            owner = await stacks.lock(tx, str(stack))
            access.require(tx, Action.STACK_DELETE_CONFIG, owner)
            element = await repo.remove(tx, OwnerKind.STACK, owner.id, str(id))
            if element is not None:
                tx.emit(StackChanged(owner.id))
        return element_view(info, element) if element else None
