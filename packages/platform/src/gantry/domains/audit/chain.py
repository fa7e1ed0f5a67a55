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
from gantry.domains.audit.events import EntriesSealed
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
FLOOR = "audit floor"
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
    digest: bytes = rules.GENESIS
    """Of the last entry that was looked at."""


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
                tx.emit(EntriesSealed())
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
    signed = _signed(vault, now, PURPOSE, end.seq, end.digest, before=end.checkpoint_seq)
    for name in (_name(end.seq), NEWEST):
        await objects.put(BUCKET, _key(name), signed.encode())
    async with db.write(SYSTEM) as tx:
        held = await repo.hold_chain(tx)
        if held.checkpoint_seq < end.seq:
            held.checkpoint_seq, held.checkpoint_at = end.seq, tx.now
    return end.seq


async def sign_floor(db: Db, vault: Vault, objects: Objects, seq: int, digest: bytes) -> None:
    """Put down that entries up to this place go for their age. `digest` is of the entry there,
    which the first that is left follows. Raises StorageDown.

    The object comes first, and each place has one of its own: whichever the database names, it is
    there, and none takes the place of a later one.
    """
    async with db.read(SYSTEM) as tx:
        now = tx.now
    await objects.put(BUCKET, _floor_key(seq), _signed(vault, now, FLOOR, seq, digest).encode())
    async with db.write(SYSTEM) as tx:
        held = await repo.hold_chain(tx)
        held.floor_seq = max(held.floor_seq, seq)


def _signed(vault: Vault, now: datetime, purpose: str, seq: int, digest: bytes, **more: int) -> str:
    return vault.sign(
        {
            "iss": "gantry",
            "aud": [AUDIENCE],
            "purpose": purpose,
            "sub": str(seq),
            "digest": digest.hex(),
            "iat": int(now.timestamp()),
            "exp": int((now + LASTS).timestamp()),
            **more,
        }
    )


def _name(seq: int) -> str:
    return f"{seq:020d}"


def _key(name: str) -> str:
    return f"audit/checkpoints/{name}.jwt"


def _floor_key(seq: int) -> str:
    return f"audit/floors/{_name(seq)}.jwt"


class _Unproven(Exception):
    """A checkpoint is not what was put there."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(reason)
        self.seq, self.reason = seq, reason


async def verify(db: Db, vault: Vault, objects: Objects, *, until: int | None = None) -> Verdict:
    """Look through the chain and its checkpoints, up to a place or all of it. Raises StorageDown.

    It begins where what retention dropped ends, as was signed then, and without that at its first
    entry: each entry is proven, and so is that none is gone.
    """
    while True:
        found = await _look(db, vault, objects, until)
        async with db.read(SYSTEM) as tx:
            end = await repo.chain(tx)
        if found.broken_at is None or end is None or end.floor_seq < found.first:
            return found
        # Its beginning was dropped meanwhile.


async def _look(db: Db, vault: Vault, objects: Objects, until: int | None) -> Verdict:
    async with db.read(SYSTEM) as tx:
        end = await repo.chain(tx)
    last, signed, floor = (end.seq, end.checkpoint_seq, end.floor_seq) if end else (0, 0, 0)
    floor = max(floor, 0)
    first = floor + 1
    try:
        marks = await _marks(vault, objects, signed, floor)
        before = await _floor_digest(vault, objects, floor)
    except _Unproven as found:
        return Verdict(0, first, last, 0, found.seq, found.reason)
    seen, at = 0, floor
    while until is None or at < until:
        most = READ_AT_ONCE if until is None else min(READ_AT_ONCE, until - at)
        async with db.read(SYSTEM) as tx:
            rows = await repo.in_order(tx, at, most)
        for row in rows:
            *_, seq, digest = row
            reason = _wrong(row, at, before, marks)
            if reason:
                return Verdict(seen, first, last, len(marks), at + 1, reason)
            seen, at, before = seen + 1, seq, digest
        if len(rows) < most:
            break
    if until is None:
        until = max(last, *marks, 0)
        if end is not None and at >= until and (at > last or before != end.digest):
            reason = "the end of the chain was changed"
            return Verdict(seen, first, last, len(marks), at, reason)
    if at < until:
        return Verdict(seen, first, last, len(marks), at + 1, "entries at the end are missing")
    return Verdict(seen, first, last, len(marks), digest=before)


async def _floor_digest(vault: Vault, objects: Objects, floor: int) -> bytes:
    """What the first entry after this place follows. Raises _Unproven."""
    if floor == 0:
        return rules.GENESIS
    try:
        token = (await objects.get(BUCKET, _floor_key(floor))).decode()
        claims = vault.verify(token, audience=AUDIENCE, purpose=FLOOR, ever=True)
        if int(claims.subject) != floor:
            raise ValueError
        return bytes.fromhex(str(claims.claims["digest"]))
    except ObjectMissing:
        reason = "entries are missing, and it is not signed that they went for their age"
    except (InvalidToken, ValueError, KeyError, TypeError):
        reason = "what is signed of entries that went for their age was changed"
    raise _Unproven(1, reason)


async def _marks(vault: Vault, objects: Objects, signed: int, floor: int) -> dict[int, bytes]:
    """What was signed: digests by place, from the newest checkpoint back to the first of those
    after `floor`.

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
        if earlier <= floor:
            return marks
        # Places only fall, so that whatever is written there, this ends.
        if earlier >= place:
            raise _Unproven(place, "a checkpoint in the object storage was changed")
        name, seq = _name(earlier), earlier


def _wrong(row: Any, at: int, before: bytes, marks: dict[int, bytes]) -> str:
    *_, seq, digest = row
    if seq != at + 1:
        return "an entry is missing"
    if rules.digest(before, seq, _parts(row)) != digest:
        return "the entry was changed"
    if marks.get(seq, digest) != digest:
        return "the entry is not what was signed"
    return ""
