"""From the first sign-in to the first apply, by the pages alone."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support.browser import PATIENCE_MS
from tests.support.platform import ADMIN, PASSWORD

CODE = """
resource "terraform_data" "greeting" { input = "hello" }
output "greeting" { value = terraform_data.greeting.output }
"""


def test_somebody_signs_in_and_takes_a_stack_through_plan_and_apply(visit, site):
    stack = site.stack(CODE, name="Our first stack")
    person = visit(site.server.address, signed_in=False)
    page = person.open("/")
    page.get_by_label("User name").fill(ADMIN)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Stacks").click()
    page.get_by_role("searchbox").fill("our first")
    expect(page.get_by_role("link", name="Our first stack")).to_be_visible()
    run = site.trigger(stack)
    page.get_by_role("row", name=re.compile("Our first stack")).get_by_role(
        "link", name=re.compile("queued|ready|preparing|initializing|planning|unconfirmed")
    ).click()

    # Whoever watches sees it go from state to state.
    expect(page).to_have_url(re.compile(run))
    confirm = page.get_by_role("button", name="Confirm", exact=True)
    expect(confirm).not_to_have_attribute("aria-disabled", "true", timeout=PATIENCE_MS)
    page.get_by_role("tab", name=re.compile("Changes")).click()
    expect(page.get_by_text("terraform_data.greeting").first).to_be_visible()
    confirm.click()
    dialog = page.get_by_role("dialog", name="Apply this plan?")
    expect(dialog).to_contain_text("1 to add, 0 to change, 0 to delete")
    dialog.get_by_role("button", name="Confirm").click()

    finished = page.get_by_text("finished", exact=True).first
    expect(finished).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("tab", name="applying").click()
    person.sees("Apply complete! Resources: 1 added, 0 changed, 0 destroyed.")
    assert site.outputs(stack) == {"greeting": '"hello"'}
