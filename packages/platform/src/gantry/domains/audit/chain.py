"""The chain: each entry's digest covers the one before it, so that none can be changed, left out or
slipped in without all that follow saying so. Now and then its end is signed and put into the object
storage, where whoever can write the database cannot reach.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from gantry.domains.audit import repo, rules
from gantry.domains.audit.model import AuditCheckpoint
from gantry.kernel.tx import SYSTEM
from gantry.ports.db import Db
from gantry.ports.objects import Bucket, ObjectMissing, Objects
from gantry.ports.vault import InvalidToken, Vault

log = structlog.get_logger()

SEALED_AT_ONCE = 5_000
"""Entries of one transaction: a tenth of a second of holding the end of the chain."""
READ_AT_ONCE = 10_000
CHECKPOINT_EVERY = timedelta(hours=1)
PURPOSE = "audit checkpoint"
AUDIENCE = "gantry audit"
LASTS = timedelta(days=20 * 365)
"""A checkpoint's signature outlives every retention."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What looking through the chain found."""

    entries: int
    first: int
    last: int
    checkpoints: int
    broken_at: int | None = None
    """The first place that is not as it was sealed."""
    reason: str = ""


async def seal(db: Db) -> int:
    """Give entries that have none their places in the chain; returns how many there were.

    Safe to run twice, late or in parallel: whoever is first holds the end of the chain.
    """
    total = 0
    while True:
        async with db.write(SYSTEM) as tx:
            end = await repo.hold_chain(tx)
            rows = await repo.unsealed(tx, SEALED_AT_ONCE)
            sealed: list[tuple[str, datetime, int, bytes]] = []
            seq, digest = end.seq, end.digest
            for row in rows:
                seq += 1
                digest = rules.digest(digest, seq, _parts(row))
                sealed.append((row[0], row[1], seq, digest))
            if sealed:
                await repo.seal(tx, sealed)
                end.seq, end.digest = seq, digest
        total += len(sealed)
        if len(sealed) < SEALED_AT_ONCE:
            return total


def _parts(row: Any) -> tuple[str, ...]:
    entry_id, at, *rest = row[: len(repo.COVERED)]
    return (entry_id, rules.spoken(at), *("" if one is None else str(one) for one in rest))


async def checkpoint(db: Db, vault: Vault, objects: Objects) -> int | None:
    """Sign where the chain ends, if it is time; returns the place. Raises StorageDown.

    The object comes first: a row without one would be a broken promise.
    """
    async with db.read(SYSTEM) as tx:
        end = await repo.chain(tx)
        now = tx.now
    if end is None or end.seq == end.checkpoint_seq:
        return None
    if end.checkpoint_at is not None and now - end.checkpoint_at < CHECKPOINT_EVERY:
        return None
    signed = vault.sign(
        {
            "iss": "gantry",
            "aud": [AUDIENCE],
            "purpose": PURPOSE,
            "sub": str(end.seq),
            "digest": end.digest.hex(),
            "iat": int(now.timestamp()),
            "exp": int((now + LASTS).timestamp()),
        }
    )
    words = {"seq": end.seq, "digest": end.digest.hex(), "at": rules.spoken(now), "signed": signed}
    await objects.put(Bucket.METADATA, _key(end.seq), json.dumps(words).encode())
    async with db.write(SYSTEM) as tx:
        held = await repo.hold_chain(tx)
        if held.checkpoint_seq < end.seq:
            held.checkpoint_seq, held.checkpoint_at = end.seq, tx.now
            tx.session.add(AuditCheckpoint(seq=end.seq, digest=end.digest, at=tx.now))
    return end.seq


def _key(seq: int) -> str:
    return f"audit/checkpoints/{seq:020d}.json"


async def verify(db: Db, vault: Vault, objects: Objects) -> Verdict:
    """Look through the whole chain and every checkpoint. Raises StorageDown.

    Of what retention has dropped, the first entry that is left is believed, unless a checkpoint
    says otherwise; each later one is proven.
    """
    async with db.read(SYSTEM) as tx:
        end = await repo.chain(tx)
        oldest = await repo.oldest_seq(tx)
        marks = {mark.seq: mark for mark in await repo.checkpoints(tx)}
    if end is None or end.seq == 0:
        return Verdict(0, 0, 0, 0)
    first = oldest or end.seq + 1
    signed = 0
    for seq in marks:
        reason = await _unproven(vault, objects, marks[seq])
        if reason:
            return Verdict(0, first, end.seq, signed, seq, reason)
        signed += 1
    seen, at, before = 0, first - 1, rules.GENESIS if first == 1 else None
    while True:
        async with db.read(SYSTEM) as tx:
            rows = await repo.in_order(tx, at, READ_AT_ONCE)
        for row in rows:
            *_, seq, digest = row
            reason = _wrong(row, at, before, marks)
            if reason:
                return Verdict(seen, first, end.seq, signed, at + 1, reason)
            seen, at, before = seen + 1, seq, digest
        if len(rows) < READ_AT_ONCE:
            break
    if at < end.seq:
        return Verdict(seen, first, end.seq, signed, at + 1, "entries at the end are missing")
    if at > end.seq or before != end.digest:
        return Verdict(seen, first, end.seq, signed, at, "the end of the chain was changed")
    return Verdict(seen, first, end.seq, signed)


def _wrong(row: Any, at: int, before: bytes | None, marks: dict[int, AuditCheckpoint]) -> str:
    *_, seq, digest = row
    if seq != at + 1:
        return "an entry is missing"
    if before is not None and rules.digest(before, seq, _parts(row)) != digest:
        return "the entry was changed"
    if seq in marks and marks[seq].digest != digest:
        return "the entry is not what was signed"
    return ""


async def _unproven(vault: Vault, objects: Objects, mark: AuditCheckpoint) -> str:
    try:
        words = json.loads(await objects.get(Bucket.METADATA, _key(mark.seq)))
        signed = vault.verify(str(words["signed"]), audience=AUDIENCE, purpose=PURPOSE)
    except ObjectMissing:
        return "a checkpoint is missing from the object storage"
    except (InvalidToken, ValueError, KeyError, TypeError):
        return "a checkpoint in the object storage was changed"
    if signed.subject != str(mark.seq) or signed.claims.get("digest") != mark.digest.hex():
        return "a checkpoint does not say what was signed"
    return ""
