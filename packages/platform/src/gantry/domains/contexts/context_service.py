"""What can be done with contexts: making, changing and deleting them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gantry.domains.contexts import context_repo, repo, rules, service
from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.domains.contexts.model import ConfigElement, Context
from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.spaces import repo as space_repo
from gantry.domains.spaces import service as spaces
from gantry.kernel.errors import Conflict
from gantry.kernel.ids import is_ulid, slug, unique_slug
from gantry.kernel.tx import Tx
from gantry.ports.vault import Vault


@dataclass(frozen=True, slots=True)
class WantedElement:
    """A variable or file as somebody wants it."""

    type: ElementType
    id: str
    value: str
    write_only: bool
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A context as somebody wants it. `elements` None keeps those there are."""

    name: str
    description: str | None = None
    labels: Sequence[str] = ()
    space_id: str | None = None
    hooks: Mapping[str, Sequence[str]] | None = None
    elements: Sequence[WantedElement] | None = None


async def create(tx: Tx, vault: Vault, wanted: Wanted) -> Context:
    """A new context. Raises BadContext, BadElement, Conflict for a taken name, NotFound for the
    space, NotAllowed.
    """
    space = await spaces.resolve(tx, wanted.space_id)
    access.require(tx, Action.CONTEXT_CREATE, space.id)
    name, labels, hooks = _checked(wanted)
    await _require_free(tx, name)
    base = slug(name) or "context"
    taken = await context_repo.ids_like(tx, base)
    context = Context(
        # No id may read as that of something else (contract notes, "Identifiers").
        id=unique_slug(name, taken | ({base} if is_ulid(base) else set())),
        name=name,
        description=wanted.description,
        labels=labels,
        space_id=space.id,
        hooks=hooks,
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.session.add(context)
    await tx.session.flush()
    await _put_all(tx, vault, context, wanted.elements or ())
    return context


async def update(
    tx: Tx, vault: Vault, context_id: str, wanted: Wanted, *, replace_elements: bool
) -> Context:
    """Change a context; its id stays. With `replace_elements` its variables and files are those
    wanted and no others; otherwise they stay as they are. The caller looks whether every stack
    still reaches it (`stacks.homes`). Raises as `create` does.
    """
    context = await context_repo.lock(tx, context_id)
    access.require(tx, Action.CONTEXT_UPDATE, context.space_id)
    name, labels, hooks = _checked(wanted)
    await _require_free(tx, name, except_id=context.id)
    if wanted.space_id and wanted.space_id != context.space_id:
        space = await spaces.resolve(tx, wanted.space_id)
        access.require(tx, Action.CONTEXT_CREATE, space.id)
        context.space_id = space.id
    context.name, context.description, context.labels = name, wanted.description, labels
    if wanted.hooks is not None:
        context.hooks = hooks
    context.updated_at = tx.now
    if replace_elements:
        await repo.drop_owner(tx, OwnerKind.CONTEXT, context.id)
        await _put_all(tx, vault, context, wanted.elements or ())
    await tx.session.flush()
    return context


async def delete(tx: Tx, context_id: str, *, force: bool) -> Context:
    """The context is no more. Raises Conflict while stacks have it attached, unless forced."""
    context = await context_repo.lock(tx, context_id)
    access.require(tx, Action.CONTEXT_DELETE, context.space_id)
    attached = await context_repo.count_attached(tx, context.id)
    if attached and not force:
        stacks = "1 stack" if attached == 1 else f"{attached} stacks"
        raise Conflict(f"The context {context.name} is attached to {stacks}; detach it first.")
    await context_repo.detach_all(tx, context_id=context.id)
    await repo.drop_owner(tx, OwnerKind.CONTEXT, context.id)
    await tx.session.delete(context)
    await tx.session.flush()
    return context


async def put_element(
    tx: Tx, vault: Vault, context_id: str, wanted: WantedElement
) -> ConfigElement:
    """Set a variable or a file; one of the same name is replaced. Raises BadElement, TooLarge."""
    context = await context_repo.lock(tx, context_id)
    access.require(tx, Action.CONTEXT_UPDATE, context.space_id)
    context.updated_at = tx.now
    return await _put(tx, vault, context, wanted)


async def remove_element(tx: Tx, context_id: str, element_id: str) -> ConfigElement | None:
    """The variable or file is gone; None when there was none of that name."""
    context = await context_repo.lock(tx, context_id)
    access.require(tx, Action.CONTEXT_UPDATE, context.space_id)
    context.updated_at = tx.now
    return await repo.remove(tx, OwnerKind.CONTEXT, context.id, element_id)


async def _put_all(tx: Tx, vault: Vault, context: Context, wanted: Sequence[WantedElement]) -> None:
    for element in wanted:
        await _put(tx, vault, context, element)


async def _put(tx: Tx, vault: Vault, context: Context, wanted: WantedElement) -> ConfigElement:
    return await service.put(
        tx,
        vault,
        owner=OwnerKind.CONTEXT,
        owner_id=context.id,
        element_type=wanted.type,
        element_id=wanted.id,
        value=wanted.value,
        write_only=wanted.write_only,
        description=wanted.description,
    )


async def _require_free(tx: Tx, name: str, *, except_id: str = "") -> None:
    await space_repo.hold_tree(tx)
    if await context_repo.name_taken(tx, name, except_id=except_id):
        raise Conflict(f'There is a context with the name "{name}" already.')


def _checked(wanted: Wanted) -> tuple[str, list[str], dict[str, list[str]]]:
    name = rules.checked_name(wanted.name)
    labels = rules.checked_labels(wanted.labels)
    hooks = {name: list(commands) for name, commands in (wanted.hooks or {}).items()}
    if faults := rules.hook_faults(hooks):
        raise rules.BadContext("; ".join(faults))
    return name, labels, hooks
