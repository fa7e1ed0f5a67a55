"""A stack's first run, from the trigger to its outputs, with everything a stack can be given."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
from dataclasses import dataclass

import httpx2
import pytest

from tests.support.api_client import LOGS
from tests.support.site import Site, states

SECRET = "correct horse\nbattery staple 4711"
FILE = "mounted once, read twice\n"

CODE = """
variable "secret" { type = string }
variable "phase" { type = string }

resource "terraform_data" "kept" {
  input = { name = "kept", digest = sha256(var.secret) }

  provisioner "local-exec" {
    command = <<-EOT
      echo secret=$SECRET
      echo hex=$FROM_PLAN
      echo reading=$${READING:-gone}
      echo writing=$WRITING
    EOT
  }
}

resource "terraform_data" "listed" {
  for_each = toset(["a", "b"])
  input    = each.key
}

output "digest" { value = terraform_data.kept.output.digest }
output "mounted" { value = file("${path.module}/../../given/file.txt") }
output "phase" { value = var.phase }
output "number" { value = 42 }
output "hidden" {
  value     = var.secret
  sensitive = true
}
"""

HOOKS = {
    "beforeInit": ["echo order:before_init", "export TF_VAR_phase=from-before-init"],
    "afterInit": ["echo order:after_init"],
    "beforePlan": ["echo order:before_plan", "export FROM_PLAN=$(printf plan | od -An -tx1)"],
    "afterPlan": ["echo order:after_plan reading=$READING writing=${WRITING:-not-yet}"],
    "beforeApply": ["echo order:before_apply"],
    "afterApply": ["echo order:after_apply"],
    "afterRun": ["echo order:after_run $TF_VAR_spacelift_final_run_state"],
}


@dataclass
class Story:
    """A run that went all the way, and what was seen at its stop half-way."""

    stack: str
    run: str
    waiting: dict[str, object]
    ended: dict[str, object]


@pytest.fixture(scope="module")
def story(site: Site) -> Story:
    code = {"live/app/main.tf": CODE, "README.md": "# Not here\n"}
    stack = site.stack(site.repository(code), projectRoot="live/app", **HOOKS)
    site.configure(stack, "TF_VAR_secret", SECRET, writeOnly=True)
    site.configure(stack, "SECRET", SECRET, writeOnly=True)
    site.configure(stack, "ro_READING", "may-read")
    site.configure(stack, "wo_WRITING", "may-write")
    site.configure(stack, "TF_VAR_phase", "from-the-stack")
    site.configure(
        stack, "source/given/file.txt", base64.b64encode(FILE.encode()).decode(), type="FILE_MOUNT"
    )
    run = site.trigger(stack)
    waiting = site.api.wait_for(run, "UNCONFIRMED")
    site.decide("runConfirm", stack, run, note="looks right")
    ended = site.api.wait_for(run, "FINISHED")
    return Story(stack, run, waiting, ended)


def test_a_run_goes_through_its_states_in_order_and_tells_the_newest_first(story, site):
    history = story.ended["history"]

    assert states(story.ended) == [
        "QUEUED",
        "READY",
        "PREPARING",
        "INITIALIZING",
        "PLANNING",
        "UNCONFIRMED",
        "CONFIRMED",
        "PREPARING_APPLY",
        "APPLYING",
        "FINISHED",
    ]
    versions = [move["stateVersion"] for move in history]
    assert versions == sorted(versions, reverse=True)
    assert [move["terminal"] for move in history] == [True] + [False] * 9
    assert site.look(story.stack, "state blocked")["state"] == "FINISHED"


def test_the_history_says_who_decided_and_why_and_which_worker_did_the_rest(story):
    moves = {move["state"]: move for move in story.ended["history"]}

    assert moves["CONFIRMED"]["username"] == "admin::admin"
    assert moves["CONFIRMED"]["note"] == "looks right"
    assert moves["PLANNING"]["username"] is None
    assert moves["PREPARING"]["workerId"]
    assert moves["PREPARING_APPLY"]["workerId"]


def test_only_states_in_which_a_worker_works_have_logs(story):
    with_logs = {move["state"] for move in story.ended["history"] if move["hasLogs"]}

    assert with_logs == {"PREPARING", "INITIALIZING", "PLANNING", "PREPARING_APPLY", "APPLYING"}


def test_a_log_read_page_by_page_and_a_streamed_log_are_the_same_bytes(story, site):
    for move in story.ended["history"]:
        if move["hasLogs"]:
            version = move["stateVersion"]
            streamed = site.api.log(story.run, version)
            lines = site.api.log_lines(story.stack, story.run, move["state"], version)
            assert "".join(lines).encode() == streamed
            assert streamed.endswith(b"\n")
            assert all(line.count("\n") == 1 for line in lines)


def test_a_client_that_asks_again_and_again_sees_each_state_and_line_once(site):
    """As command line clients follow a run: the history backwards, then each state's log."""
    code = 'resource "terraform_data" "it" { input = "x" }\n'
    stack = site.stack(
        code, autodeploy=True, beforePlan=["for i in 1 2 3; do echo $i; sleep 0.3; done"]
    )
    run = site.trigger(stack)
    seen, lines = [], []
    while not seen or not seen[-1]["terminal"]:
        history = site.api.run(run)["history"]
        for move in reversed(history[: len(history) - len(seen)]):
            seen.append(move)
            if move["hasLogs"]:
                lines += follow(site, stack, run, move)
        time.sleep(0.05)

    assert [move["state"] for move in seen] == states(site.api.run(run))
    assert "".join(lines) == site.api.whole_log(run)
    assert "".join(lines).count("1\n2\n3\n") == 1


def follow(site: Site, stack: str, run: str, move: dict[str, object]) -> list[str]:
    lines, token = [], None
    while True:
        asked = {"run": run, "state": move["state"], "version": move["stateVersion"]}
        page = site.api.ask(LOGS, stack=stack, token=token, **asked)["stack"]["run"]["logs"]
        lines += [message["message"] for message in page["messages"]]
        assert page["exists"]
        assert page["hasMore"] is not page["finished"]
        if page["finished"]:
            return lines
        token = page["nextToken"]
        assert token
        time.sleep(0.05)


def test_a_plan_says_what_it_would_change_before_anybody_confirms(story, site):
    document = """
    query ($stack: ID!, $run: ID!) { stack(id: $stack) { run(id: $run) {
      changesV3(input: {}) { resources { address metadata { type resourceType before after } } }
    } } }"""
    asked = site.api.ask(document, stack=story.stack, run=story.run)
    (changes,) = asked["stack"]["run"]["changesV3"]

    assert story.waiting["delta"] == {
        "addCount": 3,
        "changeCount": 0,
        "deleteCount": 0,
        "resources": 3,
    }
    assert story.waiting["canConfirm"]
    assert story.waiting["canDiscard"]
    assert [(r["address"], r["metadata"]["type"]) for r in changes["resources"]] == [
        ("terraform_data.kept", "add"),
        ('terraform_data.listed["a"]', "add"),
        ('terraform_data.listed["b"]', "add"),
    ]
    assert {r["metadata"]["resourceType"] for r in changes["resources"]} == {"terraform_data"}
    assert all(r["metadata"]["before"] is None for r in changes["resources"])


def test_outputs_are_json_and_secret_ones_are_held_back(story, site):
    outputs = site.outputs(story.stack)
    marked = site.look(story.stack, "outputs { id sensitive }")["outputs"]

    assert json.loads(outputs["number"]) == 42
    assert json.loads(outputs["mounted"]) == FILE
    assert outputs["hidden"] is None
    assert [output["id"] for output in marked if output["sensitive"]] == ["hidden"]
    assert sorted(outputs) == ["digest", "hidden", "mounted", "number", "phase"]


def test_entities_are_the_resources_of_the_newest_state(story, site):
    def indexed():
        seen = site.look(
            story.stack,
            "entityCount entities { id address type name parent creator { id } updater { id }"
            " vendor { ... on EntityVendorTerraform { terraform {"
            " ... on TerraformResource { mode tainted } } } } }",
        )
        return seen if seen["entityCount"] else None

    seen = site.api.wait(f"stack:{story.stack}", indexed, "the entities of the state")

    assert seen["entityCount"] == 3
    resources = [e for e in seen["entities"] if e["type"] == "terraform_data"]
    assert [e["address"] for e in resources] == [
        "terraform_data.kept",
        'terraform_data.listed["a"]',
        'terraform_data.listed["b"]',
    ]
    assert {e["creator"]["id"] for e in resources} == {story.run}
    outputs = {e["name"] for e in seen["entities"] if e["type"] == "output"}
    assert outputs == site.outputs(story.stack).keys()


def test_a_plan_can_be_had_as_json_by_whoever_may_see_the_run(story, site):
    answer = site.api.http.get(f"/plans/{story.run}", follow_redirects=True)

    plan = json.loads(gzip.decompress(answer.content))
    addresses = [change["address"] for change in plan["resource_changes"]]
    assert addresses == [
        "terraform_data.kept",
        'terraform_data.listed["a"]',
        'terraform_data.listed["b"]',
    ]
    for word in ("correct horse", "battery staple", "4711"):
        assert word not in json.dumps(plan)


def test_a_run_is_given_a_token_for_clouds_in_its_environment_and_as_a_file(story, site):
    task = site.task(
        story.stack,
        'test "$(cat /mnt/workspace/spacelift.oidc)" = "$SPACELIFT_OIDC_TOKEN" && echo the same;'
        " echo $SPACELIFT_OIDC_TOKEN | cut -d. -f2 | tr _- /+ | base64 -d 2>/dev/null || true",
    )
    site.api.wait_for(task, "FINISHED")

    log = site.api.whole_log(task)
    assert "the same" in log
    said = json.loads("{" + log.partition('{"iss"')[2].join(['"iss"', ""]).partition("}")[0] + "}")
    found = httpx2.get(f"{site.server.address}/.well-known/openid-configuration").json()
    assert said["iss"] == found["issuer"]
    assert said["runId"] == task
    assert set(said) <= set(found["claims_supported"])


def test_a_secret_reaches_terraform_and_never_a_log(story, site):
    log = site.api.whole_log(story.run)

    digest = json.loads(site.outputs(story.stack)["digest"])
    assert digest == hashlib.sha256(SECRET.encode()).hexdigest()
    assert "secret=*****" in log.replace("\r", "")
    for word in ("correct horse", "battery staple", "4711"):
        assert word not in log
    everything = site.api.ask(
        "query ($id: ID!) { stack(id: $id) { config { id value writeOnly } runtimeConfig {"
        " element { id value } } entities { vendor { ... on EntityVendorTerraform { terraform {"
        " ... on TerraformResource { values } } } } } } }",
        id=story.stack,
    )
    assert "battery" not in json.dumps(everything)


def test_hooks_run_in_order_around_their_phases(story, site):
    words = [w for w in site.api.whole_log(story.run).split() if w.startswith("order:")]

    assert words == [
        "order:before_init",
        "order:after_init",
        "order:before_plan",
        "order:after_plan",
        "order:before_apply",
        "order:after_apply",
        "order:after_run",
    ]


def test_what_a_hook_exports_is_there_in_later_phases_until_the_pause(story, site):
    # Planned in a later phase than the hook's; the apply after the pause begins afresh.
    assert json.loads(site.outputs(story.stack)["phase"]) == "from-before-init"


def test_prefixes_select_the_phases_that_see_a_variable(story, site):
    log = site.api.whole_log(story.run)

    assert "reading=may-read writing=not-yet" in log
    assert "reading=gone" in log
    assert "writing=may-write" in log


def test_the_last_hook_learns_how_the_run_ends(story, site):
    assert "order:after_run FINISHED" in site.api.whole_log(story.run)


def test_workers_keep_nothing_of_a_run_that_has_ended(story, site):
    site.wait_until_nothing_is_left(story.run)
