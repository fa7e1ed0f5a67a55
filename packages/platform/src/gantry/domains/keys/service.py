"""What an operator can do with data keys. Who may: whoever has the installation's settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gantry.domains.accounts import repo as accounts
from gantry.domains.accounts.model import DataKey, Process
from gantry.domains.accounts.rules import FORGOTTEN_AFTER
from gantry.domains.audit import service as audit
from gantry.domains.audit.kinds import Resource
from gantry.domains.keys import repo, rules
from gantry.domains.keys.kinds import Phase
from gantry.domains.keys.model import Rekey, RekeyPlace
from gantry.kernel.errors import Conflict
from gantry.kernel.tx import Tx


class RekeyConflict(Conflict):
    """A re-key is not in a state in which that can be asked of it."""

    code = "REKEY_CONFLICT"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a re-key stands."""

    rekey: Rekey
    places: list[RekeyPlace]
    progress: rules.Progress
    left: timedelta | None
    """How long it will take at the rate so far, while it walks."""
    waits_for: list[Process]
    """Processes that have to learn of the key first."""


async def start(tx: Tx, wrapped: bytes) -> Rekey:
    """Begin to seal everything with the new data key, which is wrapped already.

    Raises RekeyConflict while another re-key goes on.
    """
    await accounts.alone(tx)
    before = await repo.newest(tx)
    if before is not None and before.finished_at is None:
        raise RekeyConflict(
            f"A re-key is under way already: to version {before.version}, {before.phase}"
            f"{', paused' if before.paused else ''}. See `gantry admin rekey status`."
        )
    keys = await accounts.data_keys(tx)
    # A version that was given up is not given again: a process might still know it.
    used = [*(key.version for key in keys), before.version if before else 0]
    version = max(used) + 1
    tx.session.add(DataKey(version=version, wrapped=wrapped, created_at=tx.now, current=False))
    rekey = Rekey(version=version, phase=Phase.ANNOUNCED, paused=False, started_at=tx.now)
    tx.session.add(rekey)
    _record(tx, "rekey.start", version)
    await tx.session.flush()
    return rekey


async def pause(tx: Tx) -> Rekey:
    """Stop after the batch in hand. Raises RekeyConflict when none is under way."""
    rekey = await _under_way(tx)
    rekey.paused = True
    _record(tx, "rekey.pause", rekey.version)
    return rekey


async def resume(tx: Tx) -> Rekey:
    """Go on after a pause, or try once more what could not be read. Raises RekeyConflict."""
    rekey = await repo.newest(tx, lock=True)
    if rekey is None or rekey.phase in (Phase.DONE, Phase.CANCELLED):
        raise RekeyConflict(
            "There is no re-key to go on with: `gantry admin rekey start` begins one."
        )
    if rekey.phase is Phase.UNFINISHED:
        await repo.forget_places(tx, rekey.version)
        rekey.phase, rekey.finished_at = Phase.SWITCHED, None
    rekey.paused = False
    _record(tx, "rekey.resume", rekey.version)
    return rekey


async def cancel(tx: Tx) -> Rekey:
    """Give the new key up. Raises RekeyConflict once something may be sealed with it."""
    await accounts.alone(tx)
    rekey = await _under_way(tx)
    if rekey.phase is not Phase.ANNOUNCED:
        raise RekeyConflict(
            "Values are sealed with the new key already, so it stays. `gantry admin rekey pause`"
            " stops the work; old and new values are readable for as long as you like."
        )
    await repo.forget_data_key(tx, rekey.version)
    rekey.phase, rekey.finished_at = Phase.CANCELLED, tx.now
    _record(tx, "rekey.cancel", rekey.version)
    return rekey


async def standing(tx: Tx) -> Standing | None:
    """The re-key that goes on, or the last one; None when there never was one."""
    rekey = await repo.newest(tx)
    if rekey is None:
        return None
    places = await repo.places(tx, rekey.version)
    progress = rules.progress((one.done, one.total, one.unreadable) for one in places)
    walks = rekey.phase is Phase.WALKING and not rekey.paused and rekey.switched_at is not None
    return Standing(
        rekey,
        places,
        progress,
        rules.left(progress, rekey.switched_at, tx.now) if walks and rekey.switched_at else None,
        await waits_for(tx, rekey),
    )


async def waits_for(tx: Tx, rekey: Rekey) -> list[Process]:
    """Processes that cannot open the new key yet, or do not use it yet.

    Those that fell silent are among them for as long as they are known: one that is cut off or
    was stopped may come back, and seal with the key that it had.
    """
    if rekey.phase not in (Phase.ANNOUNCED, Phase.SWITCHED):
        return []
    sealing = rekey.phase is Phase.SWITCHED
    return await repo.behind(tx, rekey.version, tx.now - FORGOTTEN_AFTER, sealing=sealing)


async def _under_way(tx: Tx) -> Rekey:
    rekey = await repo.newest(tx, lock=True)
    if rekey is None or rekey.finished_at is not None:
        raise RekeyConflict("No re-key is under way.")
    return rekey


def _record(tx: Tx, action: str, version: int) -> None:
    audit.record(tx, action, Resource.ACCOUNT, None, given={"version": version})
