"""Managed state as Terraform meets it, and as people move it by hand."""

from __future__ import annotations

import base64
import codecs
import hashlib
import json
from dataclasses import dataclass

import httpx2
import pytest

from tests.support.api_client import PATIENCE, Api
from tests.support.site import Site, states

CODE = """
variable "word" { default = "first" }
resource "terraform_data" "it" { input = var.word }
output "word" { value = terraform_data.it.output }
"""
# Masked as it is; turned by thirteen letters it is a word like any other.
SAY_TOKEN = 'printf \'token %s\\n\' "$(printf %s "$TF_HTTP_PASSWORD" | tr A-Za-z N-ZA-Mn-za-m)"'
LOCK = {"ID": "lock-1", "Operation": "OperationTypePlan", "Who": "ada@laptop"}
IMPORT = (
    "mutation ($id: ID!, $state: String!) { stackManagedStateImport(stackId: $id, state: $state) }"
)
ROLLBACK = """
mutation ($id: ID!, $version: String!) {
  stackManagedStateRollback(stackId: $id, managedStateVersionId: $version) {
    id rollback rollbackUsername imported size
  }
}
"""
DOWNLOAD = "mutation ($id: ID!) { stateDownloadUrl(input: { stackId: $id }) { url } }"


@dataclass
class Backend:
    """Terraform's http backend, with a run's own credential."""

    api: Api
    stack: str
    run: str
    token: str

    def call(self, method: str, body: object = None, *, lock: str | None = None, **headers: str):
        auth = (headers.pop("user", self.run), headers.pop("password", self.token))
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx2.request(
            method,
            f"{self.api.address}/state/{headers.pop('stack', self.stack)}",
            params={"ID": lock} if lock else {},
            content=b"" if body is None else content,
            headers=headers,
            auth=auth,
            timeout=PATIENCE,
        )


def a_state(serial: int, word: str, lineage: str = "a-lineage") -> dict[str, object]:
    return {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": serial,
        "lineage": lineage,
        "outputs": {"word": {"value": word, "type": "string"}},
        "resources": [],
    }


def token_in(site: Site, run: str, phase: str) -> str:
    """The credential that a run's command has said, turned, in its log."""
    site.api.wait_for(run, phase)
    version = site.version(run, phase)
    site.api.wait_for_words(run, version, "told\n")
    lines = site.api.ask(
        "query ($s: ID!, $r: ID!, $v: Int) { stack(id: $s) { run(id: $r) {"
        f" logs(state: {phase}, stateVersion: $v) {{ messages {{ message }} }} }} }} }}",
        s=site.api.ask("query ($r: ID!) { runStack(runId: $r) { id } }", r=run)["runStack"]["id"],
        r=run,
        v=version,
    )["stack"]["run"]["logs"]["messages"]
    (said,) = [line["message"] for line in lines if line["message"].startswith("token ")]
    return codecs.decode(said.removeprefix("token ").strip(), "rot13")


@pytest.fixture
def planning(site: Site):
    """The backend of a run that plans as long as the test lasts."""
    stack = site.stack(CODE, beforePlan=[SAY_TOKEN, "echo told; sleep 60"])
    run = site.trigger(stack)
    yield Backend(site.api, stack, run, token_in(site, run, "PLANNING"))
    if not site.api.run(run)["finished"]:
        site.decide("runStop", stack, run)
        site.api.wait_for(run, "STOPPED")


@pytest.fixture
def performing(site: Site):
    """The backend of a task that performs, and so may write, as long as the test lasts."""
    stack = site.stack(CODE)
    run = site.task(stack, f"{SAY_TOKEN}; echo told; sleep 60", skip_init=True)
    yield Backend(site.api, stack, run, token_in(site, run, "PERFORMING"))
    if not site.api.run(run)["finished"]:
        site.decide("runStop", stack, run)
        site.api.wait_for(run, "STOPPED")


def test_a_run_that_plans_may_read_and_lock_the_state_but_not_write_it(planning):
    assert planning.call("GET").status_code == 204
    assert planning.call("LOCK", LOCK).status_code == 200
    assert planning.call("LOCK", LOCK).status_code == 200
    other = planning.call("LOCK", {**LOCK, "ID": "lock-2"})
    assert other.status_code == 423
    assert other.json() == LOCK

    written = planning.call("POST", a_state(1, "x"), lock="lock-1")

    assert written.status_code == 403
    assert "may not change the state in this phase" in written.json()["message"]
    assert planning.call("GET").status_code == 204
    assert planning.call("UNLOCK", {**LOCK, "ID": "lock-2"}).status_code == 409
    assert planning.call("UNLOCK", LOCK).status_code == 200
    assert planning.call("LOCK", {**LOCK, "ID": "lock-2"}).status_code == 200


def test_nobody_else_gets_at_the_state(planning, site):
    other = site.stack(CODE)
    session = site.api.token
    wrong = [
        {"password": "guess"},
        {"password": planning.token[:-2] + "xx"},
        {"password": session},
        {"user": "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
        {"stack": other},
        {"stack": "nowhere"},
    ]
    for attempt in wrong:
        for method in ("GET", "POST", "LOCK", "UNLOCK"):
            answer = planning.call(method, LOCK, **attempt)
            assert answer.status_code == 401, (method, attempt)
    bare = httpx2.get(f"{site.server.address}/state/{planning.stack}")
    assert bare.status_code == 401
    bearer = site.api.http.get(f"/state/{planning.stack}")
    assert bearer.status_code == 401
    assert planning.call("GET").status_code == 204


def test_the_credential_ends_with_the_phase_and_so_does_its_lock(planning, site):
    assert planning.call("LOCK", LOCK).status_code == 200
    site.decide("runStop", planning.stack, planning.run)
    site.api.wait_for(planning.run, "STOPPED")

    for method in ("GET", "POST", "LOCK", "UNLOCK"):
        assert planning.call(method, LOCK, lock="lock-1").status_code == 401

    # A later run's Terraform finds the state unlocked.
    task = site.task(planning.stack, "terraform state list || true; echo could read")
    site.api.wait_for(task, "FINISHED")


def test_a_state_is_written_only_under_the_lock_that_is_held_and_in_order(performing):
    def write(body, lock):
        return performing.call("POST", body, lock=lock)

    assert write(a_state(1, "x"), "lock-1").status_code == 409
    assert performing.call("LOCK", LOCK).status_code == 200
    assert write(a_state(1, "x"), "lock-2").status_code == 409
    assert performing.call("GET").status_code == 204

    assert write(a_state(1, "one"), "lock-1").status_code == 200
    assert write(a_state(1, "one"), "lock-1").status_code == 200  # an answer that was lost
    assert write(a_state(3, "three"), "lock-1").status_code == 200

    for refused in (
        a_state(2, "behind"),
        a_state(3, "other content"),
        a_state(4, "x", lineage="another"),
        {"version": 3},
        b"not json",
        b"",
    ):
        answer = write(refused, "lock-1")
        assert answer.status_code in (400, 409), answer.text
        assert "Something went wrong" not in answer.text
    kept = performing.call("GET")
    assert kept.json() == a_state(3, "three")
    digest = base64.b64encode(hashlib.md5(kept.content, usedforsecurity=False).digest())
    assert kept.headers["content-md5"] == digest.decode()
    damaged = performing.call(
        "POST", a_state(4, "four"), lock="lock-1", **{"content-md5": "d2hhdGV2ZXI="}
    )
    assert damaged.status_code == 400
    assert performing.call("DELETE").status_code == 403
    assert performing.call("GET").json()["serial"] == 3


def test_a_preview_neither_waits_for_the_state_lock_nor_takes_it(performing, site):
    assert performing.call("LOCK", LOCK).status_code == 200

    preview = site.trigger(performing.stack, "PROPOSED")

    assert site.api.wait_for(preview, "FINISHED")["delta"]["addCount"] == 1


def test_a_state_that_was_imported_is_what_the_next_plan_starts_from(site):
    stack = site.stack(CODE)
    text = json.dumps(a_state(7, "imported"))
    refusal = site.api.expect_error(IMPORT, id=stack, state=text)
    assert refusal.message.startswith("Lock the stack first")
    site.api.ask("mutation ($id: ID!) { stackLock(id: $id) { id } }", id=stack)

    for bad in ("{}", "not json", json.dumps({**a_state(1, "x"), "serial": -1})):
        assert site.api.expect_error(IMPORT, id=stack, state=bad).code == "BAD_STATE"
    site.api.ask(IMPORT, id=stack, state=text)

    task = site.task(stack, "terraform state pull")
    site.api.wait_for(task, "FINISHED")
    pulled = site.api.log(task, site.version(task, "PERFORMING")).decode()
    assert '"lineage": "a-lineage"' in pulled
    assert '"imported"' in pulled


def test_no_state_is_moved_by_hand_while_a_run_holds_the_stack(site):
    stack = site.stack(CODE)
    run = site.planned(stack)
    site.api.ask("mutation ($id: ID!) { stackLock(id: $id) { id } }", id=stack)

    refusal = site.api.expect_error(IMPORT, id=stack, state=json.dumps(a_state(1, "x")))

    assert "holds the stack" in refusal.message
    site.decide("runConfirm", stack, run)
    site.api.wait_for(run, "FINISHED")
    assert json.loads(site.outputs(stack)["word"]) == "first"


def test_an_earlier_state_is_made_the_current_one_again(site):
    stack = site.stack(CODE)
    site.applied(stack)
    site.api.ask("mutation ($id: ID!) { stackLock(id: $id) { id } }", id=stack)
    before = downloaded(site, stack)
    document = json.loads(before)
    site.api.ask(IMPORT, id=stack, state=json.dumps({**document, "resources": [], "outputs": {}}))
    assert json.loads(downloaded(site, stack))["resources"] == []
    assert not site.look(stack, "isStateRollback")["isStateRollback"]

    unknown = site.api.expect_error(ROLLBACK, id=stack, version="01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert unknown.message == "state version not found"
    versions = site.platform.rows(
        "select id, serial from state_version where stack_id = %s order by serial", stack
    )
    current = site.api.expect_error(ROLLBACK, id=stack, version=versions[-1][0])
    assert current.message == "This is the current state already."
    wanted = next(name for name, serial in versions if serial == document["serial"])
    made = site.api.ask(ROLLBACK, id=stack, version=wanted)["stackManagedStateRollback"]

    assert made["rollback"]
    assert made["rollbackUsername"] == "admin::admin"
    assert made["id"] not in [name for name, _ in versions]
    again = json.loads(downloaded(site, stack))
    assert again["resources"] == document["resources"]
    assert again["serial"] == versions[-1][1] + 1
    assert site.look(stack, "isStateRollback")["isStateRollback"]
    run = site.trigger(stack)
    assert states(site.api.wait_for(run, "FINISHED"))[-2:] == ["PLANNING", "FINISHED"]


def downloaded(site: Site, stack: str) -> bytes:
    """The stack's state, as the address that the API gives has it."""
    seen = site.look(stack, "name repositoryURL")
    settings = {
        **seen,
        "administrative": False,
        "branch": "main",
        "repository": "code",
        "provider": "GIT",
        "workerPool": site.pool.id,
        "vendorConfig": {"terraform": {"externalStateAccessEnabled": True}},
    }
    site.api.ask(
        "mutation ($id: ID!, $input: StackInput!) { stackUpdate(id: $id, input: $input) { id } }",
        id=stack,
        input=settings,
    )
    url = site.api.ask(DOWNLOAD, id=stack)["stateDownloadUrl"]["url"]
    response = httpx2.get(url)
    assert response.status_code == 200
    return response.content


def test_the_state_is_downloaded_only_where_the_stack_allows_it(site):
    stack = site.stack(CODE)
    refusal = site.api.expect_error(DOWNLOAD, id=stack)
    assert "External state access is switched off" in refusal.message
    stack = site.stack(CODE, vendorConfig={"terraform": {"externalStateAccessEnabled": True}})
    assert site.api.expect_error(DOWNLOAD, id=stack).message == (
        "state not found: the stack has none yet"
    )
    site.applied(stack)

    url = site.api.ask(DOWNLOAD, id=stack)["stateDownloadUrl"]["url"]

    assert json.loads(httpx2.get(url).content)["outputs"]["word"]["value"] == "first"
    for changed in (url[:-1] + ("0" if url[-1] != "0" else "1"), url.split("?")[0]):
        assert httpx2.get(changed).status_code in (400, 401, 403)


def test_a_stack_can_begin_with_a_state_that_was_uploaded(site):
    upload = site.api.ask("mutation { stateUploadUrl { objectId url } }")["stateUploadUrl"]
    body = json.dumps(a_state(5, "brought along")).encode()
    put = httpx2.put(upload["url"], content=body, headers={"content-type": "application/json"})
    assert put.status_code in (200, 201, 204)
    repository = site.repository({"main.tf": CODE})
    settings = {
        "name": "brought along",
        "administrative": False,
        "branch": "main",
        "repository": "code",
        "provider": "GIT",
        "repositoryURL": repository.url,
        "workerPool": site.pool.id,
    }
    stack = site.api.ask(
        "mutation ($input: StackInput!, $object: String) {"
        " stackCreate(input: $input, manageState: true, stackObjectID: $object) { id } }",
        input=settings,
        object=upload["objectId"],
    )["stackCreate"]["id"]

    task = site.task(stack, "terraform state pull")
    site.api.wait_for(task, "FINISHED")

    assert "brought along" in site.api.log(task, site.version(task, "PERFORMING")).decode()
