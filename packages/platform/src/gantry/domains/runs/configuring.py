"""Settling what a run is made with, at the moment it starts, and reading it back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from gantry.domains.accounts import service as accounts
from gantry.domains.accounts.rules import SILENT_AFTER
from gantry.domains.contexts import config_file
from gantry.domains.contexts import repo as contexts
from gantry.domains.contexts.kinds import Named
from gantry.domains.keys import repo as keys
from gantry.domains.runs import configuration_repo
from gantry.domains.runs.configuration import Shared, World, resolve
from gantry.domains.runs.model import Run
from gantry.domains.stacks import attached_repo
from gantry.domains.stacks.attached_repo import Attached
from gantry.domains.stacks.model import Stack
from gantry.domains.vcs import repo as vcs_repo
from gantry.domains.vcs import service as vcs
from gantry.domains.vcs import uploads
from gantry.domains.vcs.model import Commit
from gantry.kernel.tx import Tx
from gantry.ports.objects import Objects

READER = vcs.Reader(config_file.PATHS, config_file.MAX_FILE, config_file.look)
"""What the file in a repository says to its stacks' runs is read while the tree is at hand."""
KEPT = timedelta(days=14)
"""How long it is kept what a tree's file says when no run is at it: a preview can be tried again
for so long. A commit is looked at again when there is a run of it."""
FORGOTTEN_AT_ONCE = 1000
"""Trees one call forgets: the job comes again within a minute."""
OLDER_RELEASE_AT_WORK = (
    "A configuration file in the repository is left alone, as this run was started while processes"
    " of an earlier release were at work, which do not read it"
)


async def of_upload(objects: Objects, key: str) -> dict[str, Any]:
    """What the file in an uploaded tree says. Raises StorageDown.

    Takes some seconds for a large tree: call it outside of a transaction.
    """
    try:
        files = await uploads.files_in(objects, key, READER.paths, READER.most)
    except uploads.TooMuch:
        return {"note": "The uploaded tree is too large to be searched for a configuration file"}
    return await asyncio.to_thread(vcs.read_config, READER, files)


async def settle(tx: Tx, stack: Stack, run: Run, commit: Commit | None) -> bool:
    """Keep what the run takes, as stack, contexts and file say it now; whether that could be done.

    It could not for a commit whose file nobody has looked at: an earlier release fetched it. Then
    it is fetched again, and the run waits. While processes of an earlier release are at work the
    file says nothing: one of them may be the next that tells a worker of this run, and it would be
    applied otherwise than it was planned; or fetch the commit, and look at it no more than before.
    Raises BadRuntimeConfig.
    """
    file: Mapping[str, Any] | None = {}
    tree = run.workspace_upload_key or (commit.id if commit else None)
    if tree is not None:
        file = await vcs_repo.config_of(tx, tree)
    if (file is None or "path" in file) and await _older_release_at_work(tx):
        file = {"note": OLDER_RELEASE_AT_WORK}
    if file is None and commit is not None and run.workspace_upload_key is None:
        await vcs.want(
            tx,
            repository_url=commit.repository_url,
            branch=commit.branch,
            sha=commit.sha,
            anew=True,
        )
        return False
    attached = (await attached_repo.of_stacks(tx, [stack.id]))[stack.id]
    names = await contexts.names(tx, stack.id, [one.context.id for one in attached])
    world = await _world(tx, stack, run, attached, file or {}, names)
    await configuration_repo.keep(tx, run.id, resolve(world))
    return True


async def _older_release_at_work(tx: Tx) -> bool:
    # What processes say of their keys came with the reading of the file, or after it.
    return await keys.silent_on_keys(tx, tx.now - SILENT_AFTER)


async def forget_old(tx: Tx) -> None:
    """Drop what files of trees say that no run has been at for long.

    Safe to run twice or late.
    """
    await configuration_repo.forget_trees(tx, tx.now - KEPT, FORGOTTEN_AT_ONCE)


async def taken(tx: Tx, stack: Stack, run: Run, attached: Sequence[Attached]) -> dict[str, Any]:
    """What the run takes. For one that an earlier release started, that is what it would have been
    given by that: its repository's file says nothing to it.
    """
    kept = await configuration_repo.of_runs(tx, [run.id])
    if run.id in kept:
        return kept[run.id]
    return resolve(await _world(tx, stack, run, attached, {}, {}))


async def file_of(tx: Tx, run: Run) -> dict[str, Any]:
    """What the file of the run's tree says; empty without one."""
    tree = run.workspace_upload_key or run.commit_id
    return (await vcs_repo.config_of(tx, tree) if tree else None) or {}


async def _world(
    tx: Tx,
    stack: Stack,
    run: Run,
    attached: Sequence[Attached],
    file: Mapping[str, Any],
    names: Mapping[str | None, Sequence[Named]],
) -> World:
    account = await accounts.get(tx)
    public = stack.pool_id is None
    return World(
        stack=stack,
        contexts=[
            Shared(
                one.context.id,
                one.context.name,
                one.by_label,
                one.context.hooks,
                names.get(one.context.id, ()),
            )
            for one in attached
        ],
        file=file,
        given=run.runtime_config,
        image=account.public_runner_image if public else account.private_runner_image,
        elements=names.get(None, ()),
    )
