"""Which commit a stack tracks: looked up outside of transactions, written inside one."""

from __future__ import annotations

from dataclasses import dataclass

from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group, Severity
from gantry.domains.people.actions import Action
from gantry.domains.stacks import access, repo
from gantry.domains.stacks.events import StackChanged
from gantry.domains.stacks.model import Stack
from gantry.domains.stacks.service import remote_url
from gantry.domains.vcs import service as vcs
from gantry.domains.vcs.model import Commit
from gantry.domains.vcs.rules import is_sha
from gantry.kernel.errors import Conflict, UserError
from gantry.kernel.tx import Actor, Tx
from gantry.ports.db import Db
from gantry.ports.sources import NoSuchRef, Sources


@dataclass(frozen=True, slots=True)
class Head:
    """The tip of a stack's branch, as the repository said just now."""

    repository_url: str
    branch: str
    sha: str


async def look_up(db: Db, actor: Actor, sources: Sources, stack_id: str) -> Head:
    """Ask the repository for the tip of the stack's branch.

    Raises NotFound, NoSource, and what Sources.head raises.
    """
    async with db.read(actor) as tx:
        stack = await repo.find(tx, stack_id)
        url, branch = remote_url(stack), stack.branch
    return Head(url, branch, await sources.head(url, branch))


async def track(tx: Tx, stack: Stack, head: Head, *, by: str) -> Commit:
    """The stack, which is locked, tracks this commit from now on."""
    commit = await vcs.want(
        tx, repository_url=head.repository_url, branch=head.branch, sha=head.sha
    )
    stack.branch_head_id, stack.synced_at, stack.sync_error = commit.id, tx.now, None
    await notifications.settle(tx, Group.SOURCE_UNREACHABLE, stack.id)
    if stack.tracked_commit_id != commit.id:
        stack.tracked_commit_id, stack.tracked_commit_set_by = commit.id, by
        tx.emit(StackChanged(stack.id))
    return commit


async def sync(tx: Tx, stack_id: str, head: Head) -> Stack:
    """Track the tip of the branch, which was looked up a moment ago.

    Raises NotFound, NotAllowed; Conflict when the stack has another source by now.
    """
    stack = await repo.lock(tx, stack_id)
    access.require(tx, Action.STACK_SYNC_COMMIT, stack)
    if (head.repository_url, head.branch) != (remote_url(stack), stack.branch):
        raise Conflict("The stack's source was changed just now; sync it again.")
    await track(tx, stack, head, by=tx.actor.name)
    return stack


async def first_sync(db: Db, actor: Actor, sources: Sources, stack_id: str) -> None:
    """After a stack is made or its source changed: what cannot be reached is noted on it."""
    try:
        head = await look_up(db, actor, sources, stack_id)
    except UserError as error:
        async with db.write(actor) as tx:
            stack = await repo.lock(tx, stack_id)
            stack.synced_at, stack.sync_error = tx.now, error.message
            await notifications.tell(
                tx,
                Group.SOURCE_UNREACHABLE,
                stack.id,
                severity=Severity.WARNING,
                title="The stack's branch could not be looked up",
                body=f"{error.message} The stack has no commit to run until it is synced.",
                stack_id=stack.id,
            )
        return
    async with db.write(actor) as tx:
        stack = await repo.lock(tx, stack_id)
        if stack.branch == head.branch and stack.tracked_commit_id is None:
            await track(tx, stack, head, by="")


async def set_current(tx: Tx, stack_id: str, sha: str) -> Stack:
    """Track this commit, whatever the branch's tip is. Raises NoSuchRef, NoSource, NotAllowed."""
    stack = await repo.lock(tx, stack_id)
    access.require(tx, Action.STACK_SET_CURRENT_COMMIT, stack)
    if not is_sha(sha):
        raise NoSuchRef(f'"{sha}" is not a full commit SHA of 40 hex digits.')
    commit = await vcs.want(tx, repository_url=remote_url(stack), branch=stack.branch, sha=sha)
    stack.tracked_commit_id, stack.tracked_commit_set_by = commit.id, tx.actor.name
    tx.emit(StackChanged(stack.id))
    return stack
