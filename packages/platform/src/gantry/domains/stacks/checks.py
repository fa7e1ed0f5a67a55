"""Looks at a source and a version before a stack is made of them: what would work, and what not.

Nothing is written. Answers are sentences for a form, so that what cannot work is told where it can
be mended, and not by the first run.
"""

from __future__ import annotations

import asyncio
import enum
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from gantry_protocol.versions import best, pinned, possible

from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.spaces import service as spaces
from gantry.domains.stacks.model import Vendor
from gantry.domains.stacks.service import OUTSIDE, leads_out
from gantry.domains.stacks.vendors import NAMES, BadStack, check_constraint
from gantry.kernel.errors import TooMany, UserError
from gantry.kernel.tx import Actor, Tx
from gantry.ports.sources import NoSuchRef, Refs, RepositoryUnreachable, Sources, Tree

T = TypeVar("T")

LOOK_SECONDS = 20
"""For each of the two looks, at the branches and at the directories: a person waits for it."""
MAX_CHECKS_AT_ONCE = 2
"""Of one person: one that is typed and one that was. A third takes the place of the oldest."""
MAX_CHECKS_A_MINUTE = 60
"""Of one person: as fast as somebody types who stops to look at each answer."""
MAX_CHECKS_OF_ALL = 8
"""Looks of one server at a time: each is a process of Git. Others wait their turn."""
MAX_SUGGESTIONS = 100
"""Branches or directories in an answer: more are looked for by typing."""
_TREES = 8
"""Commits whose directories are remembered, some megabytes each at most."""


class Standing(enum.StrEnum):
    """How what was checked stands."""

    OK = "OK"
    WARNING = "WARNING"
    """It can be, and is seldom meant."""
    PROBLEM = "PROBLEM"
    """It cannot work."""
    UNKNOWN = "UNKNOWN"
    """It could not be looked at, or depends on something else."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How one setting stands, in a sentence."""

    standing: Standing
    sentence: str
    code: str | None = None
    """The error's code, if there is an error."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a stack is to take its code from. What is None was not given yet."""

    repository_url: str
    branch: str | None
    project_root: str | None
    vendor: Vendor = Vendor.TERRAFORM


@dataclass(frozen=True, slots=True)
class SourceFound:
    """What there is at a source."""

    repository: Checked
    branch: Checked | None = None
    project_root: Checked | None = None
    default_branch: str | None = None
    sha: str | None = None
    branches: Sequence[str] = ()
    more_branches: bool = False
    directories: Sequence[str] = ()
    """Those with code of the tool."""
    more_directories: bool = False


async def require_may_create(tx: Tx, space_id: str | None) -> None:
    """As for making a stack there. Raises NotFound, Unauthenticated, NotAllowed."""
    space = await spaces.resolve(tx, space_id)
    access.require(tx, Action.STACK_CREATE, space.id)


class Checks:
    """The looks that one server takes, at each person's pace; each for `patience` seconds."""

    def __init__(self, patience: float = LOOK_SECONDS) -> None:
        self._patience = patience
        self._begun: dict[str, deque[datetime]] = {}
        self._running: dict[str, deque[asyncio.Task[SourceFound]]] = {}
        self._turns = asyncio.Semaphore(MAX_CHECKS_OF_ALL)
        self._trees: OrderedDict[tuple[str, str], Tree] = OrderedDict()

    async def look(
        self, sources: Sources, actor: Actor, source: Source, *, now: datetime
    ) -> SourceFound:
        """What there is at the source. What cannot be reached is an answer, not an error.

        Raises TooMany, also for a check that newer ones of the same person took the place of.
        """
        who = f"{actor.kind}:{actor.id}"
        self._count(who, now)
        running = self._running.setdefault(who, deque())
        if len(running) >= MAX_CHECKS_AT_ONCE:
            running.popleft().cancel()
        task = asyncio.create_task(self._look(sources, source))
        running.append(task)
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
            if task in running:
                running.remove(task)
            if not running and self._running.get(who) is running:
                del self._running[who]
        if task.cancelled():
            raise TooMany("Newer checks of yours have taken the place of this one.")
        return task.result()

    def _count(self, who: str, now: datetime) -> None:
        begun = self._begun.setdefault(who, deque())
        while begun and begun[0] <= now - timedelta(minutes=1):
            begun.popleft()
        if len(begun) >= MAX_CHECKS_A_MINUTE:
            raise TooMany("These were many checks; wait half a minute and go on.")
        begun.append(now)

    async def _look(self, sources: Sources, source: Source) -> SourceFound:
        branch = source.branch or None
        fault = None
        if branch is not None:
            try:
                sources.check_branch(branch)
            except UserError as error:
                fault = _refused(error)
        try:
            refs = await self._turn(
                lambda: sources.refs(source.repository_url, None if fault else branch)
            )
        except UserError as error:
            return SourceFound(_refused(error))
        found = SourceFound(
            Checked(Standing.OK, _has(refs)),
            branch=fault,
            default_branch=refs.default,
            sha=refs.sha,
            branches=suggested(refs.branches, branch or "", first=refs.default),
            more_branches=not refs.complete or len(refs.branches) > MAX_SUGGESTIONS,
        )
        if branch is None or fault is not None:
            return found
        if refs.sha is None:
            words = f"The repository has no branch or tag “{branch}”."
            return replace(found, branch=Checked(Standing.PROBLEM, words, NoSuchRef.code))
        words = f"Found, at commit {refs.sha[:8]}."
        found = replace(found, branch=Checked(Standing.OK, words))
        if source.project_root is None:
            return found
        return await self._into(sources, source, found, branch, refs.sha)

    async def _into(
        self, sources: Sources, source: Source, found: SourceFound, branch: str, sha: str
    ) -> SourceFound:
        """The same with what the commit's directories say."""
        try:
            tree = await self._tree(sources, source.repository_url, sha, branch)
        except UserError as error:
            words = f"The directories could not be looked at: {error.message}"
            return replace(found, project_root=Checked(Standing.UNKNOWN, words, error.code))
        coded = tree.opentofu if source.vendor is Vendor.OPENTOFU else tree.terraform
        return replace(
            found,
            project_root=root_in(tree, coded, source, branch),
            directories=suggested(coded - {""}, source.project_root or ""),
            more_directories=not tree.complete or len(coded) > MAX_SUGGESTIONS,
        )

    async def _tree(self, sources: Sources, url: str, sha: str, branch: str) -> Tree:
        # Whoever asks has just been told this commit by the repository itself.
        key = (url, sha)
        if key not in self._trees:
            self._trees[key] = await self._turn(lambda: sources.tree(url, sha, branch=branch))
            while len(self._trees) > _TREES:
                self._trees.popitem(last=False)
        self._trees.move_to_end(key)
        return self._trees[key]

    async def _turn(self, look: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self._patience), self._turns:
                return await look()
        except TimeoutError:
            raise RepositoryUnreachable(
                f"The repository could not be read within {self._patience:g} seconds."
            ) from None


def root_in(tree: Tree, coded: Set[str], source: Source, branch: str) -> Checked:
    """Whether the project root is a directory with code in it."""
    given = source.project_root or ""
    if leads_out(given):
        return Checked(Standing.PROBLEM, f"The project root {OUTSIDE}.", BadStack.code)
    root = "/".join(part for part in given.split("/") if part not in ("", "."))
    place = f"“{root}”" if root else "The top of the repository"
    if root in coded:
        return Checked(Standing.OK, f"{place} holds {NAMES[source.vendor.value]} code.")
    steps = root.split("/")
    if any("/".join(steps[:n]) in tree.links for n in range(1, len(steps) + 1)):
        return Checked(
            Standing.UNKNOWN, f"{place} leads over a symbolic link, which is not followed here."
        )
    if root not in tree.directories:
        if not tree.complete:
            words = f"The branch has more directories than are looked at; “{root}” may be there."
            return Checked(Standing.UNKNOWN, words)
        words = f"There is no directory “{root}” on “{branch}”."
        return Checked(Standing.PROBLEM, words)
    words = (
        f"{place} holds no {NAMES[source.vendor.value]} code itself: a run finds nothing to do"
        " unless a hook makes some."
    )
    return Checked(Standing.WARNING, words)


def version(
    vendor: Vendor, constraint: str | None, *, offered: Sequence[str], used: Iterable[str]
) -> tuple[Checked, str | None]:
    """How a version constraint stands, and the version that it comes to, if that is known.

    `offered` is what the operator offers, `used` what workers have used lately. Where nothing is
    offered, any version is accepted that can be, and a worker has the last word: the server asks
    no mirror, which may be one that only workers reach.
    """
    tool = NAMES[vendor.value]
    if not constraint:
        return Checked(Standing.OK, f"Each run takes the {tool} that its worker has."), None
    faults: list[str] = []
    check_constraint(vendor.value, constraint, faults)
    if faults:
        words = f"“{constraint}” is no version and no range of versions."
        return Checked(Standing.PROBLEM, words, BadStack.code), None
    if not possible(constraint):
        return Checked(Standing.PROBLEM, f"No version can be “{constraint}”."), None
    if offered:
        found = best(offered, constraint)
        if found is not None:
            return Checked(Standing.OK, f"Comes to {tool} {found}."), found
        words = f"No {tool} that this installation offers will do: it has {', '.join(offered)}."
        return Checked(Standing.PROBLEM, words), None
    seen = sorted(set(used))
    found = best(seen, constraint)
    if found is not None:
        return Checked(Standing.OK, f"Comes to {tool} {found}, as workers have used it."), found
    exactly = pinned(constraint)
    wanted = f"{tool} {exactly}" if exactly else f"a {tool} that fits"
    lately = f" Lately workers have used {', '.join(seen)}." if seen else ""
    words = (
        f"Nobody has looked whether there is {wanted}: this installation lists no versions, and"
        " only workers ask the mirrors. A run fails whose worker neither has it nor can fetch it."
        f"{lately}"
    )
    return Checked(Standing.UNKNOWN, words), exactly


def suggested(names: Iterable[str], typed: str, *, first: str | None = None) -> tuple[str, ...]:
    """What the typed text may become: that which holds it before the rest, each by name."""
    letters = typed.strip().strip("/").lower()

    def rank(name: str) -> tuple[bool, bool, bool, bool, str]:
        low = name.lower()
        return name != typed, not low.startswith(letters), letters not in low, name != first, name

    return tuple(sorted(names, key=rank)[:MAX_SUGGESTIONS])


def _has(refs: Refs) -> str:
    if not refs.branches:
        return "It can be read; it has no branch yet."
    count = f"{len(refs.branches)}{'' if refs.complete else ' or more'}"
    noun = "branch" if count == "1" else "branches"
    default = f"; {refs.default} is checked out by default" if refs.default else ""
    return f"It can be read: {count} {noun}{default}."


def _refused(error: UserError) -> Checked:
    return Checked(Standing.PROBLEM, error.message, error.code)
