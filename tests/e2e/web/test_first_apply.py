"""From the first sign-in on an empty installation to the first apply, by the pages alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Person
from tests.support.git_repository import Repository
from tests.support.platform import ADMIN, PASSWORD, Platform, Pool, Process, wait_until_ready

CODE = """
resource "terraform_data" "greeting" { input = "hello" }
output "greeting" { value = terraform_data.greeting.output }
"""


@pytest.fixture(scope="module")
def empty(new_platform) -> Iterator[tuple[Platform, Process]]:
    """An installation that nobody has signed in to, with no worker; and its server."""
    platform = new_platform()
    yield platform, platform.start()
    platform.stop()


@pytest.fixture(scope="module")
def without_password(empty) -> Process:
    """Another server of it, which lets nobody in by a password. It starts meanwhile."""
    platform, _ = empty
    return platform.start_server(ADMIN_USERNAME="", ADMIN_PASSWORD="")


def done(page: Page) -> list[str]:
    """The steps of the launchpad that are ticked off, each by its title alone."""
    steps = page.get_by_role("region", name="Launchpad").get_by_role("listitem")
    return steps.filter(has=page.get_by_role("img", name="Done")).all_inner_texts()


def test_somebody_comes_from_an_empty_installation_to_the_first_apply(
    empty, without_password, visit
):
    platform, server = empty
    person = visit(server.address, signed_in=False)
    page = person.open("/")

    names_the_account(person, platform)
    # Left open beside everything else: it ticks itself off.
    launchpad = visit(server.address).open("/launchpad").get_by_role("region", name="Launchpad")
    expect(launchpad.get_by_text("1 of 6 done")).to_be_visible()
    starts_a_worker(page, platform)
    expect(launchpad.get_by_text("2 of 6 done")).to_be_visible()
    makes_a_stack(page, platform)
    expect(launchpad.get_by_text("3 of 6 done")).to_be_visible()
    plans_and_applies(page)
    expect(launchpad.get_by_text("5 of 6 done")).to_be_visible()
    makes_a_key(page, platform)

    expect(launchpad.get_by_text("6 of 6 done")).to_be_visible()
    expect(launchpad.get_by_role("heading", name="You are off the ground")).to_be_visible()
    expect(launchpad.get_by_role("img", name="To do")).to_have_count(0)


def names_the_account(person: Person, platform: Platform) -> None:
    page = person.page
    page.get_by_label("User name").fill(ADMIN)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Set up Gantry")).to_be_visible()
    checks = page.get_by_role("list", name="Checks of the installation")
    for what in (
        "database: PostgreSQL",
        "encryption key: opens",
        "storage: ",
        "broker ",
        "clock: ",
    ):
        expect(checks.get_by_role("listitem").filter(has_text=what)).not_to_have_count(0)
    assert person.barriers_in_every_look() == []
    # Before the account has a name, errors are explained all the same.
    page = person.open("/help/errors/BAD_ACCOUNT_NAME")
    expect(page.get_by_role("heading", name="BAD_ACCOUNT_NAME")).to_be_visible()
    page.get_by_role("link", name="To the set-up").click()
    name = page.get_by_label("Account name")
    name.fill("-no")
    expect(page.get_by_role("img", name="Not yet")).to_have_count(1)
    name.fill("acme")
    expect(page.get_by_role("img", name="Kept")).to_have_count(3)
    page.get_by_role("button", name="Name it acme").click()
    expect(page.get_by_role("heading", name="From here to your first apply")).to_be_visible()
    expect(page).to_have_url(re.compile("/launchpad$"))
    assert done(page) == ["Name the account"]
    assert person.barriers() == []
    assert platform.rows("select name from account") == [("acme",)]
    # Nobody is asked twice.
    expect(person.open("/setup")).to_have_url(re.compile("/$"))


def starts_a_worker(page: Page, platform: Platform) -> None:
    page.goto("/launchpad")
    page.get_by_role("link", name="Go to workers").click()
    page.get_by_role("button", name="Create worker pool").first.click()
    page.get_by_role("textbox", name="Name").fill("our machines")
    page.get_by_role("button", name="Create the pool").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download environment file").click()
    given = dict(line.split("=", 1) for line in download.value.path().read_text().splitlines())
    platform.start_worker(Pool("", given["SPACELIFT_TOKEN"], given["SPACELIFT_POOL_PRIVATE_KEY"]))
    expect(page.get_by_text("A worker is there")).to_be_visible()

    page.goto("/launchpad")
    expect(page.get_by_text("2 of 6 done")).to_be_visible()


def makes_a_stack(page: Page, platform: Platform) -> None:
    code = Repository(platform.place / "code")
    code.commit({"main.tf": CODE}, "A greeting")
    page.get_by_role("link", name="Create a stack").click()
    page.get_by_role("textbox", name="Repository").fill(code.url)
    page.get_by_role("combobox", name="Branch").fill("main")
    for heading in ("Tool and state", "Name and behaviour"):
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    page.get_by_role("textbox", name="Name").fill("Our first stack")
    page.get_by_role("combobox", name="Workers").click()
    page.get_by_role("option", name="our machines").click()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Create stack").click()
    expect(page.get_by_role("heading", name="Our first stack is made")).to_be_visible()


def plans_and_applies(page: Page) -> None:
    page.get_by_role("button", name="Start the first run").click()
    expect(page).to_have_url(re.compile(r"/stack/our-first-stack/run/\w+$"))
    # Whoever watches sees it go from state to state.
    confirm = page.get_by_role("button", name="Confirm", exact=True)
    expect(confirm).not_to_have_attribute("aria-disabled", "true")
    expect(page.get_by_role("region", name="Lines: planning")).to_contain_text("Plan: 1 to add")
    page.get_by_role("tab", name=re.compile("Changes")).click()
    expect(page.get_by_text("terraform_data.greeting").first).to_be_visible()
    page.get_by_role("tab", name="Log").click()
    confirm.click()
    dialog = page.get_by_role("dialog", name="Apply this plan?")
    expect(dialog).to_contain_text("1 to add, 0 to change, 0 to delete")
    dialog.get_by_role("button", name="Confirm").click()

    expect(page.get_by_role("region", name="Lines: applying")).to_contain_text("Apply complete!")
    history = page.get_by_label("History, newest first")
    expect(history.get_by_text("finished", exact=True).first).to_be_visible()
    page.get_by_role("link", name="Our first stack").first.click()
    page.get_by_role("tab", name="Outputs").click()
    outputs = page.get_by_role("table", name="Outputs")
    expect(outputs.get_by_role("row", name="greeting")).to_contain_text("hello")


def makes_a_key(page: Page, platform: Platform) -> None:
    page.goto("/launchpad")
    page.get_by_role("link", name="Go to API keys").click()
    page.get_by_role("button", name="Create API key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("pipelines")
    dialog.get_by_role("radio", name="Everything").check()
    dialog.get_by_role("button", name="Create the key").click()
    platform.secrets.add(dialog.get_by_role("textbox", name="Secret").input_value())
    dialog.get_by_role("button", name="I have kept it").click()


def test_a_page_says_when_nobody_can_sign_in_with_a_password(without_password, visit):
    wait_until_ready(without_password)

    page = visit(without_password.address, signed_in=False).open("/sign-in")

    expect(page.get_by_role("alert")).to_contain_text(
        "ADMIN_USERNAME and ADMIN_PASSWORD are not set"
    )
    expect(page.get_by_role("button", name="Sign in")).to_have_count(0)
