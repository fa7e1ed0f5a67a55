"""What is done on a page before its picture is taken."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect


def type_name(page: Page) -> None:
    page.get_by_label("Account name").fill("northwind")
    expect(page.get_by_role("img", name="Kept")).to_have_count(3)
    page.evaluate("window.scrollTo(0, 0)")


def open_filter(page: Page) -> None:
    more = page.get_by_role("button", name=re.compile("^Filters"))
    if more.is_visible():  # on a phone they are behind one button
        more.click()
    page.get_by_role("button", name="Label", exact=True).click()
    expect(page.get_by_role("checkbox", name=re.compile("^env:production"))).to_be_visible()


def open_views(page: Page) -> None:
    page.get_by_role("button", name="Views", exact=True).click()
    expect(page.get_by_role("button", name="Shop in production")).to_be_visible()


def save_view(page: Page) -> None:
    page.get_by_role("button", name="Views", exact=True).click()
    page.get_by_role("button", name="Save this view").click()
    page.get_by_role("dialog").get_by_role("textbox", name="Name").fill(
        "What waits for the platform team"
    )


def choose_stacks(page: Page) -> None:
    for name in ("DNS zones", "network", "object storage"):
        page.get_by_role("checkbox", name=f"Choose {name}").check()
    expect(page.get_by_role("region", name="With the chosen ones")).to_be_visible()


def open_palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("textbox", name="Stacks, runs, pages").fill("net")
    expect(page.get_by_text("network").first).to_be_visible()


def walk_wizard(url: str, until: int) -> Callable[[Page], None]:
    """Go through the steps of a new stack, up to the one of this number."""

    def walk(page: Page) -> None:
        page.get_by_role("textbox", name="Repository").fill(url)
        page.get_by_role("combobox", name="Branch").fill("main")
        page.keyboard.press("Escape")
        expect(page.get_by_role("img", name="Fine").first).to_be_visible()
        for step in range(2, until + 1):
            page.get_by_role("button", name="Next").click()
            expect(page.get_by_role("heading", name=re.compile(f"^{step} of 4"))).to_be_visible()
            if step == 3:
                page.get_by_role("textbox", name="Name").fill("network, staging")

    return walk


def show_values(page: Page) -> None:
    page.get_by_role("switch", name="Values").click()
    expect(page.get_by_text("eu-west-1", exact=True).first).to_be_visible()


def compare_states(page: Page) -> None:
    page.get_by_role("button", name="What changed").first.click()
    expect(page.get_by_role("heading", name=re.compile(r"From serial \d+ to"))).to_be_visible()


def ask_to_delete(page: Page) -> None:
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(
        page.get_by_role("dialog").get_by_text(re.compile(r"What is to become of \d"))
    ).to_be_visible()


def open_delivery(page: Page) -> None:
    page.get_by_role("button", name="Open test").first.click()
    expect(page.get_by_role("dialog").get_by_text("X-Signature-256")).to_be_visible()


def open_stacks_deliveries(page: Page) -> None:
    page.get_by_role("link", name="Deliveries").click()
    expect(page.get_by_role("table", name="Deliveries")).to_be_visible()


def configure_a_run(page: Page) -> None:
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Run with its own configuration").click()
    expect(page.get_by_role("textbox", name="Configuration of this run")).to_be_visible()


def see_configuration(page: Page) -> None:
    heading = page.get_by_role("heading", name="Configuration", exact=True)
    expect(page.get_by_role("table", name="Configuration")).to_be_visible()
    heading.evaluate("node => node.scrollIntoView()")
    page.evaluate("window.scrollBy(0, -70)")  # the bar at the top lies over the page


def open_confirm(page: Page) -> None:
    page.get_by_role("button", name="Confirm", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()


def edit_space(page: Page) -> None:
    page.get_by_role("button", name="Edit or move").click()
    expect(page.get_by_role("dialog").get_by_label("Above it")).to_be_visible()


def give_role(page: Page) -> None:
    page.get_by_role("button", name="Give a role").click()
    expect(page.get_by_role("dialog").get_by_label("Space")).to_be_visible()


def invite_somebody(page: Page) -> None:
    page.get_by_role("button", name="Invite somebody").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("User name").fill("barbara")
    dialog.get_by_label("E-mail address").fill("barbara@northwind.example")


def ask_to_delete_user(page: Page) -> None:
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()


def make_oidc_key(page: Page) -> None:
    page.get_by_role("button", name="Create API key").click()
    page.get_by_text("With OpenID Connect").click()
    expect(page.get_by_label("Subject expression")).to_be_visible()


def type_labels(page: Page) -> None:
    page.get_by_role("textbox", name="Name").fill("AWS, staging")
    page.get_by_role("combobox", name="Labels").fill("autoattach:env:staging")
    page.keyboard.press("Enter")
    expect(page.get_by_text("attaches it to stacks with the label")).to_be_visible()


def open_entry(page: Page) -> None:
    page.get_by_role("link", name="api_key.create").first.click()
    expect(page.get_by_role("heading", name="api_key.create", level=1)).to_be_visible()


def lose_session(page: Page) -> None:
    page.context.request.post("/logout")
    page.evaluate("new BroadcastChannel('gantry.session').postMessage('look')")
    expect(page.get_by_role("dialog")).to_be_visible()


def choose_saml(page: Page) -> None:
    page.get_by_text("SAML 2.0", exact=True).click()
    expect(page.get_by_label("Address of the metadata")).to_be_visible()


def ask_to_end_sign_on(page: Page) -> None:
    page.get_by_role("button", name="Delete single sign-on").click()
    expect(page.get_by_role("dialog")).to_be_visible()
