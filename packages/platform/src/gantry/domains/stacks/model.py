"""Mapped classes of stacks."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from gantry.kernel.model import Model


class Provider(enum.StrEnum):
    """Where the code is hosted: the API's VCSProvider."""

    AZURE_DEVOPS = "AZURE_DEVOPS"
    BITBUCKET_CLOUD = "BITBUCKET_CLOUD"
    BITBUCKET_DATACENTER = "BITBUCKET_DATACENTER"
    GIT = "GIT"
    GITHUB = "GITHUB"
    GITHUB_ENTERPRISE = "GITHUB_ENTERPRISE"
    GITLAB = "GITLAB"
    SHOWCASE = "SHOWCASE"
    SPACELIFT = "SPACELIFT"


class Vendor(enum.StrEnum):
    """Which tool runs the stack."""

    TERRAFORM = "terraform"
    OPENTOFU = "opentofu"
    TERRAGRUNT = "terragrunt"
    ANSIBLE = "ansible"
    CLOUDFORMATION = "cloudformation"
    KUBERNETES = "kubernetes"
    PULUMI = "pulumi"


class Stack(Model):
    """Code, the tool that runs it, its settings, and who has locked it."""

    __tablename__ = "stack"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A slug of the name at creation; stays when the stack is renamed."""
    name: Mapped[str]
    description: Mapped[str | None]
    labels: Mapped[list[str]] = mapped_column(default=list)
    space_id: Mapped[str] = mapped_column(ForeignKey("space.id"), index=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    provider: Mapped[Provider]
    namespace: Mapped[str] = mapped_column(default="")
    repository: Mapped[str]
    repository_url: Mapped[str | None]
    branch: Mapped[str]
    project_root: Mapped[str | None]
    project_globs: Mapped[list[str]] = mapped_column(default=list)
    sparse_checkout_paths: Mapped[list[str]] = mapped_column(default=list)
    vcs_integration_id: Mapped[str | None]
    tracked_commit_id: Mapped[str | None] = mapped_column(ForeignKey("commit.id"))
    tracked_commit_set_by: Mapped[str | None]
    branch_head_id: Mapped[str | None] = mapped_column(ForeignKey("commit.id"))
    synced_at: Mapped[datetime | None]
    """When the head of the branch was last looked up."""
    sync_error: Mapped[str | None]

    vendor: Mapped[Vendor] = mapped_column(default=Vendor.TERRAFORM)
    vendor_config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The vendor's own settings, in the API's words (stacks.vendors)."""
    manages_state: Mapped[bool] = mapped_column(default=True)
    migrated_from_terraform: Mapped[bool] = mapped_column(default=False)

    administrative: Mapped[bool] = mapped_column(default=False)
    autodeploy: Mapped[bool] = mapped_column(default=False)
    autoretry: Mapped[bool] = mapped_column(default=False)
    github_action_deploy: Mapped[bool] = mapped_column(default=True)
    local_preview_enabled: Mapped[bool] = mapped_column(default=False)
    protect_from_deletion: Mapped[bool] = mapped_column(default=False)
    well_known_secret_masking: Mapped[bool] = mapped_column(default=False)
    sensitive_output_upload: Mapped[bool] = mapped_column(default=False)
    runner_image: Mapped[str | None]
    pool_id: Mapped[str | None] = mapped_column(ForeignKey("worker_pool.id"), index=True)
    """None: the public pool."""
    hooks: Mapped[dict[str, Any]] = mapped_column(default=dict)

    disabled: Mapped[bool] = mapped_column(default=False)
    deleting: Mapped[bool] = mapped_column(default=False)
    deleted_at: Mapped[datetime | None]

    locked_at: Mapped[datetime | None]
    locked_by: Mapped[str | None]
    """The actor's name; `system` when an unknown outcome waits to be acknowledged."""
    lock_note: Mapped[str | None]

    # What the list of stacks shows, written with each move of a run that holds the stack.
    state: Mapped[str] = mapped_column(default="NONE")
    state_set_at: Mapped[datetime | None]
    state_set_by: Mapped[str | None]
    last_apply_at: Mapped[datetime | None]

    __table_args__ = (
        Index("stack_present_name", "name", postgresql_where=text("deleted_at is null")),
        Index(
            "stack_present_created", "created_at", "id", postgresql_where=text("deleted_at is null")
        ),
    )


class Star(Model):
    """A stack that somebody keeps at hand."""

    __tablename__ = "stack_star"

    stack_id: Mapped[str] = mapped_column(
        ForeignKey("stack.id", ondelete="CASCADE", onupdate="CASCADE"), primary_key=True
    )
    actor: Mapped[str] = mapped_column(primary_key=True)
