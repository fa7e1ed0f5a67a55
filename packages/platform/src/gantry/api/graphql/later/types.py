"""Types of nouns to come: policies, schedules, modules, clouds, dependencies, blueprints.

Clients select them on stacks already; fields of these types answer truthfully that there are
none. Each moves to its own package with its noun.
"""

from __future__ import annotations

import enum

import strawberry

from gantry.api.graphql.shared.tools import TerraformWorkflowTool
from gantry.api.graphql.shared.types import Commit
from gantry.domains.stacks.model import Provider

strawberry.enum(Provider, name="VCSProvider", description="Where code is hosted.")


@strawberry.enum
class PolicyType(enum.Enum):
    """Words of the API."""

    ACCESS = "ACCESS"
    APPROVAL = "APPROVAL"
    GIT_PUSH = "GIT_PUSH"
    INITIALIZATION = "INITIALIZATION"
    INTENT = "INTENT"
    LOGIN = "LOGIN"
    NOTIFICATION = "NOTIFICATION"
    PLAN = "PLAN"
    TASK = "TASK"
    TRIGGER = "TRIGGER"
    STACK_ACCESS = "STACK_ACCESS"
    TASK_RUN = "TASK_RUN"
    TERRAFORM_PLAN = "TERRAFORM_PLAN"


@strawberry.type
class Policy:
    """See the API reference."""

    id: strawberry.ID
    name: str
    body: str
    type: PolicyType
    description: str
    labels: list[str]
    space: strawberry.ID
    created_at: int
    updated_at: int


@strawberry.type
class PolicyStackAttachment:
    """See the API reference."""

    id: strawberry.ID
    stack_id: strawberry.ID
    stack_name: str
    is_module: bool
    is_autoattached: bool
    policy_id: strawberry.ID
    policy_name: str
    policy_type: PolicyType
    policy_labels: list[str]


@strawberry.type
class EnvVar:
    """See the API reference."""

    key: str
    value: str


@strawberry.type
class RuntimeConfig:
    """See the API reference."""

    environment: list[EnvVar]
    project_root: str
    runner_image: str
    terraform_version: str
    terraform_workflow_tool: TerraformWorkflowTool | None
    after_apply: list[str]
    after_destroy: list[str]
    after_init: list[str]
    after_perform: list[str]
    after_plan: list[str]
    after_run: list[str]
    before_apply: list[str]
    before_destroy: list[str]
    before_init: list[str]
    before_perform: list[str]
    before_plan: list[str]


@strawberry.type
class ScheduledRun:
    """See the API reference."""

    id: strawberry.ID
    name: str
    cron_schedule: list[str]
    timestamp_schedule: int | None
    next_schedule: int | None
    timezone: str | None
    custom_runtime_config: RuntimeConfig | None


@strawberry.type
class ScheduledTask:
    """See the API reference."""

    id: strawberry.ID
    command: str
    cron_schedule: list[str]
    timestamp_schedule: int | None
    next_schedule: int | None
    timezone: str | None


@strawberry.type
class ScheduledDelete:
    """See the API reference."""

    id: strawberry.ID
    should_delete_resources: bool
    cron_schedule: list[str]
    timestamp_schedule: int | None
    next_schedule: int | None
    timezone: str | None


@strawberry.type
class DriftDetectionIntegration:
    """See the API reference."""

    deleted: bool
    ignore_state: bool
    reconcile: bool
    schedule: list[str]
    timezone: str
    next_schedule: int | None


@strawberry.enum
class ModuleVersionState(enum.Enum):
    """Words of the API."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    FAILED = "FAILED"


@strawberry.type
class ModuleVersion:
    """See the API reference."""

    id: strawberry.ID
    number: str
    state: ModuleVersionState
    created_at: int
    notes: str | None
    yanked: bool
    yank_note: str | None
    commit: Commit
    source_url: str = strawberry.field(name="sourceURL")
    download_link: str | None
    consumer_count: int
    version_count: int


@strawberry.type
class StackIntegrationAws:
    """See the API reference."""

    activated: bool
    assumed_role_arn: str | None
    assume_role_policy_statement: str
    generate_credentials_in_worker: bool
    external_id: str | None = strawberry.field(name="externalID")
    duration_seconds: int | None
    region: str | None
    assume_role_link: str | None


@strawberry.type
class StackIntegrationGcp:
    """See the API reference."""

    activated: bool
    service_account_email: str | None
    token_scopes: list[str]


@strawberry.type
class StackIntegrationSlack:
    """See the API reference."""

    activated: bool
    channel_names: list[str]


@strawberry.type
class AwsIntegrationStackAttachment:
    """See the API reference."""

    id: strawberry.ID
    integration_id: strawberry.ID
    stack_id: strawberry.ID
    stack_name: str
    is_module: bool
    is_autoattached: bool
    read: bool
    write: bool
    name: str
    role_arn: str
    duration_seconds: int
    external_id: str
    generate_credentials_in_worker: bool
    legacy: bool


@strawberry.type
class AzureIntegrationStackAttachment:
    """See the API reference."""

    id: strawberry.ID
    stack_id: strawberry.ID
    stack_name: str
    is_module: bool
    is_autoattached: bool
    read: bool
    write: bool
    subscription_id: str | None
    integration_name: str
    integration_display_name: str
    default_subscription_id: str | None


@strawberry.type
class VCSIntegration:
    """See the API reference."""

    id: strawberry.ID
    name: str
    provider: Provider
    is_default: bool
    description: str | None


@strawberry.enum
class ExternalIntegrationType(enum.Enum):
    """Words of the API."""

    CUSTOM = "CUSTOM"


@strawberry.type
class ExternalIntegration:
    """See the API reference."""

    id: strawberry.ID
    name: str
    description: str | None
    type: ExternalIntegrationType
    created_at: int
    deleted: bool


@strawberry.enum
class StackDependencyReferenceType(enum.Enum):
    """Words of the API."""

    ENVIRONMENT_VARIABLE = "ENVIRONMENT_VARIABLE"
    TRIGGER_ALWAYS = "TRIGGER_ALWAYS"


@strawberry.type
class StackDependencyReference:
    """See the API reference."""

    id: strawberry.ID
    output_name: str
    input_name: str
    type: StackDependencyReferenceType
    trigger_always: bool


@strawberry.type
class StackDependencyDetail:
    """See the API reference."""

    id: strawberry.ID
    name: str


@strawberry.type
class StackDependency:
    """See the API reference."""

    id: strawberry.ID
    stack: StackDependencyDetail
    depends_on_stack: StackDependencyDetail
    stack_id: strawberry.ID
    depends_on_stack_id: strawberry.ID
    trigger_always: bool
    reference_count: int
    references: list[StackDependencyReference]


@strawberry.type
class Blueprint:
    """See the API reference."""

    id: strawberry.ID
    ulid: strawberry.ID
    name: str
    description: str | None
    instructions: str | None
    labels: list[str]
    raw_template: str | None
    version: str | None
    deleted: bool
    created_at: int
    updated_at: int
    published_at: int | None
