"""The page of the audit trail: found by filters, looked at, and taken along."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect


def test_what_was_done_is_found_by_filters_looked_at_and_exported(site, person):
    space = site.space("archive")
    site.api.ask("mutation ($id: ID!) { spaceDelete(space: $id) { id } }", id=space)
    page = person.open("/audit")
    rows = page.get_by_role("table", name="Audit trail").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("space.delete")

    page.get_by_role("button", name="Action").first.click()
    page.get_by_role("checkbox", name=re.compile("^space.create")).click()
    page.keyboard.press("Escape")
    expect(rows.filter(has_text="space.delete")).to_have_count(0)
    expect(page).to_have_url(re.compile("f.action=space.create"))
    page.get_by_role("button", name="Time", exact=True).click()
    page.get_by_role("button", name="The last hour").click()
    expect(page.get_by_text(re.compile("^Time: since"))).to_be_visible()
    assert person.barriers() == []

    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    lines = [json.loads(line) for line in download.value.path().read_text().splitlines()]
    assert {one["action"] for one in lines} == {"space.create"}
    assert space in {one["resource"]["id"] for one in lines}

    rows.nth(1).get_by_role("link", name="space.create").click()
    expect(page.get_by_role("heading", name="space.create", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="What was asked")).to_contain_text('"archive"')
    page.get_by_role("link", name="All that was done to it").click()
    expect(rows.filter(has_text="space.delete")).to_have_count(1)
    expect(rows).to_have_count(3)
