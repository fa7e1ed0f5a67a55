"""What a worker is told: tokens for clouds that fit the run, and no secret in the clear."""

from __future__ import annotations

import base64

import pytest
from gantry.domains.people import account_settings
from gantry.domains.runs import decisions, triggers
from gantry.domains.runs.states import Kind
from gantry_protocol.calls import Planned
from gantry_protocol.words import Phase
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.core import BASE_URL
from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    given_a_run,
    given_a_stack,
    given_a_task,
    manifest_of,
    plan_of,
    run_now,
    state_of,
)

ISSUER = "https://id.example.com"


async def manifest(core, stack, run, now=None):
    return await manifest_of(core, stack, now or await run_now(core, run), issuer=ISSUER)


def variable(built, name):
    return next(value for value in built.environment if value.name == name)


def claims(core, token):
    keys = KeySet.import_key_set(dict(core.vault.jwks()))
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


async def test_a_token_for_clouds_says_whose_run_it_is_and_lasts_an_hour(core, pool, worker):
    stack = await given_a_stack(core, pool)
    run = await given_a_run(core, stack)
    await worker.take(run)

    built = await manifest(core, stack, run)

    given = variable(built, "SPACELIFT_OIDC_TOKEN")
    said = claims(core, given.value)
    assert said["iss"] == ISSUER
    assert said["aud"] == "gantry.test"
    assert said["sub"] == "space:root:stack:network:run_type:TRACKED:scope:read"
    assert said["exp"] - said["iat"] == 3600
    assert said["nbf"] == said["iat"]
    assert said["jti"]
    own = {name: said[name] for name in ("spaceId", "callerType", "callerId", "runType", "runId")}
    assert own == {
        "spaceId": "root",
        "callerType": "stack",
        "callerId": "network",
        "runType": "TRACKED",
        "runId": run.id,
    }
    assert given.secret
    assert given.value in built.mask
    (file,) = [file for file in built.files if file.path == "spacelift.oidc"]
    assert base64.b64decode(file.content).decode() == given.value


@pytest.mark.parametrize(
    ("kind", "autodeploy", "scope"),
    [
        (Kind.PROPOSED, True, "read"),
        (Kind.TRACKED, False, "read"),
        (Kind.TRACKED, True, "write"),
        (Kind.DESTROY, False, "write"),
        (Kind.TASK, False, "write"),
    ],
)
async def test_a_run_that_only_reads_gets_a_token_that_says_so(
    core, pool, worker, kind, autodeploy, scope
):
    stack = await given_a_stack(core, pool, autodeploy=autodeploy)
    task = kind is Kind.TASK
    run = await (given_a_task(core, stack) if task else given_a_run(core, stack, kind))
    await worker.take(run)

    token = variable(await manifest(core, stack, run), "SPACELIFT_OIDC_TOKEN").value

    assert claims(core, token)["scope"] == scope


async def test_a_confirmed_run_gets_a_token_to_write_with(core, pool, worker):
    stack = await given_a_stack(core, pool)
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    async with core.db.write(ADMIN) as tx:
        await decisions.confirm(tx, stack.id, run.id, note=None)
    await worker.take(run)

    token = variable(await manifest(core, stack, run), "SPACELIFT_OIDC_TOKEN").value

    assert claims(core, token)["scope"] == "write"


async def test_the_environment_of_one_run_lies_sealed_and_comes_along_when_it_is_retried(
    core, pool, worker
):
    stack = await given_a_stack(core, pool)
    config = {"environment": {"A": "of-the-config", "B": "b-of-the-config"}, "project_root": "sub"}
    run = await given_a_run(
        core,
        stack,
        Kind.PROPOSED,
        runtime_config=config,
        overrides=[("A", "of-the-overrides")],
    )

    rows = await core.rows("select row::text from run row")
    assert "of-the-" not in str(rows)
    assert "sub" in str(rows)

    await worker.take(run)
    await worker.fail(run, Phase.PREPARE)
    async with core.db.write(ADMIN) as tx:
        again = await triggers.retry(tx, core.vault, stack.id, run.id)
    await worker.take(again)
    built = await manifest(core, stack, again)

    assert variable(built, "A").value == "of-the-overrides"
    assert variable(built, "B").value == "b-of-the-config"
    assert variable(built, "TF_VAR_spacelift_project_root").value == "sub"


async def test_the_most_particular_image_wins(core, pool, worker):
    stack = await given_a_stack(core, pool, runner_image="of-stack")
    async with core.db.write(ADMIN) as tx:
        await account_settings.set_runner_images(tx, private="of-account", public="of-public")
    image = {"runner_image": "of-run"}
    runs = [
        await given_a_run(core, stack, Kind.PROPOSED, runtime_config=image),
        await given_a_run(core, stack, Kind.PROPOSED),
    ]
    await core.change("update stack set runner_image = null")
    runs.append(await given_a_run(core, stack, Kind.PROPOSED))

    told = [await manifest(core, stack, run) for run in runs]

    assert [each.runner_image for each in told] == ["of-run", "of-stack", "of-account"]


async def test_only_what_plans_is_told_where_to_put_a_plan(core, pool, worker):
    stack = await given_a_stack(core, pool)
    preview = await given_a_run(core, stack, Kind.PROPOSED)
    await worker.take(preview)
    told = await manifest(core, stack, preview)
    await worker.fail(preview, Phase.PREPARE)
    task = await given_a_task(core, stack)
    await worker.take(task)

    assert told.plan_json_key == f"plans/{preview.id}/1.json.gz"
    assert told.plan_json_url.startswith(BASE_URL)
    assert (await manifest(core, stack, task)).plan_json_url is None


async def test_a_plan_named_by_another_runs_key_is_refused(core, pool, worker):
    stack = await given_a_stack(core, pool)
    run = await given_a_run(core, stack)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)
    plan: Planned = plan_of(ONE_CHANGE, key=f"{run.id}/workspace")

    theirs = plan.model_copy(update={"plan_json_key": "plans/ANOTHER/1.json.gz"})
    verdict = await worker.say(run, theirs)
    assert (verdict.accepted, verdict.reason) == (False, "the object named is not this run's")
    assert (await state_of(core, run)).value == "PLANNING"

    ours = plan.model_copy(update={"plan_json_key": f"plans/{run.id}/1.json.gz"})
    assert (await worker.say(run, ours)).state == "UNCONFIRMED"
    assert (await run_now(core, run)).plan_json_key == f"plans/{run.id}/1.json.gz"
