"""States that no backend took: what a run changed, and the stack's state does not hold.

They are kept in the database, because object storage is what is away when this happens, and apart
from the stack's states, because somebody has to look before one of them becomes the next.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import zlib

from gantry.domains.tfstate import repo, rules
from gantry.domains.tfstate.model import UnsavedState
from gantry.kernel.errors import NotFound, TooLarge
from gantry.kernel.tx import Tx
from gantry.ports.vault import Vault


class Packed:
    """A gzipped state that is one: what is to be known of it, and its bytes."""

    def __init__(self, data: bytes, body: bytes) -> None:
        parsed = rules.parse(body)
        self.data, self.size = data, len(body)
        self.serial, self.lineage = parsed.serial, parsed.lineage
        self.sha256 = rules.digest(body)


async def read(data: bytes, *, limit: int) -> Packed:
    """Look at a gzipped state of at most `limit` bytes. Raises BadState, TooLarge."""
    return await asyncio.to_thread(lambda: Packed(data, _unpack(data, limit)))


async def keep(tx: Tx, vault: Vault, stack_id: str, run_id: str, packed: Packed) -> None:
    """Keep what a run left; the same once more changes nothing, a later one takes its place."""
    await repo.keep_unsaved(
        tx,
        UnsavedState(
            run_id=run_id,
            stack_id=stack_id,
            serial=packed.serial,
            lineage=packed.lineage,
            size=packed.size,
            sha256=packed.sha256,
            sealed=vault.seal(packed.data, identity=_identity(run_id)),
            kept_at=tx.now,
        ),
    )


async def listed(tx: Tx) -> list[repo.UnsavedRow]:
    """What is kept, the newest first."""
    return await repo.unsaved(tx)


async def export(tx: Tx, vault: Vault, run_id: str, *, limit: int) -> bytes:
    """The state that a run left, as Terraform wrote it. Raises NotFound, Unreadable."""
    found = await _find(tx, run_id)
    plain = vault.open(found.sealed, identity=_identity(run_id))
    return await asyncio.to_thread(_unpack, plain, limit)


async def forget(tx: Tx, run_id: str) -> None:
    """Delete what a run left. Raises NotFound."""
    await tx.session.delete(await _find(tx, run_id))


async def _find(tx: Tx, run_id: str) -> UnsavedState:
    found = await repo.unsaved_of(tx, run_id)
    if found is None:
        raise NotFound("no state of this run is kept", detail=f"run={run_id}")
    return found


def _identity(run_id: str) -> str:
    return f"unsaved-state:{run_id}"


def _unpack(data: bytes, limit: int) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            body = stream.read(limit + 1)  # no more: a bomb stays packed
    except (OSError, EOFError, zlib.error):
        raise rules.BadState("The state is not gzipped, or not whole.") from None
    if len(body) > limit:
        raise TooLarge(f"The state is larger than the {limit} bytes that are taken here.")
    return body
