"""What a worker is told about a run: everything it needs until the next pause, and no more."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gantry_protocol.manifest import EnvironmentValue, Manifest, MountedFile, StateBackend, Tool
from gantry_protocol.words import Phase

from gantry.domains.accounts import service as accounts
from gantry.domains.accounts.model import Account
from gantry.domains.contexts import layers
from gantry.domains.contexts import repo as contexts
from gantry.domains.contexts import service as elements
from gantry.domains.contexts.kinds import ElementType
from gantry.domains.contexts.model import ConfigElement
from gantry.domains.runs.model import Run
from gantry.domains.runs.service import overrides_of
from gantry.domains.runs.states import APPLYABLE, Kind, State
from gantry.domains.stacks import attached_repo
from gantry.domains.stacks.attached_repo import Attached
from gantry.domains.stacks.model import Stack, Vendor
from gantry.domains.stacks.vendors import constraint_of
from gantry.domains.vcs import service as vcs
from gantry.domains.vcs.model import Commit
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Tx
from gantry.ports.objects import Bucket, Objects
from gantry.ports.vault import Vault

API_TOKEN_LASTS = timedelta(hours=3)
"""Of a run's token for the API (run configuration contract §3.2); it also ends with its phase."""
OIDC_TOKEN_LASTS = timedelta(hours=1)
"""Of a run's token for clouds (§3.2): they exchange it at once for credentials of their own."""
STATE_TOKEN_LASTS = timedelta(days=7)
"""Of a run's credential for its state. What ends it is its lease and phase, which are looked at
each time: an apply of many hours must be able to save what it made."""
PLAN_URL_LASTS = timedelta(hours=12)
"""Of the URL to which a plan goes as JSON: far beyond what planning takes."""
OIDC_FILE = "spacelift.oidc"
"""Below the workspace's root, where clouds' tools look for a token in a file (§3.2)."""
URL_LASTS = timedelta(hours=1)
"""Of presigned URLs: a worker uses them within its first minutes."""

STATE_PURPOSE = "state"
API_PURPOSE = "run"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the run's tools find this installation, and as whom it vouches for them."""

    base_url: str
    issuer: str
    """Of the tokens that clouds are to believe: as the discovery document says."""


async def build(
    tx: Tx,
    vault: Vault,
    objects: Objects,
    where: Addresses,
    stack: Stack,
    run: Run,
    commit: Commit | None,
) -> Manifest:
    """The manifest of a leased run, which is of that commit. Raises StorageDown, KeyServiceDown,
    Unreadable.
    """
    account = await accounts.get(tx)
    attached = (await attached_repo.of_stacks(tx, [stack.id]))[stack.id]
    given = await _elements(tx, stack, attached)
    api_token = _token(vault, where, run, stack, API_PURPOSE, tx)
    oidc_token = await _oidc_token(vault, where, run, stack, tx)
    environment = _metadata(account.name or "", stack, run, commit)
    for name, token in (("SPACELIFT_API_TOKEN", api_token), ("SPACELIFT_OIDC_TOKEN", oidc_token)):
        environment[name] = EnvironmentValue(name=name, value=token, secret=True)
    for element in given:
        if element.type is ElementType.ENVIRONMENT_VARIABLE:
            environment[element.id] = _variable(vault, element)
    for name, value in overrides_of(vault, run):
        environment[name] = EnvironmentValue(name=name, value=value)
    backend = _backend(vault, where, run, stack, tx) if stack.manages_state else None
    resumes = run.state is State.PREPARING_APPLY or run.state is State.PREPARING_REPLAN
    config = run.runtime_config
    plan_url, plan_key = await _plan_place(objects, run)
    return Manifest(
        run_id=run.id,
        run_type=run.kind.value,
        stack_id=stack.id,
        fence=run.fence,
        phases=_phases(run),
        source_url=None if resumes else await _source(objects, run, commit),
        workspace_url=await _workspace(objects, run) if resumes else None,
        plan_sha256=run.plan_sha256 if run.state is State.PREPARING_APPLY else None,
        plan_json_url=plan_url,
        plan_json_key=plan_key,
        project_root=str(config.get("project_root") or stack.project_root or ""),
        tool=_tool(stack, config),
        runner_image=_image(account, stack, config),
        command=run.command,
        skip_init=run.skip_init,
        destroy=run.kind is Kind.DESTROY,
        targets=list(run.targets),
        environment=list(environment.values()),
        files=[
            MountedFile(
                path=OIDC_FILE, content=base64.b64encode(oidc_token.encode()).decode(), secret=True
            ),
            *(
                MountedFile(path=e.id, content=elements.reveal(vault, e), secret=e.write_only)
                for e in given
                if e.type is ElementType.FILE_MOUNT
            ),
        ],
        hooks=_hooks(stack, attached, config),
        mask=[api_token, oidc_token, *([backend.password] if backend else [])],
        well_known_masking=stack.well_known_secret_masking,
        backend=backend,
        upload_outputs=not stack.manages_state,
        upload_sensitive_outputs=stack.sensitive_output_upload,
    )


def _phases(run: Run) -> list[Phase]:
    if run.state is State.PREPARING_APPLY:
        return [Phase.PREPARE, Phase.DESTROY if run.kind is Kind.DESTROY else Phase.APPLY]
    if run.kind is Kind.TASK:
        init = [] if run.skip_init else [Phase.INIT]
        return [Phase.PREPARE, *init, Phase.PERFORM]
    planned = [Phase.PREPARE, Phase.INIT, Phase.PLAN]
    if run.state is State.PREPARING_REPLAN:
        planned = [Phase.PREPARE, Phase.PLAN]
    if run.kind not in APPLYABLE:
        return planned
    return [*planned, Phase.DESTROY if run.kind is Kind.DESTROY else Phase.APPLY]


async def _source(objects: Objects, run: Run, commit: Commit | None) -> str | None:
    if run.workspace_upload_key is not None:
        return await objects.download_url(
            Bucket.USER_UPLOADED_WORKSPACES, run.workspace_upload_key, lasts=URL_LASTS
        )
    if commit is None:
        return None
    return await objects.download_url(Bucket.METADATA, vcs.archive_key(commit), lasts=URL_LASTS)


async def _workspace(objects: Objects, run: Run) -> str | None:
    if run.workspace_key is None:
        return None
    return await objects.download_url(Bucket.WORKSPACE, run.workspace_key, lasts=URL_LASTS)


def _tool(stack: Stack, runtime: Mapping[str, Any]) -> Tool:
    config, tofu = stack.vendor_config, stack.vendor is Vendor.OPENTOFU
    override = runtime.get("opentofu_version" if tofu else "terraform_version")
    return Tool(
        name="opentofu" if tofu else "terraform",
        constraint=str(override) if override else constraint_of(config),
        # A managed state is one state; workspaces are for other backends.
        workspace=None if stack.manages_state else config.get("workspace"),
    )


def _image(account: Account, stack: Stack, config: Mapping[str, Any]) -> str | None:
    """The image for workers that use containers (run configuration contract §1.3). None leaves it
    to the worker.
    """
    public = stack.pool_id is None
    default = account.public_runner_image if public else account.private_runner_image
    return config.get("runner_image") or stack.runner_image or default


async def _elements(tx: Tx, stack: Stack, attached: Sequence[Attached]) -> list[ConfigElement]:
    """Variables and files: the stack's own before those of its contexts."""
    own = (await contexts.of_stacks(tx, [stack.id]))[stack.id]
    ids = [one.context.id for one in attached]
    theirs = await contexts.of_contexts(tx, ids) if ids else {}
    sources = [layers.Layer(None, own), *(layers.Layer(one, theirs[one]) for one in ids)]
    return [given.element for given in layers.winners(sources)]


def _hooks(
    stack: Stack, attached: Sequence[Attached], config: Mapping[str, Any]
) -> dict[str, list[str]]:
    hooks = layers.hooks(
        stack.hooks,
        [one.context.hooks for one in attached if not one.by_label],
        [one.context.hooks for one in attached if one.by_label],
    )
    hooks.update({name: list(c) for name, c in (config.get("hooks") or {}).items()})
    return hooks


def _variable(vault: Vault, element: ConfigElement) -> EnvironmentValue:
    return EnvironmentValue(
        name=element.id, value=elements.reveal(vault, element), secret=element.write_only
    )


def _backend(vault: Vault, where: Addresses, run: Run, stack: Stack, tx: Tx) -> StateBackend:
    return StateBackend(
        address=f"{where.base_url}/state/{stack.id}",
        username=run.id,
        password=_token(vault, where, run, stack, STATE_PURPOSE, tx),
    )


def writes(run: Run) -> bool:
    """Whether the run may change things before its next pause: the `scope` of its OIDC token.

    As in the field: a tracked run whose plan is confirmed first only reads until it is.
    """
    if run.kind is Kind.PROPOSED:
        return False
    return run.kind is not Kind.TRACKED or run.autodeploy or run.state is State.PREPARING_APPLY


async def _oidc_token(vault: Vault, where: Addresses, run: Run, stack: Stack, tx: Tx) -> str:
    scope = "write" if writes(run) else "read"
    now = int(tx.now.timestamp())
    place = f"space:{stack.space_id}:stack:{stack.id}"
    return await vault.vouch(
        {
            "iss": where.issuer,
            "aud": where.base_url.partition("://")[2],
            "sub": f"{place}:run_type:{run.kind.value}:scope:{scope}",
            "jti": new_id(),
            "iat": now,
            "nbf": now,
            "exp": now + int(OIDC_TOKEN_LASTS.total_seconds()),
            "spaceId": stack.space_id,
            "callerType": "stack",
            "callerId": stack.id,
            "runType": run.kind.value,
            "runId": run.id,
            "scope": scope,
        }
    )


async def _plan_place(objects: Objects, run: Run) -> tuple[str | None, str | None]:
    if Phase.PLAN not in _phases(run):
        return None, None
    key = f"{plan_folder(run)}{run.fence}.json.gz"
    return await objects.upload_url(Bucket.POLICY_INPUTS, key, lasts=PLAN_URL_LASTS), key


def plan_folder(run: Run) -> str:
    """What the keys of the run's plans begin with."""
    return f"plans/{run.id}/"


def _token(vault: Vault, where: Addresses, run: Run, stack: Stack, purpose: str, tx: Tx) -> str:
    lasts = STATE_TOKEN_LASTS if purpose == STATE_PURPOSE else API_TOKEN_LASTS
    return vault.sign(
        {
            "iss": "spacelift",
            "aud": [where.base_url],
            # Clients read the part before the slash as the current stack (contract notes).
            "sub": f"{stack.id}/{run.id}",
            "purpose": purpose,
            "fence": run.fence,
            "iat": int(tx.now.timestamp()),
            "exp": int((tx.now + lasts).timestamp()),
        }
    )


def _metadata(
    account: str, stack: Stack, run: Run, commit: Commit | None
) -> dict[str, EnvironmentValue]:
    """The variables every run is given (run configuration contract §3.1)."""
    labels = json.dumps(stack.labels)
    values = {
        "account_name": account,
        "commit_branch": run.branch or stack.branch,
        "commit_sha": commit.sha if commit else "",
        "local_preview": "true" if run.workspace_upload_key else "false",
        "project_root": str(run.runtime_config.get("project_root") or stack.project_root or ""),
        "repository": f"{stack.namespace}/{stack.repository}"
        if stack.namespace
        else stack.repository,
        "run_id": run.id,
        "run_trigger": run.trigger_kind,
        "run_type": run.kind.value,
        "space_id": stack.space_id,
        "stack_branch": stack.branch,
        "stack_id": stack.id,
        "stack_labels": ",".join(stack.labels),
        "stack_labels_list": labels,
    }
    found = {
        f"TF_VAR_spacelift_{name}": EnvironmentValue(name=f"TF_VAR_spacelift_{name}", value=value)
        for name, value in values.items()
    }
    found["TF_IN_AUTOMATION"] = EnvironmentValue(name="TF_IN_AUTOMATION", value="true")
    return found
