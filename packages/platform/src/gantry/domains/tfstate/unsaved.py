"""States that no backend took: what a run changed, and the stack's state does not hold.

They are kept in the database, because object storage is what is away when this happens, and apart
from the stack's states, because somebody has to look before one of them becomes the next.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group, Severity
from gantry.domains.tfstate import repo, rules
from gantry.domains.tfstate.model import UnsavedState
from gantry.kernel.errors import NotFound, TooLarge
from gantry.kernel.tx import Actor, Tx
from gantry.ports.db import Db
from gantry.ports.vault import Vault

MAX_UNPACKED = 1024 * 1024 * 1024
"""Bytes of such a state. More than a state may have otherwise: that may be why it was refused."""

_PIECE = 1024 * 1024  # bytes unpacked at a time, whatever the size
_HEAD = 64 * 1024  # bytes in which Terraform has said which state it is; the resources come after

_VERSION = re.compile(rb'"version"\s*:\s*4\b')
_SERIAL = re.compile(rb'"serial"\s*:\s*([0-9]{1,18})\b')
_LINEAGE = re.compile(rb'"lineage"\s*:\s*"([!-~]{1,200}?)"')


@dataclass(frozen=True, slots=True)
class Packed:
    """A gzipped state, sealed: what is to be known of it, and its bytes."""

    sealed: bytes
    size: int
    sha256: str
    serial: int
    lineage: str


async def read(vault: Vault, run_id: str, data: bytes) -> Packed:
    """Look at the gzipped state that a run left, and seal it. Raises BadState, TooLarge."""
    return await asyncio.to_thread(_read, vault, run_id, data)


def _read(vault: Vault, run_id: str, data: bytes) -> Packed:
    head, size, digest = b"", 0, hashlib.sha256()
    for piece in _pieces(data):
        head = head or piece[:_HEAD]
        size += len(piece)
        digest.update(piece)
        if size > MAX_UNPACKED:
            raise TooLarge(f"The state is larger than the {MAX_UNPACKED} bytes that are kept.")
    serial, lineage = _SERIAL.search(head), _LINEAGE.search(head)
    if not _VERSION.search(head) or serial is None or lineage is None:
        raise rules.BadState("This is not a Terraform state of format version 4.")
    return Packed(
        vault.seal(data, identity=_identity(run_id)),
        size,
        digest.hexdigest(),
        int(serial[1]),
        lineage[1].decode(),
    )


async def keep(tx: Tx, stack_id: str, run_id: str, packed: Packed) -> bool:
    """Keep what a run left: whether it is new. The same once more changes nothing; another takes
    its place only if it is a later one of the same lineage. Administrators are told of it.
    """
    new = await repo.keep_unsaved(
        tx,
        UnsavedState(
            run_id=run_id,
            stack_id=stack_id,
            serial=packed.serial,
            lineage=packed.lineage,
            size=packed.size,
            sha256=packed.sha256,
            sealed=packed.sealed,
            kept_at=tx.now,
        ),
    )
    if new:
        await notifications.tell(
            tx,
            Group.STATE_KEPT_APART,
            run_id,
            severity=Severity.ERROR,
            title="A run's state was not taken by its backend",
            body=f"The stack's state does not hold what run {run_id} changed. What the run left is"
            " kept apart: somebody has to import or discard it.",
            stack_id=stack_id,
        )
    return new


async def listed(tx: Tx) -> list[repo.UnsavedRow]:
    """What is kept, the newest first."""
    return await repo.unsaved(tx)


async def export(tx: Tx, vault: Vault, run_id: str) -> Iterator[bytes]:
    """The state that a run left, as Terraform wrote it, in pieces. Raises NotFound, Unreadable."""
    found = await _find(tx, run_id)
    return _pieces(vault.open(found.sealed, identity=_identity(run_id)))


async def require_of(tx: Tx, stack_id: str, run_id: str) -> UnsavedState:
    """What the run of this stack left. Raises NotFound."""
    found = await _find(tx, run_id)
    if found.stack_id != stack_id:
        raise NotFound("no state of this run is kept", detail=f"run={run_id} stack={stack_id}")
    return found


async def read_whole(
    db: Db, vault: Vault, actor: Actor, stack_id: str, run_id: str, *, most: int
) -> bytearray:
    """The state that the stack's run left. May it be read, the caller asks before.

    Raises NotFound, Unreadable, and TooLarge when it has more bytes than `most`.
    """
    async with db.read(actor) as tx:
        found = await require_of(tx, stack_id, run_id)
    if found.size > most:
        raise TooLarge(
            f"This state has {found.size} bytes, more than the {most} that a stack's state may"
            " have. An operator can export it: gantry admin unsaved-states export."
        )
    return await asyncio.to_thread(_open, vault, found)


def _open(vault: Vault, state: UnsavedState) -> bytearray:
    return bytearray().join(_pieces(vault.open(state.sealed, identity=_identity(state.run_id))))


async def forget(tx: Tx, run_id: str) -> None:
    """Delete what a run left. Raises NotFound."""
    await tx.session.delete(await _find(tx, run_id))
    await notifications.settle(tx, Group.STATE_KEPT_APART, run_id)


async def _find(tx: Tx, run_id: str) -> UnsavedState:
    found = await repo.unsaved_of(tx, run_id)
    if found is None:
        raise NotFound("no state of this run is kept", detail=f"run={run_id}")
    return found


def _identity(run_id: str) -> str:
    return f"unsaved-state:{run_id}"


def _pieces(data: bytes) -> Iterator[bytes]:
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            while piece := stream.read(_PIECE):
                yield piece
    except (OSError, EOFError, zlib.error):
        raise rules.BadState("The state is not gzipped, or not whole.") from None
