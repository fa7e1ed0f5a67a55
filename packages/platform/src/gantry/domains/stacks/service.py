"""What can be done with stacks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gantry.domains.contexts import context_repo
from gantry.domains.contexts import repo as contexts
from gantry.domains.contexts.kinds import OwnerKind
from gantry.domains.contexts.rules import hook_faults, sparse_faults
from gantry.domains.notifications import service as notifications
from gantry.domains.people.actions import Action
from gantry.domains.pools import repo as pools
from gantry.domains.roles import repo as roles
from gantry.domains.roles.model import Subject
from gantry.domains.spaces import repo as space_repo
from gantry.domains.spaces import service as spaces
from gantry.domains.stacks import access, homes, repo
from gantry.domains.stacks.events import StackChanged, StackUnlocked
from gantry.domains.stacks.model import Provider, Stack, Vendor
from gantry.domains.stacks.vendors import BadStack
from gantry.domains.webhooks import repo as webhooks
from gantry.kernel.errors import Conflict, UserError
from gantry.kernel.ids import is_ulid, new_id, slug, unique_slug
from gantry.kernel.tx import Tx

NAME_MAX = 255
MAX_DESCRIPTION = 10_000
"""Characters: some pages. Lists of stacks carry it."""
MAX_LABELS = 100
SYSTEM_LOCK = "system"
"""The owner of a lock that an unknown outcome took; whoever may force a lock releases it."""

_BAD_TEXT = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The whole desired state of a stack, as a client sends it; None means the default."""

    name: str
    repository: str
    branch: str
    administrative: bool = False
    provider: Provider | None = None
    namespace: str | None = None
    repository_url: str | None = None
    project_root: str | None = None
    project_globs: Sequence[str] | None = None
    sparse_checkout_paths: Sequence[str] | None = None
    vcs_integration_id: str | None = None
    description: str | None = None
    labels: Sequence[str] | None = None
    space_id: str | None = None
    pool_id: str | None = None
    runner_image: str | None = None
    hooks: dict[str, Sequence[str]] = field(default_factory=dict)
    autodeploy: bool | None = None
    autoretry: bool | None = None
    github_action_deploy: bool | None = None
    local_preview_enabled: bool | None = None
    protect_from_deletion: bool | None = None
    well_known_secret_masking: bool | None = None
    sensitive_output_upload: bool | None = None
    disabled: bool | None = None
    vendor: Vendor = Vendor.TERRAFORM
    vendor_config: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """What reading the vendor's settings already found wrong."""


async def create(
    tx: Tx, wanted: Wanted, *, manages_state: bool, forced_slug: str | None = None
) -> Stack:
    """A new stack. Needs to be admin of its space if it is administrative, since its runs are.

    Raises BadStack listing every fault, NotFound, NotAllowed, Conflict.
    """
    space = await spaces.resolve(tx, wanted.space_id)
    _check(wanted)
    pool_id = await _pool(tx, wanted.pool_id, space.id)
    stack = Stack(
        id=await _free_id(tx, wanted.name, forced_slug),
        space_id=space.id,
        manages_state=manages_state,
        created_at=tx.now,
        updated_at=tx.now,
        **_settings(wanted),
        pool_id=pool_id,
    )
    access.require(tx, Action.STACK_CREATE, stack)
    if stack.administrative:
        access.require(tx, Action.SPACE_ADMIN, stack)
    tx.session.add(stack)
    tx.emit(StackChanged(stack.id))
    return stack


async def update(tx: Tx, stack_id: str, wanted: Wanted) -> Stack:
    """Change the stack to what is wanted; the id stays. Raises as `create` does."""
    stack = await repo.lock(tx, stack_id)
    access.require(tx, Action.STACK_UPDATE, stack)
    _check(wanted)
    space_before = stack.space_id
    if wanted.space_id and wanted.space_id != stack.space_id:
        stack.space_id = (await spaces.resolve(tx, wanted.space_id)).id
        access.require(tx, Action.STACK_UPDATE, stack)
        # Its pool is looked at below; the contexts that are attached have to stay within reach too.
        await homes.require_all_in_reach(tx, stack.id)
    source = (stack.repository_url, stack.repository, stack.namespace, stack.branch)
    if wanted.administrative and (not stack.administrative or stack.space_id != space_before):
        access.require(tx, Action.SPACE_ADMIN, stack)
    for name, value in _settings(wanted, before=stack).items():
        setattr(stack, name, value)
    stack.pool_id = await _pool(tx, wanted.pool_id, stack.space_id)
    stack.updated_at = tx.now
    if source != (stack.repository_url, stack.repository, stack.namespace, stack.branch):
        stack.tracked_commit_id = stack.branch_head_id = stack.tracked_commit_set_by = None
        stack.synced_at = stack.sync_error = None
    tx.emit(StackChanged(stack.id))
    return stack


async def lock(tx: Tx, stack_id: str, *, note: str | None) -> Stack:
    """Keep everybody else's runs off the stack. Raises Conflict when another holds the lock.

    Whoever may force an unlock takes over the lock that the system holds until somebody has
    looked: between unlocking and locking, a run could begin on a state that is not right yet.
    """
    stack = await repo.lock(tx, stack_id)
    access.require(tx, Action.STACK_LOCK, stack)
    if stack.locked_at is not None:
        if stack.locked_by != SYSTEM_LOCK:
            raise Conflict(f"stack is already locked by {stack.locked_by}")
        access.require(tx, Action.STACK_UNLOCK_FORCE, stack)
    stack.locked_at, stack.locked_by, stack.lock_note = tx.now, tx.actor.name, note or None
    tx.emit(StackChanged(stack.id))
    return stack


async def unlock(tx: Tx, stack_id: str) -> Stack:
    """Let everybody's runs go on. The owner may, and whoever may force it.

    Raises Conflict when the stack is not locked, NotAllowed.
    """
    stack = await repo.lock(tx, stack_id)
    access.require(tx, Action.STACK_UNLOCK, stack)
    if stack.locked_at is None:
        raise Conflict("stack is not locked")
    if stack.locked_by != tx.actor.name:
        access.require(tx, Action.STACK_UNLOCK_FORCE, stack)
    stack.locked_at = stack.locked_by = stack.lock_note = None
    tx.emit(StackChanged(stack.id))
    tx.emit(StackUnlocked(stack.id))
    return stack


async def lock_for_unknown_outcome(tx: Tx, stack_id: str, *, note: str) -> None:
    """Nothing more happens to the stack until somebody has looked.

    A person's lock is taken over, or their own queued runs would start; the note names them.
    """
    stack = await repo.lock(tx, stack_id)
    if stack.locked_at is not None and stack.locked_by != SYSTEM_LOCK:
        note = f"{note} (It was locked by {stack.locked_by} before.)"
    stack.locked_at, stack.locked_by, stack.lock_note = tx.now, SYSTEM_LOCK, note
    tx.emit(StackChanged(stack.id))


async def set_disabled(tx: Tx, stack_id: str, *, disabled: bool) -> Stack:
    """A disabled stack takes no new runs."""
    stack = await repo.lock(tx, stack_id)
    access.require(tx, Action.STACK_DISABLE if disabled else Action.STACK_ENABLE, stack)
    stack.disabled = disabled
    tx.emit(StackChanged(stack.id))
    return stack


async def relabel(
    tx: Tx, stack_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> Stack:
    """Put labels on the stack and take others off; what is in both is put on.

    Two people who change different labels at once both get what they asked for. Raises NotFound,
    NotAllowed, BadStack.
    """
    stack = await repo.lock(tx, stack_id)
    access.require(tx, Action.STACK_UPDATE, stack)
    labels = sorted({*stack.labels} - {*remove} | {*add})
    faults = _label_faults(labels)
    if any(_BAD_TEXT.search(label) or not label.strip() for label in add):
        faults.append("labels: each must have printable characters, and no others")
    if faults:
        raise BadStack(faults)
    if labels != stack.labels:
        stack.labels, stack.updated_at = labels, tx.now
        tx.emit(StackChanged(stack.id))
    return stack


async def star(tx: Tx, stack_id: str, *, star: bool) -> Stack:
    """Keep the stack at hand, or no longer."""
    stack = await repo.find(tx, stack_id)
    access.require(tx, Action.STACK_SET_STAR, stack)
    await repo.set_star(tx, stack.id, star=star)
    return stack


async def begin_deletion(tx: Tx, stack_id: str) -> Stack:
    """The stack is on its way out: it takes no other run. Raises Conflict when protected."""
    stack = await repo.lock(tx, stack_id)
    access.require(tx, Action.STACK_DELETE, stack)
    if stack.protect_from_deletion:
        raise Conflict("stack is protected from deletion")
    stack.deleting = True
    tx.emit(StackChanged(stack.id))
    return stack


async def delete(tx: Tx, stack: Stack) -> None:
    """The stack is gone from every list, its secrets for good; its runs stay as history.

    Its id is free for another from now on: clients compute the id of a stack from its name, and
    make one anew after deleting it. Call with it locked, as the last thing done to it: `stack`
    still has the id that the row has no longer.
    """
    stack.deleting, stack.deleted_at = False, tx.now
    await contexts.drop_owner(tx, OwnerKind.STACK, stack.id)
    await context_repo.detach_all(tx, stack_id=stack.id)
    await webhooks.remove_of_stack(tx, stack.id)
    await notifications.forget_of_stack(tx, stack.id)
    # Another stack may have this id tomorrow, and must not have what this one was given.
    await roles.remove_all_of(tx, Subject.STACK, stack.id)
    tx.emit(StackChanged(stack.id))
    await tx.session.flush()
    # No slug has a tilde.
    await repo.rename_id(tx, stack.id, f"{stack.id}~{new_id()}")


async def give_up_deletion(tx: Tx, stack_id: str) -> None:
    """The resources could not be destroyed: the stack stays."""
    stack = await repo.lock(tx, stack_id)
    stack.deleting = False
    tx.emit(StackChanged(stack.id))


async def migrate_vendor(
    tx: Tx,
    stack_id: str,
    *,
    vendor: Vendor,
    config: dict[str, Any],
    labels: Sequence[str] | None = None,
) -> Stack:
    """Another tool for the same code and state; how the state is kept does not change.

    Between Terraform, OpenTofu and Terragrunt, which read the same code. Raises NotFound,
    NotAllowed, Conflict, BadStack.
    """
    stack = await repo.lock(tx, stack_id)
    access.require(tx, Action.STACK_UPDATE, stack)
    if stack.vendor not in (Vendor.TERRAFORM, Vendor.OPENTOFU, Vendor.TERRAGRUNT):
        raise Conflict(f"A {stack.vendor.value} stack cannot be given another tool.")
    if labels is not None:
        if faults := _label_faults(labels):
            raise BadStack(faults)
        stack.labels = sorted(set(labels))
    if vendor is not stack.vendor and stack.vendor is Vendor.TERRAFORM:
        stack.migrated_from_terraform = True
    stack.vendor, stack.vendor_config, stack.updated_at = vendor, config, tx.now
    tx.emit(StackChanged(stack.id))
    return stack


async def check_may_read(tx: Tx, stack_id: str) -> Stack:
    """The stack, if the actor may see it. Raises NotFound."""
    return await repo.find(tx, stack_id)


def remote_url(stack: Stack) -> str:
    """The address Git is given. Raises UserError when the stack's provider has none here."""
    if stack.provider is Provider.GIT and stack.repository_url:
        return stack.repository_url
    raise NoSource(stack.provider)


class NoSource(UserError):
    """The stack's code cannot be fetched by this installation."""

    code = "NO_SOURCE"

    def __init__(self, provider: Provider) -> None:
        super().__init__(
            f"This installation has no {provider.value} integration. Use raw Git: provider GIT"
            " with the repository's URL."
        )


def _check(wanted: Wanted) -> None:
    faults = list(wanted.faults)
    for what, text, longest in (
        ("name", wanted.name, NAME_MAX),
        ("branch", wanted.branch, 255),
        ("repository", wanted.repository, 255),
    ):
        if not text.strip() or len(text) > longest or _BAD_TEXT.search(text):
            faults.append(f"{what}: must have 1 to {longest} printable characters")
    if wanted.name.strip() and not slug(wanted.name):
        faults.append("name: must contain a letter or a digit")
    if leads_out(wanted.project_root or ""):
        faults.append(f"project root: {OUTSIDE}")
    sparse = sparse_faults(wanted.sparse_checkout_paths or ())
    faults += [f"sparse checkout: {fault}" for fault in sparse]
    if wanted.provider is Provider.GIT and not wanted.repository_url:
        faults.append("repository URL: raw Git needs the address of the repository")
    faults += hook_faults(wanted.hooks)
    if len(wanted.description or "") > MAX_DESCRIPTION:
        faults.append(f"description: must have at most {MAX_DESCRIPTION} characters")
    faults += _label_faults(wanted.labels or ())
    if faults:
        raise BadStack(faults)


OUTSIDE = "must be a path inside the repository"


def leads_out(root: str) -> bool:
    """Whether a project root is no path inside of a repository."""
    return root.startswith("/") or ".." in root.split("/") or bool(_BAD_TEXT.search(root))


def _label_faults(labels: Sequence[str]) -> list[str]:
    faults = []
    if len(labels) > MAX_LABELS:
        faults.append(f"labels: there are at most {MAX_LABELS}")
    if any(len(label) > NAME_MAX for label in labels):
        faults.append(f"labels: each has at most {NAME_MAX} characters")
    return faults


def _settings(wanted: Wanted, before: Stack | None = None) -> dict[str, Any]:
    def keep(value: bool | None, name: str, default: bool) -> bool:
        if value is not None:
            return value
        return default if before is None else bool(getattr(before, name))

    return {
        "name": wanted.name.strip(),
        "repository": wanted.repository.strip(),
        "branch": wanted.branch.strip(),
        "administrative": wanted.administrative,
        "provider": wanted.provider or (before.provider if before else Provider.GITHUB),
        "namespace": wanted.namespace or "",
        "repository_url": wanted.repository_url or None,
        "project_root": wanted.project_root or None,
        "project_globs": list(wanted.project_globs or ()),
        "sparse_checkout_paths": list(wanted.sparse_checkout_paths or ()),
        "vcs_integration_id": wanted.vcs_integration_id or None,
        "description": wanted.description,
        "labels": sorted(set(wanted.labels or ())),
        "runner_image": wanted.runner_image or None,
        "hooks": {name: list(commands) for name, commands in wanted.hooks.items() if commands},
        "autodeploy": keep(wanted.autodeploy, "autodeploy", False),
        "autoretry": keep(wanted.autoretry, "autoretry", False),
        "github_action_deploy": keep(wanted.github_action_deploy, "github_action_deploy", True),
        "local_preview_enabled": keep(wanted.local_preview_enabled, "local_preview_enabled", False),
        "protect_from_deletion": keep(wanted.protect_from_deletion, "protect_from_deletion", False),
        "well_known_secret_masking": keep(
            wanted.well_known_secret_masking, "well_known_secret_masking", False
        ),
        "sensitive_output_upload": keep(
            wanted.sensitive_output_upload, "sensitive_output_upload", False
        ),
        "disabled": keep(wanted.disabled, "disabled", False),
        "vendor": wanted.vendor,
        "vendor_config": wanted.vendor_config,
    }


async def _free_id(tx: Tx, name: str, forced: str | None) -> str:
    if forced:
        if slug(forced) != forced or is_ulid(forced):
            raise BadStack([f'slug: "{forced}" is not a slug'])
        if await repo.id_taken(tx, forced):
            raise Conflict(f'stack with slug "{forced}" already exists')
        return forced
    wanted = unique_slug(name, frozenset())
    return unique_slug(name, {wanted}) if await repo.id_taken(tx, wanted) else wanted


async def _pool(tx: Tx, pool_id: str | None, space_id: str) -> str | None:
    if not pool_id:
        return None
    pool = (await pools.by_ids(tx, [pool_id])).get(pool_id)
    if pool is None:
        raise BadStack([f"worker pool: {pool_id} not found"])
    near = (await space_repo.lines_up(tx, [space_id]))[space_id]
    if pool.space_id not in near:
        raise BadStack(
            [
                f"worker pool: {pool.name} is in the space {pool.space_id}, which {space_id} does"
                " not inherit from"
            ]
        )
    return pool_id
