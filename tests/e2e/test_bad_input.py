"""What goes wrong by somebody's mistake is said to whoever can put it right, and can be."""

from __future__ import annotations

import json
import time

import pytest
from gantry.infra.data_keys import new_data_key
from gantry.infra.vault import RsaVault, load_private_key
from joserfc import jws

from tests.support.api_client import Api
from tests.support.platform import encryption_key
from tests.support.site import CREATE, TRIGGER, Site

GOOD = 'resource "terraform_data" "it" { input = "fine" }\n'
VIEWER = "{ viewer { id } stacks { id } }"
UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def wanted(site: Site, **settings):
    return {
        "name": "a mistake",
        "administrative": False,
        "branch": "main",
        "repository": "code",
        "provider": "GIT",
        "workerPool": site.pool.id,
        **settings,
    }


def count_of_stacks(site: Site) -> int:
    return len(site.api.ask("{ stacks { id } }")["stacks"])


def assert_next_run_works(site: Site, stack: str) -> None:
    run = site.planned(stack)
    site.decide("runDiscard", stack, run)


# -- sources


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("not a url", "repository"),
        ("ftp://example.com/code.git", "repository"),
        ("https://user:hunter2@example.com/code.git", "repository"),
        ("https://127.0.0.1/code.git", "private"),
        ("ext::sh -c touch% /tmp/owned", "repository"),
        ("--upload-pack=touch /tmp/owned", "repository"),
    ],
)
def test_a_repository_address_that_cannot_be_used_makes_no_stack(site, url, words):
    before = count_of_stacks(site)

    refusal = site.api.expect_error(CREATE, input=wanted(site, repositoryURL=url))

    assert refusal.code == "BAD_STACK"
    assert words in refusal.message.lower()
    assert "hunter2" not in refusal.message
    assert count_of_stacks(site) == before


def test_a_repository_that_is_not_there_is_named(site, tmp_path):
    url = f"file://{tmp_path}/nowhere"

    made = site.api.ask(CREATE, input=wanted(site, repositoryURL=url))["stackCreate"]

    assert url in made["sourceProblem"]


def test_a_missing_branch_is_named_and_a_run_can_start_once_it_is_there(site):
    repository = site.repository({"main.tf": GOOD})
    settings = wanted(site, repositoryURL=repository.url, branch="release")
    made = site.api.ask(CREATE, input=settings)["stackCreate"]
    refusal = site.api.expect_error(TRIGGER, stack=made["id"], kind="TRACKED")
    assert "release" in made["sourceProblem"]
    assert "release" in refusal.message
    assert refusal.code == "NO_SUCH_REF"

    repository.git("branch", "release")

    assert_next_run_works(site, made["id"])
    assert site.look(made["id"], "sourceProblem")["sourceProblem"] is None


def test_a_commit_that_the_repository_lost_fails_the_run_and_says_so(site):
    stack = site.stack(GOOD)
    document = (
        "mutation ($stack: ID!, $sha: String) { runTrigger(stack: $stack, commitSha: $sha) { id } }"
    )
    run = site.api.ask(document, stack=stack, sha="0" * 39 + "1")["runTrigger"]["id"]

    failed = site.api.wait_for(run, "FAILED")

    assert "0" * 39 + "1" in failed["failureReason"]
    assert failed["history"][0]["note"] == failed["failureReason"]
    assert_next_run_works(site, stack)


def test_half_a_commit_id_is_refused(site):
    stack = site.stack(GOOD)
    document = (
        "mutation ($stack: ID!, $sha: String) { runTrigger(stack: $stack, commitSha: $sha) { id } }"
    )

    refusal = site.api.expect_error(document, stack=stack, sha="abc123")

    assert refusal.message == '"abc123" is not a full commit SHA of 40 hex digits.'
    assert site.look(stack, "runs { id }")["runs"] == []


def test_a_missing_project_root_fails_the_run_and_the_next_commit_can_bring_it(site):
    repository = site.repository({"main.tf": GOOD})
    stack = site.stack(repository, projectRoot="live/app")
    run = site.trigger(stack)

    failed = site.api.wait_for(run, "FAILED")

    assert failed["failureReason"] == 'There is no directory "live/app" in this commit.'
    assert "live/app" in site.api.whole_log(run)
    repository.commit({"live/app/main.tf": GOOD})
    assert_next_run_works(site, stack)


@pytest.mark.parametrize("root", ["/etc", "../elsewhere", "a/../../b"])
def test_a_project_root_outside_of_the_repository_makes_no_stack(site, root):
    before = count_of_stacks(site)

    refusal = site.api.expect_error(
        CREATE, input=wanted(site, repositoryURL="file:///x", projectRoot=root)
    )

    assert refusal.message == (
        "stack has 1 error: project root: must be a path inside the repository"
    )
    assert count_of_stacks(site) == before


# -- code and tools


def test_code_that_is_not_hcl_fails_the_run_and_the_log_quotes_it(site):
    repository = site.repository({"main.tf": 'resource "terraform_data" {\n'})
    stack = site.stack(repository)
    run = site.trigger(stack)

    failed = site.api.wait_for(run, "FAILED")

    assert failed["failureReason"] == "Initialisation failed with exit code 1."
    assert "main.tf line 1" in site.api.whole_log(run)
    repository.commit({"main.tf": GOOD})
    assert_next_run_works(site, stack)


def test_code_that_cannot_be_planned_fails_the_run(site):
    repository = site.repository({"main.tf": 'output "x" { value = file("missing") }\n'})
    stack = site.stack(repository)
    run = site.trigger(stack)

    failed = site.api.wait_for(run, "FAILED")

    assert failed["failureReason"] == "Planning failed with exit code 1."
    assert site.look(stack, "state blocked") == {"state": "FAILED", "blocked": False}
    repository.commit({"main.tf": GOOD})
    assert_next_run_works(site, stack)


def test_an_apply_that_fails_keeps_what_it_did_and_says_how_it_ended(site):
    repository = site.repository({"main.tf": GOOD + BREAKS})
    stack = site.stack(repository)
    run = site.planned(stack)
    site.decide("runConfirm", stack, run)

    failed = site.api.wait_for(run, "FAILED")

    assert failed["failureReason"] == "Applying failed with exit code 1."
    assert not failed["outcomeUnknown"]
    assert site.look(stack, "lockedBy")["lockedBy"] is None
    repository.commit({"main.tf": GOOD})
    again = site.planned(stack)
    # What was made before the failure is in the state; what failed half-way is tainted.
    assert site.api.run(again)["delta"]["addCount"] == 0
    assert site.api.run(again)["delta"]["deleteCount"] == 1
    site.decide("runDiscard", stack, again)


BREAKS = """
resource "terraform_data" "breaks" {
  depends_on = [terraform_data.it]
  provisioner "local-exec" { command = "exit 3" }
}
"""


@pytest.mark.parametrize(
    ("hooks", "reason"),
    [
        ({"beforePlan": ["exit 4"]}, "A before_plan hook failed with exit code 4."),
        ({"beforePlan": ["(exit 2)"]}, "A before_plan hook failed with exit code 2."),
        ({"afterInit": ["(exit 2)"]}, "An after_init hook failed with exit code 2."),
        ({"afterPlan": ["false"]}, "An after_plan hook failed with exit code 1."),
    ],
)
def test_a_hook_that_fails_fails_the_run(site, hooks, reason):
    stack = site.stack(GOOD, **hooks)
    run = site.trigger(stack)

    assert site.api.wait_for(run, "FAILED")["failureReason"] == reason
    assert not site.look(stack, "blocked")["blocked"]


def test_a_version_that_no_worker_can_get_fails_the_run_and_names_the_places_tried(site):
    stack = site.stack(GOOD, vendorConfig={"terraform": {"version": "1.5.7"}})
    run = site.trigger(stack)

    failed = site.api.wait_for(run, "FAILED")

    reason = failed["failureReason"]
    assert reason.startswith("There is no terraform that satisfies '1.5.7'.")
    assert "Mirror: none is configured." in reason
    update(site, stack, vendorConfig={"terraform": {"version": "~> 1.11"}})
    assert_next_run_works(site, stack)


def test_a_version_constraint_that_cannot_be_read_makes_no_stack(site):
    before = count_of_stacks(site)
    settings = wanted(
        site, repositoryURL="file:///x", vendorConfig={"terraform": {"version": "banana"}}
    )

    refusal = site.api.expect_error(CREATE, input=settings)

    assert refusal.message.startswith(
        "stack has 1 error: terraform: invalid Terraform version constraints: improper constraint:"
    )
    assert count_of_stacks(site) == before


def test_every_fault_of_a_stack_is_told_at_once(site):
    settings = wanted(
        site,
        name=" ",
        repositoryURL="",
        projectRoot="/",
        vendorConfig={"terraform": {"version": "banana"}},
    )

    refusal = site.api.expect_error(CREATE, input=settings)

    assert refusal.message.startswith("stack has 4 errors: ")


def update(site: Site, stack: str, **changes) -> None:
    seen = site.look(stack, "name repositoryURL")
    settings = wanted(site, name=seen["name"], repositoryURL=seen["repositoryURL"], **changes)
    site.api.ask(
        "mutation ($id: ID!, $input: StackInput!) { stackUpdate(id: $id, input: $input) { id } }",
        id=stack,
        input=settings,
    )


# -- tokens and ids


def forged(site: Site, token: str, **changes) -> str:
    """A token as this installation would have signed it, with other claims."""
    claims = json.loads(jws.extract_compact(token.encode()).payload)
    vault = RsaVault(load_private_key(encryption_key()), {1: new_data_key()}, 1)
    return vault.sign({**claims, **changes})


def test_nobody_is_recognised_by_a_wrong_or_an_expired_token(site):
    assert site.api.token is not None
    own = site.api.token
    header, body, signature = own.split(".")
    tokens = {
        "not a token": "abc",
        "another's signature": f"{header}.{body}.{signature[::-1]}",
        "expired": forged(site, own, exp=int(time.time()) - 60),
        "for another installation": forged(site, own, aud=["http://elsewhere"]),
        "for another purpose": forged(site, own, purpose="state"),
        "of a session that never was": forged(site, own, sub=UNKNOWN),
    }
    for name, token in tokens.items():
        answer = Api(site.server.address, token).answer(VIEWER)
        assert answer["data"] is None, name
        (error,) = answer["errors"]
        assert error["message"].startswith("unauthorized"), name
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        refused = Api(site.server.address, token).http.get("/events", params={"topic": "x"})
        assert refused.status_code == 401, name
    assert site.api.ask(VIEWER)["viewer"]["id"] == "admin::admin"
    assert Api(site.server.address, forged(site, own)).ask(VIEWER)["viewer"] is not None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ('mutation { runTrigger(stack: "nowhere") { id } }', "stack not found"),
        ('mutation { stackLock(id: "nowhere") { id } }', "stack not found"),
        ('mutation { stackDelete(id: "nowhere") { id } }', "stack not found"),
        ('mutation { taskCreate(stack: "nowhere", command: "ls") { id } }', "stack not found"),
        ('mutation { runConfirm(stack: "nowhere", run: "UNKNOWN") { id } }', "not found"),
        ('{ runStack(runId: "UNKNOWN") { id } }', "not found"),
        ('mutation { workerPoolCycle(id: "UNKNOWN") }', "worker pool not found"),
        (
            'mutation { stackManagedStateImport(stackId: "nowhere", state: "{\\"version\\": 4,'
            ' \\"serial\\": 1, \\"lineage\\": \\"x\\"}") }',
            "stack not found",
        ),
    ],
)
def test_an_unknown_id_is_said_to_be_not_found(site, document, message):
    refusal = site.api.expect_error(document.replace("UNKNOWN", UNKNOWN))

    assert refusal.message == message
    assert refusal.code == "NOT_FOUND"


def test_what_does_not_exist_reads_as_nothing(site):
    document = '{ stack(id: "nowhere") { id } workerPool(id: "UNKNOWN") { id } }'

    data = site.api.ask(document.replace("UNKNOWN", UNKNOWN))

    assert data == {"stack": None, "workerPool": None}


def test_a_run_of_another_stack_is_not_found_through_this_one(site):
    mine, other = site.stack(GOOD), site.stack(GOOD)
    run = site.planned(mine)

    refusal = site.api.expect_error(
        "mutation ($s: ID!, $r: ID!) { runConfirm(stack: $s, run: $r) { id } }", s=other, r=run
    )

    assert refusal.message == "not found"
    assert site.api.run(run)["state"] == "UNCONFIRMED"
    site.decide("runDiscard", mine, run)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/events?topic=run:{UNKNOWN}", 404),
        ("/events?topic=stack:nowhere", 404),
        (f"/events?topic=queue:{UNKNOWN}", 404),
        ("/events?topic=weather:today", 400),
        ("/events", 400),
        (f"/logs/{UNKNOWN}/1", 404),
        ("/logs/x/y", 404),
        ("/nowhere", 404),
    ],
)
def test_a_path_to_nothing_says_so(site, path, status):
    response = site.api.http.get(path)

    assert response.status_code == status
    assert "Something went wrong" not in response.text


def test_a_log_has_nothing_beyond_its_end(site):
    stack = site.stack(GOOD)
    run = site.planned(stack)
    version = site.version(run, "PLANNING")
    size = len(site.api.log(run, version))

    beyond = site.api.http.get(f"/logs/{run}/{version}", params={"offset": size + 1})
    negative = site.api.http.get(f"/logs/{run}/{version}", params={"offset": "-1"})

    assert beyond.json()["message"] == (
        f"The log has {size} bytes; there is nothing at offset {size + 1}."
    )
    assert negative.json()["message"] == "The offset of a log is a number of bytes."
    site.decide("runDiscard", stack, run)


def test_settings_that_no_run_could_be_given_are_refused(site):
    stack = site.stack(GOOD)
    bad = {
        "1NAME": ("x", {}),
        "../escape": ("aGk=", {"type": "FILE_MOUNT"}),
        "/absolute": ("aGk=", {"type": "FILE_MOUNT"}),
        "file": ("not base64!", {"type": "FILE_MOUNT"}),
    }
    for name, (value, more) in bad.items():
        element = {"id": name, "type": "ENVIRONMENT_VARIABLE", "writeOnly": False, **more}
        refusal = site.api.expect_error(
            "mutation ($stack: ID!, $config: ConfigInput!) {"
            " stackConfigAdd(stack: $stack, config: $config) { id } }",
            stack=stack,
            config={**element, "value": value},
        )
        assert refusal.code == "BAD_CONFIG_ELEMENT", name
    assert site.look(stack, "config { id }")["config"] == []


def test_values_that_a_database_would_refuse_go_through_plan_and_apply(site):
    code = r"""
    resource "terraform_data" "odd" { input = "nul \u0000 in the middle" }
    output "odd" { value = terraform_data.odd.output }
    """
    stack = site.stack(code)
    run = site.planned(stack)
    assert site.api.run(run)["delta"]["addCount"] == 1
    site.decide("runConfirm", stack, run)

    site.api.wait_for(run, "FINISHED")

    assert json.loads(site.outputs(stack)["odd"]) == "nul \0 in the middle"
