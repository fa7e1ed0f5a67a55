"""Keeping Terraform state: whole or not at all, in order, sealed."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gantry.domains.contexts import service as contexts
from gantry.domains.contexts.kinds import OwnerKind
from gantry.domains.people.actions import Action
from gantry.domains.stacks import access
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks.events import StackChanged
from gantry.domains.stacks.model import Stack
from gantry.domains.tfstate import repo, rules
from gantry.domains.tfstate.events import StateWritten
from gantry.domains.tfstate.model import StackOutput, StateLock, StateVersion
from gantry.kernel.errors import Conflict, NotFound, UserError
from gantry.kernel.ids import new_id, slug
from gantry.kernel.tx import SYSTEM, Actor, Tx
from gantry.ports.db import Db
from gantry.ports.objects import Bucket, Objects
from gantry.ports.vault import Vault


class StateLocked(Conflict):
    """Somebody else holds the state; `info` is what they said when they took it."""

    code = "STATE_LOCKED"
    status = 423

    def __init__(self, info: Mapping[str, Any]) -> None:
        who = info.get("Who") or "somebody"
        super().__init__(f"The state is locked by {who} (lock {info.get('ID')}).")
        self.info = dict(info)


class WrongLock(Conflict):
    """The lock that was named is not the one that is held."""

    code = "WRONG_STATE_LOCK"

    def __init__(self, held: str | None) -> None:
        holds = f"is held under lock {held}" if held else "is not locked"
        super().__init__(f"The state {holds}; the lock id does not fit.")


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes a state: a run, or a person who imports or rolls back."""

    name: str
    run_id: str | None = None


async def read(db: Db, vault: Vault, objects: Objects, stack_id: str) -> bytes | None:
    """The stack's current state, as Terraform wrote it; None when there is none yet."""
    async with db.read(SYSTEM) as tx:
        current = await repo.current(tx, stack_id)
    return None if current is None else await read_version(vault, objects, current)


async def read_version(vault: Vault, objects: Objects, version: StateVersion) -> bytes:
    """The bytes of one stored state. Raises ObjectMissing, Unreadable."""
    sealed = await objects.get(Bucket.STATES, version.object_key)
    return await asyncio.to_thread(vault.open, sealed, identity=f"state:{version.id}")


async def lock(tx: Tx, stack_id: str, info: Mapping[str, Any], *, run_id: str | None) -> None:
    """Hold the state for the caller; asking again with the same id is harmless.

    Raises StateLocked with the holder's own words.
    """
    lock_id = str(info.get("ID") or "")
    if not lock_id:
        raise UserError("The lock request names no ID.")
    wanted = StateLock(
        stack_id=stack_id, lock_id=lock_id, info=dict(info), run_id=run_id, locked_at=tx.now
    )
    if await repo.take_lock(tx, wanted):
        return
    held = await repo.lock_of(tx, stack_id)
    if held is None:
        raise Conflict("The state was unlocked just now; try again.")
    if held.lock_id != lock_id:
        raise StateLocked(held.info)


async def unlock(tx: Tx, stack_id: str, lock_id: str) -> None:
    """Let the state go; letting go twice is harmless. Raises WrongLock for another's lock."""
    held = await repo.lock_of(tx, stack_id)
    if held is None:
        return
    if held.lock_id != lock_id:
        raise WrongLock(held.lock_id)
    await tx.session.delete(held)


async def write(
    db: Db,
    vault: Vault,
    objects: Objects,
    stack_id: str,
    body: bytes,
    *,
    lock_id: str | None,
    writer: Writer,
) -> None:
    """Keep a new state. The object is stored first, so that a kept row always has its bytes.

    Raises BadState, WrongLock, StateConflict, StorageDown; then nothing has changed.
    """
    parsed = await asyncio.to_thread(rules.parse, body)
    version = await _store(vault, objects, stack_id, body, parsed, writer)
    kept = False
    try:
        async with db.write(SYSTEM) as tx:
            held = await repo.lock_of(tx, stack_id)
            if (held.lock_id if held else None) != lock_id:
                raise WrongLock(held.lock_id if held else None)
            kept = await _succeed(tx, parsed, version)
    finally:
        if not kept:
            await objects.delete(Bucket.STATES, version.object_key)


async def _succeed(tx: Tx, parsed: rules.ParsedState, version: StateVersion) -> bool:
    # The stack's row keeps two writers apart even when neither holds a state lock.
    await stacks.lock(tx, version.stack_id)
    before = await repo.current(tx, version.stack_id)
    if before is not None and not rules.check_succession(
        parsed, version.sha256, serial=before.serial, lineage=before.lineage, digest=before.sha256
    ):
        return False
    version.created_at = tx.now
    tx.session.add(version)
    tx.emit(StateWritten(version.stack_id, version.id))
    return True


async def import_state(
    db: Db, vault: Vault, objects: Objects, actor: Actor, stack_id: str, body: bytes
) -> None:
    """Put a state on top of the stack's history; its serial is raised above the current one.

    The stack must be locked by the actor and have no run that holds it (reference behaviour).
    Raises Conflict, BadState, NotAllowed.
    """
    parsed = await asyncio.to_thread(rules.parse, body)
    async with db.write(actor) as tx:
        stack = await _for_surgery(tx, stack_id, Action.STACK_MANAGED_STATE_IMPORT)
        before = await repo.current(tx, stack.id)
        await _put_on_top(tx, vault, objects, stack, parsed, before, imported=True)


async def seed(
    db: Db, vault: Vault, objects: Objects, actor: Actor, stack_id: str, body: bytes
) -> None:
    """The first state of a new stack, uploaded before it was made.

    Raises BadState, Conflict when the stack has a state or keeps it elsewhere, NotAllowed.
    """
    parsed = await asyncio.to_thread(rules.parse, body)
    async with db.write(actor) as tx:
        stack = await stacks.lock(tx, stack_id)
        access.require(tx, Action.STACK_CREATE, stack)
        if not stack.manages_state:
            raise Conflict("Gantry does not manage the state of this stack.")
        if await repo.current(tx, stack.id) is not None:
            raise Conflict("The stack has a state already.")
        await _put_on_top(tx, vault, objects, stack, parsed, None, imported=True)


async def reslug(tx: Tx, vault: Vault, stack_id: str) -> Stack:
    """Give the stack the id that fits its name, and take along what is sealed for the old one.

    Raises Conflict while a run of it is unfinished, NotAllowed, NotFound.
    """
    stack = await stacks.lock(tx, stack_id)
    access.require(tx, Action.STACK_RESLUG, stack)
    wanted = slug(stack.name)
    if wanted == stack.id:
        return stack
    if await stacks.id_taken(tx, wanted):
        raise Conflict(f'stack with slug "{wanted}" already exists')
    if await repo.has_unfinished_run(tx, stack.id):
        raise Conflict("A run of this stack is not finished; wait for it first.")
    outputs = (await repo.outputs(tx, [stack.id]))[stack.id]
    plain = [
        (o, vault.open(o.value_sealed, identity=o.identity)) for o in outputs if o.value_sealed
    ]
    await contexts.change_owner(tx, vault, owner=OwnerKind.STACK, before=stack.id, after=wanted)
    await tx.session.flush()
    await stacks.rename_id(tx, stack.id, wanted)
    tx.session.expunge_all()
    for output, value in plain:
        await repo.reseal_output(
            tx, wanted, output.name, vault.seal(value, identity=f"output:{wanted}:{output.name}")
        )
    tx.emit(StackChanged(wanted))
    return await stacks.find(tx, wanted)


async def rollback(
    db: Db, vault: Vault, objects: Objects, actor: Actor, stack_id: str, version_id: str
) -> StateVersion:
    """Make an earlier state the current one, as a new version.

    Raises NotFound for the version, and as `import_state` does.
    """
    async with db.write(actor) as tx:
        stack = await _for_surgery(tx, stack_id, Action.STACK_MANAGED_STATE_ROLLBACK)
        before = await repo.current(tx, stack.id)
        wanted = await repo.version(tx, stack.id, version_id)
        if wanted is None or before is None:
            raise NotFound("state version not found")
        if wanted.id == before.id:
            raise Conflict("This is the current state already.")
        parsed = rules.parse(await read_version(vault, objects, wanted))
        return await _put_on_top(tx, vault, objects, stack, parsed, before, rollback_of=wanted.id)


async def _for_surgery(tx: Tx, stack_id: str, action: Action) -> Stack:
    stack = await stacks.lock(tx, stack_id)
    access.require(tx, action, stack)
    if not stack.manages_state:
        raise Conflict("Gantry does not manage the state of this stack.")
    if stack.locked_at is None:
        raise Conflict("Lock the stack first, so that no run meets a state that changes.")
    access.require_unlocked(tx, stack)
    return stack


async def _put_on_top(
    tx: Tx,
    vault: Vault,
    objects: Objects,
    stack: Stack,
    parsed: rules.ParsedState,
    before: StateVersion | None,
    *,
    imported: bool = False,
    rollback_of: str | None = None,
) -> StateVersion:
    document = dict(parsed.document)
    if before is not None:
        document["serial"] = max(parsed.serial, before.serial) + 1
        document["lineage"] = before.lineage
    body = json.dumps(document, indent=2).encode()
    raised = rules.ParsedState(document["serial"], document["lineage"], parsed.outputs, document)
    version = await _store(vault, objects, stack.id, body, raised, Writer(tx.actor.name))
    version.imported, version.rollback_of, version.created_at = imported, rollback_of, tx.now
    tx.session.add(version)
    tx.emit(StateWritten(stack.id, version.id))
    return version


async def _store(
    vault: Vault,
    objects: Objects,
    stack_id: str,
    body: bytes,
    parsed: rules.ParsedState,
    writer: Writer,
) -> StateVersion:
    version_id = new_id()
    sealed = await asyncio.to_thread(vault.seal, body, identity=f"state:{version_id}")
    # The key names no stack: object stores show keys to people who must not see names.
    key = f"{version_id[:10].lower()}/{version_id}"
    await objects.put(Bucket.STATES, key, sealed)
    outputs = json.dumps(parsed.outputs).encode()
    return StateVersion(
        id=version_id,
        stack_id=stack_id,
        serial=parsed.serial,
        lineage=parsed.lineage,
        size=len(body),
        sha256=rules.digest(body),
        object_key=key,
        run_id=writer.run_id,
        created_by=writer.name,
        outputs_sealed=vault.seal(outputs, identity=f"state-outputs:{version_id}"),
    )


@dataclass(frozen=True, slots=True)
class FreshOutput:
    """An output as a run made it; `value` is JSON text, None when it is held back."""

    name: str
    value: str | None
    sensitive: bool
    description: str | None = None


async def outputs_of_current(tx: Tx, vault: Vault, stack_id: str) -> list[FreshOutput] | None:
    """The outputs in the stack's current state; None when there is no state."""
    current = await repo.current(tx, stack_id)
    if current is None:
        return None
    plain = vault.open(current.outputs_sealed, identity=f"state-outputs:{current.id}")
    return [
        FreshOutput(name, json.dumps(output.get("value")), bool(output.get("sensitive")))
        for name, output in json.loads(plain).items()
        if isinstance(output, dict)
    ]


async def publish_outputs(
    tx: Tx,
    vault: Vault,
    stack_id: str,
    fresh: Sequence[FreshOutput],
    *,
    run_id: str | None,
    keep_sensitive: bool,
) -> None:
    """These are the stack's outputs from now on; secret values only if the stack shares them."""
    rows = []
    for output in fresh:
        row = StackOutput(
            stack_id=stack_id,
            name=output.name,
            sensitive=output.sensitive,
            description=output.description,
            run_id=run_id,
            value_hash=hashlib.sha256((output.value or "").encode()).hexdigest(),
            value_sealed=None,
        )
        if output.value is not None and (keep_sensitive or not output.sensitive):
            row.value_sealed = vault.seal(output.value.encode(), identity=row.identity)
        rows.append(row)
    await repo.replace_outputs(tx, stack_id, rows)


def output_value(vault: Vault, output: StackOutput) -> str | None:
    """The output's JSON text; None when it is secret or was held back."""
    if output.value_sealed is None or output.sensitive:
        return None
    return vault.open(output.value_sealed, identity=output.identity).decode()


async def index(db: Db, vault: Vault, objects: Objects, *, stack_id: str, version_id: str) -> None:
    """Note which resources the state holds. Safe to run twice or late: a newer state wins."""
    async with db.read(SYSTEM) as tx:
        current = await repo.current(tx, stack_id)
    if current is None or current.id != version_id:
        return
    parsed = rules.parse(await read_version(vault, objects, current))
    found = await asyncio.to_thread(lambda: list(rules.resources(parsed.document)))
    async with db.write(SYSTEM) as tx:
        await stacks.lock(tx, stack_id)
        newest = await repo.current(tx, stack_id)
        if newest is not None and newest.id == version_id:
            await repo.replace_resources(tx, stack_id, found, newest.run_id)
            tx.emit(StackChanged(stack_id))
