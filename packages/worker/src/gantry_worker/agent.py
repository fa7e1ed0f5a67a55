"""A launcher's loop: be known, ask for runs, keep leases alive, heed orders, leave in order."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import structlog
from gantry_protocol.calls import AUDIENCE, Held, Offer, Register, Registered
from gantry_protocol.manifest import Manifest
from gantry_protocol.messages import Bell
from gantry_protocol.token import PoolToken
from gantry_protocol.words import Phase
from pydantic import ValidationError
from ulid import ULID

from gantry_worker import environment, performance, unsaved
from gantry_worker.control_plane import ControlPlane, Refused, ServerAway, StillFailing
from gantry_worker.doorbell import LONGEST_PAUSE, Doorbell
from gantry_worker.holds import Hold, Holds, heed
from gantry_worker.journal import Journal
from gantry_worker.keys import PoolKey, Undecryptable
from gantry_worker.masking import Masker
from gantry_worker.removal import remove_tree
from gantry_worker.runtimes.choice import Choice
from gantry_worker.session import Session
from gantry_worker.settings import WorkerSettings, metadata
from gantry_worker.workspace import Workspace

log = structlog.get_logger()

APART = (0.8, 1.0)
"""Of the time between two questions that the server named, which it is never longer than."""

BETWEEN_BEATS = 2.0
"""Seconds between heartbeats while none is heard and there is a lease to lose."""


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
            token.api, token.pool_id, self._proof, trust=settings.trust, proxies=settings.proxies
        )
        self._holds = Holds()
        self._lease_seconds = 0.0
        self._unheard = False
        self._asked_at = 0.0
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
        registered = await self._register()
        if registered is None:
            await self._server.close()
            return
        log.info(
            "worker registered",
            worker_id=self.id,
            pool_id=self._token.pool_id,
            runtime=self._choice.name,
        )
        bell = self._doorbell(registered)
        self._lease_seconds = registered.lease_seconds
        side = [
            asyncio.create_task(self._listen(bell)),
            asyncio.create_task(self._keep_alive(registered)),
            asyncio.create_task(self._hand_over()),
        ]
        try:
            await self._take_runs(registered)
            await self._finish()
        finally:
            tasks = [*side, *self._work()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._say_goodbye()
            await self._server.close()

    def _doorbell(self, registered: Registered) -> Doorbell:
        trust, by_certificate = self._settings.trust, registered.broker_login == "certificate"

        def tls() -> ssl.SSLContext:
            context = trust.context()
            if by_certificate:
                self._key.present(context, self._token.certificate)
            return context

        return Doorbell(
            endpoint=registered.broker or self._token.broker,
            namespace=self._token.namespace,
            pool_id=self._token.pool_id,
            worker_id=self.id,
            # A proof opens the server's doors: a broker that is not Gantry's gets to see none.
            password=None if by_certificate else self._password,
            tls=tls,
            proxies=self._settings.proxies,
            proxy_tls=trust.context,
        )

    def _password(self) -> str:
        return f"{self._token.pool_id}:{self._proof()}"

    async def _register(self) -> Registered | None:
        """Be known to the server, however long that takes; None when told to leave before."""
        said = Register(
            version=self._version,
            metadata=metadata(dict(self._variables)),
            concurrency=self._settings.concurrency,
        )
        asking = asyncio.ensure_future(self._server.register(said))
        leaving = asyncio.ensure_future(self.leaving.wait())
        try:
            await asyncio.wait({asking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        finally:
            for task in (asking, leaving):
                task.cancel()
            await asyncio.gather(asking, leaving, return_exceptions=True)

    async def _take_runs(self, registered: Registered) -> None:
        while not self.leaving.is_set():
            self._news.clear()
            if len(self._holds) < self._settings.concurrency and await self._ask():
                continue
            try:
                # Those who came together, as when a server was back, are to ask apart.
                wait = registered.poll_seconds * random.uniform(*APART)  # noqa: S311 - no secret
                async with asyncio.timeout(wait):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _ask(self) -> bool:
        try:
            # Whatever the worker knows of: what is missing here is offered again.
            asked = await self._server.ask([hold.lease for hold in self._holds.all()])
        except ServerAway as away:
            log.warning("server away", reason=str(away))
            return False
        except Refused as refused:
            # What is held goes on: its reports are judged by their own leases.
            log.error("not given work any more", reason=refused.message)
            self.leave()
            return False
        self._asked_at = time.monotonic()
        if asked.orders.shutdown:
            log.info("told to leave")
            self.leave()
        return asked.offer is not None and self._begin(asked.offer)

    def _begin(self, offer: Offer) -> bool:
        hold = self._holds.take(Held(run_id=offer.run_id, fence=offer.fence))
        if hold is None:
            log.info("offer of a run that is held already", run_id=offer.run_id)
            return False
        hold.work = asyncio.create_task(self._perform(offer, hold))
        with structlog.contextvars.bound_contextvars(**_about(offer)):
            log.info("run taken", fence=offer.fence, state=offer.state)
        return True

    async def _perform(self, offer: Offer, hold: Hold) -> None:
        with structlog.contextvars.bound_contextvars(**_about(offer)):
            try:
                session = hold.session = await self._session(offer, hold)
                await performance.perform(session, offer.state_version)
                log.info("run let go", state=session.state)
            except (Refused, Undecryptable, ValidationError) as error:
                log.error("run could not be begun", reason=_reason(error))
                await self._give_up(hold, f"The run could not be begun: {_reason(error)}.")
            except Exception as bug:
                log.exception("run ended by an error of the worker")
                await self._give_up(hold, performance.unexpected(Phase.PREPARE, bug))
            finally:
                self._holds.drop(hold)
                self._news.set()

    async def _give_up(self, hold: Hold, reason: str) -> None:
        """Say why, if anybody hears it; else the lease runs out and the server says less."""
        if hold.lost:
            return
        try:
            async with asyncio.timeout(self._lease_seconds):
                told = performance.failed(Phase.PREPARE, reason)
                await self._server.report(hold.lease, told)
        except (Refused, StillFailing, TimeoutError) as error:
            log.warning("reason not reported", reason=str(error))

    async def _still_ours(self, hold: Hold) -> bool:
        """Whether the lease cannot have run out. Asks, and waits for an answer, when it may."""
        while not hold.lost:
            if time.monotonic() - hold.confirmed < self._lease_seconds:
                return True
            if not await self._beat():
                return False
            if not hold.lost and time.monotonic() - hold.confirmed >= self._lease_seconds:
                await asyncio.sleep(BETWEEN_BEATS)
        return False

    async def _session(self, offer: Offer, hold: Hold) -> Session:
        lease = hold.lease
        sealed = offer.manifest or (await self._server.manifest(lease)).manifest
        manifest = Manifest.model_validate_json(self._key.decrypt(sealed))
        given = self._passed_on()
        words = environment.words_to_mask(manifest, given)
        shape = (words, manifest.well_known_masking)
        # Off the loop: a few megabytes of secret files are many words.
        masker = await asyncio.to_thread(Masker, *shape)
        mirror = await asyncio.to_thread(Masker, *shape) if self._settings.logs_on_stdout else None
        journal = Journal(self._server, lease, masker, stack_id=manifest.stack_id, mirror=mirror)
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
            stop=hold.stop,
            still_ours=partial(self._still_ours, hold),
        )

    def _passed_on(self) -> environment.Given:
        wanted, proxies = self._settings.whitelist_envs, self._settings.proxies
        found = proxies.variables()
        for name in wanted:
            bare = environment.bare(name)
            if bare in self._variables:
                found[name] = self._variables[bare]
        masked = frozenset(self._settings.mask_envs)
        return environment.Given(found, masked, tuple(proxies.passwords()))

    async def _woken(self, message: bytes | None) -> None:
        """A bell: look for work, or heed what it says at once instead of at the next beat."""
        if message is not None:
            try:
                bell = Bell.model_validate_json(message)
            except ValidationError:
                bell = Bell()  # a newer server's word: look at everything
            if bell.kind == "stop" and bell.run_id and self._holds.of_run(bell.run_id):
                await self._beat()
        self._news.set()

    async def _listen(self, bell: Doorbell) -> None:
        while True:
            try:
                await bell.run(self._woken)
            except Exception:
                # Work is asked for all the same, only later; a worker must not end of this.
                log.exception("doorbell broke")
            await asyncio.sleep(LONGEST_PAUSE)

    async def _hand_over(self) -> None:
        """Offer the server what earlier runs on this machine could not save."""
        while True:
            try:
                await unsaved.hand_over_all(self._server, self._key, self._settings.work_dir)
            except Exception:
                log.exception("unsaved states not offered")
            await asyncio.sleep(unsaved.BETWEEN_TRIES)

    async def _keep_alive(self, registered: Registered) -> None:
        every = registered.heartbeat_seconds
        while True:
            hurry = self._unheard and bool(self._holds)
            await asyncio.sleep(min(every, BETWEEN_BEATS) if hurry else every)
            heard = time.monotonic() - self._asked_at < registered.quiet_seconds
            if heard and not self._holds:
                continue  # nothing to renew, and the server knows that this worker is there
            try:
                await self._beat()
            except Exception:
                # Without heartbeats every lease would end, whatever this one met.
                log.exception("heartbeat broke")

    async def _beat(self) -> bool:
        """Renew what is held; False when the server does not take this worker any more."""
        asked, asked_at = self._holds.kept(), time.monotonic()
        try:
            beaten = await self._server.beat([hold.lease for hold in asked])
        except ServerAway as away:
            log.warning("heartbeat not heard", reason=str(away))
            self._unheard = True
            return True
        except Refused as refused:
            # The pool was reset or deleted: this worker is nobody any more.
            log.error("heartbeat refused", reason=refused.message)
            self.leave()
            return False
        self._unheard = False
        if beaten.orders.shutdown:
            self.leave()
        heed(asked, beaten, asked_at)
        return True

    def _work(self) -> list[asyncio.Task[None]]:
        return [hold.work for hold in self._holds.all() if hold.work is not None]

    async def _finish(self) -> None:
        if self._holds:
            log.info("finishing what is held", runs=len(self._holds))
        while work := self._work():
            await asyncio.wait(work)

    async def _say_goodbye(self) -> None:
        try:
            await self._server.goodbye()
        except (ServerAway, Refused) as error:
            log.info("left without a goodbye", reason=str(error))


def _about(offer: Offer) -> dict[str, str]:
    """What each line of the worker's log about the run says of it."""
    known = {"run_id": offer.run_id, "stack_id": offer.stack_id}
    return {name: value for name, value in known.items() if value is not None}


def _reason(error: Exception) -> str:
    """For people: never the manifest's own words, which a ValidationError would quote."""
    if isinstance(error, ValidationError):
        return "the server's manifest is not one that this worker understands"
    return str(error)


def clear_leftovers(work_dir: Path) -> int:
    """Remove what a killed worker left of its runs; how many are gone. Blocking.

    What cannot be removed is logged and left: it must not keep a worker from its work.
    """
    gone = 0
    for path in (work_dir / "runs").glob("*"):
        try:
            remove_tree(path)
            gone += 1
        except OSError as error:
            log.error("leftover not removed", path=str(path), reason=str(error))
    return gone
