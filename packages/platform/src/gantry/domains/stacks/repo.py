"""Every query about stacks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    delete,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from gantry.domains.contexts.model import Attachment, Context
from gantry.domains.people import access
from gantry.domains.pools import repo as pools
from gantry.domains.pools.model import WorkerPool
from gantry.domains.spaces import repo as spaces
from gantry.domains.spaces.model import Space
from gantry.domains.stacks.model import Provider, Stack, Star, Vendor
from gantry.domains.vcs.model import Commit
from gantry.kernel.errors import NotFound
from gantry.kernel.facets import Facets, count_facets
from gantry.kernel.paging import Page
from gantry.kernel.search import (
    Order,
    Predicate,
    Search,
    Searchable,
    boolean,
    contains,
    equals,
    label,
    run_search,
)
from gantry.kernel.tx import Tx


def visible(tx: Tx) -> Select[Stack]:
    """Every query a person's request leads to starts here."""
    query = select(Stack).where(Stack.deleted_at.is_(None))
    readable = access.readable_spaces(tx.actor)
    return query if readable is None else query.where(Stack.space_id.in_(readable))


async def by_ids(tx: Tx, ids: Sequence[str]) -> dict[str, Stack]:
    """Those of the stacks that exist and that the actor may see."""
    rows = await tx.session.scalars(visible(tx).where(Stack.id.in_(ids)))
    return {stack.id: stack for stack in rows}


async def find(tx: Tx, stack_id: str) -> Stack:
    """The stack. Raises NotFound."""
    stack = await tx.session.scalar(visible(tx).where(Stack.id == stack_id))
    if stack is None:
        raise NotFound("stack not found", detail=f"stack={stack_id}")
    return stack


async def move_deleted(tx: Tx, before: str, after: str) -> None:
    """Rows of deleted stacks of a space belong to another one: theirs is about to go."""
    await tx.session.execute(
        update(Stack)
        .where(Stack.space_id == before, Stack.deleted_at.is_not(None))
        .values(space_id=after)
    )


async def out_of_reach(
    tx: Tx,
    *,
    beneath: str | None = None,
    pool_id: str | None = None,
    context_id: str | None = None,
    stack_id: str | None = None,
) -> list[tuple[str, str]]:
    """(stack, what it uses) by name, where the stack's space may not use that: a worker pool, or a
    context that is attached to it. Of the stacks in a space and beneath it, of those that use a
    pool or a context, or of one stack.
    """
    pools = (
        select(Stack.name, WorkerPool.name.label("used"))
        .join(WorkerPool, WorkerPool.id == Stack.pool_id)
        .join(Space, Space.id == Stack.space_id)
        .where(not_(in_reach(WorkerPool.space_id)))
    )
    contexts = (
        select(Stack.name, Context.name.label("used"))
        .join(Attachment, Attachment.stack_id == Stack.id)
        .join(Context, Context.id == Attachment.context_id)
        .join(Space, Space.id == Stack.space_id)
        .where(not_(in_reach(Context.space_id)))
    )
    narrow: list[ColumnElement[bool]] = [Stack.deleted_at.is_(None)]
    if beneath is not None:
        narrow.append(Space.path.contains([beneath]))
    if stack_id is not None:
        narrow.append(Stack.id == stack_id)
    asked = []
    if context_id is None:
        asked.append(pools.where(*narrow, *([Stack.pool_id == pool_id] if pool_id else [])))
    if pool_id is None:
        same = [Context.id == context_id] if context_id else []
        asked.append(contexts.where(*narrow, *same))
    query = union_all(*asked).order_by(text("1, 2"))
    return list((await tx.session.execute(query)).tuples())


def in_reach(space_id: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Whether something of that space may be used in the space of a query."""
    return or_(space_id == Space.id, space_id == func.any(Space.inherits))


async def lock(tx: Tx, stack_id: str) -> Stack:
    """The stack, held until the transaction ends. Raises NotFound.

    Whoever changes a stack or one of its runs holds this first: it is what keeps two
    decisions about one stack apart, and the one order in which rows are locked.
    """
    stack = await tx.session.scalar(
        visible(tx).where(Stack.id == stack_id).with_for_update(of=Stack),
        execution_options={"populate_existing": True},
    )
    if stack is None:
        raise NotFound("stack not found", detail=f"stack={stack_id}")
    return stack


async def rename_id(tx: Tx, before: str, after: str) -> None:
    """Give the stack another id; every row that names it follows (on update cascade).

    What the session holds of them keeps the old id.
    """
    await tx.session.execute(
        update(Stack).where(Stack.id == before).values(id=after),
        execution_options={"synchronize_session": False},
    )


async def all_visible(tx: Tx) -> list[Stack]:
    """Every stack the actor may see, by name."""
    return list(await tx.session.scalars(visible(tx).order_by(Stack.name, Stack.id)))


async def id_taken(tx: Tx, stack_id: str) -> bool:
    """Whether a stack has the id."""
    return await tx.session.scalar(select(literal(1)).where(Stack.id == stack_id)) is not None


async def count_in_pool(tx: Tx, pool_id: str) -> int:
    """How many stacks use the pool, whoever may see them."""
    query = select(func.count()).where(Stack.pool_id == pool_id, Stack.deleted_at.is_(None))
    return await tx.session.scalar(query) or 0


async def any_stack(tx: Tx) -> bool:
    """Whether the actor can see a stack at all."""
    return (await tx.session.scalars(visible(tx).limit(1))).first() is not None


async def counts_by_state(tx: Tx) -> dict[str, int]:
    """How many visible stacks are in each state."""
    inner = visible(tx).subquery()
    rows = await tx.session.execute(select(inner.c.state, func.count()).group_by(inner.c.state))
    return dict(rows.tuples().all())


async def starred(tx: Tx, stack_ids: Sequence[str]) -> dict[str, bool]:
    """Which of the stacks the actor has starred."""
    query = select(Star.stack_id).where(Star.stack_id.in_(stack_ids), Star.actor == tx.actor.id)
    mine = set(await tx.session.scalars(query))
    return {stack_id: stack_id in mine for stack_id in stack_ids}


async def set_star(tx: Tx, stack_id: str, *, star: bool) -> None:
    """Remember, or forget, that the actor keeps the stack at hand."""
    if star:
        await tx.session.execute(
            insert(Star).values(stack_id=stack_id, actor=tx.actor.id).on_conflict_do_nothing()
        )
    else:
        await tx.session.execute(
            delete(Star).where(Star.stack_id == stack_id, Star.actor == tx.actor.id)
        )


async def show_state(
    tx: Tx, stack_id: str, *, state: str, by: str, applied_at: datetime | None
) -> None:
    """What the list of stacks shows about the run that holds the stack."""
    values: dict[str, Any] = {"state": state, "state_set_at": tx.now, "state_set_by": by}
    if applied_at is not None:
        values["last_apply_at"] = applied_at
    await tx.session.execute(update(Stack).where(Stack.id == stack_id).values(**values))


async def search(tx: Tx, wanted: Search) -> Page[Stack]:
    """A page of the visible stacks. Raises BadSearch, BadCursor."""
    return await run_search(tx, visible(tx), wanted, _searchable(tx), Stack)


async def suggestions(
    tx: Tx, wanted: Search, fields: Sequence[str], *, words: str | None = None
) -> Facets:
    """What the visible stacks of a search can be narrowed by, counted. Raises BadSearch."""
    return await count_facets(tx, visible(tx), wanted, _searchable(tx), fields, words=words)


def _searchable(tx: Tx) -> Searchable:
    mine = select(Star.stack_id).where(Star.actor == tx.actor.id)
    starred = Stack.id.in_(mine)
    return Searchable(
        fields={**_FIELDS, "starred": boolean(starred)},
        orders={**_ORDERS, "starred": case((starred, 1), else_=0)},
        text=_text,
        default_order=Order("createdAt"),
        key=Stack.id,
        facets={**_FACETS, "starred": _yes_or_no(starred)},
        named={
            "space": lambda ids, words: ids.in_(
                spaces.visible(tx).with_only_columns(Space.id).where(contains(Space.name, words))
            ),
            "workerPool": lambda ids, words: ids.in_(
                pools.visible(tx)
                .with_only_columns(WorkerPool.id)
                .where(contains(WorkerPool.name, words))
            ),
        },
    )


def _text(word: str) -> Any:
    return or_(
        contains(Stack.name, word),
        contains(Stack.id, word),
        contains(Stack.description, word),
        contains(func.cast(Stack.labels, Stack.name.type), word),
    )


def _repository(predicate: Predicate) -> Any:
    # Clients send `owner/name` from the Git remote while the stack holds the bare name; a raw Git
    # stack often has the owner in its address only.
    values = [value.strip("/") for value in predicate.strings or []]
    address = func.regexp_replace(Stack.repository_url, r"(\.git)?/*$", "")
    return or_(
        Stack.repository.in_(values),
        func.concat(Stack.namespace, "/", Stack.repository).in_(values),
        func.substring(address, r"[^/:]+/[^/:]+$").in_(values),
    )


def _project_root(predicate: Predicate) -> Any:
    values = [value.strip("/") for value in predicate.strings or []]
    return func.trim(func.coalesce(Stack.project_root, ""), "/").in_(values)


def _commit(predicate: Predicate) -> Any:
    wanted = select(Commit.id).where(Commit.sha.in_(predicate.strings or []))
    return Stack.tracked_commit_id.in_(wanted)


_VENDOR_NAMES = {
    "terraform": (Vendor.TERRAFORM,),
    "opentofu": (Vendor.OPENTOFU,),
    "open_tofu": (Vendor.OPENTOFU,),
    **{
        vendor.value: (vendor,)
        for vendor in Vendor
        if vendor.value not in ("terraform", "opentofu")
    },
}


def _vendor(predicate: Predicate) -> Any:
    names = [name.lower() for name in predicate.enums or predicate.strings or []]
    return Stack.vendor.in_([v for name in names for v in _VENDOR_NAMES.get(name, ())])


PUBLIC_POOL = "public"
"""What stands for the pool of stacks that name none; no id of a pool looks like it."""


def _pool(predicate: Predicate) -> Any:
    ids = predicate.strings or []
    return or_(Stack.pool_id.in_(ids), and_(Stack.pool_id.is_(None), literal(PUBLIC_POOL in ids)))


def _yes_or_no(condition: Any) -> Any:
    return case((condition, "true"), else_="false")


_FIELDS = {
    "administrative": boolean(Stack.administrative),
    "locked": boolean(Stack.locked_at.is_not(None)),
    "isDisabled": boolean(Stack.disabled),
    "state": equals(Stack.state),
    "vendor": _vendor,
    "branch": equals(Stack.branch),
    "commit": _commit,
    "label": label(Stack.labels),
    "labels": label(Stack.labels),
    "name": equals(Stack.name),
    "slug": equals(Stack.id),
    "space": equals(Stack.space_id),
    "projectRoot": _project_root,
    "repository": _repository,
    "workerPool": _pool,
}
_ORDERS = {
    "createdAt": Stack.created_at,
    "name": Stack.name,
    "state": Stack.state,
    # A stack without the time stands where it was made: a cursor cannot hold "never".
    "stateSetAt": func.coalesce(Stack.state_set_at, Stack.created_at),
    "lockedAt": func.coalesce(Stack.locked_at, Stack.created_at),
}
_FACETS = {
    "administrative": _yes_or_no(Stack.administrative),
    "branch": Stack.branch,
    "isDisabled": _yes_or_no(Stack.disabled),
    "label": func.jsonb_array_elements_text(Stack.labels),
    "locked": _yes_or_no(Stack.locked_at.is_not(None)),
    "repository": case(
        (Stack.namespace != "", func.concat(Stack.namespace, "/", Stack.repository)),
        else_=Stack.repository,
    ),
    "space": Stack.space_id,
    "state": Stack.state,
    "vendor": cast(Stack.vendor, Text),
    "workerPool": func.coalesce(Stack.pool_id, PUBLIC_POOL),
}
"""What each stack has of the fields whose values are counted."""


async def due_for_sync(tx: Tx, before: datetime, limit: int) -> list[Stack]:
    """Raw Git stacks whose branch was not looked at since `before`, longest ago first."""
    query = (
        select(Stack)
        .where(
            Stack.deleted_at.is_(None),
            Stack.provider == Provider.GIT,
            or_(Stack.synced_at.is_(None), and_(Stack.synced_at < before)),
        )
        .order_by(Stack.synced_at.asc().nulls_first())
        .limit(limit)
    )
    return list(await tx.session.scalars(query))
