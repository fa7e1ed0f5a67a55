"""A stack's states: how two differ, back to an earlier one, and one that is brought as a file."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.support.site import Site

SECRET = "S3cr3t-of-the-state-history"
CODE = """
resource "terraform_data" "size" { input = "WORD" }
resource "terraform_data" "key" { input = sensitive("SECRET-WORD") }
output "word" { value = "WORD" }
"""


def code(word: str) -> str:
    return CODE.replace("WORD", word).replace("SECRET", SECRET)


def versions(site: Site, stack: str) -> list[tuple[int, str, str]]:
    """(serial, id, lineage) of the stack's states, oldest first."""
    return [
        (int(serial), str(version), str(lineage))
        for serial, version, lineage in site.platform.rows(
            "select serial, id, lineage from state_version where stack_id = %s order by serial",
            stack,
        )
    ]


@pytest.fixture(scope="module")
def stack(site: Site) -> str:
    """A stack that was applied twice, with other code in between."""
    repository = site.repository({"main.tf": code("small")})
    stack = site.stack(repository, name="story of states")
    site.applied(stack)
    repository.commit({"main.tf": code("large")}, "Larger")
    site.api.ask("mutation ($id: ID!) { stackSyncCommit(id: $id) { id } }", id=stack)
    site.applied(stack)
    return stack


def test_two_states_are_compared_and_what_is_secret_stays_hidden(visit, site, stack):
    before = versions(site, stack)
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

        states.get_by_role("button", name="What changed").first.click()
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
        assert SECRET not in "".join(heard)

    assert versions(site, stack) == before


def test_the_page_leads_from_an_earlier_state_to_it_being_the_current_one(visit, site, stack):
    before = versions(site, stack)
    serial, version, _ = before[0]
    person = visit(site.server.address)
    page = person.open(f"/stack/{stack}/state")
    page.get_by_role("button", name=f"More for serial {serial}", exact=True).click()
    page.get_by_role("menuitem", name="Roll back to this state").click()

    expect(page.get_by_text("What will not be undone:")).to_be_visible()
    expect(page.get_by_role("table", name="Attributes of terraform_data.size")).to_be_visible()
    expect(page.get_by_role("button", name=f"Roll back to serial {serial}")).to_have_attribute(
        "aria-description", re.compile("Lock the stack first")
    )
    assert person.barriers() == []
    page.get_by_role("button", name="Lock the stack", exact=True).click()
    page.get_by_text("You locked it").wait_for()
    page.get_by_role("button", name=f"Roll back to serial {serial}").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.get_by_text(re.compile(r"The state is serial \d+ now"))).to_be_visible()
    page.get_by_role("button", name="Unlock the stack").click()
    expect(page.get_by_role("button", name="Unlock the stack")).to_have_attribute(
        "aria-description", "It is not locked."
    )
    page.get_by_role("button", name="All states").click()
    expect(page.get_by_role("table", name="States")).to_contain_text(
        f"rolled back to serial {serial}"
    )

    *kept, (newest, _, _) = versions(site, stack)
    assert kept == before
    assert newest > before[-1][0]
    assert site.look(stack, "isStateRollback lockedAt") == {
        "isStateRollback": True,
        "lockedAt": None,
    }
    assert site.platform.rows(
        "select rollback_of from state_version where stack_id = %s and serial = %s", stack, newest
    ) == [(version,)]


def test_a_file_of_another_lineage_is_refused_and_the_next_state_is_taken(visit, site, stack):
    before = versions(site, stack)
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
    assert versions(site, stack) == before

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

    *kept, (newest, _, _) = versions(site, stack)
    assert kept == before
    assert newest > serial
    assert site.look(stack, "entityCount lockedAt")["lockedAt"] is None
