"""Which data keys and which signing keys there are, as this process knows it: read when it starts,
looked at again and again, and at once when something turns up that it does not know.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog

from gantry.apps.keys import KeptVault, VaultMaker
from gantry.apps.settings import MisconfiguredError
from gantry.domains.accounts import repo as accounts_repo
from gantry.domains.accounts import service as accounts
from gantry.domains.accounts.model import DataKey
from gantry.domains.accounts.rules import HEARD_EVERY, SILENT_AFTER
from gantry.domains.audit import repo as audit
from gantry.domains.audit.retention import AHEAD
from gantry.domains.keys import repo
from gantry.domains.keys.model import SigningKey
from gantry.domains.keys.rules import NOTED_EVERY
from gantry.domains.roles import repo as roles
from gantry.domains.spaces import repo as spaces
from gantry.infra.data_keys import new_data_key
from gantry.infra.db import Database, connect
from gantry.kernel.tx import SYSTEM, Tx
from gantry.ports.vault import KeptKey, KeyServiceDown, Unreadable

log = structlog.get_logger()

HURRIED = timedelta(seconds=2)
"""How often keys are looked at while a re-key goes on: it waits for every process twice."""

_pause = asyncio.sleep
_KNOWN_AFTER = HEARD_EVERY + HURRIED
"""Every process that is at work has looked at the keys by then."""

_FETCH_SECONDS = 5.0
"""For a key that turned up unexpectedly: whoever asks waits, and everybody else with them."""
_NOT_AGAIN_FOR = 5.0
"""Seconds in which the same key is not asked for once more: a value that was tampered with may name
one that there is not."""


async def open_keeper(db: Database, ring: VaultMaker, *, url: str, longest: timedelta) -> KeyKeeper:
    """The keys of the installation; its first data key is made if there is none.

    Wraps and unwraps between transactions: that may ask another service. A key that signs for the
    first time is made known to the processes at work before it is used, which takes them
    HEARD_EVERY. `longest` is how long a token lasts.
    A key that cannot be unwrapped is done without as long as nothing can be sealed with it.
    Raises Unreadable, MisconfiguredError.
    """
    try:
        vault = await _open_vault(db, ring)
    except KeyServiceDown as error:
        raise MisconfiguredError(str(error)) from None
    keeper = KeyKeeper(db, ring, vault, url=url, longest=longest)
    if await keeper.look():
        await _pause(_KNOWN_AFTER.total_seconds())
    return keeper


async def _open_vault(db: Database, ring: VaultMaker) -> KeptVault:
    async with db.read(SYSTEM) as tx:
        keys = await accounts_repo.data_keys(tx)
    first = None if keys else await ring.wrap(new_data_key())
    async with db.write(SYSTEM) as tx:
        await spaces.make_root(tx)
        await roles.put_system_roles(tx)
        await audit.make_months(tx, tx.now + AHEAD)
        if first is not None:
            keys = await accounts.first_data_key(tx, first)
    current = next(key.version for key in keys if key.current)
    # One with a later version is only announced. Whether this process can use it is found out by
    # `look`, which says so, and the re-key waits for it: nobody has to be unable to start.
    needed = [key for key in keys if key.version <= current]
    return ring.vault({key.version: await ring.unwrap(key.wrapped) for key in needed}, current)


class KeyKeeper:
    """Tells the vault what it has to know."""

    def __init__(
        self, db: Database, ring: VaultMaker, vault: KeptVault, *, url: str, longest: timedelta
    ) -> None:
        self.vault, self.ring, self.longest = vault, ring, longest
        self._db, self._url = db, url
        self._asked: dict[int, float] = {}
        self.under_way = False
        """Whether a re-key went on when the keys were looked at last."""
        vault.fetch = self._fetch

    @property
    def look_every(self) -> timedelta:
        """How soon to look again."""
        return HURRIED if self.under_way else HEARD_EVERY

    async def look(self) -> bool:
        """Learn what has changed; whether somebody else has to learn of a key of ours.

        Raises what the database raises. Of keys that cannot be unwrapped it tells in the log, and
        goes on without them: then it does not say of itself that it opens what they seal.
        """
        async with self._db.read(SYSTEM) as tx:
            keys = await accounts_repo.data_keys(tx)
            rekey = await repo.newest(tx)
            kept = await repo.signing_keys(tx)
        self.under_way = rekey is not None and rekey.finished_at is None
        await self._learn(keys)
        return await self._signing(kept)

    async def note(self, tx: Tx, process_ids: Sequence[str]) -> None:
        """Say which data keys this process has, under each of its ids."""
        opens = max(self.vault.data_keys)
        await repo.note_processes(tx, process_ids, opens=opens, seals=self.vault.seals_with)

    async def _learn(self, keys: list[DataKey]) -> None:
        held = {}
        for key in keys:
            if (known := self.vault.data_keys.get(key.version)) is not None:
                held[key.version] = known
                continue
            try:
                held[key.version] = await self.ring.unwrap(key.wrapped)
            except (Unreadable, KeyServiceDown) as error:
                log.warning("data key not unwrapped", version=key.version, reason=str(error))
        current = next((key.version for key in keys if key.current), None)
        if current in held and (held != self.vault.data_keys or current != self.vault.seals_with):
            self.vault.learn(held, current)

    async def _signing(self, kept: list[SigningKey]) -> bool:
        """Make known what this process signs with, and trust what the others do."""
        known = {one.kid: one for one in kept}
        own = {one.kid: one for one in self.vault.signers()}
        new = [one for kid, one in own.items() if kid not in known]
        mine = [known[kid] for kid in own if kid in known]
        async with self._db.read(SYSTEM) as tx:
            now = tx.now
            fresh = bool(new) or any(one.first_used_at > now - _KNOWN_AFTER for one in mine)
            # Of the only keys there ever were, everybody has known since it started.
            others = bool(known.keys() - own.keys())
            wait = fresh and others and await repo.anybody(tx, now - SILENT_AFTER)
        noted = [one.kid for one in mine if one.last_used_at < now - NOTED_EVERY]
        if new or noted:
            async with self._db.write(SYSTEM) as tx:
                for one in new:
                    await repo.keep_signing_key(tx, one.kid, self._sealed(one))
                await repo.note_signing(tx, noted)
        self.vault.trust(self._opened(kept), since=now - self.longest)
        return wait

    def _sealed(self, key: KeptKey) -> bytes:
        said = {"algorithm": key.algorithm, "own": key.own, "jwk": key.jwk.decode()}
        return self.vault.seal(json.dumps(said).encode(), identity=_bound_to(key.kid))

    def _opened(self, kept: list[SigningKey]) -> list[KeptKey]:
        found = []
        for one in kept:
            try:
                said = json.loads(self.vault.open(one.key_sealed, identity=_bound_to(one.kid)))
            except Unreadable as error:
                log.warning("signing key not read", kid=one.kid, reason=str(error))
                continue
            jwk = said["jwk"].encode()
            found.append(KeptKey(one.kid, said["algorithm"], said["own"], jwk, one.last_used_at))
        return found

    # -- at once

    def _fetch(self, version: int) -> None:
        """Learn of the data key of a value that was found. Blocks: the value is wanted now."""
        now = time.monotonic()
        asked = {one: at for one, at in self._asked.items() if now - at < _NOT_AGAIN_FOR}
        if version in asked:
            return
        self._asked = asked | {version: now}
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="data-key") as thread:
                found = thread.submit(asyncio.run, self._fetched()).result()
        except Exception as error:  # the value cannot be opened, and its reader is told so
            log.warning("data key not fetched", version=version, reason=type(error).__name__)
            return
        known: Mapping[int, bytes] = {**found, **self.vault.data_keys}
        self.vault.learn(known, self.vault.seals_with)
        log.info("data key fetched", version=version, found=version in known)

    async def _fetched(self) -> dict[int, bytes]:
        # On a connection of its own: those of the pool belong to another loop.
        engine = connect(self._url, pool_size=1)
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                async with Database(engine, self._db.outbox).read(SYSTEM) as tx:
                    keys = await accounts_repo.data_keys(tx)
                missing = [key for key in keys if not self.vault.opens(key.version)]
                return {key.version: await self.ring.unwrap(key.wrapped) for key in missing}
        finally:
            await engine.dispose()


def _bound_to(kid: str) -> str:
    return f"signing-key:{kid}"
