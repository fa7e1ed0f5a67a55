"""Commits as the API shows them."""

from __future__ import annotations

from gantry.api.graphql.shared.convert import seconds
from gantry.api.graphql.shared.types import Commit
from gantry.domains.vcs.model import Commit as CommitModel


def commit_view(commit: CommitModel | None) -> Commit | None:
    """The commit; its message is empty until the repository was asked."""
    if commit is None:
        return None
    return Commit(
        hash=commit.sha,
        message=commit.message,
        author_name=commit.author_name,
        author_login=None,  # raw Git knows names, not accounts
        timestamp=seconds(commit.authored_at or commit.wanted_at),
        url="",  # raw Git has no page for a commit
        tag=None,
    )
