"""The pages of users and groups, and of API keys that take tokens of somebody else."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

USERS = "{ managedUsers { username status roleBindings { role { name } spaceID } } }"
GROUPS = "{ managedUserGroups { groupName roleBindings { role { name } } } }"
KEYS = """
{ apiKeys { id name type teams admin
    oidcSettings { issuer clientId subjectExpression claimMapping { entries { name value } } } } }
"""
KEY = 'mutation { apiKeyCreate(input: {name: "caretaker", admin: false}) { id secret } }'
GIVE_KEY = """
mutation ($input: ApiKeyRoleBindingInput!) { apiKeyRoleBindingCreate(input: $input) { id } }
"""
INVITE = """
mutation ($input: ManagedUserInviteInputV2!) { managedUserInviteV2(input: $input) { id } }
"""
NO_GROUP = "mutation ($id: ID!) { managedUserGroupDelete(id: $id) { id } }"
GROUP = """
mutation ($input: ManagedUserGroupCreateInputV2!) {
  managedUserGroupCreateV2(input: $input) { id }
}
"""


def user(site, name: str) -> dict | None:
    found = {one["username"]: one for one in site.api.ask(USERS)["managedUsers"]}
    return found.get(name)


def roles_of_group(site, name: str) -> list | None:
    found = {
        one["groupName"]: one["roleBindings"] for one in site.api.ask(GROUPS)["managedUserGroups"]
    }
    return found.get(name)


def test_somebody_is_invited_given_a_role_and_deleted(site, person):
    page = person.open("/access/users")
    page.get_by_role("button", name="Invite somebody").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("No identity provider is set up")
    dialog.get_by_label("User name").fill("ada")
    dialog.get_by_label("E-mail address").fill("ada@example.com")
    dialog.get_by_role("button", name="Invite them").click()
    # What has to be passed on: nobody else tells them.
    address = dialog.get_by_label("Sign-in address", exact=True)
    expect(address).to_have_value(f"{site.server.address}/sign-in")
    expect(dialog.get_by_role("region", name="Words to send")).to_contain_text("ada@example.com")
    assert person.barriers() == []
    dialog.get_by_role("button", name="Done").click()
    row = page.get_by_role("table", name="Users").get_by_role("row").filter(has_text="ada")
    expect(row).to_contain_text("invited")
    expect(row).to_contain_text("ends in")

    row.get_by_role("link", name="ada", exact=True).click()
    expect(page.get_by_role("heading", name="ada", level=1)).to_be_visible()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("dialog")).to_contain_text("Gantry sends no mail")
    page.get_by_role("dialog").get_by_role("button", name="Done").click()

    page.get_by_role("button", name="Give a role").first.click()
    form = page.get_by_role("dialog", name="Give ada a role")
    form.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="Space writer").click()
    form.get_by_role("combobox", name="Space").click()
    page.get_by_role("option", name="root", exact=True).click()
    form.get_by_role("button", name="Give the role").click()
    roles = page.get_by_role("table", name="Roles").get_by_role("row")
    expect(roles.filter(has_text="Space writer")).to_be_visible()
    given = [{"role": {"name": "Space writer"}, "spaceID": "root"}]
    assert user(site, "ada") == {"username": "ada", "status": "PENDING", "roleBindings": given}

    page.get_by_role("link", name="What was done to them").click()
    expect(page.get_by_role("link", name="user.invite", exact=True)).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog", name="Take back the invitation of ada?")
    expect(dialog).to_contain_text("0 sessions and 1 role")
    dialog.get_by_role("button", name="Keep it as it is").click()
    assert user(site, "ada") is not None
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog.get_by_role("button", name="Take it back").click()
    expect(page).to_have_url(re.compile("/access/users$"))
    assert user(site, "ada") is None


def test_a_group_is_made_known_described_given_a_role_and_deleted(site, person):
    page = person.open("/access/groups")
    page.get_by_role("button", name="Create group").click()
    form = page.get_by_role("dialog", name="Create a group")
    form.get_by_label("Name").fill("Night Watch")
    form.get_by_role("button", name="Create the group").click()
    expect(page.get_by_role("heading", name="Night Watch", level=1)).to_be_visible()
    page.get_by_role("button", name="Describe").click()
    form = page.get_by_role("dialog", name="What Night Watch is for")
    form.get_by_label("Description").fill("Those who are on call")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Those who are on call")).to_be_visible()

    # From the other side: where a role is given in a space.
    page = person.open("/spaces/root")
    page.get_by_role("button", name="Give a role").click()
    form = page.get_by_role("dialog")
    form.get_by_text("Group", exact=True).click()
    form.get_by_role("combobox", name="Group").click()
    page.get_by_role("option", name="Night Watch").click()
    form.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="Space reader").click()
    form.get_by_role("button", name="Give the role").click()
    page.get_by_role("link", name="Night Watch").click()

    expect(page.get_by_role("table", name="Roles")).to_contain_text("Space reader")
    given = [{"role": {"name": "Space reader"}}]
    assert roles_of_group(site, "Night Watch") == given
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog", name="Delete group Night Watch?")
    expect(dialog).to_contain_text("1 role, which 0 users had through it")
    dialog.get_by_role("button", name="Delete the group").click()
    expect(page).to_have_url(re.compile("/access/groups$"))
    assert roles_of_group(site, "Night Watch") is None


@pytest.fixture
def team(site):
    """A group that the account knows."""
    made = site.api.ask(GROUP, input={"groupName": "Pipelines"})["managedUserGroupCreateV2"]["id"]
    yield made
    site.api.ask(NO_GROUP, id=made)


def test_a_key_without_a_secret_says_whose_tokens_it_takes(site, person, team):
    page = person.open("/access/api-keys")
    page.get_by_role("button", name="Create API key").click()
    form = page.get_by_role("dialog")
    form.get_by_text("With OpenID Connect").click()
    form.get_by_role("textbox", name="Name", exact=True).fill("deploy jobs")
    create = form.get_by_role("button", name="Create the key")
    expect(create).to_have_attribute("aria-description", re.compile("who signs"))
    form.get_by_label("Issuer").fill("https://ci.example.com")
    form.get_by_label("Client id").fill("gantry")
    form.get_by_label("Subject expression").fill("project:shop/.*")
    form.get_by_role("combobox", name="Claims that name groups").fill("teams")
    page.keyboard.press("Enter")
    form.get_by_role("combobox", name="Groups", exact=True).fill("Pipelines")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("listbox")).to_have_count(0)
    assert person.barriers() == []
    create.click()
    expect(form).to_contain_text("It has no secret")
    form.get_by_role("link", name="Open its page").click()

    expect(page.get_by_role("heading", name="deploy jobs", level=1)).to_be_visible()
    expect(page.get_by_text("project:shop/.*")).to_be_visible()
    expect(page.get_by_role("link", name="Pipelines")).to_be_visible()
    found = site.api.ask(KEYS)["apiKeys"]
    (key,) = [one for one in found if one["name"] == "deploy jobs"]
    assert (key["type"], key["teams"], key["admin"]) == ("OIDC", ["Pipelines"], False)
    assert key["oidcSettings"] == {
        "issuer": "https://ci.example.com",
        "clientId": "gantry",
        "subjectExpression": "project:shop/.*",
        "claimMapping": {"entries": [{"name": "teams", "value": "groups"}]},
    }

    page.get_by_role("button", name="Edit").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name", exact=True).fill("release jobs")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="release jobs", level=1)).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the key").click()
    expect(page).to_have_url(re.compile("/access/api-keys$"))
    assert key["id"] not in {one["id"] for one in site.api.ask(KEYS)["apiKeys"]}


def test_administrators_of_spaces_may_be_let_make_keys(site, person):
    asked = "{ apiKeysManagedByNonRootAdmins }"
    page = person.open("/access/api-keys")
    switch = page.get_by_role("switch", name="Administrators of single spaces may make API keys")
    expect(switch).not_to_be_checked()

    switch.click()
    expect(switch).to_be_checked()
    assert site.api.ask(asked) == {"apiKeysManagedByNonRootAdmins": True}

    switch.click()
    expect(switch).not_to_be_checked()
    assert site.api.ask(asked) == {"apiKeysManagedByNonRootAdmins": False}


def test_an_administrator_of_a_space_gives_roles_there_by_id(site, visit):
    yard = site.space("yard")
    eve = site.api.ask(INVITE, input={"username": "eve"})["managedUserInviteV2"]["id"]
    key = site.api.ask(KEY)["apiKeyCreate"]
    site.platform.secrets.add(key["secret"])
    roles = {one["slug"]: one["id"] for one in site.api.ask("{ roles { id slug } }")["roles"]}
    admin = {"apiKeyID": key["id"], "roleID": roles["space-admin"], "spaceID": yard}
    site.api.ask(GIVE_KEY, input=admin)
    caretaker = visit(site.server.address, signed_in=False)
    page = caretaker.open("/apikeytoken")
    page.get_by_label("Key id").fill(key["id"])
    page.get_by_role("textbox", name="Secret").fill(key["secret"])
    page.get_by_role("button", name="Exchange").click()
    expect(page.get_by_role("link", name="Access")).to_be_visible()

    for tab, words in (
        ("users", "Only administrators of the root space see users"),
        ("groups", "Only administrators of the root space see groups"),
        ("api-keys", "Only administrators see API keys"),
    ):
        page = caretaker.open(f"/access/{tab}")
        expect(page.get_by_text(words)).to_be_visible()
        assert caretaker.barriers() == []
    page = caretaker.open(f"/access/users/{eve}")
    expect(page.get_by_role("alert")).to_contain_text("unauthorized")

    page = caretaker.open(f"/spaces/{yard}")
    page.get_by_role("button", name="Give a role").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Id of the user").fill(eve)
    form.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="Space reader").click()
    form.get_by_role("button", name="Give the role").click()
    rows = page.get_by_role("table", name="Who has roles").get_by_role("row")
    expect(rows.filter(has_text="eve")).to_contain_text("Space reader")
    found = user(site, "eve")
    assert found is not None
    assert found["roleBindings"] == [{"role": {"name": "Space reader"}, "spaceID": yard}]
