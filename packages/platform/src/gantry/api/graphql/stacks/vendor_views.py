"""Between the kept settings of a tool and the API's types, in both directions."""

from __future__ import annotations

from typing import Any

from gantry.api.graphql.shared.tools import TerraformWorkflowTool
from gantry.api.graphql.stacks import vendors as v
from gantry.api.graphql.stacks.inputs import StackInput, VendorConfigInput
from gantry.domains.stacks import vendors as rules
from gantry.domains.stacks.model import Stack, Vendor


def version_of(stack: Stack) -> str | None:
    """The version constraint of a Terraform or OpenTofu stack."""
    return rules.constraint_of(stack.vendor_config)


def config_view(stack: Stack) -> Any:
    """The settings as the union member of the stack's tool."""
    c = stack.vendor_config
    match stack.vendor:
        case Vendor.TERRAFORM:
            return v.StackConfigVendorTerraform(
                external_state_access_enabled=bool(c.get("external_state_access")),
                use_smart_sanitization=bool(c.get("use_smart_sanitization")),
                version=c.get("version"),
                workflow_tool=TerraformWorkflowTool[c.get("workflow_tool", "TERRAFORM_FOSS")],
                workspace=c.get("workspace"),
            )
        case Vendor.OPENTOFU:
            return v.StackConfigVendorOpenTofu(
                concise=bool(c.get("concise")),
                external_state_access_enabled=bool(c.get("external_state_access")),
                use_smart_sanitization=bool(c.get("use_smart_sanitization")),
                version=c.get("version"),
                workflow_tool=v.OpenTofuWorkflowTool[c.get("workflow_tool", "OPENTOFU")],
                workspace=c.get("workspace"),
            )
        case Vendor.TERRAGRUNT:
            return v.StackConfigVendorTerragrunt(
                terraform_version=c.get("terraform_version"),
                terragrunt_version=c.get("terragrunt_version"),
                tool=v.TerragruntTool[c.get("tool") or "TERRAFORM_FOSS"],
                effective_versions=None,
                use_run_all=bool(c.get("use_run_all")),
                use_smart_sanitization=bool(c.get("use_smart_sanitization")),
                use_state_management=bool(c.get("use_state_management")),
                skip_replan=bool(c.get("skip_replan")),
                skip_replan_when_run_all=bool(c.get("skip_replan_when_run_all")),
                prefix_resource_names_with_module_name=bool(
                    c.get("prefix_resource_names_with_module_name")
                ),
            )
        case Vendor.ANSIBLE:
            return v.StackConfigVendorAnsible(playbook=c.get("playbook", ""))
        case Vendor.CLOUDFORMATION:
            return v.StackConfigVendorCloudFormation(
                entry_template_file=c.get("entry_template_file", ""),
                region=c.get("region", ""),
                stack_name=c.get("stack_name", ""),
                template_bucket=c.get("template_bucket", ""),
            )
        case Vendor.KUBERNETES:
            return v.StackConfigVendorKubernetes(
                namespace=c.get("namespace", ""),
                kubectl_version=c.get("kubectl_version"),
                kubernetes_workflow_tool=v.KubernetesWorkflowTool[
                    c.get("kubernetes_workflow_tool") or "KUBERNETES"
                ],
            )
        case Vendor.PULUMI:
            return v.StackConfigVendorPulumi(
                login_url=c.get("login_url", ""), stack_name=c.get("stack_name", "")
            )


def vendor_given(given: StackInput, faults: list[str]) -> tuple[Vendor, dict[str, Any]]:
    """Which tool a client wants, and its settings; what is wrong goes into `faults`."""
    config = given.vendor_config or VendorConfigInput()
    named = {
        name: value
        for name in ("ansible", "cloud_formation", "kubernetes", "opentofu", "pulumi", "terragrunt")
        if (value := getattr(config, name)) is not None
    }
    if len(named) + (config.terraform is not None) > 1:
        faults.append("vendor: name one tool only")
    if config.opentofu is not None:
        return rules.opentofu(_plain(config.opentofu), faults)
    if named:
        name, value = next(iter(named.items()))
        return Vendor(name.replace("_", "")), _plain(value)
    terraform = _plain(config.terraform) if config.terraform is not None else {}
    if not terraform.get("version") and given.terraform_version:
        terraform["version"] = given.terraform_version
    return rules.terraform(terraform, faults)


def _plain(given: Any) -> dict[str, Any]:
    values = {name: getattr(given, name) for name in given.__dataclass_fields__}
    return {name: getattr(value, "value", value) for name, value in values.items()}
