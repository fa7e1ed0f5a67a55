"""Webhooks in the browser: made, tried out, looked into, and a stack's that is told of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.support.receiver import Receiver

CODE = 'resource "terraform_data" "it" {}\n'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def test_a_webhook_is_made_tried_out_and_looked_into(person, receiver):
    page = person.open("/integrations/webhooks")
    page.get_by_role("button", name="Create webhook").first.click()
    page.get_by_role("textbox", name="Name").fill("chat")
    page.get_by_role("textbox", name="Endpoint").fill("https:/x")
    create = page.get_by_role("button", name="Create the webhook")
    expect(create).to_have_attribute("aria-description", re.compile("^An endpoint"))
    page.get_by_role("textbox", name="Endpoint").fill(f"{receiver.url}/in")
    page.get_by_role("textbox", name="Secret").fill("a shared secret")
    create.click()
    expect(page.get_by_role("heading", name="chat", level=1)).to_be_visible()

    page.get_by_role("textbox", name="Name").fill("Authorization")
    page.get_by_role("textbox", name="Value").fill("Bearer s3cret-token")
    page.get_by_role("button", name="Add header").click()
    expect(page.get_by_role("table", name="Headers")).to_contain_text("Authorization")
    page.get_by_role("button", name="Send a test").click()

    deliveries = page.get_by_role("table", name="Deliveries")
    expect(deliveries).to_contain_text("delivered")
    deliveries.get_by_role("button", name="Open test").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("thank you")
    expect(dialog).to_contain_text("Authorization: (not shown)")
    assert "s3cret-token" not in page.content()
    assert person.barriers() == []
    (call,) = receiver.calls
    assert json.loads(call.body)["event"] == "test"
    assert call.headers["authorization"] == "Bearer s3cret-token"


def test_a_stacks_webhook_is_told_of_its_runs_and_the_page_follows(site, person, receiver):
    stack = site.stack(CODE, name="told of")
    page = person.open(f"/stack/{stack}/webhooks")
    page.get_by_role("button", name="Add webhook").click()
    page.get_by_role("textbox", name="Endpoint").fill(f"{receiver.url}/runs")
    page.get_by_role("button", name="Add the webhook").click()
    page.get_by_role("link", name="Deliveries").click()
    expect(page.get_by_text("Nothing was sent in the last week")).to_be_visible()

    run = site.planned(stack)

    deliveries = page.get_by_role("table", name="Deliveries")
    expect(deliveries.get_by_text("delivered").nth(4)).to_be_visible()
    assert person.barriers() == []
    told = [json.loads(call.body) for call in receiver.calls]
    assert {one["run"]["id"] for one in told} == {run}
    versions = [one["stateVersion"] for one in told]
    assert versions == sorted(versions)
