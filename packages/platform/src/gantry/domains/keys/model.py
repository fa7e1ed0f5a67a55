"""Mapped classes of keys, beside the data keys themselves, which are the account's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from gantry.domains.keys.kinds import Phase
from gantry.kernel.model import Model
from gantry.kernel.sealed import sealed_for


class Rekey(Model):
    """Sealing everything with another data key, whose version it is known by."""

    __tablename__ = "rekey"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    phase: Mapped[Phase]
    paused: Mapped[bool]
    started_at: Mapped[datetime]
    switched_at: Mapped[datetime | None]
    """Since then new values are sealed with it."""
    finished_at: Mapped[datetime | None]
    holder: Mapped[str | None]
    """The drain that works on it, until it says nothing for too long."""
    held_until: Mapped[datetime | None]
    """Nobody takes it before then: it is worked on, or rests."""

    __table_args__ = (
        Index(
            "rekey_one_at_a_time",
            text("(finished_at is null)"),
            unique=True,
            postgresql_where=text("finished_at is null"),
        ),
    )


class RekeyPlace(Model):
    """How far a re-key has come in one sealed column, or with one kind of objects."""

    __tablename__ = "rekey_place"

    version: Mapped[int] = mapped_column(
        ForeignKey("rekey.version", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    after: Mapped[list[Any]]
    """The key of the last row that was looked at; empty before the first."""
    done: Mapped[int]
    total: Mapped[int]
    """What was found to be done when the place was looked at last."""
    unreadable: Mapped[int]
    examples: Mapped[list[str]]
    """Some of those that cannot be read, as people would look for them."""
    passed: Mapped[bool]
    """Whether the last row was come to."""


class SigningKey(Model):
    """A key that tokens are or were signed with, as they are checked: a public key, or a secret."""

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(primary_key=True)
    key_sealed: Mapped[bytes] = sealed_for("signing-key:{kid}")
    """The key and what it is for. Sealed though most are public: whoever can write here must not be
    able to add one."""
    first_used_at: Mapped[datetime]
    last_used_at: Mapped[datetime]


class ProcessKeys(Model):
    """What a process says of its data keys, as often as it says that it is at work."""

    __tablename__ = "process_keys"

    process_id: Mapped[str] = mapped_column(
        ForeignKey("process.id", ondelete="CASCADE"), primary_key=True
    )
    opens: Mapped[int]
    """The newest version that it can open."""
    seals: Mapped[int]
    """The version that it seals with."""


class ReplacedObject(Model):
    """An object that was sealed anew under another name: kept as long as the old key is."""

    __tablename__ = "replaced_object"

    bucket: Mapped[str] = mapped_column(primary_key=True)
    object_key: Mapped[str] = mapped_column(primary_key=True)
    replaced_at: Mapped[datetime]
