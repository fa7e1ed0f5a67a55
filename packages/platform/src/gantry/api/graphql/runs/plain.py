"""Small types around runs."""

from __future__ import annotations

import enum

import strawberry
from strawberry.scalars import JSON

from gantry.api.graphql.shared.types import StringMap


@strawberry.enum
class ForceApplyMode(enum.Enum):
    """Words of the API."""

    SINGLE = "SINGLE"
    CASCADE = "CASCADE"


@strawberry.enum
class RunReviewDecision(enum.Enum):
    """Words of the API."""

    APPROVE = "APPROVE"
    REJECT = "REJECT"


@strawberry.enum
class RunPriorityPreset(enum.Enum):
    """Words of the API."""

    HIGH = "HIGH"
    NORMAL = "NORMAL"
    LOW = "LOW"


@strawberry.enum
class RunExternalDependencyStatus(enum.Enum):
    """Words of the API."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    SUCCESS = "SUCCESS"


@strawberry.type
class RunLogMessage:
    """See the API reference."""

    message: str
    timestamp: int


@strawberry.type
class RunLogs:
    """See the API reference."""

    exists: bool
    expired: bool
    finished: bool
    has_more: bool
    messages: list[RunLogMessage]
    next_token: str | None


@strawberry.input
class RunChangesInput:
    """See the API reference."""

    _unused: bool | None = strawberry.field(name="_unused", default=None)


@strawberry.type
class RunChangeMetadata:
    """What happens to a resource: `type` is add, change, delete, replace, import, move or forget.

    In `before` and `after` secrets and values that are not known yet are replaced by words.
    """

    type: str
    resource_type: str
    before: JSON | None
    after: JSON | None


@strawberry.type
class RunChangeResource:
    """See the API reference."""

    address: str
    previous_address: str | None
    metadata: RunChangeMetadata


@strawberry.type
class RunChanges:
    """See the API reference."""

    resources: list[RunChangeResource]


@strawberry.type
class RunDelta:
    """See the API reference."""

    add_count: int
    change_count: int
    delete_count: int
    resources: int
    import_count: int
    move_count: int
    forget_count: int
    ok_count: int
    skip_count: int
    rescue_count: int
    ignore_count: int
    unreachable_count: int
    failed_count: int


@strawberry.type
class RunExternalDependencyMarkAsCompletedResult:
    """See the API reference."""

    phantom: bool
    status: RunExternalDependencyStatus


@strawberry.type
class RunSummary:
    """See the API reference."""

    summary: str | None
    created_at: int
    processing_status: str
    deleted: bool


@strawberry.type
class LocalWorkspace:
    """See the API reference."""

    id: strawberry.ID
    upload_url: str
    upload_headers: StringMap


@strawberry.input
class EnvironmentVariable:
    """See the API reference."""

    key: str
    value: str


@strawberry.input
class EnvVarInput:
    """See the API reference."""

    key: str
    value: str


@strawberry.input
class RuntimeConfigInput:
    """See the API reference."""

    yaml: str | None = None
    environment: list[EnvVarInput] | None = None
    project_root: str | None = None
    runner_image: str | None = None
    after_apply: list[str] | None = None
    after_destroy: list[str] | None = None
    after_init: list[str] | None = None
    after_perform: list[str] | None = None
    after_plan: list[str] | None = None
    after_run: list[str] | None = None
    before_apply: list[str] | None = None
    before_destroy: list[str] | None = None
    before_init: list[str] | None = None
    before_perform: list[str] | None = None
    before_plan: list[str] | None = None
