"""A stack's states: how two differ, one that is taken along, and one that is brought as a file."""

from __future__ import annotations

import hashlib
import json
import re

from playwright.sync_api import expect

from tests.e2e.web.conftest import STATE_SECRET


def test_two_states_are_compared_and_what_is_secret_stays_hidden(visit, site, applied):
    stack, _ = applied
    before = site.versions(stack)
    for scheme in ("light", "dark"):
        person = visit(site.server.address, color_scheme=scheme)
        heard: list[str] = []
        person.page.on(
            "response",
            lambda answer, heard=heard: (
                answer.url.endswith("/graphql") and heard.append(answer.text())
            ),
        )
        page = person.open(f"/stack/{stack}/state")
        states = page.get_by_role("table", name="States")
        expect(states.get_by_role("row")).to_have_count(len(before) + 1)
        assert person.barriers() == []

        more = page.get_by_role("button", name=f"More for serial {before[1][0]}", exact=True)
        row = states.get_by_role("row").filter(has=more)
        row.get_by_role("button", name="What changed").click()
        expect(page.get_by_role("heading", name=re.compile(r"From serial \d+ to"))).to_be_visible()
        size = page.get_by_role("table", name="Attributes of terraform_data.size")
        row = size.get_by_role("row").filter(has_text=re.compile("^input"))
        expect(row).to_contain_text('"small"')
        expect(row).to_contain_text('"large"')
        key = page.get_by_role("table", name="Attributes of terraform_data.key")
        expect(key.get_by_role("row").filter(has_text=re.compile("^input"))).to_contain_text(
            "(sensitive value)"
        )
        page.get_by_label("Address").fill("output")
        expect(page.get_by_role("list", name="Differences").get_by_role("listitem")).to_have_count(
            1
        )
        expect(page.get_by_role("table", name="Attributes of output.word")).to_be_visible()
        # Whoever is sent the address sees the same.
        expect(page).to_have_url(re.compile(r"\?compare=.+&address=output$"))
        assert person.barriers() == []
        assert heard
        assert STATE_SECRET not in "".join(heard)

    assert site.versions(stack) == before


def test_any_state_is_taken_along_as_terraform_wrote_it(person, site, applied):
    stack, _ = applied
    serial, version, _ = site.versions(stack)[0]
    page = person.open(f"/stack/{stack}/state")
    page.get_by_role("button", name=f"More for serial {serial}", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Download").click()

    assert download.value.suggested_filename == f"{stack}-{serial}.tfstate"
    state = download.value.path().read_bytes()
    # What was noted of the bytes when they came.
    came = "select size, sha256 from state_version where id = %s"
    assert site.platform.rows(came, version) == [(len(state), hashlib.sha256(state).hexdigest())]
    assert json.loads(state)["outputs"]["word"]["value"] == "small"


def test_a_file_of_another_lineage_is_refused_and_the_next_state_is_taken(visit, site, applied):
    stack, _ = applied
    before = site.versions(stack)
    serial, _, lineage = before[-1]
    person = visit(site.server.address)
    page = person.open(f"/stack/{stack}/state")
    page.get_by_role("button", name="Import a state").click()

    def choose(name: str, **of: object) -> None:
        document = {"version": 4, "outputs": {}, "resources": [], **of}
        page.get_by_label("State file").set_input_files(
            {"name": name, "mimeType": "application/json", "buffer": json.dumps(document).encode()}
        )

    choose("nonsense.tfstate", version=3)
    expect(page.get_by_role("alert")).to_contain_text("format version 4")
    choose("foreign.tfstate", serial=serial + 1, lineage="foreign")
    expect(page.get_by_role("alert")).to_contain_text("belongs to another lineage (foreign)")
    expect(page.get_by_role("button", name="Import the state")).to_have_attribute(
        "aria-description", re.compile("another lineage")
    )
    choose("older.tfstate", serial=serial - 1, lineage=lineage)
    expect(page.get_by_role("alert")).to_contain_text(f"behind the stored serial {serial}")
    assert site.versions(stack) == before

    choose("next.tfstate", serial=serial + 1, lineage=lineage)
    expect(page.get_by_text("− 3 removed")).to_be_visible()
    assert person.barriers() == []
    page.get_by_role("button", name="Lock the stack", exact=True).click()
    page.get_by_text("You locked it").wait_for()
    page.get_by_role("button", name="Import the state").click()
    page.get_by_role("dialog").get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text(re.compile(r"The state is serial \d+ now"))).to_be_visible()
    page.get_by_role("button", name="Unlock the stack").click()
    expect(page.get_by_role("button", name="Unlock the stack")).to_have_attribute(
        "aria-description", "It is not locked."
    )
    page.get_by_role("button", name="All states").click()
    expect(page.get_by_role("table", name="States")).to_contain_text("imported by")

    *kept, (newest, _, _) = site.versions(stack)
    assert kept == before
    assert newest > serial
    assert site.look(stack, "entityCount lockedAt")["lockedAt"] is None
