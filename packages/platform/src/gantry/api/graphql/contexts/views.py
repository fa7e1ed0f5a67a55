"""Configuration elements as the API shows them."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.contexts.types import ConfigElement
from gantry.api.graphql.shared.convert import seconds
from gantry.domains.contexts import service as elements
from gantry.domains.contexts.kinds import ElementType
from gantry.domains.contexts.model import ConfigElement as ElementModel

COMPUTED = (
    *(
        f"TF_VAR_spacelift_{name}"
        for name in (
            "account_name",
            "commit_branch",
            "commit_sha",
            "local_preview",
            "project_root",
            "repository",
            "run_id",
            "run_state",
            "run_trigger",
            "run_type",
            "space_id",
            "stack_branch",
            "stack_id",
            "stack_labels",
            "stack_labels_list",
            "workspace_root",
        )
    ),
    "SPACELIFT_API_TOKEN",
    "SPACELIFT_OIDC_TOKEN",
)
"""Variables that every run is given (run configuration contract §3)."""


def element_view(info: Info, element: ElementModel) -> ConfigElement:
    """An element; the value of a write-only one is never shown, its checksum is."""
    vault = info.context.house.vault
    return ConfigElement(
        id=strawberry.ID(element.id),
        type=element.type,
        value=None if element.write_only else elements.reveal(vault, element),
        checksum=element.checksum,
        write_only=element.write_only,
        runtime=False,
        created_at=seconds(element.created_at),
        description=element.description,
        file_mode="0644" if element.type is ElementType.FILE_MOUNT else None,
    )


def runtime_elements() -> list[ConfigElement]:
    """What is computed for each run: names without values."""
    return [
        ConfigElement(
            id=strawberry.ID(name),
            type=ElementType.ENVIRONMENT_VARIABLE,
            value=None,
            checksum="",
            write_only=False,
            runtime=True,
            created_at=None,
            description=None,
            file_mode=None,
        )
        for name in COMPUTED
    ]
