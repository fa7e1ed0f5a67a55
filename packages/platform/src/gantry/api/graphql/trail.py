"""What the audit trail says of each mutation: the action, and what it is done to.

A mutation without a row here does not pass the tests. The entry is written when the resolver's own
transaction ends, and with it: what is undone leaves none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gantry.domains.audit import service as audit
from gantry.domains.audit.kinds import Resource
from gantry.kernel.tx import Tx


@dataclass(frozen=True, slots=True)
class Row:
    """What an entry says. `given` is the argument that is the id of what it is done to; without one
    the resolver says it (`Context.about`), or there is none.
    """

    action: str
    resource: Resource
    given: str | None = None
    related: tuple[Resource, str] | None = None


def _stack(what: str, given: str | None = "id") -> Row:
    return Row(f"stack.{what}", Resource.STACK, given)


def _run(what: str, given: str | None = "run") -> Row:
    return Row(f"run.{what}", Resource.RUN, given, (Resource.STACK, "stack"))


def _pool(what: str, given: str | None = "id") -> Row:
    return Row(f"worker_pool.{what}", Resource.WORKER_POOL, given)


def _context(what: str, given: str | None = "id") -> Row:
    return Row(f"context.{what}", Resource.CONTEXT, given)


def _named_webhook(what: str, given: str | None = "id") -> Row:
    return Row(f"named_webhook.{what}", Resource.NAMED_WEBHOOKS_INTEGRATION, given)


def _stack_webhook(what: str, given: str | None = "id") -> Row:
    return Row(f"webhook.{what}", Resource.WEBHOOK, given, (Resource.STACK, "stack"))


def _audit_webhook(what: str) -> Row:
    return Row(f"audit_trail_webhook.{what}", Resource.WEBHOOK)


def _user(what: str, given: str | None = None) -> Row:
    return Row(f"user.{what}", Resource.USER, given)


def _group(what: str, given: str | None = None) -> Row:
    return Row(f"user_group.{what}", Resource.USER_GROUP, given)


def _channel(what: str, given: str | None = None) -> Row:
    return Row(f"user_group_integration.{what}", Resource.USER_GROUP_INTEGRATION, given)


def _sign_on(what: str) -> Row:
    return Row(f"sign_on.{what}", Resource.ACCOUNT)


def _notifications(what: str, given: str | None = None) -> Row:
    return Row(f"notification.{what}", Resource.NOTIFICATION, given)


def _binding(whom: Resource, what: str, given: str | None = None) -> Row:
    return Row(f"role_binding.{what}", whom, given)


ROWS: Mapping[str, Row] = {
    "stackCreate": _stack("create", None),
    "stackUpdate": _stack("update"),
    "stackDelete": _stack("delete"),
    "stackEnable": _stack("enable"),
    "stackDisable": _stack("disable"),
    "stackLock": _stack("lock"),
    "stackUnlock": _stack("unlock"),
    "stackReslug": _stack("reslug"),
    "stackSetCurrentCommit": _stack("set_current_commit"),
    "stackSyncCommit": _stack("sync_commit"),
    "stackMigrateVendor": _stack("migrate_vendor"),
    "stackLabelsChange": _stack("change_labels"),
    "stackConfigAdd": _stack("config_add", "stack"),
    "stackConfigDelete": _stack("config_delete", "stack"),
    "starSet": _stack("star"),
    "stackUnsavedStateDiscard": _stack("unsaved_state_discard", "stackId"),
    "stateDownloadUrl": _stack("state_download", None),
    "stateUploadUrl": _stack("state_upload", None),
    "uploadLocalWorkspace": _stack("upload_local_workspace", "stack"),
    "runTrigger": _run("trigger", None),
    "runConfirm": _run("confirm"),
    "runDiscard": _run("discard"),
    "runDiscardAll": _stack("discard_all_runs", "stack"),
    "runReview": _run("review"),
    "runCancel": _run("cancel"),
    "runStop": _run("stop"),
    "runKill": _run("kill"),
    "runRetry": _run("retry"),
    "runPromote": _run("promote"),
    "runTargetedReplan": _run("targeted_replan"),
    "runPrioritizeSet": _run("prioritize"),
    "runPrioritySet": _run("set_priority"),
    "runComment": _run("comment"),
    "runResourceCreate": _run("trigger", None),
    "runProposeLocalWorkspace": _run("propose_local_workspace", None),
    "proposeWithOverrides": _run("propose_with_overrides", None),
    "runExternalDependencyMarkAsCompleted": Row("run.mark_external_dependency", Resource.RUN),
    "taskCreate": Row("task.create", Resource.TASK, None, (Resource.STACK, "stack")),
    "accountUpdateSecurityEmail": Row("account.set_security_email", Resource.ACCOUNT),
    "accountUpdateDefaultWorkerPoolRunnerImages": Row(
        "account.set_runner_images", Resource.ACCOUNT
    ),
    "accountToggleAllowNonRootAdminSpaceCreation": Row(
        "account.let_space_admins_manage_spaces", Resource.ACCOUNT
    ),
    "apiKeyCreate": Row("api_key.create", Resource.API_KEY),
    "apiKeyUpdate": Row("api_key.update", Resource.API_KEY, "id"),
    "apiKeyDelete": Row("api_key.delete", Resource.API_KEY, "id"),
    "apiKeyEnableNonRootManagers": Row("account.let_space_admins_manage_keys", Resource.ACCOUNT),
    "accountUpdateAuthorizationScheme": Row("account.set_authorization_scheme", Resource.ACCOUNT),
    "managedUserInvite": _user("invite"),
    "managedUserInviteV2": _user("invite"),
    "managedUserResendInvite": _user("invite_again", "id"),
    "managedUserUpdate": _user("update"),
    "managedUserDelete": _user("delete", "id"),
    "managedUserRequestInvite": _user("ask_to_be_invited"),
    "managedUserRequestRoleChange": Row("user.ask_for_rights", Resource.SPACE, "spaceId"),
    "managedUserGroupCreate": _group("create"),
    "managedUserGroupCreateV2": _group("create"),
    "managedUserGroupUpdate": _group("update"),
    "managedUserGroupUpdateV2": _group("update"),
    "managedUserGroupDelete": _group("delete", "id"),
    "managedUserGroupIntegrationCreate": _channel("create"),
    "managedUserGroupIntegrationUpdate": _channel("update"),
    "managedUserGroupIntegrationDelete": _channel("delete", "id"),
    "sessionDelete": Row("session.delete", Resource.SESSION, "id"),
    "sessionDeleteAll": Row("session.delete_all", Resource.SESSION),
    "logout": Row("session.end", Resource.SESSION),
    "samlCreate": _sign_on("saml_create"),
    "samlUpdate": _sign_on("saml_update"),
    "samlDelete": _sign_on("saml_delete"),
    "oidcCreate": _sign_on("oidc_create"),
    "oidcUpdate": _sign_on("oidc_update"),
    "oidcDelete": _sign_on("oidc_delete"),
    "githubSignOnSet": _sign_on("github_set"),
    "githubSignOnDelete": _sign_on("github_delete"),
    "workerPoolCreate": _pool("create", None),
    "workerPoolUpdate": _pool("update"),
    "workerPoolDelete": _pool("delete"),
    "workerPoolReset": _pool("reset"),
    "workerPoolCycle": _pool("cycle"),
    "workerDrainSet": Row(
        "worker.drain", Resource.WORKER, "id", (Resource.WORKER_POOL, "workerPool")
    ),
    "contextCreateV2": _context("create", None),
    "contextUpdateV2": _context("update"),
    "contextDelete": _context("delete"),
    "contextAttach": Row("context.attach", Resource.CONTEXT, "id", (Resource.STACK, "stack")),
    "contextDetach": _context("detach", None),
    "contextConfigAdd": _context("config_add", "context"),
    "contextConfigDelete": _context("config_delete", "context"),
    "savedFilterCreate": Row("saved_filter.create", Resource.UNKNOWN),
    "savedFilterUpdate": Row("saved_filter.update", Resource.UNKNOWN, "id"),
    "savedFilterDelete": Row("saved_filter.delete", Resource.UNKNOWN, "id"),
    "spaceCreate": Row("space.create", Resource.SPACE),
    "spaceUpdate": Row("space.update", Resource.SPACE, "space"),
    "spaceDelete": Row("space.delete", Resource.SPACE, "space"),
    "roleCreate": Row("role.create", Resource.UNKNOWN),
    "roleUpdate": Row("role.update", Resource.UNKNOWN, "id"),
    "roleDelete": Row("role.delete", Resource.UNKNOWN, "id"),
    "apiKeyRoleBindingCreate": _binding(Resource.API_KEY, "create"),
    "apiKeyRoleBindingBatchCreate": _binding(Resource.API_KEY, "create"),
    "apiKeyRoleBindingUpdate": _binding(Resource.API_KEY, "update"),
    "apiKeyRoleBindingDelete": _binding(Resource.API_KEY, "delete"),
    "userRoleBindingCreate": _binding(Resource.USER, "create"),
    "userRoleBindingBatchCreate": _binding(Resource.USER, "create"),
    "userRoleBindingUpdate": _binding(Resource.USER, "update"),
    "userRoleBindingDelete": _binding(Resource.USER, "delete"),
    "userGroupRoleBindingCreate": _binding(Resource.USER_GROUP, "create"),
    "userGroupRoleBindingBatchCreate": _binding(Resource.USER_GROUP, "create"),
    "userGroupRoleBindingUpdate": _binding(Resource.USER_GROUP, "update"),
    "userGroupRoleBindingDelete": _binding(Resource.USER_GROUP, "delete"),
    "stackRoleBindingCreate": _binding(Resource.STACK, "create"),
    "stackRoleBindingBatchCreate": _binding(Resource.STACK, "create"),
    "stackRoleBindingUpdate": _binding(Resource.STACK, "update"),
    "stackRoleBindingDelete": _binding(Resource.STACK, "delete"),
    "namedWebhooksIntegrationCreate": _named_webhook("create", None),
    "namedWebhooksIntegrationUpdate": _named_webhook("update"),
    "namedWebhooksIntegrationDelete": _named_webhook("delete"),
    "namedWebhooksIntegrationSetHeaders": _named_webhook("set_headers"),
    "namedWebhooksIntegrationDeleteHeaders": _named_webhook("delete_headers"),
    "webhooksIntegrationCreate": _stack_webhook("create", None),
    "webhooksIntegrationUpdate": _stack_webhook("update"),
    "webhooksIntegrationDelete": _stack_webhook("delete"),
    "auditTrailSetWebhook": _audit_webhook("set"),
    "auditTrailDeleteWebhook": _audit_webhook("delete"),
    "auditTrailWebhookSetHeaders": _audit_webhook("set_headers"),
    "auditTrailWebhookDeleteHeaders": _audit_webhook("delete_headers"),
    "dismissNotifications": _notifications("dismiss"),
    "dismissNotificationGroup": _notifications("dismiss_group", "group"),
    "dismissAllNotifications": _notifications("dismiss_all"),
    "webhookTest": Row("webhook.test", Resource.WEBHOOK, "webhook"),
}
"""By the mutation's name."""

_WITH_STATE = "the entry is written where the state is kept"

UNWRITTEN: Mapping[str, str] = {
    "apiKeyUser": "signing in writes its entry itself, whether it succeeds or not",
    "oauthUser": "signing in writes its entry itself, whether it succeeds or not",
    "stackManagedStateImport": _WITH_STATE,
    "stackManagedStateRollback": _WITH_STATE,
    "stackUnsavedStateImport": _WITH_STATE,
    "summarizeRun": "refused always",
    "deleteRunSummary": "refused always",
    "summarizeRunState": "refused always",
    "deleteRunStateSummary": "refused always",
}
"""Mutations that leave no entry, and why."""


def write(tx: Tx, mutation: str, given: Mapping[str, Any], about: str | None, address: str) -> None:
    """The entry of a mutation that is about to be kept."""
    row = ROWS.get(mutation)
    if row is None:
        return
    resource_id = about or (str(given[row.given]) if row.given and given.get(row.given) else None)
    related = row.related
    other = (related[0], str(given[related[1]])) if related and given.get(related[1]) else None
    audit.record(
        tx,
        row.action,
        row.resource,
        resource_id,
        given={"mutation": mutation, "arguments": given},
        related=other,
        address=address,
    )
