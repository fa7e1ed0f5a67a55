"""Commits: wanted once, fetched once, shared by every run that needs them."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from gantry.domains.vcs import repo
from gantry.domains.vcs.events import CommitSettled, CommitWanted
from gantry.domains.vcs.model import Commit, FetchState
from gantry.kernel.errors import UserError
from gantry.kernel.tx import SYSTEM, Tx
from gantry.ports.db import Db
from gantry.ports.objects import Bucket, Objects
from gantry.ports.sources import CommitInfo, RepositoryUnreachable, Sources

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reader:
    """How the configuration of a tree is read: which files it may be in, how many bytes of one,
    and what is to be kept of those that are there. None stands for one that cannot be read.
    """

    paths: tuple[str, ...]
    most: int
    read: Callable[[Mapping[str, bytes | None]], dict[str, Any]]


def read_config(reader: Reader, files: Mapping[str, bytes | None]) -> dict[str, Any]:
    """What the reader makes of a tree's files. One at which it breaks is a file that cannot be
    used: whoever waits for the tree is told so, and does not wait for ever.

    Takes up to a second: call it in a thread.
    """
    try:
        return reader.read(files)
    except Exception:
        path = next((path for path in reader.paths if path in files), reader.paths[0])
        log.exception("configuration file not read", path=path)
        return {"path": path, "fault": "The server could not read it; its log says why."}


async def want(tx: Tx, *, repository_url: str, branch: str, sha: str, anew: bool = False) -> Commit:
    """The commit's row; its tree is fetched in the background unless that was done, or once more
    if it is wanted `anew`.
    """
    commit, missing = await repo.want(
        tx, repository_url=repository_url, branch=branch, sha=sha, anew=anew
    )
    if missing:
        tx.emit(CommitWanted(commit.id))
    return commit


def archive_key(commit: Commit) -> str:
    """Where the commit's tree lies in the metadata bucket."""
    return f"source/{commit.id}.tar.gz"


TRIES = 3
"""How often a repository or store that does not answer is asked before runs are told."""
PAUSE = 2.0
"""Seconds between two tries, doubled each time: a restart of either is ridden out."""


async def fetch(
    db: Db, sources: Sources, objects: Objects, reader: Reader, *, commit_id: str
) -> None:
    """Bring the commit's tree to object storage and note what the commit says of itself, and
    what its configuration file does.

    Safe to run twice or late: a stored commit is left alone. A failure that may pass is tried
    again TRIES times, and so is an error that nobody foresaw; then it is written down, and the runs
    that wait are told.
    """
    async with db.read(SYSTEM) as tx:
        commit = await repo.find(tx, commit_id)
    if commit is None or commit.state is FetchState.STORED:
        return
    for attempt in range(1, TRIES + 1):
        try:
            info, data = await _bring(sources, objects, reader, commit)
            break
        except UserError as error:
            passing = isinstance(error, RepositoryUnreachable) or error.status >= 500
            if not passing or attempt == TRIES:
                await _settle(db, commit_id, error=error.message)
                return
            log.warning("fetch failed, trying again", commit=commit.sha, reason=error.message)
        except Exception:
            # A full disk passes, a bug does not; either way runs must not wait for ever.
            log.exception("fetch ended by an error", commit=commit.sha)
            if attempt == TRIES:
                await _settle(db, commit_id, error=NOT_FORESEEN)
                return
        await asyncio.sleep(PAUSE * 2 ** (attempt - 1))
    config = await asyncio.to_thread(read_config, reader, info.files)
    async with db.write(SYSTEM) as tx:
        row = await repo.lock(tx, commit_id)
        if row is None or row.state is FetchState.STORED:
            return
        await repo.keep_config(tx, commit_id, config)
        row.message, row.author_name, row.authored_at = (
            info.message,
            info.author_name,
            info.authored_at,
        )
        row.state, row.error, row.stored_at = FetchState.STORED, None, tx.now
        row.archive_size, row.archive_sha256 = len(data), hashlib.sha256(data).hexdigest()
        tx.emit(CommitSettled(commit_id, stored=True))
        log.info("commit stored", commit=commit.sha, bytes=len(data))


FORGOTTEN_AFTER = timedelta(minutes=20)
"""Longer than all tries of one fetch take, and than a job may."""

NOT_FORESEEN = "The source could not be fetched; the server's log says why."
FORGOTTEN = f"The source was not fetched within {FORGOTTEN_AFTER // timedelta(minutes=1)} minutes."
"""Why a commit is wanted once more. It stays written at the commit, so that there is an end."""
GIVEN_UP = (
    f"The source was not fetched within {2 * FORGOTTEN_AFTER // timedelta(minutes=1)} minutes:"
    " drains are away, have too much to do, or died of it. Retry the run when that is mended."
)


def given_up_at(commit: Commit) -> datetime:
    """When the next look gives a wanted commit up, if nobody fetches it until then."""
    looks = 2 if commit.error is None else 1
    return commit.wanted_at + looks * FORGOTTEN_AFTER


async def reconcile(tx: Tx) -> None:
    """Want again, once, what was wanted and never settled: a job died too often, or a drain with
    it. What is forgotten twice cannot be had: runs must not wait for it for ever.
    """
    for commit in await repo.forgotten(tx, tx.now - FORGOTTEN_AFTER, 100):
        if commit.error is None:
            commit.wanted_at, commit.error = tx.now, FORGOTTEN
            tx.emit(CommitWanted(commit.id))
        else:
            log.warning("commit given up", commit=commit.sha)
            _failed(tx, commit, GIVEN_UP)


async def _bring(
    sources: Sources, objects: Objects, reader: Reader, commit: Commit
) -> tuple[CommitInfo, bytes]:
    with tempfile.TemporaryDirectory(prefix="gantry-source-") as scratch:
        archive = Path(scratch) / "source.tar.gz"
        info = await sources.fetch(
            commit.repository_url,
            commit.sha,
            archive,
            branch=commit.branch,
            read=reader.paths,
            most=reader.most,
        )
        data = await asyncio.to_thread(archive.read_bytes)
    await objects.put(Bucket.METADATA, archive_key(commit), data)
    return info, data


async def _settle(db: Db, commit_id: str, *, error: str) -> None:
    async with db.write(SYSTEM) as tx:
        row = await repo.lock(tx, commit_id)
        if row is not None and row.state is not FetchState.STORED:
            _failed(tx, row, error)


def _failed(tx: Tx, row: Commit, error: str) -> None:
    row.state, row.error = FetchState.FAILED, error
    tx.emit(CommitSettled(row.id, stored=False))
