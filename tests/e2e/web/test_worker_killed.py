"""A worker dies while it changes things: people see that nobody knows what it did, and go on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support.site import Site

BEGUN = """
resource "terraform_data" "first" { input = "made" }
resource "terraform_data" "slow" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" { command = "echo begun; sleep 30" }
}
"""
LOST_MS = 60_000
"""Until people know: a look every ten seconds, and a busy machine."""


@pytest.fixture(scope="module")
def site(replicas) -> Site:
    """The installation that stories share, with workers of its own to lose."""
    return Site(replicas.platform, replicas.entrance, pool="workers that people see die")


def nothing_is_heard(site: Site, run: str) -> None:
    """The time goes by that a worker may be silent. Other stories wait for it."""
    site.platform.change(
        "update run_lease set expires_at = now() - interval '1 second' where run_id = %s", run
    )


def test_a_worker_dies_while_applying_and_the_page_says_what_to_do(visit, site):
    (worker,) = site.start_workers(1)
    stack = site.stack(BEGUN, name="Ledger database")
    run = site.planned(stack)
    person = visit(site.server.address)
    page = person.open(f"/stack/{stack}/run/{run}")
    page.get_by_role("button", name="Confirm", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Confirm").click()
    site.api.wait_for(run, "APPLYING")
    site.api.wait_for_words(run, site.version(run, "APPLYING"), "begun")

    worker.kill()
    nothing_is_heard(site, run)

    told = page.get_by_role("alert").filter(has_text="Nobody knows how far this run came")
    expect(told).to_be_visible(timeout=LOST_MS)
    expect(told).to_contain_text("was lost while applying")
    expect(told).to_contain_text("Look at the infrastructure itself")
    expect(page.get_by_text("outcome unknown", exact=True)).to_be_visible()
    assert person.barriers() == []

    told.get_by_role("button", name=re.compile("unlock the stack")).click()
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()

    expect(told).to_contain_text("Somebody has looked and unlocked the stack")
    assert site.look(stack, "lockedBy")["lockedBy"] is None
    expect(page.get_by_text("outcome unknown", exact=True)).to_be_visible()

    following = site.trigger(stack)
    site.api.wait_for(following, "READY")
    page.goto(f"/stack/{stack}/run/{following}")
    expect(page.get_by_role("status").filter(has_text="Place in the queue")).to_be_visible()
    site.decide("runCancel", stack, following)
