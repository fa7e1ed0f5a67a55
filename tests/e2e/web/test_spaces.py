"""The pages of spaces: the tree by keyboard, and what becomes of a space."""

from __future__ import annotations

import re

from playwright.sync_api import expect

SPACES = "{ spaces { id name parentSpace inheritEntities } }"
GIVE = (
    "mutation ($input: ApiKeyRoleBindingInput!) { apiKeyRoleBindingCreate(input: $input) { id } }"
)
KEY = 'mutation { apiKeyCreate(input: {name: "gardener", admin: false}) { id secret } }'


def test_a_space_is_made_moved_and_deleted_once_it_is_empty(site, person):
    site.space("orchard")
    page = person.open("/spaces")
    tree = page.get_by_role("tree", name="Spaces")
    tree.get_by_role("treeitem", name="orchard").click()
    expect(page.get_by_role("heading", name="orchard", level=1)).to_be_visible()
    expect(page.get_by_text("Inherits from root.")).to_be_visible()

    page.get_by_role("button", name="Create beneath").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name").fill("apple trees")
    form.get_by_role("button", name="Create the space").click()
    expect(page.get_by_role("heading", name="apple trees", level=1)).to_be_visible()
    expect(tree.get_by_role("treeitem", name="apple trees")).to_have_attribute("aria-level", "3")

    tree.get_by_role("treeitem", name="orchard").click()
    delete = page.get_by_role("button", name="Delete", exact=True)
    expect(delete).to_have_attribute("aria-description", re.compile("It holds 1 space"))
    tree.get_by_role("treeitem", name="apple trees").click()
    page.get_by_role("button", name="Edit or move").click()
    form.get_by_role("combobox", name="Above it").click()
    page.get_by_role("option", name="root", exact=True).click()
    form.get_by_role("switch", name="Inherits").click()
    form.get_by_role("button", name="Save and move").click()
    expect(page.get_by_text("Does not inherit.")).to_be_visible()
    found = {one["name"]: one for one in site.api.ask(SPACES)["spaces"]}
    assert found["apple trees"]["parentSpace"] == "root"
    assert not found["apple trees"]["inheritEntities"]

    delete.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the space").click()
    expect(page.get_by_role("heading", name="root", level=1)).to_be_visible()
    expect(tree.get_by_role("treeitem", name="apple trees")).to_have_count(0)
    assert "apple trees" not in {one["name"] for one in site.api.ask(SPACES)["spaces"]}


def test_a_move_that_a_stack_could_not_stand_is_refused_in_words(site, person):
    inner = site.space("greenhouse")
    site.stack('resource "terraform_data" "it" {}\n', name="tomatoes", space=inner)
    page = person.open(f"/spaces/{inner}")

    page.get_by_role("button", name="Edit or move").click()
    form = page.get_by_role("dialog")
    form.get_by_role("switch", name="Inherits").click()
    form.get_by_role("button", name="Save").click()

    expect(form.get_by_role("alert")).to_contain_text("tomatoes uses")
    found = {one["id"]: one for one in site.api.ask(SPACES)["spaces"]}
    assert found[inner]["inheritEntities"]


def test_the_tree_is_walked_by_keys(site, person):
    meadow = site.space("meadow")
    site.space("meadow flowers", meadow)
    page = person.open(f"/spaces/{meadow}")
    tree = page.get_by_role("tree", name="Spaces")
    here = tree.locator('[role="treeitem"][tabindex="0"]')
    expect(here).to_have_count(1)
    here.focus()
    expect(tree.get_by_role("treeitem", name="meadow", exact=True)).to_be_focused()

    page.keyboard.press("ArrowRight")
    expect(tree.get_by_role("treeitem", name="meadow flowers")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(tree.get_by_role("treeitem", name="meadow flowers")).to_have_count(0)
    page.keyboard.press("Home")
    expect(tree.get_by_role("treeitem", name=re.compile("^root"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="root", level=1)).to_be_visible()


def test_a_space_says_who_has_roles_in_it_and_where_they_were_given(site, person):
    shed = site.space("shed")
    key = site.api.ask(KEY)["apiKeyCreate"]
    site.platform.secrets.add(key["secret"])
    role = site.role("weeder", "SPACE_READ", "RUN_TRIGGER")
    site.api.ask(GIVE, input={"apiKeyID": key["id"], "roleID": role, "spaceID": "root"})

    page = person.open(f"/spaces/{shed}")
    rows = page.get_by_role("table", name="Who has roles").get_by_role("row")
    expect(rows.filter(has_text="gardener")).to_contain_text("root, above")
    assert person.barriers() == []

    page.get_by_role("button", name="Give a role").click()
    form = page.get_by_role("dialog")
    form.get_by_text("API key", exact=True).click()
    form.get_by_role("combobox", name="API key").click()
    page.get_by_role("option", name=re.compile("^gardener")).click()
    form.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="Space admin").click()
    form.get_by_role("button", name="Give the role").click()
    expect(rows.filter(has_text="Space admin")).to_contain_text("this space")

    page.get_by_role("button", name="Take Space admin from gardener").click()
    page.get_by_role("dialog").get_by_role("button", name="Take it away").click()
    expect(rows.filter(has_text="Space admin")).to_have_count(0)
