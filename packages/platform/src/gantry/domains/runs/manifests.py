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
from gantry.domains.contexts import layers
from gantry.domains.contexts import repo as contexts
from gantry.domains.contexts import service as elements
from gantry.domains.contexts.blocks import SPARSE
from gantry.domains.contexts.kinds import ElementType
from gantry.domains.contexts.model import ConfigElement
from gantry.domains.runs import configuration, configuring
from gantry.domains.runs.computed import OIDC_FILE
from gantry.domains.runs.model import Run
from gantry.domains.runs.service import overrides_of
from gantry.domains.runs.states import APPLYABLE, Kind, State
from gantry.domains.stacks import attached_repo
from gantry.domains.stacks.attached_repo import Attached
from gantry.domains.stacks.model import Stack
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
    taken = await configuring.taken(tx, stack, run, attached)
    root = configuration.value(taken, "project_root") or ""
    api_token = _token(vault, where, run, stack, API_PURPOSE, tx)
    oidc_token = await _oidc_token(vault, where, run, stack, tx)
    computed = _metadata(account.name or "", stack, run, commit, root)
    for name, token in (("SPACELIFT_API_TOKEN", api_token), ("SPACELIFT_OIDC_TOKEN", oidc_token)):
        computed.append(EnvironmentValue(name=name, value=token, secret=True))
    backend = _backend(vault, where, run, stack, tx) if stack.manages_state else None
    resumes = run.state is State.PREPARING_APPLY or run.state is State.PREPARING_REPLAN
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
        project_root=root,
        sparse_paths=(configuration.value(taken, SPARSE) or "").splitlines(),
        tool=_tool(stack, taken),
        runner_image=configuration.value(taken, "runner_image"),
        command=run.command,
        skip_init=run.skip_init,
        destroy=run.kind is Kind.DESTROY,
        targets=list(run.targets),
        environment=in_order(
            computed,
            *_weaker_first(vault, given, await _of_file(tx, run, taken, stack), taken["below"]),
            [EnvironmentValue(name=n, value=v) for n, v in overrides_of(vault, run)],
        ),
        files=[
            MountedFile(
                path=OIDC_FILE, content=base64.b64encode(oidc_token.encode()).decode(), secret=True
            ),
            *(
                MountedFile(
                    path=one.element.id,
                    content=elements.reveal(vault, one.element),
                    secret=one.element.write_only,
                )
                for one in given
                if one.element.type is ElementType.FILE_MOUNT
            ),
        ],
        hooks=configuration.commands(taken),
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


def _tool(stack: Stack, taken: Mapping[str, Any]) -> Tool:
    tofu = configuration.value(taken, "terraform_workflow_tool") == "OPEN_TOFU"
    return Tool(
        name="opentofu" if tofu else "terraform",
        constraint=configuration.value(taken, "opentofu_version" if tofu else "terraform_version"),
        # A managed state is one state; workspaces are for other backends.
        workspace=None if stack.manages_state else stack.vendor_config.get("workspace"),
    )


async def _elements(tx: Tx, stack: Stack, attached: Sequence[Attached]) -> list[layers.Given]:
    """Variables and files: the stack's own before those of its contexts."""
    own = (await contexts.of_stacks(tx, [stack.id]))[stack.id]
    ids = [one.context.id for one in attached]
    theirs = await contexts.of_contexts(tx, ids) if ids else {}
    sources = [layers.Layer(None, own), *(layers.Layer(one, theirs[one]) for one in ids)]
    return layers.winners(sources)


async def _of_file(
    tx: Tx, run: Run, taken: Mapping[str, Any], stack: Stack
) -> list[EnvironmentValue]:
    if taken["environment"] is None:
        return []
    given = configuration.variables(taken, await configuring.file_of(tx, run))
    return [EnvironmentValue(name=name, value=value) for name, value in given.items()]


def _weaker_first(
    vault: Vault, given: Sequence[layers.Given], of_file: list[EnvironmentValue], below: bool
) -> list[list[EnvironmentValue]]:
    """The variables of contexts, stack and file, source by source. `below`: the file's are weaker
    than all others.
    """
    sources: dict[int, list[EnvironmentValue]] = {}
    for one in given:
        if one.element.type is ElementType.ENVIRONMENT_VARIABLE:
            sources.setdefault(one.rank, []).append(_variable(vault, one.element))
    ordered = [sources[rank] for rank in sorted(sources, reverse=True)]
    return [of_file, *ordered] if below else [*ordered, of_file]


def in_order(*sources: Sequence[EnvironmentValue]) -> list[EnvironmentValue]:
    """Variables such that a later one wins: those of `sources`, the weakest first.

    In a phase a name with `ro_` or `wo_` is the same as the one without; of one source the one
    with the prefix wins, being the more particular, and of two sources the stronger one's.
    """
    found: dict[str, EnvironmentValue] = {}
    for source in sources:
        for variable in sorted(source, key=lambda one: one.name.startswith(("ro_", "wo_"))):
            found.pop(variable.name, None)
            found[variable.name] = variable
    return list(found.values())


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
    account: str, stack: Stack, run: Run, commit: Commit | None, root: str
) -> list[EnvironmentValue]:
    """The variables every run is given (run configuration contract §3.1)."""
    labels = json.dumps(stack.labels)
    values = {
        "account_name": account,
        "commit_branch": run.branch or stack.branch,
        "commit_sha": commit.sha if commit else "",
        "local_preview": "true" if run.workspace_upload_key else "false",
        "project_root": root,
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
    found = [
        EnvironmentValue(name=f"TF_VAR_spacelift_{name}", value=value)
        for name, value in values.items()
    ]
    return [*found, EnvironmentValue(name="TF_IN_AUTOMATION", value="true")]
