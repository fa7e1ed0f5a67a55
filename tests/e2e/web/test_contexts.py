"""The pages of contexts: what they hold, which stacks have them, and what these are given by it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

CODE = 'resource "terraform_data" "it" {}\n'
CONTEXTS = """
{ contexts { name labels hooks { beforePlan } config { id type writeOnly }
             attachedStacks { stackName } } }
"""


def context(site, name: str):
    return next((one for one in site.api.ask(CONTEXTS)["contexts"] if one["name"] == name), None)


def test_a_context_is_filled_attached_copied_and_deleted(site, person):
    site.stack(CODE, name="weather station")
    page = person.open("/contexts")
    page.get_by_role("button", name="Create context").click()
    page.get_by_role("textbox", name="Name").fill("sky")
    page.get_by_role("combobox", name="Labels").fill("autoattach:env:sky")
    page.keyboard.press("Enter")
    expect(page.get_by_text("attaches it to stacks with the label env:sky")).to_be_visible()
    page.get_by_role("button", name="Create the context").click()
    expect(page.get_by_role("heading", name="sky", level=1)).to_be_visible()

    page.get_by_role("button", name="Add variable").click()
    form = page.get_by_role("dialog", name="Add a variable")
    form.get_by_label("Name").fill("WIND")
    form.get_by_label("Value").fill("north")
    form.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Add variable").click()
    form.get_by_label("Name").fill("KEY")
    form.get_by_label("Value").fill("nobody reads this")
    form.get_by_role("switch", name="Secret").click()
    form.get_by_role("button", name="Add").click()
    rows = page.get_by_role("table", name="Variables").get_by_role("row")
    expect(rows.filter(has_text="KEY")).to_contain_text("secret")
    page.get_by_role("switch", name="Values").click()
    expect(rows.filter(has_text="WIND")).to_contain_text("north")

    page.get_by_role("button", name="Add a command before plan").click()
    page.get_by_role("textbox", name="Command 1 before plan").fill("echo look up")
    page.get_by_role("button", name="Save hooks").click()
    expect(page.get_by_role("button", name="Save hooks")).to_have_count(0)

    page.get_by_role("button", name="Attach to a stack").click()
    form = page.get_by_role("dialog", name="Attach sky to a stack")
    form.get_by_role("combobox", name="Stack").fill("weather")
    page.get_by_role("option", name="weather station").click()
    form.get_by_role("button", name="Attach", exact=True).click()
    stacks = page.get_by_role("table", name="Stacks that have it")
    expect(stacks).to_contain_text("attached, priority 0")
    kept = context(site, "sky")
    assert kept["hooks"]["beforePlan"] == ["echo look up"]
    assert [one["stackName"] for one in kept["attachedStacks"]] == ["weather station"]

    page.get_by_role("button", name="Copy", exact=True).click()
    form = page.get_by_role("dialog", name="Copy context sky")
    expect(form).to_contain_text("Secrets are not copied")
    form.get_by_role("button", name="Make the copy").click()
    expect(page.get_by_role("heading", name="sky copy", level=1)).to_be_visible()
    copy = context(site, "sky copy")
    assert [one["id"] for one in copy["config"]] == ["WIND"]
    assert (copy["labels"], copy["attachedStacks"]) == ([], [])
    assert copy["hooks"]["beforePlan"] == ["echo look up"]

    page.get_by_role("link", name="All contexts").click()
    page.get_by_role("link", name="sky", exact=True).click()
    page.get_by_role("button", name="Delete", exact=True).click()
    form = page.get_by_role("dialog", name="Delete context sky?")
    expect(form).to_contain_text("2 variables and files, 1 of them secret")
    expect(form).to_contain_text("weather station")
    form.get_by_label("Type sky to go on").fill("sky")
    form.get_by_role("button", name="Take it from them and delete it").click()
    expect(page).to_have_url(re.compile("/contexts$"))
    assert context(site, "sky") is None


def test_a_stack_says_where_each_value_comes_from_and_what_it_overrides(site, person):
    sea = site.context("sea", {"DEPTH": "10", "SALT": "3"})
    site.context("lake", {"DEPTH": "4"}, labels=["autoattach:water"])
    stack = site.stack(CODE, name="harbour", labels=["water"])
    site.configure(stack, "SALT", "none")
    page = person.open(f"/stack/{stack}/environment")
    rows = page.get_by_role("table", name="Variables").get_by_role("row")
    expect(rows.filter(has_text="DEPTH")).to_contain_text("lake")

    page.get_by_role("button", name="Attach context").click()
    form = page.get_by_role("dialog", name="Attach a context to harbour")
    form.get_by_role("combobox", name="Context").fill("sea")
    page.get_by_role("option", name="sea", exact=True).click()
    form.get_by_role("button", name="Attach", exact=True).click()

    # By hand counts before by label, and the stack's own before both.
    expect(rows.filter(has_text="DEPTH")).to_contain_text("sea")
    expect(rows.filter(has_text="DEPTH")).to_contain_text("instead of lake")
    expect(rows.filter(has_text="SALT")).to_contain_text("this stack")
    expect(rows.filter(has_text="SALT")).to_contain_text("instead of sea")
    page.get_by_role("switch", name="Values").click()
    expect(rows.filter(has_text="DEPTH")).to_contain_text("10")
    contexts = page.get_by_role("table", name="Contexts")
    expect(contexts.get_by_role("row").filter(has_text="lake")).to_contain_text("by a label")
    assert person.barriers() == []

    contexts.get_by_role("button", name="Detach sea").click()
    page.get_by_role("dialog").get_by_role("button", name="Detach", exact=True).click()
    expect(rows.filter(has_text="DEPTH")).not_to_contain_text("instead of")
    expect(page.get_by_role("link", name="lake").first).to_be_visible()
    assert site.api.ask("query ($id: ID!) { context(id: $id) { hasAttachedStacks } }", id=sea) == {
        "context": {"hasAttachedStacks": False}
    }
