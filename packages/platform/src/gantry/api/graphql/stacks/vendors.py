"""The settings of each tool in the API: what reads back, and what is sent."""

from __future__ import annotations

import enum
from typing import Annotated

import strawberry

from gantry.api.graphql.shared.tools import TerraformWorkflowTool


@strawberry.enum
class OpenTofuWorkflowTool(enum.Enum):
    """Words of the API."""

    OPENTOFU = "OPENTOFU"
    CUSTOM = "CUSTOM"


@strawberry.enum
class KubernetesWorkflowTool(enum.Enum):
    """Words of the API."""

    KUBERNETES = "KUBERNETES"
    CUSTOM = "CUSTOM"


@strawberry.enum
class TerragruntTool(enum.Enum):
    """Words of the API."""

    TERRAFORM_FOSS = "TERRAFORM_FOSS"
    OPEN_TOFU = "OPEN_TOFU"
    MANUALLY_PROVISIONED = "MANUALLY_PROVISIONED"


@strawberry.type
class TerragruntEffectiveVersion:
    """See the API reference."""

    effective_terragrunt_version: str | None
    effective_terraform_version: str | None
    tool: TerragruntTool


@strawberry.type
class StackConfigVendorAnsible:
    """See the API reference."""

    playbook: str


@strawberry.type
class StackConfigVendorCloudFormation:
    """See the API reference."""

    entry_template_file: str
    region: str
    stack_name: str
    template_bucket: str


@strawberry.type
class StackConfigVendorKubernetes:
    """See the API reference."""

    namespace: str
    kubectl_version: str | None
    kubernetes_workflow_tool: KubernetesWorkflowTool | None


@strawberry.type
class StackConfigVendorOpenTofu:
    """See the API reference."""

    concise: bool
    external_state_access_enabled: bool
    use_smart_sanitization: bool
    version: str | None
    workflow_tool: OpenTofuWorkflowTool | None
    workspace: str | None


@strawberry.type
class StackConfigVendorPulumi:
    """See the API reference."""

    login_url: str = strawberry.field(name="loginURL")
    stack_name: str


@strawberry.type
class StackConfigVendorTerraform:
    """See the API reference."""

    external_state_access_enabled: bool
    use_smart_sanitization: bool
    version: str | None
    workflow_tool: TerraformWorkflowTool | None
    workspace: str | None


@strawberry.type
class StackConfigVendorTerragrunt:
    """See the API reference."""

    terraform_version: str | None
    terragrunt_version: str | None
    tool: TerragruntTool
    effective_versions: TerragruntEffectiveVersion | None
    use_run_all: bool
    use_smart_sanitization: bool
    use_state_management: bool
    skip_replan: bool
    skip_replan_when_run_all: bool
    prefix_resource_names_with_module_name: bool


StackConfigVendor = Annotated[
    StackConfigVendorAnsible
    | StackConfigVendorCloudFormation
    | StackConfigVendorKubernetes
    | StackConfigVendorOpenTofu
    | StackConfigVendorPulumi
    | StackConfigVendorTerraform
    | StackConfigVendorTerragrunt,
    strawberry.union("StackConfigVendor"),
]
