"""What pictures show of spaces, roles and contexts."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.site import Site


@dataclass
class Access:
    """An installation, and the ids of what is in it by the words that pictures use."""

    site: Site
    spaces: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    contexts: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)


def make_spaces_and_roles(sample: Access) -> None:
    """A tree of teams, and what they let people do."""
    site = sample.site
    shop = site.space("shop", description="All that sells", labels=["team:shop"])
    sample.spaces = {
        "shop": shop,
        "staging": site.space("staging", shop, description="For trying things"),
        "production": site.space("production", shop, labels=["queue-weight:3"]),
        "platform": site.space("platform", description="Clusters, networks, names"),
        "security": site.space("security", inherits=False, description="Sign-on and secrets"),
    }
    deploying = ("SPACE_READ", "RUN_TRIGGER", "RUN_CONFIRM", "RUN_DISCARD", "STACK_LOCK")
    keeping = ("SPACE_READ", "CONTEXT_CREATE", "CONTEXT_UPDATE")
    sample.roles = {
        "deployer": site.role(
            "Deployer", *deploying, description="Deploys what others have written"
        ),
        "keeper": site.role(
            "Keeper of contexts", *keeping, description="Looks after what stacks are given"
        ),
    }


def make_contexts(sample: Access) -> None:
    """What stacks are given alike: all of them, those of production, and those of a team."""
    site = sample.site
    everywhere = {"TF_LOG": "warn", "TF_IN_AUTOMATION": "1", "TF_VAR_region": "eu-central-1"}
    aws = {
        "AWS_REGION": "eu-west-1",
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/deploy",
        "TF_VAR_region": "eu-west-2",
    }
    sample.contexts = {
        "defaults": site.context(
            "Terraform defaults", everywhere, labels=["autoattach:*"], description="For everything"
        ),
        "aws": site.context(
            "AWS, production",
            aws,
            labels=["autoattach:env:production", "cloud:aws"],
            description="Credentials and region of the production account",
            hooks={"beforeInit": ["echo production, eu-west-1"]},
        ),
        "shop": site.context("shop secrets", {}, space=sample.spaces["shop"]),
    }
    secret = "a-password-nobody-sees"  # of nothing
    site.platform.secrets.add(secret)
    for name, value, more in (
        ("REGISTRY_PASSWORD", secret, {"writeOnly": True}),
        ("aws/config", "W2RlZmF1bHRdCnJlZ2lvbiA9IGV1LXdlc3QtMQo=", {"type": "FILE_MOUNT"}),
    ):
        element = {"id": name, "type": "ENVIRONMENT_VARIABLE", "writeOnly": False, **more}
        given = {**element, "value": value}
        site.api.ask(PUT, context=sample.contexts["aws"], config=given)


def give_roles(sample: Access, *, key: str, stack: str) -> None:
    """Something to an API key, in two spaces, and something to a stack."""
    ask = sample.site.api.ask
    for role, space in (("deployer", "shop"), ("keeper", "staging")):
        given = {"roleID": sample.roles[role], "spaceID": sample.spaces[space]}
        ask(GIVE_KEY, input={"apiKeyID": key, **given})
    given = {"roleID": sample.roles["deployer"], "spaceID": "root"}
    ask(GIVE_STACK, input={"stackID": stack, **given})


def make_people(sample: Access) -> None:
    """Users in every state, two groups, and a key that takes tokens."""
    ask = sample.site.api.ask
    made = sample.people
    for name, about in (
        ("Platform", "Clusters, networks, and whoever is on call"),
        ("Shop", "Those who build what sells"),
    ):
        given = {"groupName": name, "description": about}
        made[name] = ask(GROUP, input=given)["managedUserGroupCreateV2"]["id"]
    for name in ("ada", "grace", "linus", "margaret", "dennis"):
        given = {"username": name, "invitationEmail": f"{name}@northwind.example"}
        made[name] = ask(INVITE, input=given)["managedUserInviteV2"]["id"]
    # Nobody vouches for people here: these are as if somebody had.
    come = """
        update app_user set source = 'oidc', last_sign_in_at = now() - interval '$HOURS hours',
        invitation_expires_at = null, email = username || '@northwind.example', name = '$NAME',
        groups = '{$GROUPS}', inactive_at = $INACTIVE where username = '$WHO'
    """
    for who, name, hours, groups, inactive in (
        ("ada", "Ada Lovelace", 2, "Everybody,Platform", "null"),
        ("grace", "Grace Hopper", 30, "Everybody,Shop", "null"),
        ("dennis", "Dennis Ritchie", 900, "Everybody", "now()"),
    ):
        change = come.replace("$HOURS", str(hours)).replace("$GROUPS", groups)
        change = change.replace("$NAME", name).replace("$INACTIVE", inactive)
        sample.site.platform.change(change.replace("$WHO", who))
    sample.site.platform.change(
        "update app_user set invitation_expires_at = now() - interval '2 days'"
        " where username = 'margaret'"
    )
    for who, role, space in (("ada", "keeper", "platform"), ("grace", "deployer", "staging")):
        given = {"roleID": sample.roles[role], "spaceID": sample.spaces[space]}
        ask(GIVE_USER, input={"userID": made[who], **given})
    given = {"roleID": sample.roles["deployer"], "spaceID": sample.spaces["platform"]}
    ask(GIVE_GROUP, input={"userGroupID": made["Platform"], **given})
    oidc = {
        "issuer": "https://token.actions.githubusercontent.com",
        "clientId": "https://gantry.northwind.example",
        "subjectExpression": "repo:northwind/network:ref:refs/heads/(main|release/.*)",
        "claimMappings": {"entries": []},
    }
    wanted = {"name": "deploy jobs", "admin": False, "teams": ["Platform"], "oidc": oidc}
    described = {**wanted, "description": "Jobs of the pipeline of network"}
    made["key"] = ask(KEY, input=described)["apiKeyCreate"]["id"]


GROUP = """
mutation ($input: ManagedUserGroupCreateInputV2!) { managedUserGroupCreateV2(input: $input) { id } }
"""
INVITE = (
    "mutation ($input: ManagedUserInviteInputV2!) { managedUserInviteV2(input: $input) { id } }"
)
KEY = "mutation ($input: ApiKeyInput!) { apiKeyCreate(input: $input) { id } }"
GIVE_USER = """
mutation ($input: UserRoleBindingInput!) { userRoleBindingCreate(input: $input) { id } }
"""
GIVE_GROUP = """
mutation ($input: UserGroupRoleBindingInput!) { userGroupRoleBindingCreate(input: $input) { id } }
"""
PUT = """
mutation ($context: ID!, $config: ConfigInput!) {
  contextConfigAdd(context: $context, config: $config) { id }
}
"""
GIVE_KEY = """
mutation ($input: ApiKeyRoleBindingInput!) { apiKeyRoleBindingCreate(input: $input) { id } }
"""
GIVE_STACK = """
mutation ($input: StackRoleBindingInput!) { stackRoleBindingCreate(input: $input) { id } }
"""
