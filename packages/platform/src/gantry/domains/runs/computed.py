"""What every run is given without anybody having set it (run configuration contract, §3)."""

from __future__ import annotations

from gantry.domains.contexts.kinds import ElementType, Named

OIDC_FILE = "spacelift.oidc"
"""Below the workspace's root, where clouds' tools look for a token in a file (§3.2)."""

_METADATA = (
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

ELEMENTS = (
    *(
        Named(name, ElementType.ENVIRONMENT_VARIABLE, write_only=False)
        for name in (*(f"TF_VAR_spacelift_{name}" for name in _METADATA), "TF_IN_AUTOMATION")
    ),
    *(
        Named(name, ElementType.ENVIRONMENT_VARIABLE, write_only=True)
        for name in ("SPACELIFT_API_TOKEN", "SPACELIFT_OIDC_TOKEN")
    ),
    Named(OIDC_FILE, ElementType.FILE_MOUNT, write_only=True),
)
"""By their names: whatever else gives a run one of these takes its place."""
