"""Starting runs: what people, pushes and clients ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gantry.domains.people.actions import Action
from gantry.domains.runs import access, repo
from gantry.domains.runs.model import LocalWorkspace, Run
from gantry.domains.runs.service import (
    STACK_DELETED,
    NewRun,
    advance,
    ask_to_stop,
    create,
    overrides_of,
    remove_stack,
)
from gantry.domains.runs.states import STOPPABLE, TERMINAL, Kind, Signal
from gantry.domains.stacks import access as stack_access
from gantry.domains.stacks import heads
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks import service as stack_service
from gantry.domains.stacks.model import Stack, Vendor
from gantry.domains.stacks.vendors import RUNNABLE
from gantry.domains.tfstate import repo as tfstate
from gantry.domains.vcs import repo as vcs_repo
from gantry.domains.vcs import service as vcs
from gantry.domains.vcs.model import Commit
from gantry.domains.vcs.rules import is_sha
from gantry.domains.vcs.rules import title as commit_title
from gantry.kernel.errors import Conflict, NotFound, UserError
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Tx
from gantry.ports.sources import NoSuchRef
from gantry.ports.vault import Vault

MAX_COMMAND = 16 * 1024
"""Bytes of a task's command: longer ones belong into a script in the repository."""


PUSH = "git commit"
"""The trigger kind of runs that a push started; newer ones of a branch end its older previews."""


class CannotRun(UserError):
    """This release cannot perform such a run."""

    code = "CANNOT_RUN"


class NoCommit(Conflict):
    """The stack tracks no commit yet."""

    def __init__(self, stack: Stack) -> None:
        reason = stack.sync_error or "its branch has not been looked up yet"
        super().__init__(f"The stack tracks no commit: {reason}")


async def trigger(
    tx: Tx,
    vault: Vault,
    stack_id: str,
    *,
    kind: Kind,
    sha: str | None = None,
    head: heads.Head | None = None,
    runtime_config: Mapping[str, Any] | None = None,
    overrides: Sequence[tuple[str, str]] = (),
    user_metadata: Sequence[str] = (),
    trigger_kind: str | None = None,
) -> Run:
    """A new run of the stack: of `sha`, else of `head` if it was looked up, else of what it tracks.
    `trigger_kind` is what started it, where that is not whoever the transaction acts for.

    Raises NotFound, NotAllowed, StackLocked, StackDisabled, CannotRun, NoSuchRef, NoPool.
    """
    stack = await _runnable_stack(tx, stack_id)
    access.require(tx, Action.RUN_TRIGGER, stack)
    if runtime_config:
        access.require(tx, Action.RUN_TRIGGER_WITH_CUSTOM_RUNTIME_CONFIG, stack)
    if overrides:
        access.require(tx, Action.RUN_PROPOSE_WITH_OVERRIDES, stack)
    if kind not in (Kind.TRACKED, Kind.PROPOSED, Kind.DESTROY):
        raise CannotRun(f"A {kind.value.lower()} run cannot be triggered this way.")
    if kind is not Kind.PROPOSED:
        stack_access.require_unlocked(tx, stack)
    if head is not None and sha is None:
        if (head.repository_url, head.branch) != (stack_service.remote_url(stack), stack.branch):
            raise Conflict("The stack's source was changed just now; trigger the run again.")
        if kind is Kind.TRACKED:
            commit = await heads.track(tx, stack, head, by=tx.actor.name)
        else:
            commit = await _commit(tx, stack, head.sha)
    else:
        commit = await _commit(tx, stack, sha)
    run = await create(
        tx,
        vault,
        stack,
        NewRun(
            kind=kind,
            title=_title(kind, commit),
            commit=commit,
            runtime_config=runtime_config or {},
            overrides=overrides,
            user_metadata=user_metadata,
            trigger_kind=trigger_kind,
        ),
    )
    if trigger_kind == PUSH:
        await supersede_previews(tx, stack, run)
    return run


async def task(
    tx: Tx,
    vault: Vault,
    stack_id: str,
    *,
    command: str,
    skip_init: bool,
    user_metadata: Sequence[str] = (),
) -> Run:
    """A task: one command in the stack's workspace. Raises as `trigger`, and UserError."""
    stack = await _runnable_stack(tx, stack_id)
    access.require(tx, Action.TASK_CREATE, stack)
    stack_access.require_unlocked(tx, stack)
    command = command.strip()
    if not command or len(command.encode()) > MAX_COMMAND or "\0" in command:
        raise UserError(f"A task's command has 1 to {MAX_COMMAND} bytes and no NUL character.")
    commit = await _commit(tx, stack, None)
    new = NewRun(
        kind=Kind.TASK,
        title=command.split("\n", 1)[0][:200],
        commit=commit,
        command=command,
        skip_init=skip_init,
        user_metadata=user_metadata,
    )
    return await create(tx, vault, stack, new)


async def retry(tx: Tx, vault: Vault, stack_id: str, run_id: str) -> Run:
    """A new run like one that has ended: same commit, same command, today's settings.

    Raises NotFound, NotAllowed, Conflict while the run has not ended, or when its upload is gone.
    """
    stack, old = await repo.lock(tx, run_id, stack_id=stack_id)
    access.require(tx, Action.RUN_RETRY, stack, old)
    require_ended(old)
    require_runnable(stack)
    if old.kind is not Kind.PROPOSED:
        stack_access.require_unlocked(tx, stack)
    commit = await _known_commit(tx, old.commit_id)
    uploaded = old.workspace_upload_key
    if uploaded is not None and not await vcs_repo.keep_config_longer(tx, uploaded):
        raise Conflict("The uploaded workspace is not kept any more; upload it again.")
    new = NewRun(
        kind=old.kind,
        title=old.title,
        commit=commit,
        branch=old.branch,
        command=old.command,
        skip_init=old.skip_init,
        runtime_config=old.runtime_config,
        overrides=overrides_of(vault, old),
        workspace_upload_key=uploaded,
        retry_of=old.id,
    )
    return await create(tx, vault, stack, new)


def can_retry(run: Run) -> bool:
    """Whether a run like this one can be started again."""
    return run.state in TERMINAL and not run.deletes_stack


def require_ended(run: Run) -> None:
    """Raises Conflict when no run like this one can be started yet, or ever."""
    if run.deletes_stack:
        raise Conflict("A run that deletes its stack is not retried; delete the stack again.")
    if not can_retry(run):
        raise Conflict("Only a run that has ended can be retried.")


async def promote(tx: Tx, vault: Vault, stack_id: str, run_id: str) -> Run:
    """A tracked run of a proposed run's commit, which is newer than the tracked one.

    Raises NotFound, NotAllowed, Conflict; also when the stack's settings allow no promotion.
    """
    stack, old = await repo.lock(tx, run_id, stack_id=stack_id)
    access.require(tx, Action.RUN_PROMOTE, stack)
    require_promotable(stack, old)
    require_runnable(stack)
    stack_access.require_unlocked(tx, stack)
    commit = await _known_commit(tx, old.commit_id)
    if commit is None:
        raise Conflict("The proposed run has no commit.")
    tracked = await _known_commit(tx, stack.tracked_commit_id)
    if tracked and tracked.authored_at and (commit.authored_at or tx.now) < tracked.authored_at:
        raise Conflict("The proposed run's commit is older than the one that the stack tracks.")
    stack.tracked_commit_id, stack.tracked_commit_set_by = commit.id, tx.actor.name
    new = NewRun(kind=Kind.TRACKED, title=_title(Kind.TRACKED, commit), commit=commit)
    return await create(tx, vault, stack, new)


def require_promotable(stack: Stack, run: Run) -> None:
    """Raises Conflict unless the run previews a commit that the stack may come to track."""
    if run.kind is not Kind.PROPOSED or run.workspace_upload_key:
        raise Conflict("Only a proposed run of a commit can be promoted.")
    if not stack.github_action_deploy:
        raise Conflict("Run promotion is switched off in the stack's settings.")
    if run.commit_id == stack.tracked_commit_id:
        raise Conflict("The stack tracks this commit already; trigger a tracked run instead.")


async def ticket_for_local_workspace(tx: Tx, stack_id: str) -> LocalWorkspace:
    """A place to upload a local tree to. Raises NotFound, NotAllowed, Conflict."""
    stack = await _runnable_stack(tx, stack_id)
    access.require(tx, Action.STACK_UPLOAD_LOCAL_WORKSPACE, stack)
    if not stack.local_preview_enabled:
        raise Conflict("Local previews are switched off in the stack's settings.")
    workspace = LocalWorkspace(
        id=new_id(),
        stack_id=stack.id,
        object_key=f"local/{new_id()}.tar.gz",
        created_by=tx.actor.name,
        created_at=tx.now,
    )
    tx.session.add(workspace)
    return workspace


async def local_workspace(tx: Tx, stack_id: str, workspace_id: str) -> LocalWorkspace:
    """The upload of the actor's that is still to be used. Raises NotFound, NotAllowed, Conflict."""
    return await _unused(tx, await stacks.find(tx, stack_id), workspace_id)


async def _unused(tx: Tx, stack: Stack, workspace_id: str) -> LocalWorkspace:
    access.require(tx, Action.RUN_PROPOSE_LOCAL_WORKSPACE, stack)
    workspace = await repo.local_workspace(tx, workspace_id, stack.id)
    if workspace is None or workspace.created_by != tx.actor.name:
        raise NotFound("local workspace not found")
    if workspace.used_by_run is not None:
        raise Conflict("This upload was used already; upload the workspace again.")
    return workspace


async def propose_local(
    tx: Tx,
    vault: Vault,
    stack_id: str,
    *,
    workspace_id: str,
    overrides: Sequence[tuple[str, str]],
    file: Mapping[str, Any] | None = None,
    user_metadata: Sequence[str] = (),
) -> Run:
    """A preview of an uploaded tree. Each upload is good for one run. `file` is what its
    configuration file says (configuring.of_upload).

    Raises NotFound, NotAllowed, Conflict.
    """
    stack = await _runnable_stack(tx, stack_id)
    workspace = await _unused(tx, stack, workspace_id)
    await vcs_repo.keep_config(tx, workspace.object_key, dict(file or {}))
    new = NewRun(
        kind=Kind.PROPOSED,
        title="Local preview",
        commit=None,
        workspace_upload_key=workspace.object_key,
        overrides=overrides,
        user_metadata=user_metadata,
    )
    run = await create(tx, vault, stack, new)
    workspace.used_by_run = run.id
    return run


async def delete_stack(tx: Tx, vault: Vault, stack_id: str, *, destroy_resources: bool) -> Stack:
    """Delete the stack; with `destroy_resources` a run destroys them first, unasked again.

    A stack that is being deleted already is answered as it is: requests may arrive twice. One
    that has nothing to destroy is deleted at once. Raises Conflict while a run holds the stack,
    or when it is protected; NotAllowed.
    """
    stack = await stacks.lock(tx, stack_id)
    access.require(tx, Action.STACK_DELETE, stack)
    if stack.deleting:
        return stack
    stack = await stack_service.begin_deletion(tx, stack_id)
    held = await repo.holder(tx, stack.id)
    if held is not None:
        raise Conflict(f"Run {held.id} holds the stack; wait for it, discard it or stop it first.")
    if not destroy_resources or await _has_nothing(tx, stack):
        await _end_all(tx, stack)
        await remove_stack(tx, stack)
        return stack
    require_runnable(stack, deleting=True)
    commit = await _commit(tx, stack, None)
    await _end_all(tx, stack)
    new = NewRun(
        kind=Kind.DESTROY,
        title="Destroy the stack's resources",
        commit=commit,
        autodeploy=True,
        deletes_stack=True,
    )
    await create(tx, vault, stack, new)
    return stack


async def _has_nothing(tx: Tx, stack: Stack) -> bool:
    """Whether the stack's own state says that nothing was ever made; another's says nothing."""
    return stack.manages_state and await tfstate.current(tx, stack.id) is None


async def supersede_previews(tx: Tx, stack: Stack, run: Run) -> None:
    """A newer push of the branch ends its older previews; a worker is asked to stop."""
    if run.kind is not Kind.PROPOSED or run.branch is None:
        return
    for old in await repo.older_previews(tx, stack.id, run.branch, run.id):
        note = f"superseded by run {run.id}"
        if old.state in STOPPABLE:
            await ask_to_stop(tx, old, note)
        else:
            await advance(tx, stack, old, Signal.DISCARD, note=note)


async def _end_all(tx: Tx, stack: Stack) -> None:
    for run in await repo.unfinished(tx, stack.id):
        if run.state in STOPPABLE:
            await ask_to_stop(tx, run, STACK_DELETED)
        else:
            await advance(tx, stack, run, Signal.DISCARD, note=STACK_DELETED, start_next=False)


async def _runnable_stack(tx: Tx, stack_id: str) -> Stack:
    stack = await stacks.lock(tx, stack_id)
    require_runnable(stack)
    return stack


def require_runnable(stack: Stack, *, deleting: bool = False) -> None:
    """Raises NotFound, StackDisabled, Conflict while it is being deleted, CannotRun."""
    if stack.deleted_at is not None:
        raise NotFound("stack not found")
    stack_access.require_enabled(stack)
    if stack.deleting and not deleting:
        raise Conflict("The stack is being deleted.")
    if stack.vendor not in RUNNABLE:
        raise CannotRun(f"Workers of this release cannot run {Vendor(stack.vendor).value} stacks.")


async def _commit(tx: Tx, stack: Stack, sha: str | None) -> Commit:
    if sha is not None:
        if not is_sha(sha):
            raise NoSuchRef(f'"{sha}" is not a full commit SHA of 40 hex digits.')
        url = stack_service.remote_url(stack)
        return await vcs.want(tx, repository_url=url, branch=stack.branch, sha=sha)
    commit = await _known_commit(tx, stack.tracked_commit_id)
    if commit is None:
        raise NoCommit(stack)
    return commit


async def _known_commit(tx: Tx, commit_id: str | None) -> Commit | None:
    commit = await vcs_repo.find(tx, commit_id)
    if commit is not None:
        # Wanted again: a tree that failed to arrive, or may have expired, is fetched anew.
        await vcs.want(
            tx, repository_url=commit.repository_url, branch=commit.branch, sha=commit.sha
        )
    return commit


def _title(kind: Kind, commit: Commit) -> str:
    words = commit_title(commit.message) or commit.sha[:8]
    return f"Destroy: {words}" if kind is Kind.DESTROY else words
