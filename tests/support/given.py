"""What tests start from, made through the real services, and a worker that says what it is told."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.pools import service as pools
from gantry.domains.pools.model import WorkerPool
from gantry.domains.runs import leasing, logbook, manifests, reporting, triggers
from gantry.domains.runs import repo as runs
from gantry.domains.runs.leasing import Claim
from gantry.domains.runs.model import Run
from gantry.domains.runs.states import Kind, State
from gantry.domains.stacks import heads
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks import service as stack_service
from gantry.domains.stacks.model import Provider, Stack
from gantry.domains.stacks.service import Wanted
from gantry.domains.stacks.vendors import terraform
from gantry.domains.tfstate import service as states
from gantry.domains.vcs import repo as commits
from gantry.kernel.ids import new_id
from gantry.kernel.tx import SYSTEM, Actor, Tx
from gantry_protocol.calls import (
    Applied,
    Change,
    Delta,
    Failed,
    LogAnswer,
    PhaseDone,
    Planned,
    Report,
    StepTaken,
    Stopped,
    Verdict,
)
from gantry_protocol.manifest import Manifest
from gantry_protocol.words import Phase

from tests.support.core import BASE_URL, LEASE, Core

ADMIN = Actor("user", new_id(), name="admin::ada", everywhere=access.EVERYTHING)
WRITER = Actor("user", new_id(), name="admin::wim", everywhere=access.EVERYTHING)
"""Somebody else who may do everything."""
READER = Actor("user", new_id(), name="admin::rea", everywhere=frozenset({Action.SPACE_READ.value}))
STRANGER = Actor("user", new_id(), name="admin::sam")
"""Somebody who has signed in and may see nothing."""

LOG_LIMIT = 8 * 1024 * 1024


async def given_a_pool(core: Core, name: str = "builders", *, key: int = 0) -> WorkerPool:
    """A private pool with the session's first or second key."""
    async with core.db.write(ADMIN) as tx:
        return await pools.create(
            tx, core.authority, core.reach, name=name, request=core.keys.pool_requests[key]
        )


async def given_the_public_pool(core: Core, *, key: int = 1) -> WorkerPool:
    """The pool of stacks that name none."""
    async with core.db.write(SYSTEM) as tx:
        request = core.keys.pool_requests[key]
        return await pools.ensure_public(tx, core.authority, core.reach, request)


async def given_a_worker(core: Core, pool: WorkerPool, *, concurrency: int = 1) -> Hand:
    """A registered worker of the pool."""
    worker_id = new_id()
    async with core.db.write(SYSTEM) as tx:
        await pools.register(
            tx, pool, worker_id=worker_id, tags={}, version="1", concurrency=concurrency
        )
    return Hand(core, pool, worker_id)


def wanted(core: Core, name: str = "Network", **settings: Any) -> Wanted:
    """What a client asks for when it makes a Terraform stack of the session's repository."""
    vendor, config = terraform({}, [])
    common: dict[str, Any] = {
        "repository": "source",
        "branch": "main",
        "provider": Provider.GIT,
        "repository_url": core.source.url,
        "vendor": vendor,
        "vendor_config": config,
    }
    return Wanted(name=name, **{**common, **settings})


async def given_a_stack(
    core: Core,
    pool: WorkerPool | None,
    name: str = "Network",
    *,
    manages_state: bool = True,
    **settings: Any,
) -> Stack:
    """A stack on the pool that tracks the second commit of main, whose tree is stored."""
    asked = wanted(core, name, pool_id=pool.id if pool else None, **settings)
    async with core.db.write(ADMIN) as tx:
        stack = await stack_service.create(tx, asked, manages_state=manages_state)
        head = heads.Head(core.source.url, "main", core.source.second)
        await heads.track(tx, stack, head, by="")
        return stack


async def given_a_run(
    core: Core, stack: Stack, kind: Kind = Kind.TRACKED, *, by: Actor = ADMIN, **options: Any
) -> Run:
    """A run somebody triggered. It is READY if nothing holds the stack."""
    async with core.db.write(by) as tx:
        return await triggers.trigger(tx, core.vault, stack.id, kind=kind, **options)


async def manifest_of(core: Core, stack: Stack, run: Run, *, issuer: str = BASE_URL) -> Manifest:
    """What the worker that holds the run would be given."""
    where = manifests.Addresses(BASE_URL, issuer)
    async with core.db.read(SYSTEM) as tx:
        commit = await commits.find(tx, run.commit_id)
        return await manifests.build(tx, core.vault, core.objects, where, stack, run, commit)


async def given_a_task(
    core: Core, stack: Stack, *, skip_init: bool = False, by: Actor = ADMIN
) -> Run:
    """A task somebody started."""
    async with core.db.write(by) as tx:
        return await triggers.task(
            tx, core.vault, stack.id, command="terraform state list", skip_init=skip_init
        )


async def run_now(core: Core, run: Run | str) -> Run:
    """The run as the database has it."""
    async with core.db.read(SYSTEM) as tx:
        return await runs.find(tx, run if isinstance(run, str) else run.id)


async def state_of(core: Core, run: Run | str) -> State:
    """Where the run is."""
    return (await run_now(core, run)).state


async def stack_now(core: Core, stack: Stack | str) -> Stack:
    """The stack as the database has it; a deleted one, which has given its id back, if there is
    none of the id.
    """
    async with core.db.read(SYSTEM) as tx:
        stack_id = stack if isinstance(stack, str) else stack.id
        rows = await core.rows(
            "select id from stack where id like :id order by id", id=f"{stack_id}~%"
        )
        ids = [stack_id, *(str(row[0]) for row in rows)]
        found = [one for one in [await tx.session.get(Stack, each) for each in ids] if one]
        return found[0]


async def given_a_state(core: Core, stack: Stack, serial: int = 1) -> None:
    """The stack manages something."""
    state = {"version": 4, "serial": serial, "lineage": "ours", "outputs": {}, "resources": []}
    await write_state(core, stack, json.dumps(state).encode())


async def history(core: Core, run: Run | str) -> list[State]:
    """The states the run has been in, oldest first."""
    run_id = run if isinstance(run, str) else run.id
    async with core.db.read(SYSTEM) as tx:
        moves = (await runs.transitions(tx, [run_id]))[run_id]
    return [move.after for move in reversed(moves)]


_TABLES = (
    *("stack", "run", "run_transition", "run_lease", "run_log", "run_review", "run_comment"),
    *("worker", "worker_pool", "state_version", "state_lock", "local_workspace", "commit"),
    *("procrastinate_jobs", "live_event"),
)
_EVERYTHING = " union all ".join(
    f"select '{name}', row::text from \"{name}\" row" for name in _TABLES
)


async def everything(core: Core) -> list[tuple[object, ...]]:
    """All that decisions can change, for asserting that a refused one changed nothing."""
    return sorted(await core.rows(_EVERYTHING), key=str)


def plan_of(*changes: tuple[str, str], key: str | None = None, done: bool = True) -> Planned:
    """A report of a plan with these (address, action) changes."""
    return Planned(
        changed=bool(changes),
        delta=Delta(add=len(changes), resources=len(changes)),
        changes=[
            Change(address=address, type=address.split(".")[0], action=action)
            for address, action in changes
        ],
        plan_sha256="5" * 64,
        workspace_key=key,
        wrapped_up=done,
    )


ONE_CHANGE = ("null_resource.a", "create")


@dataclass
class Hand:
    """A worker as the server knows it: it claims runs and says what happened to them."""

    core: Core
    pool: WorkerPool
    id: str
    held: dict[str, int] = field(default_factory=dict)
    """Fences by run."""

    @property
    def actor(self) -> Actor:
        """Who the worker's calls are made as."""
        return Actor("worker", self.id, name="")

    async def claim(self) -> Claim | None:
        """Ask for a run."""
        known = set(self.held.items())
        claim = await leasing.claim(
            self.core.db, self.actor, self.pool, self.id, known=known, lasts=LEASE
        )
        if claim is not None:
            self.held[claim.run.id] = claim.fence
        return claim

    async def take(self, run: Run) -> Claim:
        """Ask for a run, and be given this one."""
        claim = await self.claim()
        assert claim is not None, (
            f"no run was given; the one wanted is {await run_now(self.core, run)}"
        )
        assert claim.run.id == run.id
        return claim

    async def say(
        self,
        run: Run | str,
        told: Report,
        *,
        fence: int | None = None,
        steps: Sequence[StepTaken] = (),
    ) -> Verdict:
        """Report, under the newest fence that was won."""
        run_id = run if isinstance(run, str) else run.id
        fence = self.held[run_id] if fence is None else fence
        async with self.core.db.write(self.actor) as tx:
            return await reporting.report(
                tx, self.core.vault, run_id, self.pool.id, self.id, fence, told, steps
            )

    async def done(self, run: Run, *phases: Phase) -> Verdict:
        """Report that these phases went well, one after the other."""
        verdict = None
        for phase in phases:
            verdict = await self.say(run, PhaseDone(phase=phase, wrapped_up=True))
            assert verdict.accepted, verdict
        assert verdict is not None
        return verdict

    async def plan(self, run: Run, *changes: tuple[str, str]) -> Verdict:
        """From the lease to a finished plan, with the workspace stored."""
        await self.take(run)
        await self.done(run, Phase.PREPARE, Phase.INIT)
        return await self.say(run, plan_of(*changes, key=f"{run.id}/workspace"))

    async def apply(self, run: Run, phase: Phase = Phase.APPLY) -> Verdict:
        """From the lease of a confirmed run to its end."""
        await self.take(run)
        await self.done(run, Phase.PREPARE)
        return await self.say(run, Applied(phase=phase, wrapped_up=True))

    async def fail(self, run: Run, phase: Phase, reason: str = "it broke") -> Verdict:
        """Report a failure."""
        return await self.say(run, Failed(phase=phase, reason=reason))

    async def stop(self, run: Run, phase: Phase) -> Verdict:
        """Report that the run stopped, as asked."""
        return await self.say(run, Stopped(phase=phase))

    async def beat(self, *runs_held: tuple[str, int]) -> leasing.Pulse:
        """Renew leases; without any, all that were won."""
        held: Sequence[tuple[str, int]] = runs_held or list(self.held.items())
        async with self.core.db.write(SYSTEM) as tx:
            return await leasing.beat(tx, self.id, held, lasts=LEASE)

    async def log(
        self,
        run: Run,
        version: int,
        offset: int,
        data: bytes,
        *,
        limit: int = LOG_LIMIT,
        fence: int | None = None,
    ) -> LogAnswer:
        """Send a chunk of a log."""
        fence = self.held[run.id] if fence is None else fence
        async with self.core.db.write(SYSTEM) as tx:
            return await logbook.append(
                tx, run.id, version, self.pool.id, self.id, fence, offset, data, limit=limit
            )


async def write_state(
    core: Core,
    stack: Stack,
    body: bytes,
    *,
    lock_id: str | None = None,
    writer: states.Writer | None = None,
    allowed: Callable[[Tx], Awaitable[None]] | None = None,
) -> None:
    """Keep a state, as the backend of runs does."""

    async def still(tx: Tx) -> None:
        await stacks.lock(tx, stack.id)
        if allowed is not None:
            await allowed(tx)

    await states.write(
        core.db,
        core.vault,
        core.objects,
        stack.id,
        body,
        lock_id=lock_id,
        writer=writer or states.Writer(ADMIN.name),
        still_allowed=still,
    )


async def sweep(core: Core) -> None:
    """What the scheduler starts every ten seconds."""
    await leasing.reconcile(core.db, lasts=LEASE)


async def leases(core: Core) -> list[tuple[object, ...]]:
    """Run, worker and fence of each lease."""
    return await core.rows("select run_id, worker_id, fence from run_lease order by run_id")


async def expiry(core: Core, run: Run) -> object:
    """When the lease of the run ends."""
    ((at,),) = await core.rows("select expires_at from run_lease where run_id = :run", run=run.id)
    return at


async def lease_runs_out(core: Core, run: Run) -> None:
    """Time passes without a word from the worker, though the control plane listens."""
    await core.change(
        "insert into lease_sweep (id, at) values (1, now()) on conflict (id) do update"
        " set at = now()"
    )
    await core.change(
        "update run_lease set expires_at = now() - interval '1 second' where run_id = :run",
        run=run.id,
    )
