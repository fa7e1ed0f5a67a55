"""A launcher's loop: be known, ask for runs, keep leases alive, heed orders, leave in order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from gantry_protocol.calls import AUDIENCE, Beaten, Held, Offer, Register, Registered
from gantry_protocol.manifest import Manifest
from gantry_protocol.messages import Bell
from gantry_protocol.token import PoolToken
from pydantic import ValidationError
from ulid import ULID

from gantry_worker import environment, performance
from gantry_worker.control_plane import ControlPlane, Refused, ServerAway
from gantry_worker.doorbell import Doorbell
from gantry_worker.journal import Journal
from gantry_worker.keys import PoolKey, Undecryptable
from gantry_worker.masking import Masker
from gantry_worker.runtimes.choice import Choice
from gantry_worker.session import Session
from gantry_worker.settings import WorkerSettings, metadata
from gantry_worker.workspace import Workspace

log = structlog.get_logger()


@dataclass
class Hold:
    """A run this worker holds: its lease, the work on it, and a way to stop it."""

    lease: Held
    stop: asyncio.Event
    work: asyncio.Task[None]


class Agent:
    """One launcher. `run` returns when it was told to leave and holds nothing any more."""

    def __init__(
        self,
        settings: WorkerSettings,
        token: PoolToken,
        key: PoolKey,
        choice: Choice,
        variables: Mapping[str, str],
        version: str,
    ) -> None:
        self.id = str(ULID())
        self._settings, self._token, self._key, self._choice = settings, token, key, choice
        self._variables, self._version = variables, version
        self._server = ControlPlane(
            token.api, token.pool_id, self._proof, ca_bundle=settings.ca_bundle
        )
        self._holds: dict[str, Hold] = {}
        self._news = asyncio.Event()
        self.leaving = asyncio.Event()

    def _proof(self) -> str:
        return self._key.proof(worker_id=self.id, audience=AUDIENCE, pool_id=self._token.pool_id)

    def leave(self) -> None:
        """Take nothing more, finish what is held, then end."""
        self.leaving.set()
        self._news.set()

    async def run(self) -> None:
        """Work until told to leave. Raises Refused when the server does not take this worker."""
        registered = await self._server.register(
            Register(
                version=self._version,
                metadata=metadata(dict(self._variables)),
                concurrency=self._settings.concurrency,
            )
        )
        log.info(
            "worker registered",
            worker_id=self.id,
            pool_id=self._token.pool_id,
            runtime=self._choice.name,
        )
        bell = Doorbell(
            endpoint=self._token.broker,
            namespace=self._token.namespace,
            pool_id=self._token.pool_id,
            worker_id=self.id,
            password=lambda: f"{self._token.pool_id}:{self._proof()}",
            ca_bundle=self._settings.ca_bundle,
        )
        side = [
            asyncio.create_task(bell.run(self._woken)),
            asyncio.create_task(self._keep_alive(registered.heartbeat_seconds)),
        ]
        try:
            await self._take_runs(registered)
            await self._finish()
        finally:
            for hold in self._holds.values():
                hold.work.cancel()
            for task in side:
                task.cancel()
            await asyncio.gather(
                *side, *(h.work for h in self._holds.values()), return_exceptions=True
            )
            await self._say_goodbye()
            await self._server.close()

    async def _take_runs(self, registered: Registered) -> None:
        while not self.leaving.is_set():
            self._news.clear()
            if len(self._holds) < self._settings.concurrency and await self._ask():
                continue
            try:
                async with asyncio.timeout(registered.poll_seconds):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _ask(self) -> bool:
        try:
            asked = await self._server.ask([hold.lease for hold in self._holds.values()])
        except ServerAway as away:
            log.warning("server away", reason=str(away))
            return False
        if asked.orders.shutdown:
            log.info("told to leave")
            self.leave()
        if asked.offer is None:
            return False
        self._begin(asked.offer)
        return True

    def _begin(self, offer: Offer) -> None:
        lease, stop = Held(run_id=offer.run_id, fence=offer.fence), asyncio.Event()
        work = asyncio.create_task(self._perform(offer, lease, stop))
        self._holds[offer.run_id] = Hold(lease, stop, work)
        log.info("run taken", run_id=offer.run_id, fence=offer.fence, state=offer.state)

    async def _perform(self, offer: Offer, lease: Held, stop: asyncio.Event) -> None:
        with structlog.contextvars.bound_contextvars(run_id=offer.run_id):
            try:
                session = await self._session(offer, lease, stop)
                await performance.perform(session, offer.state_version)
                log.info("run let go", state=session.state)
            except (Refused, Undecryptable, ValidationError) as error:
                # Nothing was begun; the lease runs out and the server says so on the run.
                log.error("run could not be begun", reason=str(error))
            except Exception:
                log.exception("run ended by an error of the worker")
            finally:
                self._holds.pop(offer.run_id, None)
                self._news.set()

    async def _session(self, offer: Offer, lease: Held, stop: asyncio.Event) -> Session:
        sealed = offer.manifest or (await self._server.manifest(lease)).manifest
        manifest = Manifest.model_validate_json(self._key.decrypt(sealed))
        given = self._passed_on()
        words = environment.words_to_mask(manifest, given)
        journal = Journal(
            self._server,
            lease,
            Masker(words, manifest.well_known_masking),
            stack_id=manifest.stack_id,
            mirror=Masker(words, manifest.well_known_masking)
            if self._settings.logs_on_stdout
            else None,
        )
        # The directory's name says nothing of the run; the fence keeps two leases apart.
        place = self._settings.work_dir / "runs" / f"{lease.run_id}-{lease.fence}"
        return Session(
            settings=self._settings,
            server=self._server,
            key=self._key,
            choice=self._choice,
            lease=lease,
            manifest=manifest,
            workspace=Workspace(place),
            given=given,
            journal=journal,
            state=offer.state,
            worker_id=self.id,
            stop=stop,
        )

    def _passed_on(self) -> environment.Given:
        wanted = self._settings.whitelist_envs
        found = {}
        for name in wanted:
            bare = name[3:] if name[:3] in ("ro_", "wo_") else name
            if bare in self._variables:
                found[name] = self._variables[bare]
        return environment.Given(found, frozenset(self._settings.mask_envs))

    async def _woken(self, message: bytes | None) -> None:
        """A bell: look for work, or heed what it says at once instead of at the next beat."""
        if message is not None:
            try:
                bell = Bell.model_validate_json(message)
            except ValidationError:
                bell = Bell()  # a newer server's word: look at everything
            if bell.kind == "stop" and bell.run_id in self._holds:
                await self._beat()
        self._news.set()

    async def _keep_alive(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            await self._beat()

    async def _beat(self) -> None:
        try:
            beaten = await self._server.beat([hold.lease for hold in self._holds.values()])
        except ServerAway as away:
            log.warning("heartbeat not heard", reason=str(away))
            return
        except Refused as refused:
            # The pool was reset or deleted: this worker is nobody any more.
            log.error("heartbeat refused", reason=refused.message)
            self.leave()
            return
        self._heed(beaten)

    def _heed(self, beaten: Beaten) -> None:
        if beaten.orders.shutdown:
            self.leave()
        for answer in beaten.leases:
            hold = self._holds.get(answer.run_id)
            if hold is None:
                continue
            if not answer.held:
                log.warning("lease lost", run_id=answer.run_id, reason=answer.reason)
                hold.work.cancel()
            elif answer.stop:
                hold.stop.set()

    async def _finish(self) -> None:
        if self._holds:
            log.info("finishing what is held", runs=len(self._holds))
        while self._holds:
            await asyncio.wait([hold.work for hold in self._holds.values()])

    async def _say_goodbye(self) -> None:
        try:
            await self._server.goodbye()
        except (ServerAway, Refused) as error:
            log.info("left without a goodbye", reason=str(error))


def clear_leftovers(work_dir: Path) -> int:
    """Remove what a killed worker left of its runs; returns how many. Blocking."""
    left = list((work_dir / "runs").glob("*")) if (work_dir / "runs").is_dir() else []
    for path in left:
        if path.is_dir():
            Workspace(path).remove()
        else:
            path.unlink()
    return len(left)
