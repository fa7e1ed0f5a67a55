"""The settings of each tool: what a client sends, what is filled in, what reads back.

Defaults and error texts are those that existing clients' own tests rely on (contract notes).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gantry_protocol.versions import BadConstraint, best

from gantry.domains.stacks.model import Vendor
from gantry.kernel.errors import UserError

RUNNABLE = (Vendor.TERRAFORM, Vendor.OPENTOFU)
"""Tools that workers of this release can drive."""

WORKFLOW_TOOLS = ("TERRAFORM_FOSS", "OPEN_TOFU", "CUSTOM")


class BadStack(UserError):
    """Settings that no stack can have; the text lists every fault."""

    code = "BAD_STACK"

    def __init__(self, faults: list[str]) -> None:
        noun = "error" if len(faults) == 1 else "errors"
        super().__init__(f"stack has {len(faults)} {noun}: {'; '.join(faults)}")


def terraform(given: Mapping[str, Any], faults: list[str]) -> tuple[Vendor, dict[str, Any]]:
    """Terraform's settings, with defaults; OPEN_TOFU as the tool makes it an OpenTofu stack."""
    version = given.get("version") or None
    if version is not None:
        check_constraint("terraform", version, faults)
    tool = given.get("workflow_tool") or "TERRAFORM_FOSS"
    config = {
        "version": version,
        "workflow_tool": tool,
        "workspace": given.get("workspace") or None,
        "use_smart_sanitization": bool(given.get("use_smart_sanitization")),
        "external_state_access": bool(given.get("external_state_access_enabled")),
    }
    if tool == "OPEN_TOFU":
        return Vendor.OPENTOFU, {**config, "workflow_tool": "OPENTOFU", "concise": False}
    return Vendor.TERRAFORM, config


def opentofu(given: Mapping[str, Any], faults: list[str]) -> tuple[Vendor, dict[str, Any]]:
    """OpenTofu's settings, with defaults."""
    version = given.get("version") or None
    if version is not None:
        check_constraint("opentofu", version, faults)
    return Vendor.OPENTOFU, {
        "version": version,
        "workflow_tool": given.get("workflow_tool") or "OPENTOFU",
        "workspace": given.get("workspace") or None,
        "use_smart_sanitization": bool(given.get("use_smart_sanitization")),
        "external_state_access": bool(given.get("external_state_access_enabled")),
        "concise": bool(given.get("concise")),
    }


def check_constraint(tool: str, constraint: str, faults: list[str]) -> None:
    """Add a fault when a worker could not read the version constraint."""
    try:
        best([], constraint)
    except BadConstraint:
        faults.append(
            f"{tool}: invalid {NAMES[tool]} version constraints: improper constraint:"
            f' "{constraint}"'
        )


NAMES = {"terraform": "Terraform", "opentofu": "OpenTofu", "terragrunt": "Terragrunt"}


def constraint_of(config: Mapping[str, Any]) -> str | None:
    """The version constraint of a Terraform or OpenTofu stack."""
    value = config.get("version")
    return str(value) if value else None
