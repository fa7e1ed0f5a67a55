"""The installation's one account, its data keys and its certificate authority."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import false
from sqlalchemy.orm import Mapped, mapped_column

from gantry.kernel.ids import new_id
from gantry.kernel.model import Model
from gantry.kernel.sealed import sealed_for

ACCOUNT_ID = 1
"""One account per installation: the row's key is fixed, so a second one cannot exist."""


class Account(Model):
    """Name, settings and the sealed key of the pools' certificate authority."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True, default=ACCOUNT_ID)
    name: Mapped[str | None]
    """None until first setup; then part of URLs and external ids, never renamed."""
    created_at: Mapped[datetime]
    security_email: Mapped[str | None]
    public_runner_image: Mapped[str | None]
    private_runner_image: Mapped[str | None]
    space_admins_manage_spaces: Mapped[bool] = mapped_column(server_default=false())
    """Whether admins of single spaces may make, change and delete spaces beneath theirs."""
    ca_certificate: Mapped[str]
    ca_key_sealed: Mapped[bytes] = sealed_for("account:ca")


class Process(Model):
    """A part of the installation that is at work, or was lately: it says so again and again."""

    __tablename__ = "process"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    """`server`, `drain` or `scheduler`."""
    host: Mapped[str]
    release: Mapped[str]
    started_at: Mapped[datetime]
    heard_at: Mapped[datetime]


class DataKey(Model):
    """An AES-256 key, wrapped by the installation's RSA key or by AWS KMS; one is current."""

    __tablename__ = "data_key"

    version: Mapped[int] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime]
    current: Mapped[bool]
