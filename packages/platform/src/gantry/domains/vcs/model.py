"""Mapped class of commits."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from gantry.kernel.model import Model


class FetchState(enum.StrEnum):
    """How far the commit's tree is on its way to object storage."""

    WANTED = "WANTED"
    STORED = "STORED"
    FAILED = "FAILED"


class Commit(Model):
    """One commit of one repository, fetched once for all runs that need it."""

    __tablename__ = "commit"

    id: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of the repository's address and the commit's SHA: see vcs.rules.commit_id."""
    repository_url: Mapped[str]
    branch: Mapped[str]
    sha: Mapped[str] = mapped_column(index=True)
    message: Mapped[str] = mapped_column(default="")
    author_name: Mapped[str] = mapped_column(default="")
    authored_at: Mapped[datetime | None]
    state: Mapped[FetchState] = mapped_column(default=FetchState.WANTED)
    error: Mapped[str | None]
    archive_size: Mapped[int | None]
    archive_sha256: Mapped[str | None]
    wanted_at: Mapped[datetime]
    stored_at: Mapped[datetime | None]


class TreeConfig(Model):
    """What the configuration file of a tree says. A tree that was looked at has a row, whether
    there is such a file or not.
    """

    __tablename__ = "tree_config"

    tree: Mapped[str] = mapped_column(primary_key=True)
    """The commit's id, or the key of an uploaded tree."""
    found: Mapped[dict[str, Any]]
    """In the words of whoever read it; empty without a file."""
    read_at: Mapped[datetime]
