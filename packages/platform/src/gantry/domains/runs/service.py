"""The heart of runs: making one, moving it along the table, letting the next one start."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from gantry.domains.contexts.documents import BadRuntimeConfig
from gantry.domains.pools import repo as pools
from gantry.domains.runs import announcing, configuring, leases_repo, logs_repo, queue_repo, repo
from gantry.domains.runs.events import RunMoved, StopRequested
from gantry.domains.runs.model import Run, Transition
from gantry.domains.runs.states import (
    APPLYABLE,
    EXECUTING,
    LOCKING,
    TERMINAL,
    WORKING,
    Kind,
    Signal,
    State,
    has_logs,
    step,
)
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks import service as stack_service
from gantry.domains.stacks.model import Stack
from gantry.domains.tfstate import repo as tfstate
from gantry.domains.vcs import service as vcs
from gantry.domains.vcs.model import Commit, FetchState
from gantry.domains.vcs.rules import title as commit_title
from gantry.kernel.errors import Conflict
from gantry.kernel.ids import new_id
from gantry.kernel.tx import SYSTEM, Actor, Tx
from gantry.ports.vault import Vault

log = structlog.get_logger()

_SHOWN_ON_STACK = frozenset(State) - {
    State.QUEUED,
    State.PENDING,
    State.PENDING_REVIEW,
    State.PERFORMING,
    State.CANCELED,
    State.SKIPPED,
}
"""StackState is RunState without these (contract: enum StackState)."""

STACK_DELETED = "the stack was deleted"

SOURCE_TRUSTED = timedelta(days=1)
"""The bucket of fetched trees keeps two days; an older tree is fetched again before a start."""


class NoPool(Conflict):
    """The stack is to run on the public pool and this installation has none."""

    code = "NO_WORKER_POOL"

    def __init__(self) -> None:
        super().__init__(
            "The stack has no worker pool and this installation runs no public one;"
            " choose a pool in the stack's settings."
        )


@dataclass(frozen=True, slots=True)
class NewRun:
    """What a run is made from."""

    kind: Kind
    title: str
    commit: Commit | None
    branch: str | None = None
    trigger_kind: str | None = None
    """What started it, in the words of the run configuration contract (§3.1); None: who asks."""
    command: str | None = None
    skip_init: bool = False
    autodeploy: bool | None = None
    runtime_config: Mapping[str, Any] = field(default_factory=dict)
    """Its `environment` is kept sealed, with the overrides, which win over it."""
    overrides: Sequence[tuple[str, str]] = ()
    workspace_upload_key: str | None = None
    user_metadata: Sequence[str] = ()
    retry_of: str | None = None
    deletes_stack: bool = False
    drift: bool = False


async def create(tx: Tx, vault: Vault, stack: Stack, new: NewRun) -> Run:
    """A queued run of the stack, which the caller holds; it starts at once if it can.

    Raises NoPool.
    """
    pool_id = stack.pool_id
    if pool_id is None:
        public = await pools.public(tx)
        if public is None:
            raise NoPool
        pool_id = public.id
    run = Run(
        id=new_id(),
        stack_id=stack.id,
        kind=new.kind,
        state=State.QUEUED,
        state_version=0,
        created_at=tx.now,
        updated_at=tx.now,
        state_since=tx.now,
        title=new.title,
        triggered_by=None if new.trigger_kind == "git commit" else tx.actor.name,
        trigger_kind=new.trigger_kind or _trigger_of(tx.actor),
        commit_id=new.commit.id if new.commit else None,
        branch=new.branch or stack.branch,
        command=new.command,
        skip_init=new.skip_init,
        targets=[],
        autodeploy=stack.autodeploy if new.autodeploy is None else new.autodeploy,
        runtime_config=_kept(new),
        workspace_upload_key=new.workspace_upload_key,
        user_metadata=list(new.user_metadata),
        retry_of=new.retry_of,
        deletes_stack=new.deletes_stack,
        pool_id=pool_id,
        priority=0,
        drift=new.drift,
        fence=0,
        outcome_unknown=False,
    )
    given = dict(new.runtime_config.get("environment") or {}) | dict(new.overrides)
    if given:
        plain = json.dumps(list(given.items())).encode()
        run.overrides_sealed = vault.seal(plain, identity=run.overrides_identity)
    tx.session.add(run)
    await tx.session.flush()
    _record(tx, stack, run, None, since=None, note=None, worker_id=None)
    await announcing.announce(tx, stack, run)
    await promote(tx, stack)
    return run


def _trigger_of(actor: Actor) -> str:
    return "API key" if actor.kind == "api_key" else "user"


def _kept(new: NewRun) -> dict[str, Any]:
    """The run's own block as it lies in the open: of variables the names."""
    block = dict(new.runtime_config)
    environment = block.pop("environment", None)
    if environment is not None:
        block["environment_names"] = sorted(environment)
    if new.overrides:
        block["override_names"] = sorted({name for name, _ in new.overrides})
    return block


def overrides_of(vault: Vault, run: Run) -> list[tuple[str, str]]:
    """The environment that was given with this run alone, opened."""
    if run.overrides_sealed is None:
        return []
    plain = vault.open(run.overrides_sealed, identity=run.overrides_identity)
    return [(str(name), str(value)) for name, value in json.loads(plain)]


async def advance(
    tx: Tx,
    stack: Stack,
    run: Run,
    signal: Signal,
    *,
    note: str | None = None,
    worker_id: str | None = None,
    start_next: bool = True,
) -> None:
    """Move a run along the table, and do all that belongs to the move.

    The caller holds the stack and the run (repo.lock). Raises IllegalMove, and then nothing
    has changed. When the run ends, the stack's next one starts in the same transaction.
    """
    before, after = run.state, step(run.state, signal, run.kind)
    let_go = before in WORKING and after not in WORKING
    held: tuple[str, timedelta] | None = None
    # Everything about the row before the first statement: one update instead of three.
    since, run.state_since = run.state_since, tx.now
    run.state, run.state_version, run.updated_at = after, run.state_version + 1, tx.now
    if let_go:
        # A stop that came too late for this stretch of work must not hit the next one.
        run.stop_requested_at = run.stop_note = run.stop_by = None
    if after in TERMINAL:
        run.finished_at = tx.now
    if has_logs(before):
        await logs_repo.close(tx, run.id, run.state_version - 1)
    if has_logs(after):
        logs_repo.open_stream(tx, run.id, run.state_version)
    if let_go:
        held = await leases_repo.drop(tx, run.id)
        worker_id = held[0] if held else worker_id
        # No process of this run is alive: what it held of the state is free.
        await tfstate.release_run(tx, run.id)
    _record(tx, stack, run, before, since=since, note=note, worker_id=worker_id)
    await announcing.announce(tx, stack, run)
    await _show_on_stack(tx, run, before)
    log.info(
        "run moved",
        run_id=run.id,
        stack_id=run.stack_id,
        before=before.value,
        after=after.value,
        signal=signal.name,
    )
    if after in TERMINAL:
        await tx.session.flush()
        if run.deletes_stack:
            await _finish_deletion(tx, stack, run)
        if start_next:
            await promote(tx.acting_as(SYSTEM), stack)
    if held is not None:
        # The last thing: every run of the space wants this row.
        await queue_repo.settle(tx, run.pool_id, stack.space_id, held[1])


async def promote(tx: Tx, stack: Stack) -> None:
    """Let the stack's queued runs start that may (`waiting` says why others
    may not). The caller holds the stack.

    Safe to call at any time, for no reason: it looks at the world and moves it on.
    """
    system = tx.acting_as(SYSTEM)
    await tx.session.flush()
    held = await repo.holder(tx, stack.id)
    for run, commit in await queue_repo.queued(tx, stack.id):
        if stack.deleted_at is not None:
            # Nothing may touch infrastructure whose state has no owner any more.
            await advance(system, stack, run, Signal.DISCARD, note=STACK_DELETED, start_next=False)
            continue
        if stack.deleting and not run.deletes_stack:
            continue
        if commit is not None and not await _source_settled(system, stack, run, commit):
            continue
        if run.kind in LOCKING and (held is not None or locked_out(stack, run)):
            continue
        if not await _configured(system, stack, run, commit):
            continue
        if run.kind in LOCKING:
            held = run
        await advance(system, stack, run, Signal.UNBLOCK)


async def ask_to_stop(tx: Tx, run: Run, note: str | None) -> None:
    """Let the worker of a leased run know that it should stop; asking twice changes nothing."""
    if run.stop_requested_at is None:
        run.stop_requested_at, run.stop_note, run.stop_by = tx.now, note, tx.actor.name
    lease = await leases_repo.find(tx, run.id)
    if lease is not None:
        tx.emit(StopRequested(run.id, run.stack_id, run.pool_id, lease.worker_id))


async def _source_settled(tx: Tx, stack: Stack, run: Run, commit: Commit) -> bool:
    if commit.state is FetchState.WANTED:
        return False
    if commit.state is FetchState.FAILED:
        run.failure = commit.error or "The source could not be fetched."
        await advance(tx, stack, run, Signal.FAIL, note=run.failure, start_next=False)
        return False
    if commit.stored_at is not None and commit.stored_at < tx.now - SOURCE_TRUSTED:
        await vcs.want(
            tx, repository_url=commit.repository_url, branch=commit.branch, sha=commit.sha
        )
        return False
    if commit.message:
        # Only now is it known what the commit says of itself.
        run.title = run.title.replace(
            commit.sha[:8], commit_title(commit.message) or commit.sha[:8]
        )
    return True


async def _configured(tx: Tx, stack: Stack, run: Run, commit: Commit | None) -> bool:
    try:
        return await configuring.settle(tx, stack, run, commit)
    except BadRuntimeConfig as error:
        run.failure = error.message
        await advance(tx, stack, run, Signal.FAIL, note=run.failure, start_next=False)
        return False


def locked_out(stack: Stack, run: Run) -> bool:
    """Whether somebody else's lock keeps the run from changing what the stack manages."""
    return stack.locked_at is not None and stack.locked_by != run.triggered_by


def _record(
    tx: Tx,
    stack: Stack,
    run: Run,
    before: State | None,
    *,
    since: datetime | None,
    note: str | None,
    worker_id: str | None,
) -> None:
    tx.session.add(
        Transition(
            run_id=run.id,
            version=run.state_version,
            before=before,
            after=run.state,
            at=tx.now,
            actor=tx.actor.name,
            note=note,
            worker_id=worker_id,
        )
    )
    tx.emit(
        RunMoved(
            run.id,
            run.stack_id,
            run.pool_id,
            run.kind,
            before,
            run.state,
            run.state_version,
            at=tx.now,
            created_at=run.created_at,
            space_id=stack.space_id,
            worker_id=worker_id,
            # Servers' clocks differ; no time is negative.
            lasted=None if since is None else max(tx.now - since, timedelta(0)),
            triggered_by=run.triggered_by,
        )
    )


async def _show_on_stack(tx: Tx, run: Run, before: State) -> None:
    shown = run.state in _SHOWN_ON_STACK and before is not State.QUEUED
    if run.kind not in APPLYABLE or not (shown or run.state is State.READY):
        return
    applied = tx.now if before in EXECUTING and run.state is State.FINISHED else None
    await stacks.show_state(
        tx, run.stack_id, state=run.state.value, by=tx.actor.name, applied_at=applied
    )


async def remove_stack(tx: Tx, stack: Stack) -> None:
    """The stack is deleted, and no run of it begins any more. Call with it locked, as the last
    thing done to it (see stacks.service.delete).
    """
    system = tx.acting_as(SYSTEM)
    for run, _ in await queue_repo.queued(system, stack.id):
        await advance(system, stack, run, Signal.DISCARD, note=STACK_DELETED, start_next=False)
    await tfstate.forget(tx, stack.id)
    await stack_service.delete(tx, stack)


async def _finish_deletion(tx: Tx, stack: Stack, run: Run) -> None:
    if run.state is State.FINISHED:
        await remove_stack(tx, stack)
    else:
        await stack_service.give_up_deletion(tx.acting_as(SYSTEM), stack.id)
