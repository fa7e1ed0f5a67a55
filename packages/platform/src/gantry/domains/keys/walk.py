"""The work of a re-key, in steps that a drain takes: any of them may end at any moment, and the
next goes on after the last batch that was kept.

It is in nobody's way: it holds a hundred rows for some milliseconds, leaves out those that others
hold, and rests three times as long as it works.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from gantry.domains.accounts import repo as accounts
from gantry.domains.keys import repo, rules, service
from gantry.domains.keys.kinds import Phase
from gantry.domains.keys.model import Rekey, RekeyPlace
from gantry.domains.keys.places import Place, Went
from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group, Severity
from gantry.kernel.ids import new_id
from gantry.kernel.tx import SYSTEM, Tx
from gantry.ports.db import Db
from gantry.ports.objects import StorageDown
from gantry.ports.vault import Keyring, KeyServiceDown, Unreadable, Vault

log = structlog.get_logger()


class _TakenAway(Exception):
    """The re-key was paused, or another drain goes on with it."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the work takes."""

    db: Db
    vault: Vault
    ring: Keyring
    places: Sequence[Place]


async def step(means: Means, *, lasts: float = rules.STEP.total_seconds()) -> Phase | None:
    """Take the re-key further, for so many seconds; returns where it is then, None if there is
    nothing to do, another drain does it, or it rests. Safe to run twice, late or in parallel.
    """
    rests = 0.0
    holder, end = new_id(), time.monotonic() + lasts
    async with means.db.write(SYSTEM) as tx:
        rekey = await repo.take(tx, holder, rules.HELD_FOR)
    if rekey is None:
        return None
    staying = asyncio.create_task(_stay(means.db, holder))
    try:
        phase, rests = await _work(means, rekey, holder, end)
        return phase
    except _TakenAway:
        return None
    except (StorageDown, KeyServiceDown, Unreadable) as error:
        log.warning("re-key waits", reason=str(error), detail=error.detail)
        return None
    finally:
        staying.cancel()
        await asyncio.gather(staying, return_exceptions=True)
        async with means.db.write(SYSTEM) as tx:
            await repo.let_go(tx, holder, timedelta(seconds=rests))


async def _stay(db: Db, holder: str) -> None:
    """Keep others from taking it over while a large state travels."""
    while True:
        await asyncio.sleep(rules.HELD_FOR.total_seconds() / 3)
        async with db.write(SYSTEM) as tx:
            await repo.keep(tx, holder, rules.HELD_FOR)


async def _work(means: Means, rekey: Rekey, holder: str, end: float) -> tuple[Phase, float]:
    """Where the re-key is then, and for how many seconds it has to rest now: other work of the
    drain does not wait for that.
    """
    version, phase = rekey.version, rekey.phase
    if phase is Phase.ANNOUNCED:
        phase = await _switch(means, version, holder)
    if phase is Phase.SWITCHED:
        phase = await _begin(means, version, holder)
    while phase is Phase.WALKING and time.monotonic() < end:
        began = time.perf_counter()
        phase = await _walk_on(means, version, holder)
        if phase is Phase.WALKING:
            rest = rules.rest(time.perf_counter() - began)
            if time.monotonic() + rest > end:
                return phase, rest
            await asyncio.sleep(rest)
    return phase, 0.0


async def _switch(means: Means, version: int, holder: str) -> Phase:
    """Seal with the new key, once every process at work can open what is sealed with it."""
    async with means.db.write(SYSTEM) as tx:
        await accounts.alone(tx)  # nobody cancels meanwhile
        rekey = await _held(tx, holder)
        if await service.waits_for(tx, rekey):
            return Phase.ANNOUNCED
        await repo.make_current(tx, version)
        rekey.phase, rekey.switched_at = Phase.SWITCHED, tx.now
    log.info("new values are sealed with the new data key", version=version)
    return Phase.SWITCHED


async def _begin(means: Means, version: int, holder: str) -> Phase:
    """Walk, once every process at work seals with the new key, and this one too."""
    if means.vault.seals_with != version:
        return Phase.SWITCHED
    async with means.db.read(SYSTEM) as tx:
        totals = {place.name: await place.count(tx, version) for place in means.places}
    async with means.db.write(SYSTEM) as tx:
        rekey = await _held(tx, holder)
        if await service.waits_for(tx, rekey):
            return Phase.SWITCHED
        for name, total in totals.items():
            tx.session.add(_place(version, name, total))
        rekey.phase = Phase.WALKING
    return Phase.WALKING


async def _walk_on(means: Means, version: int, holder: str) -> Phase:
    if means.vault.seals_with != version:
        return Phase.WALKING  # this process has not heard yet: see `_begin`
    async with means.db.read(SYSTEM) as tx:
        known = {one.name: one for one in await repo.places(tx, version)}
    for place in means.places:
        at = known.get(place.name)
        if at is None or not at.passed:
            await _batch(means, place, at, version, holder)
            return Phase.WALKING
    return await _look_back(means, version, holder)


async def _batch(
    means: Means, place: Place, at: RekeyPlace | None, version: int, holder: str
) -> None:
    async def note(tx: Tx, went: Went) -> None:
        await _held(tx, holder)
        now = await tx.session.get(RekeyPlace, (version, place.name))
        if now is None:  # a release that knows more places goes on with an older one's work
            total = await place.count(tx, version) + went.done
            now = _place(version, place.name, total)
            tx.session.add(now)
        now.done += went.done
        now.unreadable += len(went.unreadable)
        now.examples = [*now.examples, *went.unreadable][: rules.EXAMPLES]
        now.after = list(went.after or ())
        now.passed = went.after is None

    await place.batch(means.db, version, at.after if at else (), note)


def _place(version: int, name: str, total: int) -> RekeyPlace:
    return RekeyPlace(
        version=version,
        name=name,
        after=[],
        done=0,
        total=total,
        unreadable=0,
        examples=[],
        passed=False,
    )


async def _look_back(means: Means, version: int, holder: str) -> Phase:
    """All was walked through: is anything left that can be opened?

    Rows that others held were left out, and a process may have sealed with the old key for a
    moment more than it said. Those are come to in another walk.
    """
    async with means.db.read(SYSTEM) as tx:
        places = {one.name: one for one in await repo.places(tx, version)}
        stale = {place.name: await place.count(tx, version) for place in means.places}
    again = [name for name, count in stale.items() if count > places[name].unreadable]
    unreadable = sum(stale.values())
    if not again:
        await _wrap_anew(means)
    async with means.db.write(SYSTEM) as tx:
        rekey = await _held(tx, holder)
        for name in again:
            place = await tx.session.get_one(RekeyPlace, (version, name))
            place.after, place.passed = [], False
            place.unreadable, place.examples = 0, []
            place.total = place.done + stale[name]
        if not again:
            rekey.phase = Phase.UNFINISHED if unreadable else Phase.DONE
            rekey.finished_at = tx.now
            await _tell(tx, version, unreadable)
    if again:
        return Phase.WALKING
    log.info("sealed anew with the new data key", version=version, unreadable=unreadable)
    return Phase.UNFINISHED if unreadable else Phase.DONE


async def _tell(tx: Tx, version: int, unreadable: int) -> None:
    """Administrators are told of what could not be sealed anew, until a re-key leaves nothing."""
    if not unreadable:
        await notifications.settle(tx, Group.REKEY_UNFINISHED, "")
        return
    await notifications.tell(
        tx,
        Group.REKEY_UNFINISHED,
        "",
        severity=Severity.ERROR,
        title="A re-key ended and left something behind",
        body=f"{unreadable} values could not be opened, so they are not sealed with data key"
        f" {version}. An operator sees which: gantry admin rekey status.",
    )


async def _wrap_anew(means: Means) -> None:
    """Let the present key wrap the older data keys as well, which stay for some days: then nothing
    needs the key before it any more.
    """
    async with means.db.read(SYSTEM) as tx:
        keys = {key.version: key.wrapped for key in await accounts.data_keys(tx)}
    for version, before in keys.items():
        if means.ring.is_present(before):
            continue
        plain = await means.ring.unwrap(before)
        after = await means.ring.wrap(plain)
        if await means.ring.unwrap(after) != plain:
            raise RuntimeError("a data key was not wrapped as it was given")
        async with means.db.write(SYSTEM) as tx:
            await repo.replace_wrapped(tx, version, before, after)


async def _held(tx: Tx, holder: str) -> Rekey:
    """The re-key, which is this drain's for another while. Raises _TakenAway."""
    rekey = await repo.keep(tx, holder, rules.HELD_FOR)
    if rekey is None:
        raise _TakenAway
    return rekey
