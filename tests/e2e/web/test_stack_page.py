"""The pages of a stack: what it is given, what is done with it by hand, and how it ends."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support.api_client import Api

CODE = """
variable "greeting" { default = "hello" }
variable "password" {
  default   = ""
  sensitive = true
}
resource "terraform_data" "greeting" { input = var.greeting }
output "greeting" { value = terraform_data.greeting.output }
output "password" {
  value     = var.password
  sensitive = true
}
"""
PAGES = ("", "/tasks", "/environment", "/state", "/outputs", "/settings", "/danger")
SECRET = "correct horse battery"
LOCK = 'mutation ($id: ID!) { stackLock(id: $id, note: "Moving subnets") { lockedBy } }'
KEY_USER = "mutation ($id: ID!, $secret: String!) { apiKeyUser(id: $id, secret: $secret) { jwt } }"
STACK = "query ($id: ID!) { stack(id: $id) { id } }"


@pytest.fixture(scope="module")
def robot(site) -> Api:
    """Somebody else who may do everything."""
    done = site.platform.run("admin", "api-keys", "create", "colleague", "--admin")
    assert done.returncode == 0, done.stderr
    said = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line)
    given = Api(site.server.address).ask(KEY_USER, id=said["id"], secret=said["secret"])
    return Api(site.server.address, given["apiKeyUser"]["jwt"], keep_alive=False)


def test_the_next_run_is_given_what_was_set_and_deleting_destroys_what_it_made(person, site):
    stack = site.stack(CODE)
    page = person.open(f"/stack/{stack}/environment")

    page.get_by_role("button", name="Add variable").click()
    form = page.get_by_role("dialog", name="Add a variable")
    form.get_by_label("Name").fill("not a name")
    expect(form.get_by_text("A name has letters, digits")).to_be_visible()
    form.get_by_label("Name").fill("TF_VAR_greeting")
    form.get_by_label("Value").fill("good morning")
    form.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Add variable").click()
    form.get_by_label("Name").fill("TF_VAR_password")
    form.get_by_label("Value").fill(SECRET)
    form.get_by_role("switch", name="Secret").click()
    form.get_by_role("button", name="Add").click()
    variables = page.get_by_role("table", name="Variables")
    expect(variables.get_by_role("row", name="TF_VAR_password")).to_contain_text("secret")
    page.get_by_role("switch", name="Values").click()
    expect(variables.get_by_role("row", name="TF_VAR_greeting")).to_contain_text("good morning")
    assert SECRET not in page.content()

    page.get_by_role("button", name="Add file").click()
    form = page.get_by_role("dialog", name="Add a file")
    form.get_by_label("Path").fill("notes/a.txt")
    form.get_by_role("textbox", name="Content of").fill("one\ntwo")
    form.get_by_role("button", name="Add").click()
    files = page.get_by_role("table", name="Mounted files")
    files.get_by_role("button", name="Edit notes/a.txt").click()
    expect(page.get_by_role("textbox", name="Content of notes/a.txt")).to_contain_text("two")
    page.get_by_role("dialog").get_by_role("button", name="Back").click()

    page.get_by_role("button", name="Add a command before plan").click()
    page.get_by_role("textbox", name="Command 1 before plan").fill("cat ../notes/a.txt")
    page.get_by_role("tab", name="Outputs").click()
    page.get_by_role("dialog", name="Leave without saving?").get_by_role(
        "button", name="Stay"
    ).click()
    page.get_by_role("button", name="Save hooks").click()
    expect(page.get_by_role("button", name="Save hooks")).to_be_hidden()
    assert site.look(stack, "beforePlan") == {"beforePlan": ["cat ../notes/a.txt"]}

    page.get_by_role("button", name="Trigger").click()
    expect(page).to_have_url(re.compile(rf"/stack/{stack}/run/"))
    run = page.url.rsplit("/", 1)[1]
    site.api.wait_for(run, "UNCONFIRMED")
    site.decide("runConfirm", stack, run)
    site.api.wait_for(run, "FINISHED")

    page = person.open(f"/stack/{stack}/outputs")
    outputs = page.get_by_role("table", name="Outputs")
    expect(outputs.get_by_role("row", name="greeting")).to_contain_text("good morning")
    expect(outputs.get_by_role("row", name="password")).to_contain_text("never shown here")
    assert SECRET not in page.content()

    page.get_by_role("tab", name="Danger zone").click()
    page.get_by_role("button", name="Delete").click()
    asked = page.get_by_role("dialog")
    expect(asked.get_by_text("What is to become of 1 resource?")).to_be_visible()
    expect(asked.get_by_text("access to its state, serial")).to_be_visible()
    asked.get_by_role("radio", name="Destroy resources first").check()
    name = site.look(stack, "name")["name"]
    asked.get_by_label(f"Type {name} to go on").fill(name)
    asked.get_by_role("button", name="Destroy and delete").click()
    person.sees("There is no such stack")
    assert site.api.ask(STACK, id=stack)["stack"] is None


def test_a_task_says_what_it_means_and_what_came_of_it(person, site):
    stack = site.stack(CODE)
    page = person.open(f"/stack/{stack}/tasks")
    person.sees("There is no plan and no question before it")
    perform = page.get_by_role("button", name="Perform")
    expect(perform).to_have_attribute("aria-description", "Write the command first.")

    page.get_by_label("Command", exact=True).fill("echo it is $((40 + 2))")
    page.get_by_role("checkbox", name="Skip initialization").check()
    perform.click()
    expect(page).to_have_url(re.compile(rf"/stack/{stack}/run/"))
    run = page.url.rsplit("/", 1)[1]
    site.api.wait_for(run, "FINISHED")
    assert "INITIALIZING" not in [step["state"] for step in site.api.run(run)["history"]]

    page = person.open(f"/stack/{stack}/tasks")
    row = page.get_by_role("table", name="Tasks").get_by_role("row", name="echo it is")
    expect(row).to_contain_text("finished")
    row.get_by_role("button", name="Write").click()
    expect(page.get_by_label("Command", exact=True)).to_have_value("echo it is $((40 + 2))")


def test_a_colleagues_lock_is_seen_at_once_and_says_why_nothing_can_be_started(person, site, robot):
    stack = site.stack(CODE)
    page = person.open(f"/stack/{stack}")
    trigger = page.get_by_role("button", name="Trigger")
    expect(trigger).not_to_have_attribute("aria-disabled", "true")

    locked_by = robot.ask(LOCK, id=stack)["stackLock"]["lockedBy"]

    person.sees(f"Locked by {locked_by}")
    person.sees("“Moving subnets”")
    sentence = f"stack is locked by {locked_by} (Moving subnets); only they can start runs on it"
    expect(trigger).to_have_attribute("aria-description", sentence)
    trigger.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("tooltip")).to_have_text(sentence)
    # What only the server can refuse says so with a code, and the code leads to what it means.
    page.keyboard.press("Control+k")
    page.get_by_role("button", name="Trigger a run of").click()
    page.get_by_role("dialog").get_by_role("button", name="Trigger", exact=True).click()
    refusal = page.get_by_role("alert").filter(has_text="No run of")
    expect(refusal).to_contain_text(sentence)
    refusal.get_by_role("link", name="STACK_LOCKED").click()
    expect(page.get_by_role("heading", name="STACK_LOCKED")).to_be_visible()
    page.go_back()
    assert site.look(stack, "runs { id }")["runs"] == []

    page.get_by_role("button", name="Preview").click()
    expect(page).to_have_url(re.compile(rf"/stack/{stack}/run/"))
    site.api.wait_for(page.url.rsplit("/", 1)[1], "FINISHED")
    page = person.open(f"/stack/{stack}")
    page.get_by_role("alert").get_by_role("button", name="Unlock").click()
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("button", name="Trigger")).not_to_have_attribute(
        "aria-disabled", "true"
    )


def test_discarding_what_waits_says_how_many_first(person, site):
    stack = site.stack(CODE)
    runs = [site.planned(stack), site.trigger(stack)]
    page = person.open(f"/stack/{stack}")

    def ask():
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Discard all runs that wait").click()
        return page.get_by_role("dialog", name="Discard all runs that wait?")

    asked = ask()
    expect(asked).to_contain_text(re.compile("2 runs of story .* end for good"))
    expect(asked).to_contain_text("1 plan that nobody has applied yet is lost")
    expect(page.get_by_role("menu")).to_have_count(0)  # it fades away
    assert person.barriers() == []
    asked.get_by_role("button", name="Keep it as it is").click()
    expect(asked).to_have_count(0)
    assert [site.api.run(run)["state"] for run in runs] == ["UNCONFIRMED", "QUEUED"]

    ask().get_by_role("button", name="Discard 2 runs").click()
    person.sees("2 runs discarded")
    assert [site.api.run(run)["state"] for run in runs] == ["DISCARDED", "DISCARDED"]
    confirm = ask().get_by_role("button", name="Discard")
    expect(confirm).to_have_attribute("aria-description", "No run of this stack waits.")


def test_settings_are_kept_until_they_are_saved_and_deleting_asks_for_the_name(visit, site):
    person = visit(site.server.address, viewport={"width": 390, "height": 844})
    stack = site.stack(CODE, name="Doomed thing", protectFromDeletion=True)
    page = person.open(f"/stack/{stack}/danger")
    delete = page.get_by_role("button", name="Delete")
    expect(delete).to_have_attribute("aria-description", re.compile("protected from deletion"))

    page.get_by_role("tab", name="Settings").click()
    page.get_by_role("textbox", name="Project root").fill("../elsewhere")
    save = page.get_by_role("button", name="Save")
    expect(save).to_have_attribute("aria-description", "Mend this first: project root.")
    page.get_by_role("textbox", name="Project root").fill("")
    page.get_by_role("textbox", name="Version").fill("latest, please")
    page.get_by_role("switch", name="Protect from deletion").click()
    save.click()
    person.sees("stack has 1 error")
    assert site.look(stack, "protectFromDeletion") == {"protectFromDeletion": True}
    page.get_by_role("textbox", name="Version").fill("")
    # What somebody else changes meanwhile stays.
    site.configure(stack, "A", "a")
    save.click()
    expect(save).to_be_hidden()
    assert site.look(stack, "protectFromDeletion config { id }") == {
        "protectFromDeletion": False,
        "config": [{"id": "A"}],
    }

    page.get_by_role("tab", name="Danger zone").click()
    delete.click()
    asked = page.get_by_role("dialog", name="Delete Doomed thing?")
    expect(asked.get_by_text("It has made nothing yet")).to_be_visible()
    expect(asked.get_by_text("1 variable or file, for good")).to_be_visible()
    confirm = asked.get_by_role("button", name="Delete the stack")
    asked.get_by_label("Type Doomed thing to go on").fill("doomed thing")
    expect(confirm).to_be_disabled()
    assert site.api.ask(STACK, id=stack)["stack"]
    asked.get_by_label("Type Doomed thing to go on").fill("Doomed thing")
    confirm.click()
    expect(page).to_have_url(re.compile(r"/stacks$"))
    assert site.api.ask(STACK, id=stack)["stack"] is None


def test_a_run_is_started_with_a_configuration_of_its_own_and_its_page_says_so(person, site):
    stack = site.stack(CODE)
    page = person.open(f"/stack/{stack}")

    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Run with its own configuration").click()
    form = page.get_by_role("dialog", name="Run with its own configuration")
    editor = form.get_by_role("textbox", name="Configuration of this run")
    editor.fill("environment:\n  TF_VAR_greeting: [a]\n")
    form.get_by_role("button", name="Start").click()
    expect(form.get_by_text("must have a single value")).to_be_visible()
    expect(form.get_by_text("(line 2)")).to_be_visible()
    assert site.look(stack, "runs { id } proposedRuns { id }") == {"runs": [], "proposedRuns": []}
    editor.fill("environment:\n  TF_VAR_greeting: ahoy\n")
    form.get_by_role("button", name="Start").click()

    page.get_by_role("tab", name="Details").click()
    settled = page.get_by_role("table", name="Configuration")
    expect(settled.get_by_role("row", name="TF_VAR_greeting")).to_contain_text("this run")
    expect(settled.get_by_role("row", name="terraform_workflow_tool")).to_contain_text("the stack")
