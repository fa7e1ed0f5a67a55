"""With which arguments each root field is called: those of one who means it.

By the argument's own name, or its input type's; what a field needs besides stands in FIELDS. A new
field whose arguments are known already needs nothing here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from gantry.domains.roles.rules import READER
from graphql import GraphQLField, GraphQLNonNull, Undefined, get_named_type

from tests.integration.authz.others import provider
from tests.integration.authz.world import (
    OURS,
    Before,
    World,
    asked_to_stop,
    disabled,
    locked_by_caller,
    uploaded_by_caller,
)

Make = Callable[[World], Any]


def id_of(word: str) -> Make:
    """The id of what is ours, by the world's word for it."""
    return lambda world: world.ours.ids[word]


def secret(word: str) -> Make:
    """What is nobody's in particular."""
    return lambda world: world.secrets[word]


def same(value: Any) -> Make:
    """The value itself."""
    return lambda world: value


def stack_input(name: str) -> Make:
    """A whole stack, as clients send it."""

    def made(world: World) -> dict[str, Any]:
        return {
            "name": name,
            "administrative": False,
            "branch": "main",
            "repository": "source",
            "provider": "GIT",
            "repositoryURL": world.core.source.url,
            "space": world.ours.space,
            "workerPool": world.ours.ids["pool"],
            "vendorConfig": {"terraform": {}},
        }

    return made


def binding(subject: str, word: str) -> Make:
    """The role Space reader, for the subject of that word."""
    return lambda world: {
        subject: world.ours.ids[word],
        "roleID": READER.id,
        "spaceID": world.ours.ids["empty space"],
    }


def to_somebody(subject: str, word: str) -> Make:
    """The same for who is nobody's in particular."""
    return lambda world: {
        subject: world.secrets[word],
        "roleID": READER.id,
        "spaceID": world.ours.ids["empty space"],
    }


def space_input(name: str) -> Make:
    """A space beneath ours."""
    return lambda world: {
        "name": name,
        "description": "",
        "inheritEntities": True,
        "parentSpace": world.ours.space,
    }


def request(world: World) -> str:
    """A signing request for a pool's key."""
    return world.core.keys.pool_requests[0]


ID_BY_PREFIX = {
    "workerPool": "idle pool",
    "context": "loose context",
    "stack": "stack",
    "space": "space",
    "run": "waiting run",
    "star": "stack",
    "apiKey": "key",
    "attachable": "space",
    "namedWebhooks": "webhook",
    "webhooksIntegration": "stack's webhook",
}
"""What `id` is of, by how the field's name begins; the longest that fits counts."""

BY_NAME: Mapping[str, Make] = {
    "stack": id_of("stack"),
    "stackId": id_of("stack"),
    "run": id_of("waiting run"),
    "runId": id_of("waiting run"),
    "context": id_of("context"),
    "workerPool": id_of("pool"),
    "space": id_of("space"),
    "provider": same("GIT"),
    "name": same("A new name"),
    "note": same("a note"),
    "certificateSigningRequest": request,
}
"""Values of arguments without which a field cannot be called, whatever the field."""

BY_TYPE: Mapping[str, Make] = {
    "SearchInput": same({"first": 50}),
    "StackInput": stack_input("Made"),
    "ConfigInput": same(
        {"id": "ADDED", "type": "ENVIRONMENT_VARIABLE", "value": "x", "writeOnly": False}
    ),
    "RoleInput": same({"name": "Made", "actions": ["RUN_CONFIRM"]}),
    "RoleUpdateInput": same({"name": "Changed"}),
    "ApiKeyInput": same({"name": "made", "admin": False, "teams": []}),
    "ApiKeyUpdateInput": same({"name": "changed"}),
    "ContextInput": lambda world: {"name": "Made", "space": world.ours.space},
    "SpaceInput": space_input("Made"),
    "ApiKeyRoleBindingInput": binding("apiKeyID", "key"),
    "StackRoleBindingInput": binding("stackID", "stack"),
    "ApiKeyRoleBindingBatchInput": lambda world: {"bindings": [binding("apiKeyID", "key")(world)]},
    "StackRoleBindingBatchInput": lambda world: {"bindings": [binding("stackID", "stack")(world)]},
    "StackRoleBindingUpdateInput": lambda world: {"spaceID": world.ours.ids["empty space"]},
    "SavedFilterInput": same({"name": "Made", "type": "stacks", "isPublic": False, "data": "{}"}),
    "NamedWebhooksIntegrationInput": lambda world: {
        "name": "Made",
        "enabled": True,
        "endpoint": "http://127.0.0.1:9/made",
        "space": world.ours.space,
        "labels": [],
    },
    "NamedWebhookHeaderInput": same({"entries": [{"key": "X-Made", "value": "made"}]}),
    "AuditTrailWebhookSetHeadersInput": same({"entries": [{"key": "X-Made", "value": "made"}]}),
    "AuditTrailWebhookInput": same(
        {
            "enabled": False,
            "endpoint": "http://127.0.0.1:9/other",
            "includeRuns": True,
            "secret": "",
        }
    ),
    "WebhooksIntegrationInput": same(
        {"enabled": True, "endpoint": "http://127.0.0.1:9/made", "secret": "made"}
    ),
    "ManagedUserInviteInput": same({"username": "new", "accessRules": []}),
    "ManagedUserInviteInputV2": same({"username": "new"}),
    "ManagedUserGroupCreateInput": same({"groupName": "new", "accessRules": []}),
    "ManagedUserGroupCreateInputV2": same({"groupName": "new"}),
    "ManagedUserGroupIntegrationCreateInput": same(
        {"integrationName": "New", "integrationType": "SLACK", "slackChannelID": "C9876543210"}
    ),
    "UserRoleBindingInput": to_somebody("userID", "user"),
    "UserGroupRoleBindingInput": to_somebody("userGroupID", "group"),
    "UserRoleBindingBatchInput": lambda world: {"bindings": [to_somebody("userID", "user")(world)]},
    "UserGroupRoleBindingBatchInput": lambda world: {
        "bindings": [to_somebody("userGroupID", "group")(world)]
    },
    "SAMLInput": same({"metadata": "<x/>", "dynamic": False, "nameIdFormat": "EMAIL_ADDRESS"}),
    "OIDCInput": same({"clientId": "c", "clientSecret": "s", "providerUrl": "http://127.0.0.1:9"}),
    # Nobody listens there: no test asks anybody outside.
    "GitHubSignOnInput": same(
        {
            "clientId": "c",
            "clientSecret": "s",
            "organization": "o",
            "address": "http://127.0.0.1:9",
        }
    ),
    "Boolean": same(True),
}
"""The same by the type of the argument."""


def _of(stack: str, run: str, **more: Any) -> dict[str, Make]:
    return {"stack": id_of(stack), "run": id_of(run), **{k: same(v) for k, v in more.items()}}


STATE = json.dumps({"version": 4, "serial": 7, "lineage": OURS, "outputs": {}, "resources": []})

FIELDS: Mapping[str, Mapping[str, Make]] = {
    "searchStacksSuggestions": {
        "input": same({"fields": ["branch", "label", "repository", "space", "state", "workerPool"]})
    },
    "searchRunsSuggestions": {
        "input": same({"fields": ["branch", "stack", "state", "triggeredBy", "type"]})
    },
    "searchContextsSuggestions": {"input": same({"fields": ["label", "space"]})},
    "searchNamedWebhooksIntegrationsSuggestions": {"input": same({"fields": ["label", "space"]})},
    "searchNotificationsSuggestions": {
        "input": same({"fields": ["group", "severity", "space", "stack"]})
    },
    "dismissNotifications": {"ids": lambda w: [w.ours.ids["notification"]]},
    "dismissNotificationGroup": {"group": same("WEBHOOK_SWITCHED_OFF")},
    "searchAuditTrailEntriesSuggestions": {"input": same({"fields": ["action", "actor"]})},
    "searchWebhookDeliveries": {"webhook": id_of("webhook")},
    "webhookDelivery": {"webhook": id_of("webhook"), "id": id_of("delivery")},
    "webhookTest": {"webhook": id_of("webhook")},
    "namedWebhooksIntegrationUpdate": {
        "input": lambda w: {
            "name": "Changed",
            "enabled": False,
            "endpoint": "http://127.0.0.1:9/changed",
            "space": w.ours.space,
            "labels": [],
        }
    },
    "namedWebhooksIntegrationDeleteHeaders": {"headerKeys": same([f"X-{OURS}"])},
    "auditTrailWebhookDeleteHeaders": {"input": same({"keys": ["X-There"]})},
    "managedUser": {"id": secret("user")},
    "managedUserGroup": {"id": secret("group")},
    "managedUserGroupIntegration": {"id": secret("channel")},
    "userRoleBinding": {"id": id_of("user binding")},
    "userGroupRoleBinding": {"id": id_of("group binding")},
    "userRoleBindingUpdate": {"id": id_of("user binding")},
    "userRoleBindingDelete": {"id": id_of("user binding")},
    "userGroupRoleBindingUpdate": {"id": id_of("group binding")},
    "userGroupRoleBindingDelete": {"id": id_of("group binding")},
    "managedUserResendInvite": {"id": secret("user")},
    "managedUserUpdate": {
        "input": lambda w: {"id": w.secrets["user"], "slackMemberID": "U0123456789"}
    },
    "managedUserDelete": {"id": secret("user")},
    "managedUserRequestInvite": {
        "email": same("new@example.test"),
        "userName": same("new"),
    },
    "managedUserRequestRoleChange": {
        "spaceId": id_of("space"),
        "requestedAccessLevel": same("ADMIN"),
    },
    "accountUpdateAuthorizationScheme": {"authorizationScheme": same("LOGIN_POLICY")},
    "managedUserGroupUpdate": {
        "input": lambda w: {"id": w.secrets["group"], "description": "x", "accessRules": []}
    },
    "managedUserGroupUpdateV2": {
        "input": lambda w: {"id": w.secrets["group"], "description": "changed"}
    },
    "managedUserGroupDelete": {"id": secret("group")},
    "managedUserGroupIntegrationUpdate": {
        "input": lambda w: {"id": w.secrets["channel"], "integrationName": "Changed"}
    },
    "managedUserGroupIntegrationDelete": {"id": secret("channel")},
    "stackStateComparison": {
        "after": id_of("newest state version"),
        "before": id_of("state version"),
    },
    "stackUnsavedStateComparison": {"stackId": id_of("failed stack"), "runId": id_of("failed run")},
    "stackStateImportCheck": {"state": same(STATE)},
    "sourceCheck": {"input": lambda w: {"repositoryURL": w.core.source.url, "space": w.ours.space}},
    "versionCheck": {"input": lambda w: {"tool": "TERRAFORM", "space": w.ours.space}},
    "workerPool": {"id": id_of("pool")},
    "context": {"id": id_of("context")},
    "apiKeyRoleBinding": {"id": id_of("key binding")},
    "stackRoleBinding": {"id": id_of("stack binding")},
    "savedFilter": {"id": id_of("filter of another")},
    "stackUpdate": {"input": stack_input("Changed")},
    "stackSetCurrentCommit": {"sha": lambda w: w.core.source.first},
    "stackSyncCommit": {"id": id_of("newer stack")},
    "stackMigrateVendor": {"targetVendor": same("Terragrunt")},
    "stackLabelsChange": {"add": same(["another"])},
    "stackReslug": {"id": id_of("renamed stack")},
    "runConfirm": _of("waiting stack", "waiting run"),
    "runDiscard": _of("waiting stack", "waiting run"),
    "runDiscardAll": {"stack": id_of("waiting stack")},
    "runReview": _of("waiting stack", "waiting run", decision="REJECT"),
    "runCancel": _of("working stack", "queued run"),
    "runStop": _of("working stack", "working run"),
    "runKill": _of("working stack", "working run"),
    "runRetry": _of("failed stack", "failed run"),
    "runPromote": _of("newer stack", "newer run"),
    "runTargetedReplan": _of("waiting stack", "waiting run", targets=["null_resource.a"]),
    "runPrioritizeSet": _of("working stack", "queued run"),
    "runPrioritySet": _of("working stack", "queued run", preset="HIGH"),
    "runComment": _of("waiting stack", "waiting run", body="hello"),
    "runExternalDependencyMarkAsCompleted": {
        "dependency": same("nothing"),
        "status": same("FINISHED"),
    },
    "taskCreate": {"command": same("env")},
    "runTrigger": {"commitSha": lambda w: w.core.source.second},
    "runResourceCreate": {"commitSha": lambda w: w.core.source.second},
    "proposeWithOverrides": {
        "commitSha": lambda w: w.core.source.second,
        "environmentVarsOverrides": same([{"key": "A", "value": "b"}]),
    },
    "runProposeLocalWorkspace": {"workspace": id_of("workspace")},
    "summarizeRunState": {"stateVersion": same(1)},
    "deleteRunStateSummary": {"stateVersion": same(1)},
    "apiKeyUser": {
        "id": secret("key of nobody"),
        "secret": secret("secret of nobody"),
    },
    "oauthUser": {"token": same("a token")},
    "accountUpdateSecurityEmail": {"securityEmail": same("others@example.test")},
    "accountUpdateDefaultWorkerPoolRunnerImages": {"privateWorkerPoolRunnerImage": same("image")},
    "workerPoolCreate": {"space": id_of("space")},
    "workerPoolCycle": {"id": id_of("pool")},
    "workerDrainSet": {"id": id_of("worker")},
    "stateDownloadUrl": {"input": lambda w: {"stackId": w.ours.ids["stack"]}},
    "stackManagedStateImport": {"state": same(STATE)},
    "stackManagedStateRollback": {"managedStateVersionId": id_of("state version")},
    "stackUnsavedStateImport": {"stackId": id_of("failed stack"), "runId": id_of("failed run")},
    "stackUnsavedStateDiscard": {"stackId": id_of("failed stack"), "runId": id_of("failed run")},
    "contextUpdateV2": {"input": lambda w: {"name": "Changed", "space": w.ours.space}},
    "contextAttach": {"stack": id_of("newer stack"), "priority": same(2)},
    "contextDetach": {"id": id_of("attachment")},
    "contextConfigDelete": {"id": same(f"V_{OURS}")},
    "stackConfigDelete": {"id": same(f"S_{OURS}")},
    "sessionDelete": {"id": secret("session of nobody")},
    "sessionDeleteAll": {"everybody": same(True)},
    "spaceUpdate": {"input": space_input("Changed"), "space": id_of("empty space")},
    "spaceDelete": {"space": id_of("empty space")},
    "apiKeyRoleBindingUpdate": {"id": id_of("key binding")},
    "apiKeyRoleBindingDelete": {"id": id_of("key binding")},
    "stackRoleBindingUpdate": {"id": id_of("stack binding")},
    "stackRoleBindingDelete": {"id": id_of("stack binding")},
    "savedFilterUpdate": {
        "id": secret("filter"),
        "isPublic": same(True),
        "name": same("Renamed"),
    },
    "savedFilterDelete": {"id": secret("filter")},
    "role": {"id": secret("role")},
    "roleUpdate": {"id": secret("role")},
    "roleDelete": {"id": secret("role")},
}
"""What a field needs besides, or other than by name and type."""

BEFORE: Mapping[str, Before] = {
    "samlUpdate": provider("saml"),
    "samlDelete": provider("saml"),
    "oidcUpdate": provider("oidc"),
    "oidcDelete": provider("oidc"),
    "githubSignOnDelete": provider("github"),
    "samlSettings": provider("saml"),
    "oidcSettings": provider("oidc"),
    "githubSignOnSettings": provider("github"),
    "hasSSO": provider("oidc"),
    "stackEnable": disabled,
    "stackUnlock": locked_by_caller("stack"),
    "stackManagedStateImport": locked_by_caller("stack"),
    "stackManagedStateRollback": locked_by_caller("stack"),
    "stackUnsavedStateImport": locked_by_caller("failed stack"),
    "stackUnsavedStateDiscard": locked_by_caller("failed stack"),
    "runKill": asked_to_stop,
    "runProposeLocalWorkspace": uploaded_by_caller,
}
"""What has to be so before somebody calls."""

QUIET: Mapping[str, str] = {
    "managedUserRequestInvite": "administrators read it in the audit trail",
    "managedUserRequestRoleChange": "administrators read it in the audit trail",
    "apiKeyUser": "signing in makes a session, which is not looked at",
    "logout": "the session ends, which is not looked at",
    "sessionDelete": "the session ends, which is not looked at",
    "sessionDeleteAll": "sessions end, which are not looked at",
    "stateDownloadUrl": "it makes an address",
    "stateUploadUrl": "it makes an address",
    "runExternalDependencyMarkAsCompleted": "there is none to mark",
}
"""Mutations that may do what they say and change no row that is looked at, and why."""


class Unmade(AssertionError):
    """Nobody has said with what the field is called."""


def arguments(world: World, name: str, field: GraphQLField) -> dict[str, Any]:
    """The arguments: those that are needed, and those that FIELDS names. Raises Unmade."""
    given, own = {}, FIELDS.get(name, {})
    for word, argument in field.args.items():
        needed = isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined
        kind = get_named_type(argument.type).name
        if word in own:
            given[word] = own[word](world)
        elif not needed:
            continue
        elif word == "id" and (prefix := _prefix(name)):
            given[word] = world.ours.ids[ID_BY_PREFIX[prefix]]
        elif word in BY_NAME:
            given[word] = BY_NAME[word](world)
        elif kind in BY_TYPE:
            given[word] = BY_TYPE[kind](world)
        else:
            raise Unmade(
                f"Nobody has said which {word} ({kind}) {name} is called with: add it to FIELDS in"
                " tests/integration/authz/arguments.py, so that the call does what it says."
            )
    if unknown := own.keys() - field.args.keys():
        raise Unmade(f"{name} has no argument {', '.join(sorted(unknown))}: see arguments.py")
    return given


def _prefix(name: str) -> str | None:
    fitting = [one for one in ID_BY_PREFIX if name.startswith(one)]
    return max(fitting, key=len, default=None)
