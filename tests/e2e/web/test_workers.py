"""The pages of workers: what waits and why, draining, and a pool whose key is made in the page."""

from __future__ import annotations

import re

from gantry.infra.pool_keys import new_pool_key
from playwright.sync_api import expect

from tests.support.platform import Pool, make_pool

WIDE = {"width": 1600, "height": 900}
"""Notices in the corner, which are there for some seconds, lie beside a dialog."""
CODE = 'resource "terraform_data" "it" {}\n'


def test_a_pool_shows_its_queue_with_reasons_and_a_drained_worker_takes_nothing(site, person):
    pool = make_pool(site.api, "pool of the queue")
    stack = site.stack(CODE, name="in the queue", workerPool=pool.id)
    page = person.open(f"/workers/{pool.id}")
    expect(page.get_by_role("heading", name="pool of the queue")).to_be_visible()
    expect(page.get_by_text("No worker is there.")).to_be_visible()
    expect(page.get_by_text("Nothing waits here")).to_be_visible()

    first = site.trigger(stack)
    waiting = page.get_by_role("table", name="Queue").get_by_role("row").nth(1)
    expect(waiting).to_contain_text("in the queue")
    expect(waiting).to_contain_text("none of pool pool of the queue is connected")
    assert person.barriers() == []

    site.platform.start_worker(pool)
    worker = page.get_by_role("table", name="Workers").get_by_role("row").nth(1)
    site.api.wait_for(first, "UNCONFIRMED")
    expect(worker).to_contain_text("idle")
    expect(page.get_by_text("Nothing waits here")).to_be_visible()
    worker.get_by_role("button", name=re.compile("^Drain worker")).click()
    expect(worker).to_contain_text("drained")

    site.decide("runConfirm", stack, first)
    expect(waiting).to_contain_text("is idle: 0 busy, 1 drained")
    expect(waiting).to_contain_text("confirmed")

    worker.get_by_role("button", name=re.compile("^Undrain worker")).click()
    site.api.wait_for(first, "FINISHED")
    expect(page.get_by_text("Nothing waits here")).to_be_visible()
    expect(worker).to_contain_text("idle")


def test_a_pool_is_made_in_the_page_and_its_first_worker_is_noticed(site, person):
    page = person.open("/workers")
    page.get_by_role("button", name="Create worker pool").click()
    page.get_by_role("textbox", name="Name").fill("made in the page")
    page.get_by_role("button", name="Create the pool").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download environment file").click()
    assert download.value.suggested_filename == "made-in-the-page.env"
    given = dict(line.split("=", 1) for line in download.value.path().read_text().splitlines())

    expect(page.get_by_text("Waiting for the first worker.")).to_be_visible()
    made = site.api.ask("{ workerPools { id name } }")["workerPools"]
    (pool_id,) = [pool["id"] for pool in made if pool["name"] == "made in the page"]
    site.platform.start_worker(
        Pool(pool_id, given["SPACELIFT_TOKEN"], given["SPACELIFT_POOL_PRIVATE_KEY"])
    )

    expect(page.get_by_text("A worker is there")).to_be_visible()
    page.get_by_role("link", name="To the pool").click()
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Type made in the page to go on").fill("made in the page")
    dialog.get_by_role("button", name="Delete the pool").click()
    expect(page).to_have_url(re.compile("/workers$"))
    assert site.api.ask("query ($id: ID!) { workerPool(id: $id) { id } }", id=pool_id) == {
        "workerPool": None
    }


def test_a_pool_is_given_a_new_key_and_its_workers_are_told_to_leave(site, visit):
    person = visit(site.server.address, viewport=WIDE)
    pool = make_pool(site.api, "pool of keys")
    (old,) = [site.platform.start_worker(pool)]
    stack = site.stack(name="held by the pool", workerPool=pool.id)
    run = site.task(stack, "while [ ! -e go-on ]; do sleep 0.05; done", skip_init=True)
    page = person.open(f"/workers/{pool.id}")
    workers = page.get_by_role("table", name="Workers").get_by_role("row")
    expect(workers.nth(1)).to_contain_text("performing")

    # Who asks is told what hangs on it, and may leave it at that.
    page.get_by_role("button", name="Reset", exact=True).click()
    dialog = page.get_by_role("dialog", name="Reset pool pool of keys?")
    expect(dialog).to_contain_text("The one worker of the old key is locked out at once.")
    expect(dialog).to_contain_text("held by the pool: while [ ! -e go-on ]")
    expect(dialog).to_contain_text("Runs that wait for a confirmation have to be planned again")
    reset = dialog.get_by_role("button", name="Reset the pool")
    expect(reset).to_have_attribute("aria-description", "The name has to be typed first.")
    assert person.barriers() == []
    dialog.get_by_role("button", name="Keep it as it is").click()
    (site.source(run) / "go-on").touch()
    site.api.wait_for(run, "FINISHED")
    expect(workers.nth(1)).to_contain_text("idle")

    key, request = new_pool_key(None)
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(dialog).to_contain_text("No worker holds a run now.")
    dialog.get_by_role("radio", name="I bring a signing request").check()
    dialog.get_by_label("2. Paste the request").fill(request)
    dialog.get_by_label("Type pool of keys to go on").fill("pool of keys")
    reset.click()
    made = page.get_by_role("dialog", name="Pool pool of keys has a new key")
    token = made.get_by_role("textbox", name="Token of the pool").input_value()
    made.get_by_role("button", name="I have kept it").click()
    expect(page.get_by_text("No worker is there.")).to_be_visible()
    assert token != pool.config
    old.terminate()

    new = site.platform.start_worker(Pool(pool.id, token, str(key)))
    expect(workers.nth(1)).to_contain_text("idle")
    page.get_by_role("button", name="Cycle", exact=True).click()
    dialog = page.get_by_role("dialog", name="Cycle the workers of pool of keys?")
    expect(dialog).to_contain_text("Each worker finishes what it holds and ends.")
    dialog.get_by_role("button", name="Cycle the worker").click()
    expect(page.get_by_text("No worker is there.")).to_be_visible()
    assert new.ended() == 0
