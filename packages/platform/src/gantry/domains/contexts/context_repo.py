"""Every query about contexts themselves."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, delete, func, or_, select

from gantry.domains.contexts.model import Attachment, Context
from gantry.domains.people import access
from gantry.kernel.errors import NotFound
from gantry.kernel.facets import Facets, count_facets
from gantry.kernel.paging import Page
from gantry.kernel.search import Order, Search, Searchable, contains, equals, label, run_search
from gantry.kernel.tx import Tx


def visible(tx: Tx) -> Select[Context]:
    """Every query a person's request leads to starts here."""
    query = select(Context)
    spaces = access.readable_spaces(tx.actor)
    return query if spaces is None else query.where(Context.space_id.in_(spaces))


async def by_ids(tx: Tx, ids: Sequence[str]) -> dict[str, Context]:
    """Those of the contexts that exist and that the actor may see."""
    rows = await tx.session.scalars(visible(tx).where(Context.id.in_(ids)))
    return {context.id: context for context in rows}


async def all_visible(tx: Tx, *, space_ids: Sequence[str] | None = None) -> list[Context]:
    """Every context the actor may see, by name; with spaces, only those in them."""
    query = visible(tx).order_by(Context.name)
    if space_ids is not None:
        query = query.where(Context.space_id.in_(space_ids))
    return list(await tx.session.scalars(query))


_SEARCH = Searchable(
    fields={
        "name": equals(Context.name),
        "label": label(Context.labels),
        "labels": label(Context.labels),
        "space": equals(Context.space_id),
    },
    orders={"createdAt": Context.created_at, "name": Context.name},
    text=lambda word: or_(contains(Context.name, word), contains(Context.description, word)),
    default_order=Order("name"),
    key=Context.id,
    facets={
        "label": func.jsonb_array_elements_text(Context.labels),
        "space": Context.space_id,
    },
)


async def search(tx: Tx, wanted: Search) -> Page[Context]:
    """A page of the visible contexts. Raises BadSearch, BadCursor."""
    return await run_search(tx, visible(tx), wanted, _SEARCH, Context)


async def suggestions(
    tx: Tx, wanted: Search, fields: Sequence[str], *, words: str | None = None
) -> Facets:
    """What the visible contexts of a search can be narrowed by, counted. Raises BadSearch."""
    return await count_facets(tx, visible(tx), wanted, _SEARCH, fields, words=words)


async def lock(tx: Tx, context_id: str) -> Context:
    """The context, held until the transaction ends. Raises NotFound."""
    context = await tx.session.scalar(
        visible(tx).where(Context.id == context_id).with_for_update(of=Context)
    )
    if context is None:
        raise NotFound("context not found", detail=f"context={context_id}")
    return context


async def ids_like(tx: Tx, slug: str) -> set[str]:
    """Ids that are the slug or begin with it."""
    query = select(Context.id).where(Context.id.startswith(slug, autoescape=True))
    return set(await tx.session.scalars(query))


async def name_taken(tx: Tx, name: str, *, except_id: str = "") -> bool:
    """Whether another context has the name, whoever may see it."""
    query = select(func.count()).where(Context.name == name, Context.id != except_id)
    return bool(await tx.session.scalar(query))


async def count_attached(tx: Tx, context_id: str) -> int:
    """To how many stacks somebody attached the context."""
    query = select(func.count()).where(Attachment.context_id == context_id)
    return await tx.session.scalar(query) or 0


async def attachment(tx: Tx, attachment_id: str) -> Attachment | None:
    """The attachment, held until the transaction ends. Not authorised; its stack is."""
    return await tx.session.get(Attachment, attachment_id, with_for_update=True)


async def detach_all(tx: Tx, *, context_id: str | None = None, stack_id: str | None = None) -> None:
    """No stack has the context any more, or the stack has none: one of them is about to go."""
    given = [
        column == value
        for column, value in ((Attachment.context_id, context_id), (Attachment.stack_id, stack_id))
        if value is not None
    ]
    await tx.session.execute(delete(Attachment).where(or_(*given)))
