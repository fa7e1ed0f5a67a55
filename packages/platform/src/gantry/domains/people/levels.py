"""The three levels that rights had before there were roles, and what each of them lets one do.

Whoever has SPACE_ADMIN, SPACE_WRITE or SPACE_READ may do what that level always let people do,
whether or not a role names the single action (contract notes, "Roles"). A higher level holds the
lower ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from gantry.domains.people.actions import Action

_READERS = {
    Action.SPACE_READ,
    Action.RUN_CANCEL,
    Action.RUN_COMMENT,
    Action.RUN_RETRY,
    Action.RUN_STOP,
    Action.STACK_SET_STAR,
}
_WRITERS = {
    Action.SPACE_WRITE,
    Action.SPACE_SHARE_MODULE,
    Action.RUN_CANCEL_BLOCKING,
    Action.RUN_CONFIRM,
    Action.RUN_DISCARD,
    Action.RUN_PRIORITIZE_SET,
    Action.RUN_PROMOTE,
    Action.RUN_PROPOSE_LOCAL_WORKSPACE,
    Action.RUN_PROPOSE_WITH_OVERRIDES,
    Action.RUN_RETRY_BLOCKING,
    Action.RUN_REVIEW,
    Action.RUN_STOP_BLOCKING,
    Action.RUN_TARGETED_REPLAN,
    Action.RUN_TRIGGER,
    Action.TASK_CREATE,
    Action.STACK_ADD_CONFIG,
    Action.STACK_DELETE_CONFIG,
    Action.STACK_LOCK,
    Action.STACK_SET_CURRENT_COMMIT,
    Action.STACK_STATE_DOWNLOAD,
    Action.STACK_STATE_READ,
    Action.STACK_SYNC_COMMIT,
    Action.STACK_UNLOCK,
    Action.STACK_UPLOAD_LOCAL_WORKSPACE,
    Action.MODULE_MARK_AS_BAD,
    Action.MODULE_TRIGGER_VERSION,
    Action.TERRAFORM_PROVIDER_VERSION_CREATE,
    Action.TERRAFORM_PROVIDER_VERSION_DELETE,
    Action.TERRAFORM_PROVIDER_VERSION_PUBLISH,
    Action.TERRAFORM_PROVIDER_VERSION_REGISTER_PLATFORM,
    Action.TERRAFORM_PROVIDER_VERSION_REVOKE,
    Action.TERRAFORM_PROVIDER_VERSION_UPDATE,
    Action.SPACELIFT_VCS_COMMIT_FILES,
    Action.SPACELIFT_VCS_UPDATE,
}

READ = frozenset(action.value for action in _READERS)
WRITE = READ | {action.value for action in _WRITERS}
ADMIN = frozenset(action.value for action in Action)
"""Everything: also what later releases add."""

READ_ONLY = frozenset({Action.SPACE_READ.value})
"""To see, and nothing else."""

_LEVELS = ((Action.SPACE_READ, READ), (Action.SPACE_WRITE, WRITE), (Action.SPACE_ADMIN, ADMIN))


def bringing(action: Action) -> Action:
    """The lowest level that lets one do it, whatever else a role names."""
    return next(level for level, brought in _LEVELS if action.value in brought)


def with_levels(actions: Iterable[str]) -> frozenset[str]:
    """The actions, and what those among them that are levels bring along."""
    return _with_levels(frozenset(actions))


# Roles are few, and the same few are asked for with every request.
@cache
def _with_levels(actions: frozenset[str]) -> frozenset[str]:
    brought = [level for action, level in _LEVELS if action.value in actions]
    return actions.union(*brought)
