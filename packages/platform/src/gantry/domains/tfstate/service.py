"""Keeping Terraform state: whole or not at all, in order, sealed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks.events import StackChanged
from gantry.domains.tfstate import repo, rules
from gantry.domains.tfstate.events import StateWritten
from gantry.domains.tfstate.model import StackOutput, StateLock, StateVersion
from gantry.kernel.errors import Conflict, UserError
from gantry.kernel.ids import new_id
from gantry.kernel.sealed import version_of
from gantry.kernel.tx import SYSTEM, Tx
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

    def __init__(self) -> None:
        # The id that is held stays unsaid: it is what a lock is released with.
        super().__init__("The lock id does not fit: the state is not locked by you under it.")


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes a state: a run, or a person who imports or rolls back."""

    name: str
    run_id: str | None = None


PIECE = 4 * 1024 * 1024
"""Bytes that are sealed or opened at a time: most states are one piece, and a large one is in
memory once, and not once more sealed."""


async def read(
    db: Db, vault: Vault, objects: Objects, stack_id: str, *, version_id: str | None = None
) -> bytearray | None:
    """The stack's current state, or an earlier one, as it was kept; None when there is none."""
    async with db.read(SYSTEM) as tx:
        if version_id is None:
            found = await repo.current(tx, stack_id)
        else:
            found = await repo.version(tx, stack_id, version_id)
    return None if found is None else await read_version(vault, objects, found)


async def read_version(vault: Vault, objects: Objects, version: StateVersion) -> bytearray:
    """The bytes of one stored state. Raises ObjectMissing, StorageDown, Unreadable."""
    return await read_object(vault, objects, version.id, version.object_key)


async def read_object(vault: Vault, objects: Objects, version_id: str, key: str) -> bytearray:
    """As `read_version`, from an object that may not be the version's yet."""
    opening, plain, start = vault.opening(identity=identity(version_id)), bytearray(), 0
    while True:
        piece = await objects.get_range(Bucket.STATES, key, start, start + PIECE)
        plain += await asyncio.to_thread(opening.take, piece)
        start += len(piece)
        if len(piece) < PIECE:
            break
    opening.finish()
    return plain


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
    if not await require_free(tx, stack_id, info, run_id=run_id):
        raise Conflict("The state was unlocked just now; try again.")


async def require_free(
    tx: Tx, stack_id: str, info: Mapping[str, Any], *, run_id: str | None
) -> bool:
    """Whether the caller holds the state already. Raises StateLocked when somebody else does."""
    held = await repo.lock_of(tx, stack_id)
    if held is not None and (held.lock_id != info.get("ID") or held.run_id != run_id):
        raise StateLocked(held.info)
    return held is not None


async def unlock(tx: Tx, stack_id: str, lock_id: str, *, run_id: str | None) -> None:
    """Let the state go; letting go twice is harmless. Raises WrongLock for another's lock."""
    held = await repo.lock_of(tx, stack_id)
    if held is None:
        return
    if held.lock_id != lock_id or held.run_id != run_id:
        raise WrongLock
    await tx.session.delete(held)


async def write(
    db: Db,
    vault: Vault,
    objects: Objects,
    stack_id: str,
    body: bytes | bytearray,
    *,
    lock_id: str | None,
    writer: Writer,
    still_allowed: Callable[[Tx], Awaitable[None]],
) -> None:
    """Keep a new state. The object is stored first, so that a kept row always has its bytes.

    `still_allowed` holds the stack, which keeps two writers apart even when neither holds a state
    lock, and raises when the writer lost its right while the bytes travelled; it is asked in the
    transaction that keeps the state.

    Raises BadState, WrongLock, StateConflict, StorageDown; then nothing has changed.
    """
    head = await asyncio.to_thread(rules.look, body)
    version = await store(vault, objects, stack_id, body, head, writer)
    kept = False
    try:
        async with db.write(SYSTEM) as tx:
            await still_allowed(tx)
            held = await repo.lock_of(tx, stack_id)
            # A run that names no lock may write under its own: an apply that could not reach us
            # leaves its lock behind, and what it made must not be lost for that.
            own = held is not None and lock_id is None and held.run_id == writer.run_id is not None
            if (held.lock_id if held else None) != lock_id and not own:
                raise WrongLock
            kept = await _succeed(tx, head, version)
    finally:
        if not kept:
            await objects.delete(Bucket.STATES, version.object_key)


async def _succeed(tx: Tx, head: rules.StateHead, version: StateVersion) -> bool:
    before = await repo.current(tx, version.stack_id)
    if before is not None and not rules.check_succession(
        head, version.sha256, serial=before.serial, lineage=before.lineage, digest=before.sha256
    ):
        return False
    version.created_at = tx.now
    tx.session.add(version)
    tx.emit(StateWritten(version.stack_id, version.id))
    return True


async def store(
    vault: Vault,
    objects: Objects,
    stack_id: str,
    body: bytes | bytearray,
    head: rules.StateHead,
    writer: Writer,
) -> StateVersion:
    """Store the bytes, sealed, and answer the row that names them; the caller keeps the row.

    Raises StorageDown.
    """
    version_id = new_id()
    # The key names no stack: object stores show keys to people who must not see names.
    base = f"{version_id[:10].lower()}/{version_id}"
    sha256 = await asyncio.to_thread(rules.digest, body)
    key = await put_sealed(vault, objects, base, body, identity(version_id))
    outputs = json.dumps(head.outputs).encode()
    return StateVersion(
        id=version_id,
        stack_id=stack_id,
        serial=head.serial,
        lineage=head.lineage,
        size=len(body),
        sha256=sha256,
        object_key=key,
        run_id=writer.run_id,
        created_by=writer.name,
        outputs_sealed=vault.seal(outputs, identity=f"state-outputs:{version_id}"),
        terraform_version=head.terraform_version,
        resource_count=head.resources,
    )


def identity(version_id: str) -> str:
    """What the bytes of a stored state are bound to."""
    return f"state:{version_id}"


def ending(version: int) -> str:
    """What the names of objects end with that are sealed with this version of the data key."""
    return f".{version}"


async def put_sealed(
    vault: Vault, objects: Objects, base: str, body: bytes | bytearray, bound_to: str
) -> str:
    """Store the bytes, sealed, under a name that begins with `base`; returns the name.

    Raises StorageDown.
    """
    if len(body) <= PIECE:
        sealed = await asyncio.to_thread(vault.seal, bytes(body), identity=bound_to)
        key = base + ending(version_of(sealed))
        await objects.put(Bucket.STATES, key, sealed)
        return key
    sealing, plain = vault.sealing(identity=bound_to), memoryview(body)
    head = sealing.take(b"")  # says the version before anything is stored
    key = base + ending(version_of(head))

    async def pieces() -> AsyncIterator[bytes]:
        yield head
        for start in range(0, len(plain), PIECE):
            yield await asyncio.to_thread(sealing.take, plain[start : start + PIECE])
        yield sealing.finish()

    await objects.put_pieces(Bucket.STATES, key, pieces())
    return key


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
            # Keyed, so that a weak secret cannot be guessed from its hash.
            value_hash=vault.sign_url(f"output\n{stack_id}\n{output.name}\n{output.value or ''}"),
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
    found = await _found(vault, objects, current)
    async with db.write(SYSTEM) as tx:
        if stack_id not in await stacks.by_ids(tx, [stack_id]):
            return  # deleted meanwhile, and its resources with it
        await stacks.lock(tx, stack_id)
        newest = await repo.current(tx, stack_id)
        if newest is not None and newest.id == version_id:
            await repo.replace_resources(tx, stack_id, found, newest.run_id)
            tx.emit(StackChanged(stack_id))


async def _found(
    vault: Vault, objects: Objects, version: StateVersion
) -> list[rules.FoundResource]:
    """What the version holds. The state itself, which is as large, is let go of here."""
    body = await read_version(vault, objects, version)
    return await asyncio.to_thread(lambda: list(rules.resources(body)))
