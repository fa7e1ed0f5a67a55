"""Saved filters, as the API shows and takes them."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.domains.filters import model, repo, service


@strawberry.type
class SavedFilter:
    """A view of a list, under a name."""

    model: strawberry.Private[model.SavedFilter]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Its id."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def name(self) -> str:
        """What it is called; several may be called the same."""
        return self.model.name

    @strawberry.field
    def type(self) -> str:
        """Which list it is a view of, in the client's words."""
        return self.model.type

    @strawberry.field
    def is_public(self) -> bool:
        """Whether everybody sees it, or only whoever made it."""
        return self.model.public

    @strawberry.field
    def created_by(self) -> str:
        """Who made it."""
        return self.model.created_by

    @strawberry.field
    def data(self) -> str:
        """The view, as JSON of the client's own."""
        return self.model.data


@strawberry.input
class SavedFilterInput:
    """A view to be kept."""

    name: str
    type: str
    is_public: bool
    data: str


@strawberry.type
class FilterQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def saved_filter(self, info: Info, id: strawberry.ID) -> SavedFilter | None:
        """A saved filter; none when the caller may not see it."""
        found = await info.context.load(repo.by_ids, str(id))
        return None if found is None else SavedFilter(model=found)

    @query(SIGNED_IN)
    async def saved_filters(self, info: Info, type: str | None = None) -> list[SavedFilter]:
        """The caller's own and those for everybody, by name."""
        async with info.context.read() as tx:
            return [SavedFilter(model=one) for one in await repo.all_visible(tx, type)]


@strawberry.type
class FilterMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def saved_filter_create(self, info: Info, input: SavedFilterInput) -> SavedFilter:
        """Keep a view of a list."""
        wanted = service.Wanted(
            name=input.name, type=input.type, public=input.is_public, data=input.data
        )
        async with info.context.write() as tx:
            made = await service.create(tx, wanted)
            info.context.about(made.id)
        return SavedFilter(model=made)

    @mutation(SIGNED_IN)
    async def saved_filter_update(
        self,
        info: Info,
        id: strawberry.ID,
        is_public: bool,
        name: str | None = None,
        data: str | None = None,
    ) -> SavedFilter:
        """Change a saved filter; what is not given stays, and its type always does."""
        async with info.context.write() as tx:
            changed = await service.update(tx, str(id), public=is_public, name=name, data=data)
        return SavedFilter(model=changed)

    @mutation(SIGNED_IN)
    async def saved_filter_delete(self, info: Info, id: strawberry.ID) -> SavedFilter | None:
        """Delete a saved filter."""
        async with info.context.write() as tx:
            gone = await service.delete(tx, str(id))
        return SavedFilter(model=gone)
