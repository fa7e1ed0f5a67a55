"""What people do to a state by hand: import, roll back, seed a new stack, follow a new id.

Bytes travel before the transaction; inside it, what they were made from is checked again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

from gantry.domains.audit import service as audit
from gantry.domains.audit.kinds import Resource
from gantry.domains.contexts import service as contexts
from gantry.domains.contexts.kinds import OwnerKind
from gantry.domains.notifications import service as notifications
from gantry.domains.people.actions import Action
from gantry.domains.roles import repo as roles
from gantry.domains.roles.model import Subject
from gantry.domains.stacks import access
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks import service as stack_service
from gantry.domains.stacks.events import StackChanged
from gantry.domains.stacks.model import Stack
from gantry.domains.stacks.service import Wanted
from gantry.domains.tfstate import repo, rules, unsaved
from gantry.domains.tfstate.events import StateWritten
from gantry.domains.tfstate.model import StateVersion
from gantry.domains.tfstate.service import Writer, read_version, store
from gantry.kernel.errors import Conflict, NotFound
from gantry.kernel.ids import is_ulid, slug
from gantry.kernel.tx import Actor, Tx
from gantry.ports.db import Db
from gantry.ports.objects import Bucket, Objects
from gantry.ports.vault import Vault


async def import_state(
    db: Db,
    vault: Vault,
    objects: Objects,
    actor: Actor,
    stack_id: str,
    body: bytes | bytearray,
    *,
    only_next: bool = False,
    also: Callable[[Tx], Awaitable[None]] | None = None,
) -> None:
    """Put a state on top of the stack's history; its serial is raised above the current one.

    The stack must be locked by the actor and have no run that holds it (reference behaviour).
    `only_next` refuses what no backend would take: another lineage, or a serial that is not ahead.
    `also` happens if the state is kept, in the same transaction.

    Raises Conflict, BadState, NotAllowed; StateConflict for what is not the next.
    """
    parsed = await asyncio.to_thread(rules.parse, body)
    async with db.read(actor) as tx:
        await _require(tx, await stacks.find(tx, stack_id), Action.STACK_MANAGED_STATE_IMPORT)
        before = await repo.current(tx, stack_id)
    if only_next:
        require_next(parsed, await asyncio.to_thread(rules.digest, body), before)
    version = await _raised(vault, objects, actor, stack_id, parsed, before)
    version.imported = True
    await _keep(db, objects, actor, version, before, Action.STACK_MANAGED_STATE_IMPORT, also)


async def import_unsaved(
    db: Db,
    vault: Vault,
    objects: Objects,
    actor: Actor,
    stack_id: str,
    run_id: str,
    *,
    most: int,
) -> None:
    """Make the state that a run left, and no backend took, the stack's own; the copy goes.

    Raises NotFound, TooLarge when it has more bytes than `most`, and as `import_state` does with
    `only_next`.
    """
    async with db.read(actor) as tx:
        await _require(tx, await stacks.find(tx, stack_id), Action.STACK_MANAGED_STATE_IMPORT)
    body = await unsaved.read_whole(db, vault, actor, stack_id, run_id, most=most)
    await import_state(
        *(db, vault, objects, actor, stack_id, body),
        only_next=True,
        also=lambda tx: unsaved.forget(tx, run_id),
    )


async def discard_unsaved(tx: Tx, stack_id: str, run_id: str) -> None:
    """Delete the state that a run left, for good. Raises NotFound, NotAllowed."""
    stack = await stacks.lock(tx, stack_id)
    access.require(tx, Action.STACK_MANAGED_STATE_IMPORT, stack)
    await unsaved.require_of(tx, stack.id, run_id)
    await unsaved.forget(tx, run_id)
    tx.emit(StackChanged(stack.id))


def require_next(head: rules.StateHead, digest: str, before: StateVersion | None) -> None:
    """The state may follow the current one as a run's would. Raises StateConflict, Conflict."""
    if before is not None and not rules.check_succession(
        head, digest, serial=before.serial, lineage=before.lineage, digest=before.sha256
    ):
        raise Conflict("This is the current state already.")


async def rollback(
    db: Db, vault: Vault, objects: Objects, actor: Actor, stack_id: str, version_id: str
) -> StateVersion:
    """Make an earlier state the current one, as a new version.

    Raises NotFound for the version, and as `import_state` does.
    """
    async with db.read(actor) as tx:
        await _require(tx, await stacks.find(tx, stack_id), Action.STACK_MANAGED_STATE_ROLLBACK)
        before = await repo.current(tx, stack_id)
        wanted = await repo.version(tx, stack_id, version_id)
    if wanted is None or before is None:
        raise NotFound("state version not found")
    if wanted.id == before.id:
        raise Conflict("This is the current state already.")
    parsed = await asyncio.to_thread(rules.parse, await read_version(vault, objects, wanted))
    version = await _raised(vault, objects, actor, stack_id, parsed, before)
    version.rollback_of = wanted.id
    await _keep(db, objects, actor, version, before, Action.STACK_MANAGED_STATE_ROLLBACK)
    return version


async def create_with_state(
    db: Db,
    vault: Vault,
    objects: Objects,
    actor: Actor,
    wanted: Wanted,
    body: bytes,
    *,
    forced_slug: str | None = None,
) -> Stack:
    """A new stack with a state that was kept elsewhere before: both are there, or neither.

    Raises BadState, and as stacks.service.create does.
    """
    parsed = await asyncio.to_thread(rules.parse, body)
    version = await _raised(vault, objects, actor, "", parsed, None)
    version.imported = True
    kept = False
    try:
        async with db.write(actor) as tx:
            stack = await stack_service.create(
                tx, wanted, manages_state=True, forced_slug=forced_slug
            )
            await tx.session.flush()
            version.stack_id, version.created_at = stack.id, tx.now
            tx.session.add(version)
            audit.record(
                tx,
                "stack.create",
                Resource.STACK,
                stack.id,
                given={"name": stack.name, "space": stack.space_id, "state": version.sha256},
            )
            tx.emit(StateWritten(stack.id, version.id))
            kept = True
    finally:
        if not kept:
            await objects.delete(Bucket.STATES, version.object_key)
    return stack


async def reslug(tx: Tx, vault: Vault, stack_id: str) -> Stack:
    """Give the stack the id that fits its name, and take along what is sealed for the old one.

    Raises Conflict while a run of it is unfinished or for a name without a slug that is free,
    NotAllowed, NotFound.
    """
    stack = await stacks.lock(tx, stack_id)
    access.require(tx, Action.STACK_RESLUG, stack)
    wanted = slug(stack.name)
    if wanted == stack.id:
        return stack
    if is_ulid(wanted):
        raise Conflict("The stack's name reads like the id of a run; rename it first.")
    if await stacks.id_taken(tx, wanted):
        raise Conflict(f'stack with slug "{wanted}" already exists')
    if await repo.has_unfinished_run(tx, stack.id):
        raise Conflict("A run of this stack is not finished; wait for it first.")
    outputs = (await repo.outputs(tx, [stack.id]))[stack.id]
    plain = [
        (o, vault.open(o.value_sealed, identity=o.identity)) for o in outputs if o.value_sealed
    ]
    await contexts.change_owner(tx, vault, owner=OwnerKind.STACK, before=stack.id, after=wanted)
    await roles.rename(tx, Subject.STACK, stack.id, wanted)
    await notifications.renamed(tx, stack.id, wanted)
    await tx.session.flush()
    await stacks.rename_id(tx, stack.id, wanted)
    tx.session.expunge_all()
    for output, value in plain:
        await repo.reseal_output(
            tx, wanted, output.name, vault.seal(value, identity=f"output:{wanted}:{output.name}")
        )
    tx.emit(StackChanged(wanted))
    return await stacks.find(tx, wanted)


def require_right(
    tx: Tx, stack: Stack, action: Action = Action.STACK_MANAGED_STATE_ROLLBACK
) -> None:
    """The actor may do that to the stack's state at all. Raises NotAllowed, Conflict."""
    access.require(tx, action, stack)
    if not stack.manages_state:
        raise Conflict("Gantry does not manage the state of this stack.")


async def _require(tx: Tx, stack: Stack, action: Action) -> None:
    require_right(tx, stack, action)
    if stack.locked_at is None:
        raise Conflict("Lock the stack first, so that no run meets a state that changes.")
    access.require_unlocked(tx, stack)
    if await repo.has_holding_run(tx, stack.id):
        raise Conflict("A run holds the stack; wait for it, discard it or stop it first.")


async def _raised(
    vault: Vault,
    objects: Objects,
    actor: Actor,
    stack_id: str,
    parsed: rules.ParsedState,
    before: StateVersion | None,
) -> StateVersion:
    """The state stored as the one after `before`: a higher serial of the same lineage."""
    document = dict(parsed.document)
    if before is not None:
        document["serial"] = max(parsed.serial, before.serial) + 1
        document["lineage"] = before.lineage
    body = json.dumps(document, indent=2).encode()
    raised = replace(
        parsed, serial=document["serial"], lineage=document["lineage"], document=document
    )
    return await store(vault, objects, stack_id, body, raised, Writer(actor.name))


async def _keep(
    db: Db,
    objects: Objects,
    actor: Actor,
    version: StateVersion,
    before: StateVersion | None,
    action: Action,
    also: Callable[[Tx], Awaitable[None]] | None = None,
) -> None:
    kept = False
    try:
        async with db.write(actor) as tx:
            stack = await stacks.lock(tx, version.stack_id)
            await _require(tx, stack, action)
            now = await repo.current(tx, stack.id)
            if (now.id if now else None) != (before.id if before else None):
                raise Conflict("The state changed just now; look at it and try again.")
            version.created_at = tx.now
            tx.session.add(version)
            what = "rollback" if version.rollback_of else "import"
            audit.record(
                tx,
                f"stack.state_{what}",
                Resource.STACK,
                stack.id,
                given={"version": version.id, "serial": version.serial, "sha256": version.sha256},
            )
            if also is not None:
                await also(tx)
            tx.emit(StateWritten(stack.id, version.id))
            kept = True
    finally:
        if not kept:
            await objects.delete(Bucket.STATES, version.object_key)
