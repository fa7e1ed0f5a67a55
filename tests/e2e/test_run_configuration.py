"""Runs with a configuration: of their repository's file, and of their own."""

from __future__ import annotations

import base64

CODE = """
variable "greeting" { type = string }
resource "terraform_data" "it" {
  input = var.greeting
  provisioner "local-exec" { command = "echo applying=$${WRITING:-gone} reading=$${READING:-gone}" }
}
output "greeting" { value = terraform_data.it.output }
"""
FILE = """
version: "2"
stack_defaults:
  before_init: &who [echo init by the file]
stacks:
  configured:
    project_root: live/app
    after_init: *who
    before_plan:
      - echo planning for $TF_VAR_greeting in $TF_VAR_spacelift_project_root
      - echo address=$ADDRESS
      - echo code=$(printf %s "$ADDRESS" | base64 | tr -d '\\n')
    environment:
      TF_VAR_greeting: hello-${NAME}
      ADDRESS: https://${USER_PART}@example.com
      USER_PART: robot:${PASSWORD}
      ro_READING: may-read
      wo_WRITING: may-write
"""
PASSWORD = "hunter-of-two-4711"
TRIGGER = """
mutation ($stack: ID!, $config: RuntimeConfigInput) {
  runTrigger(stack: $stack, runType: PROPOSED, runtimeConfig: $config) { id }
}
"""
CONFIGURATION = """
query ($stack: ID!, $run: ID!) { stack(id: $stack) { run(id: $run) { configuration {
  file fileVersion settings { name value source }
  hooks { phase commands place { source } }
  elements { id writeOnly place { source } overrides { source } }
} } } }
"""


def configuration(site, stack, run):
    return site.api.ask(CONFIGURATION, stack=stack, run=run)["stack"]["run"]["configuration"]


def test_a_run_does_what_the_file_in_its_repository_says_and_another_what_it_was_told(site):
    source = site.repository({"live/app/main.tf": CODE, ".gantry/config.yml": FILE})
    stack = site.stack(source, name="configured", beforePlan=["echo planning by the stack"])
    site.configure(stack, "NAME", "ada")
    site.configure(stack, "PASSWORD", PASSWORD, writeOnly=True)

    run = site.applied(stack)

    log = site.api.whole_log(run)
    assert log.count("init by the file") == 2
    assert "planning for hello-ada in live/app" in log
    assert "planning by the stack" not in log
    assert "address=*****" in log
    encoded = base64.b64encode(f"https://robot:{PASSWORD}@example.com".encode()).decode()
    assert encoded not in log
    assert PASSWORD not in log
    assert "applying=may-write reading=gone" in log
    assert site.outputs(stack) == {"greeting": '"hello-ada"'}
    kept = configuration(site, stack, run)
    assert (kept["file"], kept["fileVersion"]) == (".gantry/config.yml", 2)
    assert {"name": "project_root", "value": "live/app", "source": "FILE"} in kept["settings"]
    sources = {one["id"]: one["place"]["source"] for one in kept["elements"]}
    assert (sources["NAME"], sources["TF_VAR_greeting"]) == ("STACK", "FILE")

    yaml = "before_plan: ['echo planning as told']\nenvironment: {TF_VAR_greeting: 'bye-${NAME}'}"
    told = site.api.ask(TRIGGER, stack=stack, config={"yaml": yaml})["runTrigger"]["id"]
    site.api.wait_for(told, "FINISHED")

    log = site.api.whole_log(told)
    assert "planning as told" in log
    assert '"bye-ada"' in log
    assert "planning for" not in log
    sources = {
        one["id"]: one["place"]["source"] for one in configuration(site, stack, told)["elements"]
    }
    assert sources["TF_VAR_greeting"] == "RUN"


def test_a_file_that_cannot_be_used_fails_the_run_with_its_line(site):
    source = site.repository({"main.tf": "", ".spacelift/config.yml": "stacks:\n  a: [\n"})
    stack = site.stack(source)

    run = site.trigger(stack)
    ended = site.api.wait_for(run, "FAILED")

    reason = ended["history"][0]["note"]
    assert ".spacelift/config.yml" in reason
    assert "line 3" in reason
