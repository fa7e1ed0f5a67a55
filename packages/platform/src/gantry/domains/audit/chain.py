"""The chain: each entry's digest covers the one before it, so that none can be changed, left out or
slipped in without all that follow saying so. Now and then its end is signed and put into the object
storage, where whoever can write the database cannot reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from gantry.domains.audit import repo, rules
from gantry.kernel.tx import SYSTEM
from gantry.ports.db import Db
from gantry.ports.objects import Bucket, ObjectMissing, Objects
from gantry.ports.vault import InvalidToken, Vault

log = structlog.get_logger()

SEALED_AT_ONCE = 5_000
"""Entries of one transaction: a tenth of a second of holding the end of the chain."""
READ_AT_ONCE = 10_000
CHECKPOINT_EVERY = timedelta(hours=1)
BUCKET = Bucket.STATES
"""Checkpoints are kept as long as states are, which is for ever: others forget within days."""
NEWEST = "newest"
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

    Each checkpoint names the one before it, and the newest has a name of its own, so that all of
    them are found without the database. The objects come first: a row that says that they are
    there would be a broken promise otherwise.
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
            "before": end.checkpoint_seq,
            "digest": end.digest.hex(),
            "iat": int(now.timestamp()),
            "exp": int((now + LASTS).timestamp()),
        }
    )
    for name in (_name(end.seq), NEWEST):
        await objects.put(BUCKET, _key(name), signed.encode())
    async with db.write(SYSTEM) as tx:
        held = await repo.hold_chain(tx)
        if held.checkpoint_seq < end.seq:
            held.checkpoint_seq, held.checkpoint_at = end.seq, tx.now
    return end.seq


def _name(seq: int) -> str:
    return f"{seq:020d}"


def _key(name: str) -> str:
    return f"audit/checkpoints/{name}.jwt"


class _Unproven(Exception):
    """A checkpoint is not what was put there."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(reason)
        self.seq, self.reason = seq, reason


async def verify(db: Db, vault: Vault, objects: Objects) -> Verdict:
    """Look through the whole chain and every checkpoint. Raises StorageDown.

    Of what retention has dropped, the first entry that is left is believed, unless a checkpoint
    says otherwise; each later one is proven.
    """
    async with db.read(SYSTEM) as tx:
        end = await repo.chain(tx)
        oldest = await repo.oldest_seq(tx)
    last, signed = (end.seq, end.checkpoint_seq) if end else (0, 0)
    first = oldest or last + 1
    try:
        marks = await _marks(vault, objects, signed)
    except _Unproven as found:
        return Verdict(0, first, last, 0, found.seq, found.reason)
    seen, at, before = 0, first - 1, rules.GENESIS if first == 1 else None
    while True:
        async with db.read(SYSTEM) as tx:
            rows = await repo.in_order(tx, at, READ_AT_ONCE)
        for row in rows:
            *_, seq, digest = row
            reason = _wrong(row, at, before, marks)
            if reason:
                return Verdict(seen, first, last, len(marks), at + 1, reason)
            seen, at, before = seen + 1, seq, digest
        if len(rows) < READ_AT_ONCE:
            break
    if at < max(last, *marks, 0):
        return Verdict(seen, first, last, len(marks), at + 1, "entries at the end are missing")
    if end is not None and (at > last or (before is not None and before != end.digest)):
        return Verdict(seen, first, last, len(marks), at, "the end of the chain was changed")
    return Verdict(seen, first, last, len(marks))


async def _marks(vault: Vault, objects: Objects, signed: int) -> dict[int, bytes]:
    """What was signed: digests by place, from the newest checkpoint back to the first.

    `signed` is the place of the newest that the database knows of. Raises _Unproven.
    """
    marks: dict[int, bytes] = {}
    name, seq = NEWEST, signed
    while True:
        try:
            token = (await objects.get(BUCKET, _key(name))).decode()
            # Checkpoints outlive the keys that signed them.
            claims = vault.verify(token, audience=AUDIENCE, purpose=PURPOSE, ever=True)
            place, earlier = int(claims.subject), int(claims.claims["before"])
            marks[place] = bytes.fromhex(str(claims.claims["digest"]))
        except ObjectMissing:
            if name == NEWEST and not signed:
                return marks  # none was ever made
            raise _Unproven(seq, "a checkpoint is missing from the object storage") from None
        except (InvalidToken, ValueError, KeyError, TypeError):
            raise _Unproven(seq, "a checkpoint in the object storage was changed") from None
        if name not in (NEWEST, _name(place)):
            raise _Unproven(seq, "a checkpoint in the object storage was changed")
        if earlier <= 0:
            return marks
        # Places only fall, so that whatever is written there, this ends.
        if earlier >= place:
            raise _Unproven(place, "a checkpoint in the object storage was changed")
        name, seq = _name(earlier), earlier


def _wrong(row: Any, at: int, before: bytes | None, marks: dict[int, bytes]) -> str:
    *_, seq, digest = row
    if seq != at + 1:
        return "an entry is missing"
    if before is not None and rules.digest(before, seq, _parts(row)) != digest:
        return "the entry was changed"
    if marks.get(seq, digest) != digest:
        return "the entry is not what was signed"
    return ""
