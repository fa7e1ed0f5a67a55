"""Where code comes from, as the business sees it."""

from __future__ import annotations

from dataclasses import dataclass
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


class Sources(Protocol):
    """Reads Git repositories. Checks every URL and ref before Git sees it."""

    def check_url(self, url: str) -> None:
        """Raises BadRepository, with the reason, for an address that is not allowed."""
        ...

    async def head(self, url: str, branch: str) -> str:
        """The full SHA at the tip of the branch.

        Raises BadRepository, RepositoryUnreachable, NoSuchRef.
        """
        ...

    async def fetch(self, url: str, sha: str, archive: Path, *, branch: str) -> CommitInfo:
        """Write the commit's tree to `archive` as gzipped tar, and say what the commit is.

        `branch` helps with servers that do not serve single commits.
        Raises BadRepository, RepositoryUnreachable, NoSuchRef.
        """
        ...
