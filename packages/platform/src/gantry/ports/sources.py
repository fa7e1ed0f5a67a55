"""Where code comes from, as the business sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gantry.kernel.errors import UserError


class BadRepository(UserError):
    """A repository address or ref that we do not hand to Git."""

    code = "BAD_REPOSITORY"


class RepositoryUnreachable(UserError):
    """Git could not talk to the repository, or was not let in."""

    code = "REPOSITORY_UNREACHABLE"
    status = 422


class NoSuchRef(UserError):
    """The repository answers, and has no such branch or commit."""

    code = "NO_SUCH_REF"
    status = 422


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """What a commit says of itself."""

    sha: str
    message: str
    author_name: str
    authored_at: datetime
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    """What is in the files that were to be read and are there; None: too much, or no plain file."""


@dataclass(frozen=True, slots=True)
class Refs:
    """The branches of a repository, as it said just now."""

    branches: tuple[str, ...]
    """By name; not all of them unless `complete`."""
    complete: bool
    default: str | None
    """The branch that is checked out where none is named."""
    sha: str | None
    """The commit at the tip of the branch, or tag, that was asked for, if there is one."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The directories of a commit, without what is in their files.

    Paths have no slash at either end; the top is "". Not all are there unless `complete`.
    """

    directories: frozenset[str]
    links: frozenset[str]
    """Symbolic links; where they lead was not looked at."""
    terraform: frozenset[str]
    """Directories with code that Terraform reads."""
    opentofu: frozenset[str]
    """Directories with code that OpenTofu reads."""
    complete: bool


class Sources(Protocol):
    """Reads Git repositories. Checks every URL and ref before Git sees it."""

    def check_url(self, url: str) -> None:
        """Raises BadRepository, with the reason, for an address that is not allowed."""
        ...

    def check_branch(self, branch: str) -> None:
        """Raises BadRepository, with the reason, for what cannot be a branch's or tag's name."""
        ...

    async def head(self, url: str, branch: str) -> str:
        """The full SHA at the tip of the branch.

        Raises BadRepository, RepositoryUnreachable, NoSuchRef.
        """
        ...

    async def refs(self, url: str, branch: str | None) -> Refs:
        """The branches there are, and the tip of one of them or of a tag.

        Raises BadRepository, RepositoryUnreachable.
        """
        ...

    async def tree(self, url: str, sha: str, *, branch: str) -> Tree:
        """The directories of a commit, without bringing its files where the server can do that.

        `branch` helps as in `fetch`. BadRepository also means that more would have to be received
        than a look is worth. Raises BadRepository, RepositoryUnreachable, NoSuchRef.
        """
        ...

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
        """Write the commit's tree to `archive` as gzipped tar, and say what the commit is.

        `branch` helps with servers that do not serve single commits. `read` are paths of files to
        answer with, of at most `most` bytes each.
        Raises BadRepository, RepositoryUnreachable, NoSuchRef.
        """
        ...
