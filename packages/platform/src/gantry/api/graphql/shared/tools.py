"""Words for tools that several nouns use."""

from __future__ import annotations

import enum

import strawberry


@strawberry.enum
class TerraformWorkflowTool(enum.Enum):
    """Words of the API."""

    TERRAFORM_FOSS = "TERRAFORM_FOSS"
    OPEN_TOFU = "OPEN_TOFU"
    CUSTOM = "CUSTOM"
