"""Every query about commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.vcs.model import Commit, FetchState, TreeConfig
from gantry.domains.vcs.rules import commit_id
from gantry.kernel.tx import Tx

ARCHIVE_TRUSTED = timedelta(days=1)
"""The metadata bucket keeps two days; within the first, a fetched tree is surely there."""


async def want(
    tx: Tx, *, repository_url: str, branch: str, sha: str, anew: bool = False
) -> tuple[Commit, bool]:
    """The commit, and whether its tree has still to be fetched.

    One row per commit however many ask at once; one that could not be fetched is tried again, and
    so is one that is there if it is wanted `anew`.
    """
    key = commit_id(repository_url, sha)
    made = await tx.session.execute(
        insert(Commit)
        .values(
            id=key,
            repository_url=repository_url,
            branch=branch,
            sha=sha,
            message="",
            author_name="",
            state=FetchState.WANTED,
            wanted_at=tx.now,
        )
        .on_conflict_do_nothing()
        .returning(Commit.id)
    )
    fresh = made.scalar_one_or_none() is not None
    commit = await tx.session.get_one(Commit, key, with_for_update=not fresh)
    old = commit.stored_at is not None and commit.stored_at < tx.now - ARCHIVE_TRUSTED
    stale = anew or old
    if commit.state is FetchState.FAILED or (commit.state is FetchState.STORED and stale):
        commit.state, commit.error = FetchState.WANTED, None
        commit.wanted_at, commit.stored_at = tx.now, None
        fresh = True
    return commit, fresh


async def forgotten(tx: Tx, before: datetime, limit: int) -> list[Commit]:
    """Commits that are wanted since before that time, held: whoever fetched them is gone."""
    query = (
        select(Commit)
        .where(Commit.state == FetchState.WANTED, Commit.wanted_at < before)
        .order_by(Commit.wanted_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(await tx.session.scalars(query))


async def lock(tx: Tx, key: str) -> Commit | None:
    """The commit, held until the transaction ends."""
    return await tx.session.get(Commit, key, with_for_update=True)


async def find(tx: Tx, commit_id: str | None) -> Commit | None:
    """The commit, if there is one. It belongs to nobody, as `by_ids` says."""
    return None if commit_id is None else await tx.session.get(Commit, commit_id)


async def by_ids(tx: Tx, ids: Sequence[str]) -> dict[str, Commit]:
    """Commits by id. They belong to nobody: whoever sees the stack or run sees its commit."""
    rows = await tx.session.scalars(select(Commit).where(Commit.id.in_(ids)))
    return {commit.id: commit for commit in rows}


async def config_of(tx: Tx, tree: str) -> dict[str, Any] | None:
    """What the tree's configuration file says; None when nobody has looked, or it was long ago."""
    return await tx.session.scalar(select(TreeConfig.found).where(TreeConfig.tree == tree))


async def configs_of(tx: Tx, trees: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The same of several trees; those at which nobody has looked are left out."""
    rows = await tx.session.execute(
        select(TreeConfig.tree, TreeConfig.found).where(TreeConfig.tree.in_(trees))
    )
    return dict(rows.tuples().all())


async def keep_config_longer(tx: Tx, tree: str) -> bool:
    """As if the tree had been looked at now; False when it is not known any more what it says."""
    kept = await tx.session.scalar(
        update(TreeConfig)
        .where(TreeConfig.tree == tree)
        .values(read_at=tx.now)
        .returning(TreeConfig.tree)
    )
    return kept is not None


async def keep_config(tx: Tx, tree: str, found: dict[str, Any]) -> None:
    """Note what the tree's configuration file says. Noting it again changes nothing."""
    row = insert(TreeConfig).values(tree=tree, found=found, read_at=tx.now)
    await tx.session.execute(row.on_conflict_do_nothing())
