"""A worker without a tool: it speaks the protocol as a worker does, and every phase goes well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gantry_protocol.calls import (
    AUDIENCE,
    Applied,
    Delta,
    Held,
    Offer,
    PhaseDone,
    Planned,
    Register,
    Registered,
    Report,
    Verdict,
)
from gantry_protocol.manifest import Manifest
from gantry_protocol.token import decode_pool_token
from gantry_protocol.words import Phase, Then
from gantry_worker.control_plane import ControlPlane
from gantry_worker.keys import PoolKey, load_pool_key
from ulid import ULID

from tests.support.platform import Pool


class Hand:
    """One worker. `key`: the pool's, read once for many workers."""

    def __init__(self, pool: Pool, *, key: PoolKey | None = None) -> None:
        self.id = str(ULID())
        self.token = decode_pool_token(pool.config)
        self._key = key or load_pool_key(pool.key)
        self.server = ControlPlane(self.token.api, self.token.pool_id, self.proof)

    def proof(self) -> str:
        """What it proves itself with."""
        return self._key.proof(worker_id=self.id, audience=AUDIENCE, pool_id=self.token.pool_id)

    async def register(self) -> Registered:
        """Be known to the server."""
        return await self.server.register(Register(version="bench"))

    async def take(self) -> Offer | None:
        """Ask for a run."""
        return (await self.server.ask([])).offer

    async def manifest(self, offer: Offer) -> Manifest:
        """What there is to know of the run."""
        sealed = offer.manifest or (await self.server.manifest(held(offer))).manifest
        return Manifest.model_validate_json(self._key.decrypt(sealed))

    async def perform(self, offer: Offer, *, before: Callable[[Phase], Awaitable[None]]) -> str:
        """Take the run to its end; the state it ended in. `before` is awaited for each phase."""
        phase = Phase.PREPARE
        while True:
            await before(phase)
            verdict = await self.report(offer, phase)
            if verdict.then is not Then.CONTINUE or verdict.phase is None:
                return verdict.state
            phase = verdict.phase

    async def report(self, offer: Offer, phase: Phase) -> Verdict:
        """Say that the phase went well. Raises RuntimeError when that is not taken."""
        verdict = await self.server.report(held(offer), _done(phase))
        if not verdict.accepted:
            raise RuntimeError(f"{phase} of run {offer.run_id} was refused: {verdict.reason}")
        return verdict

    async def close(self) -> None:
        """Leave."""
        await self.server.goodbye()
        await self.server.close()


def held(offer: Offer) -> Held:
    """The lease that came with the offer."""
    return Held(run_id=offer.run_id, fence=offer.fence)


def _done(phase: Phase) -> Report:
    if phase is Phase.PLAN:
        delta = Delta(add=1, resources=1)
        return Planned(changed=True, delta=delta, plan_sha256="5" * 64, wrapped_up=True)
    if phase in (Phase.APPLY, Phase.DESTROY):
        return Applied(phase=phase, wrapped_up=True)
    return PhaseDone(phase=phase, wrapped_up=True)


async def keep_alive(hand: Hand, offer: Offer, every: float) -> None:
    """Renew the lease until cancelled."""
    while True:
        await asyncio.sleep(every)
        await hand.server.beat([held(offer)])
