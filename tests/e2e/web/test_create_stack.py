"""A stack is made step by step: what cannot work is said while it is typed, and nothing is made."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from playwright.sync_api import expect

CODE = 'resource "terraform_data" "it" {}\n'
STACKS = "{ stacks { id name branch projectRoot labels protectFromDeletion workerPool { id } } }"


@pytest.fixture
def person(visit, site):
    """The administrator, whose browser changes colours at once when the theme changes."""
    return visit(site.server.address, reduced_motion="reduce")


def choose_source(page, url, *, branch, root):
    page.get_by_role("textbox", name="Repository").fill(url)
    page.get_by_role("combobox", name="Branch").fill(branch)
    page.get_by_role("combobox", name="Project root").fill(root)


def steps_on(page, to):
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", name=to)).to_be_visible()


def no_barriers(person):
    for scheme in ("dark", "light"):
        person.page.emulate_media(color_scheme=scheme)
        assert person.barriers() == []


def test_a_wrong_branch_is_refused_and_with_the_right_one_the_first_run_plans(person, site):
    repository = site.repository({"net/core/main.tf": CODE, "readme.md": "Words"})
    before = site.api.ask(STACKS)
    page = person.open("/new/stack")
    choose_source(page, repository.url, branch="mian", root="net/core")

    page.get_by_role("button", name="Next").click()
    branch = page.get_by_role("combobox", name="Branch")
    expect(branch).to_have_accessible_description(
        re.compile("The repository has no branch or tag “mian”")
    )
    expect(branch).to_be_focused()
    expect(page.get_by_role("link", name="NO_SUCH_REF")).to_have_attribute(
        "href", "/help/errors/NO_SUCH_REF"
    )
    expect(page.get_by_role("heading", name="1 of 4: Code")).to_be_visible()
    summary = page.get_by_role("button", name="Summary")
    page.get_by_role("button", name="Name and behaviour").focus()
    page.keyboard.press("Tab")
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    why = "It comes after “Name and behaviour”: go on with Next."
    expect(summary).to_have_attribute("aria-description", why)
    expect(page.get_by_role("tooltip")).to_have_text(why)
    expect(page.get_by_role("heading", name="1 of 4: Code")).to_be_visible()
    branch.focus()
    no_barriers(person)
    assert site.api.ask(STACKS) == before

    branch.fill("main")
    steps_on(page, "Tool and state")
    no_barriers(person)
    steps_on(page, "Name and behaviour")
    page.get_by_role("textbox", name="Name").fill("Story of a wizard")
    page.get_by_role("combobox", name="Labels").fill("team:net")
    page.keyboard.press("Enter")
    page.get_by_role("combobox", name="Workers").click()
    page.get_by_role("option", name="workers", exact=True).click()
    page.get_by_role("switch", name="Protect from deletion").check()
    no_barriers(person)

    page.reload()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Story of a wizard")
    steps_on(page, "Summary")
    no_barriers(person)
    page.get_by_role("tab", name="As Terraform").click()
    written = page.get_by_role("region", name="The stack as Terraform code").inner_text()
    assert 'project_root = "net/core"' in written
    subprocess.run(["terraform", "fmt", "-check", "-"], input=written, text=True, check=True)
    no_barriers(person)
    assert site.api.ask(STACKS) == before

    page.get_by_role("button", name="Create stack").click()
    expect(page.get_by_role("heading", name="Story of a wizard is made")).to_be_visible()
    no_barriers(person)
    (made,) = [stack for stack in site.api.ask(STACKS)["stacks"] if stack not in before["stacks"]]
    assert made == {
        "id": "story-of-a-wizard",
        "name": "Story of a wizard",
        "branch": "main",
        "projectRoot": "net/core",
        "labels": ["team:net"],
        "protectFromDeletion": True,
        "workerPool": {"id": site.pool.id},
    }

    page.get_by_role("button", name="Start the first run").click()
    expect(page).to_have_url(re.compile(r"/stack/story-of-a-wizard/run/\w+$"))
    run = page.url.rsplit("/", 1)[1]
    site.api.wait_for(run, "UNCONFIRMED")


def test_what_cannot_work_is_said_field_by_field_and_the_call_for_a_shell_works(person, site):
    repository = site.repository({"net/core/main.tf": CODE})
    before = site.api.ask(STACKS)
    page = person.open("/new/stack")
    on = page.get_by_role("button", name="Next")

    def fails(field, words):
        on.click()
        expect(field).to_have_accessible_description(re.compile(words))
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_be_focused()

    url = page.get_by_role("textbox", name="Repository")
    choose_source(page, f"{repository.url}-that-is-not", branch="main", root="net/cor")
    fails(url, f"There is no repository at {repository.url}-that-is-not")
    expect(page.get_by_role("link", name="REPOSITORY_UNREACHABLE")).to_be_visible()
    url.fill(repository.url)
    root = page.get_by_role("combobox", name="Project root")
    fails(root, "There is no directory “net/cor” on “main”")
    root.fill("net/core")
    steps_on(page, "Tool and state")
    version = page.get_by_role("combobox", name="Version")
    version.fill("1.5 or so")
    fails(version, "“1.5 or so” is no version and no range of versions")
    version.fill("99.1.0")
    expect(version).to_have_accessible_description(
        re.compile("Nobody has looked whether there is Terraform 99.1.0")
    )
    expect(version).not_to_have_attribute("aria-invalid", "true")
    version.fill("")
    steps_on(page, "Name and behaviour")
    page.get_by_role("textbox", name="Name").fill("Made in a shell")
    steps_on(page, "Summary")
    assert site.api.ask(STACKS) == before

    page.get_by_role("tab", name="As an API call").click()
    call = page.get_by_role("region", name="The stack as an API call").inner_text()
    assert site.api.token not in call
    variables = {"PATH": os.environ["PATH"], "GANTRY_TOKEN": site.api.token}
    subprocess.run(
        ["sh", "-eu"], input=call, text=True, env=variables, check=True, capture_output=True
    )
    (made,) = [stack for stack in site.api.ask(STACKS)["stacks"] if stack not in before["stacks"]]
    assert (made["id"], made["projectRoot"]) == ("made-in-a-shell", "net/core")


def test_a_branch_that_goes_meanwhile_is_noticed_before_anything_is_made(person, site):
    repository = site.repository({"main.tf": CODE})
    repository.git("branch", "soon-gone")
    before = site.api.ask(STACKS)
    page = person.open("/new/stack")
    choose_source(page, repository.url, branch="soon-gone", root="")
    for step in ("Tool and state", "Name and behaviour", "Summary"):
        steps_on(page, step)

    repository.git("branch", "-D", "soon-gone")
    page.get_by_role("button", name="Create stack").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was made")
    expect(page.get_by_role("alert")).to_contain_text("no branch or tag “soon-gone”")
    expect(page.get_by_role("heading", name="1 of 4: Code")).to_be_visible()
    assert site.api.ask(STACKS) == before
