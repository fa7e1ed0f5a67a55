"""Every page there is: at a desktop and on a phone, in light and dark, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Person
from tests.support.site import Site

ROUTES = Path(__file__).parents[3] / "ui" / "src" / "routes.tsx"

PAGES = {
    "/sign-in": "/sign-in",
    "/apikeytoken": "/apikeytoken",
    "/cli_login": "/cli_login?key=a&port=4711",
    "/auth_success": "/auth_success",
    "/auth_failure": "/auth_failure",
    "/": "/",
    "stacks": "/stacks",
    "new/stack": "/new/stack",
    "stack/:stackId": "/stack/{stack}",
    "stack/:stackId/run/:runId/:tab?": "/stack/{stack}/run/{run}",
    "launchpad": "/launchpad",
    "workers": "/workers",
    "workers/new": "/workers/new",
    "workers/:poolId": "/workers/{pool}",
    "integrations/webhooks": "/integrations/webhooks",
    "integrations/webhooks/new": "/integrations/webhooks/new",
    "integrations/webhooks/audit": "/integrations/webhooks/audit",
    "integrations/webhooks/:webhookId": "/integrations/webhooks/{webhook}",
    "spaces/:spaceId?": "/spaces",
    "contexts": "/contexts",
    "new/context": "/new/context",
    "context/:contextId": "/context/{context}",
    "roles": "/access/roles",
    "users": "/access/users",
    "groups": "/access/groups",
    "api-keys": "/access/api-keys",
    "access/users/:userId": "/access/users/{user}",
    "access/groups/:groupId": "/access/groups/{group}",
    "access/api-keys/:keyId": "/access/api-keys/{key}",
    "new/role": "/new/role",
    "access/roles/:roleId": "/access/roles/{role}",
    "access/roles/:roleId/edit": "/access/roles/{role}/edit",
    "audit": "/audit",
    "audit/:entryId": "/audit/{entry}",
    "notifications": "/notifications",
    "account": "/account",
    "rights": "/account/rights",
    "sessions": "/account/sessions",
    "sign-on": "/account/sign-on",
    "health": "/account/health",
    "help/errors": "/help/errors",
    "help/errors/:code": "/help/errors/STACK_LOCKED",
    "*": "/stacks/nothing/here",
}
"""An address for every route, as `ui/src/routes.tsx` has them; a new route needs a line here."""
LED_ON = {
    "/setup": (
        "/setup",
        "/",
    ),  # once the account has a name; before, test_first_apply.py looks at it
    "access": ("/access", "/access/roles"),
    "account/api-keys": ("/account/api-keys", "/access/api-keys"),
}
"""Routes that lead on: an address, and the path at which one arrives."""
MORE = (
    "/stacks?q=nothing+has+these+words",
    "/sign-in?problem=NOT_INVITED",
    "/cli_login",
    "/workers/public",
    "/spaces/{space}",
    "/spaces/nowhere",
    "/context/nowhere",
    "/contexts?q=nothing+has+these+words",
    "/access/roles/nobodys",
    "/access/users/nobody",
    "/access/users?q=nothing+has+these+words",
    "/access/groups/nobodys",
    "/access/api-keys/nobodys",
    "/audit/nothing",
    "/notifications?q=nothing+has+these+words",
    "/stack/{stack}/tasks",
    "/stack/{stack}/environment",
    "/stack/{stack}/outputs",
    "/stack/{stack}/state",
    "/stack/{stack}/webhooks",
    "/stack/{stack}/settings",
    "/stack/{stack}/danger",
    "/stack/{stack}/run/{run}/changes",
    "/stack/{stack}/run/{run}/details",
)
"""Other faces of the same pages."""
OUTSIDE = {
    "/sign-in": "Sign in",
    "/apikeytoken": "Sign in with an API key",
    "/cli_login?key=a&port=4711": "Let the command line tool in?",
    "/auth_success": "The command line tool is signed in",
    "/auth_failure": "The command line tool is not signed in",
}
"""Pages without the frame that all others have, and their titles."""

GIVE = "mutation ($input: StackRoleBindingInput!) { stackRoleBindingCreate(input: $input) { id } }"
GIVE_USER = (
    "mutation ($input: UserRoleBindingInput!) { userRoleBindingCreate(input: $input) { id } }"
)
GIVE_GROUP = """
mutation ($input: UserGroupRoleBindingInput!) { userGroupRoleBindingCreate(input: $input) { id } }
"""
PEOPLE = """
mutation {
  user: managedUserInviteV2(input: {
    username: "grace", invitationEmail: "grace.brewster.murray.hopper@subsidiary.example.com"
  }) { id }
  group: managedUserGroupCreateV2(input: {
    groupName: "a group whose name is long enough to be broken on a phone", description: "A team"
  }) { id }
  key: apiKeyCreate(input: {
    name: "a pipeline", admin: false, teams: ["nobody knows it"], oidc: {
      issuer: "https://token.actions.githubusercontent.com", clientId: "https://gantry.example.com"
      subjectExpression: "repo:northwind/network:ref:refs/heads/main"
      claimMappings: {entries: [{name: "teams", value: "groups"}]}
    }
  }) { id }
}
"""
MAKE = """
mutation ($input: StackInput!) {
  stackCreate(input: $input, manageState: true) { sourceProblem }
}
"""
ATTACH = """
mutation ($context: ID!, $stack: ID!) {
  contextAttach(id: $context, stack: $stack, priority: 1) { id }
}
"""
CODE = """
variable "size" { default = 1 }
resource "terraform_data" "subnet" {
  for_each = toset(["eu-west-1a", "eu-west-1b"])
  input    = { zone = each.key, size = var.size }
}
output "zones" { value = [for one in terraform_data.subnet : one.output.zone] }
"""
WEBHOOK = """
mutation ($stack: ID!) {
  namedWebhooksIntegrationCreate(input: {
    name: "pager", enabled: true, endpoint: "https://hooks.example.com/gantry/in", space: "root"
    labels: ["team:platform"]
  }) { id }
  webhooksIntegrationCreate(stack: $stack, input: {
    enabled: false, endpoint: "https://hooks.example.com/gantry/stack", secret: "a secret"
  }) { id }
}
"""
LONG = "a stack whose name is long enough to be broken on the screen of a phone"


@dataclass
class Here:
    """An installation with something on every page, and somebody who looks at all of it."""

    person: Person
    names: dict[str, str]


@pytest.fixture(scope="module")
def here(chromium, site: Site) -> Iterator[Here]:
    labels = ["env:production", "team:platform"]
    stack = site.stack(CODE, name=LONG, labels=labels, beforePlan=["echo about to plan"])
    site.configure(stack, "TF_VAR_size", "2")
    run = site.planned(stack)
    webhook = site.api.ask(WEBHOOK, stack=stack)["namedWebhooksIntegrationCreate"]["id"]
    names = {"stack": stack, "run": run, "pool": site.pool.id, "webhook": webhook}
    names |= furnish(site, stack)
    person = Person(chromium, site.server.address, reduced_motion="reduce")
    person.sign_in()
    yield Here(person, names)
    person.leave()


def furnish(site: Site, stack: str) -> dict[str, str]:
    """A space, a role that is given there, and a context that the stack has; and their ids."""
    ask = site.api.ask
    space = site.space(
        "a space whose name is long enough to be broken on a phone",
        description="Where the shop is",
        labels=["team:shop"],
    )
    role = site.role("deployer", "SPACE_READ", "RUN_TRIGGER", "RUN_CONFIRM")
    ask(GIVE, input={"stackID": stack, "roleID": role, "spaceID": "root"})
    context = site.context("shared by all", {"TF_VAR_size": "3", "REGION": "eu-west-1"})
    ask(ATTACH, context=context, stack=stack)
    unreachable(site)
    found = ask("{ searchAuditTrailEntries(input: {first: 1}) { edges { node { id } } } }")
    entry = found["searchAuditTrailEntries"]["edges"][0]["node"]["id"]
    people = ask(PEOPLE)
    names = {"space": space, "role": role, "context": context, "entry": entry}
    names |= {name: people[name]["id"] for name in ("user", "group", "key")}
    ask(GIVE_USER, input={"userID": names["user"], "roleID": role, "spaceID": "root"})
    ask(GIVE_GROUP, input={"userGroupID": names["group"], "roleID": role, "spaceID": space})
    return names


def unreachable(site: Site) -> None:
    """Something that administrators are told of: a stack whose branch is nowhere."""
    wanted = {"name": "a stack without a branch", "administrative": False, "repository": "code"}
    source = site.repository({"main.tf": CODE})
    more = {"branch": "nowhere", "provider": "GIT", "repositoryURL": source.url}
    made = site.api.ask(MAKE, input={**wanted, **more, "workerPool": site.pool.id})
    assert made["stackCreate"]["sourceProblem"]


def routes() -> list[str]:
    """The routes of the application, in the words of its file."""
    return re.findall(r"\bpath: '([^']+)'", ROUTES.read_text())


def test_every_route_is_looked_at():
    assert sorted(routes()) == sorted([*PAGES, *LED_ON])


def loaded(page: Page) -> None:
    """Wait until a page shows what it is for."""
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_label("Loading", exact=True)).to_have_count(0)


@pytest.mark.parametrize(("address", "there"), LED_ON.values())
def test_an_address_leads_on(here: Here, address: str, there: str):
    page = here.person.open(address)
    loaded(page)

    assert urlsplit(page.url).path == there


def walk(page: Page) -> None:
    """What somebody with a keyboard alone does first on a page that has just been opened."""
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="To the page's content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate(SEEN), "what has the focus cannot be seen to have it"
    page.evaluate("document.activeElement.blur()")  # with its hint, if it has one


@pytest.mark.parametrize("address", [*PAGES.values(), *MORE])
def test_a_page_is_walked_by_keyboard_has_no_barrier_and_fits(here: Here, address: str):
    address = address.format(**here.names)
    page = here.person.open(address)
    loaded(page)

    assert urlsplit(page.url).path == urlsplit(address).path, "led on: it belongs to LED_ON"
    if not address.startswith(("/sign-in", "/cli_login", *OUTSIDE)):
        walk(page)
    assert here.person.barriers_in_every_look() == []
    assert here.person.faults == []
    heading = page.get_by_role("heading", level=1).inner_text()
    if address.startswith(("/sign-in", *OUTSIDE)):
        assert page.title() == f"{OUTSIDE.get(address, 'Sign in')} · Gantry"
    else:
        expect(page).to_have_title(re.compile(re.escape(heading)))


SEEN = """() => {
  const one = document.activeElement
  const framed = one.matches('input, textarea, select')
  const outlined = getComputedStyle(one).outlineStyle !== 'none'
  return one === document.body || (one.matches(':focus-visible') && (framed || outlined))
}"""


def test_whoever_goes_to_another_page_begins_at_its_heading(here: Here):
    page = here.person.open("/stacks")
    loaded(page)

    page.get_by_role("link", name="Overview").click()

    heading = page.get_by_role("heading", name="Overview", level=1)
    expect(heading).to_be_focused()
    expect(page).to_have_title(re.compile("^Overview · "))
