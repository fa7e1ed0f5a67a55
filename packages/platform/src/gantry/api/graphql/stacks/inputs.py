"""What clients send about stacks."""

from __future__ import annotations

import enum

import strawberry

from gantry.api.graphql.shared.tools import TerraformWorkflowTool
from gantry.api.graphql.stacks.vendors import (
    KubernetesWorkflowTool,
    OpenTofuWorkflowTool,
    TerragruntTool,
)
from gantry.domains.stacks.model import Provider


@strawberry.enum
class StackVendor(enum.Enum):
    """Words of the API."""

    Terraform = "Terraform"
    Terragrunt = "Terragrunt"
    OPEN_TOFU = "OPEN_TOFU"


@strawberry.input
class AnsibleInput:
    """See the API reference."""

    playbook: str


@strawberry.input
class CloudFormationInput:
    """See the API reference."""

    entry_template_file: str
    region: str
    stack_name: str
    template_bucket: str


@strawberry.input
class KubernetesInput:
    """See the API reference."""

    namespace: str
    kubectl_version: str | None = None
    kubernetes_workflow_tool: KubernetesWorkflowTool | None = None


@strawberry.input
class OpenTofuInput:
    """See the API reference."""

    concise: bool | None = None
    external_state_access_enabled: bool | None = None
    use_smart_sanitization: bool | None = None
    version: str | None = None
    workflow_tool: OpenTofuWorkflowTool | None = None
    workspace: str | None = None


@strawberry.input
class PulumiInput:
    """See the API reference."""

    login_url: str = strawberry.field(name="loginURL")
    stack_name: str


@strawberry.input
class TerraformInput:
    """See the API reference."""

    external_state_access_enabled: bool | None = None
    use_smart_sanitization: bool | None = None
    version: str | None = None
    workflow_tool: TerraformWorkflowTool | None = None
    workspace: str | None = None


@strawberry.input
class TerragruntInput:
    """See the API reference."""

    use_run_all: bool
    use_smart_sanitization: bool
    terraform_version: str | None = None
    terragrunt_version: str | None = None
    tool: TerragruntTool | None = None
    use_state_management: bool | None = None
    skip_replan: bool | None = None
    skip_replan_when_run_all: bool | None = None
    prefix_resource_names_with_module_name: bool | None = None


@strawberry.input
class VendorConfigInput:
    """See the API reference."""

    ansible: AnsibleInput | None = None
    cloud_formation: CloudFormationInput | None = None
    kubernetes: KubernetesInput | None = None
    opentofu: OpenTofuInput | None = None
    pulumi: PulumiInput | None = None
    terraform: TerraformInput | None = None
    terragrunt: TerragruntInput | None = None


@strawberry.input
class TerragruntMigrationInput:
    """See the API reference."""

    terragrunt_version: str | None = None


@strawberry.input
class StackVendorMigrationInput:
    """See the API reference."""

    labels: list[str] | None = None
    terragrunt: TerragruntMigrationInput | None = None


@strawberry.input
class StackInput:
    """See the API reference."""

    administrative: bool
    branch: str
    name: str
    repository: str
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
    additional_project_globs: list[str] | None = None
    autodeploy: bool | None = None
    autoretry: bool | None = None
    description: str | None = None
    enable_sensitive_output_upload: bool | None = None
    enable_well_known_secret_masking: bool | None = None
    git_sparse_checkout_paths: list[str] | None = None
    github_action_deploy: bool | None = None
    labels: list[str] | None = None
    local_preview_enabled: bool | None = None
    namespace: str | None = None
    project_root: str | None = None
    protect_from_deletion: bool | None = None
    provider: Provider | None = None
    repository_url: str | None = strawberry.field(name="repositoryURL", default=None)
    runner_image: str | None = None
    space: strawberry.ID | None = None
    vcs_integration_id: strawberry.ID | None = None
    vendor_config: VendorConfigInput | None = None
    worker_pool: strawberry.ID | None = None
    terraform_version: str | None = None
    is_disabled: bool | None = None
