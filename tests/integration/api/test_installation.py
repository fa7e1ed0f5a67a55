"""What the API tells of the installation itself: its parts, their health, how far its setup is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gantry.domains.accounts import repo as parts
from gantry.domains.accounts import service as accounts
from gantry.domains.accounts.rules import FORGOTTEN_AFTER, SILENT_AFTER
from gantry.kernel.ids import new_id
from gantry.kernel.tx import SYSTEM

from tests.support.given import (
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_worker,
    given_the_public_pool,
)

LAUNCHPAD = """
{ launchpad { accountNamed workerIdle stackCreated runPlanned runApplied apiKeyMade finished } }
"""


async def note(core, kind="server"):
    process_id = new_id()
    async with core.db.write(SYSTEM) as tx:
        await parts.note_processes(
            tx, {process_id: kind}, host="here", release="1", started_at=datetime.now(UTC)
        )
    return process_id


async def age(core, process_id, by):
    moment = datetime.now(UTC) - by
    await core.change(
        "update process set heard_at = :moment where id = :id", moment=moment, id=process_id
    )


async def test_processes_are_shown_silent_ones_too_until_they_are_forgotten(core, ada):
    well, silent, gone = [await note(core, kind) for kind in ("drain", "server", "server")]
    await age(core, silent, SILENT_AFTER + timedelta(seconds=5))
    await age(core, gone, FORGOTTEN_AFTER + timedelta(seconds=5))
    async with core.db.write(SYSTEM) as tx:
        await accounts.forget_old(tx)

    shown = (await ada.ask("{ processes { id kind host release state } }"))["processes"]

    assert shown == [
        {"id": well, "kind": "drain", "host": "here", "release": "1", "state": "WORKING"},
        {"id": silent, "kind": "server", "host": "here", "release": "1", "state": "SILENT"},
    ]


async def test_the_launchpad_ticks_itself_off(core, ada):
    done = (await ada.ask(LAUNCHPAD))["launchpad"]
    assert [step for step, ticked in done.items() if ticked] == ["accountNamed"]

    pool = await given_a_pool(core)
    await given_a_worker(core, pool)
    run = await given_a_run(core, await given_a_stack(core, pool))
    done = (await ada.ask(LAUNCHPAD))["launchpad"]
    assert [step for step, ticked in done.items() if ticked] == [
        "accountNamed",
        "workerIdle",
        "stackCreated",
    ]

    await core.change("update run set plan_sha256 = 'x', state = 'FINISHED'")
    await ada.ask('mutation { apiKeyCreate(input: {name: "ci", admin: false, teams: []}) { id } }')
    assert run
    assert all((await ada.ask(LAUNCHPAD))["launchpad"].values())


async def test_an_account_without_a_name_says_so(core, ada):
    assert await ada.ask("{ accountIsNamed name }") == {"accountIsNamed": True, "name": "acme"}

    await core.change("update account set name = null")

    assert await ada.ask("{ accountIsNamed name }") == {"accountIsNamed": False, "name": "unnamed"}


async def test_strangers_learn_how_to_sign_in_and_nothing_else(nobody):
    assert (await nobody.http.get("/session")).json() == {"password": True, "provider": None}


WORKERS = "workers { id busy leaving version concurrency runs { stackName run { id state } } }"


async def test_a_worker_shows_the_runs_that_it_holds(core, ada):
    pool = await given_a_pool(core)
    hand = await given_a_worker(core, pool)
    run = await given_a_run(core, await given_a_stack(core, pool, "network"))
    await hand.take(run)

    (shown,) = (await ada.ask(f"{{ workerPools {{ {WORKERS} }} }}"))["workerPools"]

    (worker,) = shown["workers"]
    assert worker["runs"] == [{"stackName": "network", "run": {"id": run.id, "state": "PREPARING"}}]
    assert (worker["busy"], worker["leaving"], worker["concurrency"]) == (True, False, 1)


async def test_the_built_in_pool_shows_its_workers_to_who_sees_every_space(core, ada):
    pool = await given_the_public_pool(core)
    hand = await given_a_worker(core, pool)
    document = "{ publicWorkerPool { id workers { id } } }"

    seen = (await ada.ask(document))["publicWorkerPool"]

    assert seen == {"id": pool.id, "workers": [{"id": hand.id}]}
    made = await ada.ask(
        'mutation { apiKeyCreate(input: {name: "ci", admin: false, teams: []}) { id secret } }'
    )
    exchange = (
        "mutation ($id: ID!, $secret: String!) { apiKeyUser(id: $id, secret: $secret) { jwt } }"
    )
    token = (await ada.ask(exchange, **made["apiKeyCreate"]))["apiKeyUser"]["jwt"]
    reader = type(ada)(ada.http, ada.app, token)
    assert (await reader.ask(document))["publicWorkerPool"]["workers"] == []
