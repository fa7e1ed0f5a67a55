"""Everything a worker needs to perform one run, from its lease to its next pause or end."""

from __future__ import annotations

from pydantic import Field

from gantry_protocol.words import Message, Phase


class EnvironmentValue(Message):
    """One variable. `secret` values are masked in logs. Names may carry `ro_`/`wo_`."""

    name: str
    value: str
    secret: bool = False


class MountedFile(Message):
    """A file below the workspace root; `content` is base64."""

    path: str
    content: str
    secret: bool = False


class StateBackend(Message):
    """Where Terraform keeps the stack's state while this run may touch it."""

    address: str
    username: str
    password: str


class Tool(Message):
    """Which binary runs the stack, and which versions will do (None: any)."""

    name: str = "terraform"  # terraform | opentofu
    constraint: str | None = None
    workspace: str | None = None


class Manifest(Message):
    """Sent encrypted to the pool's key."""

    run_id: str
    run_type: str
    stack_id: str
    fence: int

    phases: list[Phase]
    """What is ahead; the verdict after each says whether to go on."""

    source_url: str | None = None
    """Presigned: a gzipped tar of the commit. None when a stored workspace is continued."""
    workspace_url: str | None = None
    """Presigned: the encrypted workspace of an earlier part of this run."""
    plan_sha256: str | None = None
    """The plan that was confirmed; another one is refused."""
    plan_json_url: str | None = None
    """Presigned: where to PUT the plan as gzipped JSON, secrets replaced by words."""
    plan_json_key: str | None = None
    """What the report calls it then."""

    project_root: str = ""
    sparse_paths: list[str] = Field(default_factory=list)
    """What of the source is unpacked besides the project root; nothing here: all of it."""
    tool: Tool = Tool()
    runner_image: str | None = None
    command: str | None = None
    """The text of a task, for the shell of the workspace. Written to a file, never joined."""
    skip_init: bool = False
    destroy: bool = False
    targets: list[str] = Field(default_factory=list)
    refresh: bool = True

    environment: list[EnvironmentValue] = Field(default_factory=list)
    files: list[MountedFile] = Field(default_factory=list)
    hooks: dict[str, list[str]] = Field(default_factory=dict)
    """`before_init`, `after_plan`, … → commands in order."""
    mask: list[str] = Field(default_factory=list)
    """Further words that must not appear in logs: tokens the server made for this run."""
    well_known_masking: bool = False

    backend: StateBackend | None = None
    upload_outputs: bool = False
    """True when the server does not hold the state and wants outputs and resources reported."""
    upload_sensitive_outputs: bool = False
