"""Reads commits from Git repositories with the `git` program (2.39 or newer).

A commit leaves as a gzipped tar. Nothing in a repository is run here: no hooks, filters, large
files or submodules.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from gantry_protocol.proxies import Proxies, Proxy

from gantry.infra.git_access import (
    Credentials,
    Resolve,
    access,
    is_known_failure,
    last_words,
    look_up,
    pinned,
    proxy_to,
    resolve_host,
    unreachable,
)
from gantry.infra.git_looks import DirectoryList, RefList
from gantry.infra.git_process import Ended, run_git, settle
from gantry.infra.git_urls import Address, check_branch, check_sha, parse
from gantry.infra.tls import Trust
from gantry.ports.sources import (
    BadRepository,
    CommitInfo,
    NoSuchRef,
    Refs,
    RepositoryUnreachable,
    Tree,
)

log = structlog.get_logger()

# Infrastructure code is text: large monorepos stay far below. The archive is also held in memory
# on its way to object storage, by several jobs at a time.
MAX_BYTES = 512 * 1024 * 1024

# For the directories alone a server that can leave the files out sends some hundred KiB; from one
# that cannot, repositories of ordinary size still fit.
MAX_LOOK_BYTES = 64 * 1024 * 1024

_MAX_MESSAGE = 64 * 1024  # characters: longer ones are made by machines and read by nobody
_MAX_PATH = 4096  # bytes: PATH_MAX of Linux; nobody could unpack more
_SOME = 50  # commits: one that is asked for by name is nearly always recent
_SHA256_DIGITS = 64
_PLAIN_FILE = ("100644", "100755", "100664")  # the last: of repositories that very old Gits made
_ELSEWHERE = frozenset((b"", b".", b"..", b".git"))  # what Git itself refuses to check out

# These go above all attributes in the repository. An archive would leave out and rewrite files
# where a checkout does not; the encodings hand bytes of strangers to every converter of the C
# library. Line endings are left as a checkout would have them.
_ATTRIBUTES = "* -export-ignore -export-subst -ident !filter !working-tree-encoding\n"


class GitSources:
    """See the port `Sources`.

    `timeout` bounds each call. `max_bytes` bounds what Git receives, as it packs it, and by
    itself what the commit's files take. `scratch` is for directories that live as long as a call.
    Servers of https are believed by `trust`, and reached through `proxies` as http ones are.
    """

    def __init__(
        self,
        *,
        allow_file: bool,
        allow_private: bool,
        scratch: Path,
        timeout: timedelta,
        credentials: Credentials | None = None,
        max_bytes: int = MAX_BYTES,
        resolve: Resolve = resolve_host,
        trust: Trust | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self._allow_file = allow_file
        self._allow_private = allow_private
        self._scratch = scratch
        self._seconds = timeout.total_seconds()
        self._credentials = credentials
        self._max_bytes = max_bytes
        self._resolve = resolve
        self._trust = trust or Trust()
        self._proxies = proxies or Proxies()

    def check_url(self, url: str) -> None:
        """See the port. Names are not looked up; that happens at each visit."""
        self._parse(url)

    def check_branch(self, branch: str) -> None:
        """See the port."""
        check_branch(branch)

    async def head(self, url: str, branch: str) -> str:
        """See the port. A tag is accepted where there is no branch of that name."""
        address = self._parse(url)
        check_branch(branch)
        async with self._visit(address) as visit:
            _, sha = await _find(visit, branch)
        return sha

    async def refs(self, url: str, branch: str | None) -> Refs:
        """See the port."""
        address = self._parse(url)
        if branch is not None:
            check_branch(branch)
        listed = RefList(branch)
        wanted = ("HEAD", "refs/heads/*", *_tag_refs(branch))
        async with self._visit(address) as visit:
            asked = ("ls-remote", "--quiet", "--symref", "--", address.url, *wanted)
            ended = await visit.git(*asked, eat=listed)
            if ended.code != 0:
                raise visit.unreachable(ended.errors)
        return listed.found()

    async def tree(self, url: str, sha: str, *, branch: str) -> Tree:
        """See the port."""
        address = self._parse(url)
        check_sha(sha)
        check_branch(branch)
        listed = DirectoryList()
        async with self._visit(address) as visit:
            most = min(MAX_LOOK_BYTES, self._max_bytes)
            await self._bring(visit, sha, branch, "--filter=blob:none", most=most)
            wanted = ("-r", "-z", "--full-tree", "--format=%(objectmode) %(path)")
            await visit.ask("ls-tree", *wanted, sha, eat=listed)
        return listed.found()

    async def fetch(
        self,
        url: str,
        sha: str,
        archive: Path,
        *,
        branch: str,
        read: Sequence[str] = (),
        most: int = 0,
    ) -> CommitInfo:
        """See the port. The same commit gives the same bytes, as long as Git stays the same.

        Modes are 644 and 755, times the commit's, submodules empty directories. Symlinks stay
        symlinks wherever they point: whoever unpacks must not write through them.
        BadRepository also means a commit that is too large or has paths that lead elsewhere.
        """
        address = self._parse(url)
        check_sha(sha)
        check_branch(branch)
        async with self._visit(address) as visit:
            await self._bring(visit, sha, branch, most=self._max_bytes)
            info = await _describe(visit, sha)
            tree = _Tree(self._max_bytes)
            wanted = ("-r", "-z", "--full-tree", "--format=%(objectsize) %(path)")
            await visit.ask("ls-tree", *wanted, sha, eat=tree)
            if tree.files == 0:  # Python's tarfile does not read what Git makes of that
                raise BadRepository("The commit holds no files.")
            await _pack(visit, sha, archive)
            found = await _read(visit, sha, read, most) if read else {}
        log.info("commit fetched", repository=address.shown, sha=sha, files=tree.files)
        return replace(info, files=found)

    def _parse(self, url: str) -> Address:
        return parse(url, allow_file=self._allow_file, allow_private=self._allow_private)

    @asynccontextmanager
    async def _visit(self, address: Address) -> AsyncIterator[_Visit]:
        place = await asyncio.to_thread(_make_place, self._scratch)
        try:
            async with asyncio.timeout(self._seconds):
                proxy = proxy_to(address, self._proxies)
                found = await look_up(
                    address, self._resolve, allow_private=self._allow_private, proxy=proxy
                )
                login = self._credentials(address.url) if self._credentials else None
                world = await asyncio.to_thread(self._settle, place, proxy)
                env = world | access(address, found, login)
                env["GIT_ALLOW_PROTOCOL"] = address.scheme
                options = () if proxy else pinned(address, found)
                yield _Visit(address, place, env, options, proxy)
        except TimeoutError:
            raise RepositoryUnreachable(
                f"{address.shown} could not be read within {self._seconds:g} seconds."
            ) from None
        finally:
            await asyncio.to_thread(shutil.rmtree, place)

    def _settle(self, place: Path, proxy: Proxy | None) -> dict[str, str]:
        # Whether this host is behind a proxy was decided above, so curl is told of that alone.
        variables = Proxies(self._proxies.http, self._proxies.https).variables() if proxy else {}
        return settle(place, authorities=self._trust.bundle(), proxies=variables)

    async def _bring(self, visit: _Visit, sha: str, branch: str, *options: str, most: int) -> None:
        """Have the commit in a bare repository in `visit.place`.

        Asks for the commit alone; where the server does not serve that, for the branch.
        """
        kind = "sha256" if len(sha) == _SHA256_DIGITS else "sha1"
        await visit.ask("init", "--quiet", "--bare", "--template=", f"--object-format={kind}", ".")
        (visit.place / "info").mkdir(exist_ok=True)
        (visit.place / "info" / "attributes").write_text(_ATTRIBUTES)

        ended = await self._receive(visit, *options, "--depth=1", ref=sha, most=most)
        if ended.code == 0:
            return
        if re.search(r"not our ref|mismatched algorithms", ended.errors):
            raise _no_commit(visit, sha)
        if is_known_failure(ended.errors):
            raise visit.unreachable(ended.errors)
        ref, _ = await _find(visit, branch)
        # Some servers cannot cut history either, so a failure of this one is not the last word.
        await self._receive(visit, *options, f"--depth={_SOME}", ref=ref, most=most)
        if await _has(visit, sha):
            return
        rest = ["--unshallow"] if (visit.place / "shallow").exists() else []
        ended = await self._receive(visit, *options, *rest, ref=ref, most=most)
        if ended.code != 0:
            raise visit.unreachable(ended.errors)
        if not await _has(visit, sha):
            raise _no_commit(visit, sha, f" on “{branch}”")

    async def _receive(self, visit: _Visit, *options: str, ref: str, most: int) -> Ended:
        async def watch() -> None:
            if await asyncio.to_thread(_bytes_in, visit.place) > most:
                raise _too_large("Git has to receive", most)

        always = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        return await visit.git(
            "fetch", *always, *options, "--", visit.address.url, ref, watch=watch
        )


@dataclass(frozen=True, slots=True)
class _Visit:
    """One call's way to one repository."""

    address: Address
    place: Path
    env: dict[str, str]
    options: tuple[str, ...]
    proxy: Proxy | None

    def unreachable(self, errors: str) -> RepositoryUnreachable:
        """What Git's words amount to."""
        return unreachable(self.address, errors, self.proxy)

    async def git(
        self,
        *arguments: str,
        eat: Callable[[bytes], None] | None = None,
        watch: Callable[[], Awaitable[None]] | None = None,
    ) -> Ended:
        arguments = (*self.options, *arguments)
        return await run_git(*arguments, place=self.place, env=self.env, eat=eat, watch=watch)

    async def ask(self, *arguments: str, eat: Callable[[bytes], None] | None = None) -> None:
        """Run a command that fails only when something on this side is broken."""
        ended = await self.git(*arguments, eat=eat)
        if ended.code != 0:
            raise RuntimeError(f"git {arguments[0]} failed: {last_words(ended.errors)}")


class _Tree:
    """Checks the list of a commit's files as it comes, before anything is written."""

    def __init__(self, max_bytes: int) -> None:
        self.files = 0
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._rest = b""

    def __call__(self, chunk: bytes) -> None:
        *entries, self._rest = (self._rest + chunk).split(b"\0")
        for entry in entries:
            size, _, path = entry.partition(b" ")
            if not _ELSEWHERE.isdisjoint(path.lower().split(b"/")):
                raise BadRepository("The commit holds a path that leads out of its directory.")
            self.files += 1
            # 512 bytes: the least a file takes in a tar. A submodule's size is a dash.
            self._left -= 512 + (int(size) if size.isdigit() else 0)
        if self._left < 0:
            raise _too_large("the commit's files take", self._max_bytes)
        if max(map(len, (*entries, self._rest))) > _MAX_PATH:
            raise BadRepository(f"The commit holds a path of more than {_MAX_PATH} bytes.")


async def _find(visit: _Visit, branch: str) -> tuple[str, str]:
    """The ref that a branch's or tag's name stands for, and the commit it points to."""
    head, tag = f"refs/heads/{branch}", f"refs/tags/{branch}"
    peeled = f"{tag}^{{}}"
    ended = await visit.git("ls-remote", "--quiet", "--", visit.address.url, head, tag, peeled)
    if ended.code != 0:
        raise visit.unreachable(ended.errors)
    # Git matches the ends of names; only whole ones count here.
    lines = (line.partition("\t") for line in ended.output.decode(errors="replace").split("\n"))
    refs = {name: sha for sha, _, name in lines}
    for ref, name in ((head, head), (tag, peeled), (tag, tag)):
        if name in refs:
            return ref, refs[name]
    raise NoSuchRef(f"{visit.address.shown} has no branch or tag “{branch}”.")


def _tag_refs(branch: str | None) -> tuple[str, ...]:
    return () if branch is None else (f"refs/tags/{branch}", f"refs/tags/{branch}^{{}}")


async def _has(visit: _Visit, sha: str) -> bool:
    return (await visit.git("cat-file", "-e", f"{sha}^{{commit}}")).code == 0


async def _describe(visit: _Visit, sha: str) -> CommitInfo:
    """What the commit says of itself, in UTF-8 whatever it was written in."""
    wanted = ("-1", "--encoding=UTF-8", "--no-mailmap", "--format=%H%x00%an%x00%at%x00%B")
    ended = await visit.git("log", *wanted, sha, "--")
    said = ended.output.decode(errors="replace").split("\0", 3)
    if ended.code != 0 or said[0] != sha:  # a tag, a tree and a file have a SHA too
        raise _no_commit(visit, sha)
    _, name, at, message = said
    # A database takes no NUL in a text.
    message = message.replace("\0", "").strip("\n")[:_MAX_MESSAGE]
    return CommitInfo(sha=sha, message=message, author_name=name, authored_at=_moment(at))


async def _read(
    visit: _Visit, sha: str, paths: Sequence[str], most: int
) -> dict[str, bytes | None]:
    """Those of the files that are there. Nothing follows a link, and no more than `most` bytes of
    one are received from Git.
    """
    listed = bytearray()
    wanted = ("-z", "--full-tree", "--format=%(objectmode) %(objectsize) %(objectname) %(path)")
    await visit.ask("ls-tree", *wanted, sha, "--", *paths, eat=listed.extend)
    found: dict[str, bytes | None] = {}
    for entry in bytes(listed).decode(errors="replace").split("\0")[:-1]:
        mode, size, name, path = entry.split(maxsplit=3)
        if mode not in _PLAIN_FILE or int(size) > most:
            found[path] = None
            continue
        content = bytearray()
        await visit.ask("cat-file", "blob", name, eat=content.extend)
        found[path] = bytes(content)
    return found


def _moment(seconds: str) -> datetime:
    """Seconds since 1970; the epoch itself for the nonsense that some commits carry."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


async def _pack(visit: _Visit, sha: str, archive: Path) -> None:
    """Write the archive beside where it belongs and move it there, or leave nothing."""
    part = await asyncio.to_thread(archive.absolute)
    part = part.with_name(f".{archive.name}.{visit.place.name}")
    try:
        # Level 1: half the time of the usual 6 for a tenth more bytes.
        await visit.ask("archive", "--format=tar.gz", "-1", f"--output={part}", sha)
        part.replace(archive)
    finally:
        part.unlink(missing_ok=True)


def _make_place(scratch: Path) -> Path:
    scratch.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="git-", dir=scratch)).resolve()


def _bytes_in(directory: Path) -> int:
    total = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            try:
                total += Path(parent, name).lstat().st_size
            except FileNotFoundError:
                continue  # Git renames what it has finished
    return total


def _no_commit(visit: _Visit, sha: str, where: str = "") -> NoSuchRef:
    return NoSuchRef(f"{visit.address.shown} has no commit {sha}{where}.")


def _too_large(what: str, limit: int) -> BadRepository:
    return BadRepository(
        f"The repository is too large: {what} more than {limit / 2**20:g} MiB, which is the most"
        " that is accepted."
    )
