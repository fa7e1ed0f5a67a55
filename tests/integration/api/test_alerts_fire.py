"""Each alert watches what an installation in that trouble really says: the trouble is made, and the
page of metrics has every series that the rule asks for, with the labels it asks for.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import httpx2
import pytest
import yaml
from botocore.config import Config
from gantry.api.app import application
from gantry.api.graphql.door import routes
from gantry.apps import instrumentation, server
from gantry.domains.tfstate import unsaved
from gantry.infra.db import Database, connect
from gantry.infra.external_broker import ExternalBroker, Login
from gantry.infra.kms import Kms
from gantry.kernel.tx import SYSTEM
from gantry.ports.objects import StorageDown
from gantry.ports.vault import KeyServiceDown
from gantry_protocol.words import Phase
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import OperationalError

from tests.support.certificates import Authority
from tests.support.core import Core
from tests.support.given import (
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_task,
    given_a_worker,
    lease_runs_out,
    sweep,
)

RULES = yaml.safe_load((Path(__file__).parents[3] / "docs" / "alerts.yml").read_text())
(GROUP,) = RULES["groups"]
EXPRESSIONS = {rule["alert"]: rule["expr"] for rule in GROUP["rules"]}
SELECTOR = re.compile(r"\b(gantry_[a-z_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')

NOBODY = "127.0.0.1:9"
"""Where nobody answers."""


@dataclass
class Scene:
    """An installation to bring into trouble."""

    core: Core
    caller: Any
    place: Path
    db: Database

    @property
    def http(self) -> httpx2.AsyncClient:
        return self.caller.http

    async def page(self) -> list[tuple[str, dict[str, str], float]]:
        """What Prometheus is answered."""
        watched: Any = SimpleNamespace(db=self.db, meter=self.core.meter)
        transport = httpx2.ASGITransport(instrumentation._application(watched, None))
        async with httpx2.AsyncClient(transport=transport, base_url="http://metrics") as http:
            text = (await http.get("/metrics")).text
        return [
            (sample.name, dict(sample.labels), sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]


async def _all_is_well(scene: Scene) -> None:
    """The rule is about what is there at any time."""


async def _database_away(scene: Scene) -> None:
    scene.db = Database(connect(f"postgresql://{NOBODY}/none"), scene.core.db.outbox)


async def _broker_away(scene: Scene) -> None:
    async def missed() -> None:
        pass

    said = asyncio.Event()

    def standing(up: bool) -> None:
        scene.core.meter.broker(up)
        said.set()

    broker = ExternalBroker(
        endpoint=f"tcp://{NOBODY}",
        namespace="gantry",
        login=Login(None),
        missed=missed,
        standing=standing,
    )
    running = asyncio.create_task(broker.run())
    await asyncio.wait_for(said.wait(), 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _lost_while_it_changed_things(scene: Scene) -> None:
    pool = await given_a_pool(scene.core)
    worker = await given_a_worker(scene.core, pool)
    stack = await given_a_stack(scene.core, pool)
    task = await given_a_task(scene.core, stack, skip_init=True)
    await worker.take(task)
    await worker.done(task, Phase.PREPARE)
    await lease_runs_out(scene.core, task)
    await sweep(scene.core)


async def _lease_of_somebody_else(scene: Scene) -> None:
    pool = await given_a_pool(scene.core)
    worker = await given_a_worker(scene.core, pool)
    run = await given_a_run(scene.core, await given_a_stack(scene.core, pool))
    await worker.take(run)
    await worker.beat((run.id, 99))


async def _nobody_looked_for_long(scene: Scene) -> None:
    pool = await given_a_pool(scene.core)
    worker = await given_a_worker(scene.core, pool)
    run = await given_a_run(scene.core, await given_a_stack(scene.core, pool))
    await worker.take(run)
    await lease_runs_out(scene.core, run)
    await scene.core.change("update lease_sweep set at = now() - interval '1 hour'")
    await sweep(scene.core)


async def _run_waits(scene: Scene) -> None:
    pool = await given_a_pool(scene.core)
    await given_a_worker(scene.core, pool)
    await given_a_run(scene.core, await given_a_stack(scene.core, pool))
    await scene.core.change("update run set state_since = now() - interval '1 hour'")


async def _swept(scene: Scene) -> None:
    await _job(scene, "runs.reconcile")
    await scene.core.drain()


async def _job(scene: Scene, name: str, **args: str) -> None:
    async with scene.core.queue.open_async():
        await scene.core.queue.configure_task(name, queue="async").defer_async(**args)


async def _job_waits(scene: Scene) -> None:
    await _job(scene, "runs.reconcile")
    await scene.core.change("update procrastinate_events set at = now() - interval '1 hour'")


async def _storage_away(scene: Scene) -> None:
    pool = await given_a_pool(scene.core)
    worker = await given_a_worker(scene.core, pool)
    run = await given_a_run(scene.core, await given_a_stack(scene.core, pool))
    await worker.take(run)

    async def away(*_: object) -> None:
        raise StorageDown("it does not answer")

    scene.core.objects.put_pieces = away  # type: ignore[method-assign]  # storage is a vendor's
    await worker.fail(run, Phase.PREPARE)  # its log is to be archived
    # The last of its tries.
    await scene.core.change("update procrastinate_jobs set attempts = 2")
    with contextlib.suppress(AssertionError):  # it says which jobs failed
        await scene.core.drain()
    there = scene.caller.app.state.house

    def gone(*_: object) -> None:
        raise OperationalError("select 1", {}, Exception("the server closed the connection"))

    cut_off = replace(there, db=SimpleNamespace(read=gone, write=gone))
    assert (await _asked(scene, cut_off, "GET", "/plans/x")).status_code == 503


async def _asked(scene: Scene, house: Any, method: str, path: str) -> httpx2.Response:
    app = application(
        house, routes(house), measure=scene.core.meter.answered, away=(OperationalError,)
    )
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="https://gantry.test") as http:
        return await http.request(method, path, headers=scene.caller.headers)


async def _commit_cannot_be_had(scene: Scene) -> None:
    pool = await given_a_pool(scene.core)
    await given_a_run(scene.core, await given_a_stack(scene.core, pool), sha="f" * 40)
    await scene.core.drain()


async def _bug_at_a_door(scene: Scene) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    house = replace(scene.caller.app.state.house, db=SimpleNamespace(read=broken, write=broken))
    response = await _asked(scene, house, "GET", "/plans/x")
    assert response.status_code == 500
    assert response.headers["x-content-type-options"] == "nosniff"


async def _bug_in_a_resolver(scene: Scene) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    state = scene.caller.app.state
    state.house = replace(state.house, examine=broken)
    answer = await scene.caller.answer("{ installationChecks { what } }")
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"


async def _api_is_asked(scene: Scene) -> None:
    await scene.caller.ask("{ stacks { id } }")


async def _state_kept_apart(scene: Scene) -> None:
    import gzip

    pool = await given_a_pool(scene.core)
    stack = await given_a_stack(scene.core, pool)
    run = await given_a_run(scene.core, stack)
    state = b'{"version": 4, "serial": 7, "lineage": "ours", "resources": []}'
    packed = await unsaved.read(scene.core.vault, run.id, gzip.compress(state))
    async with scene.core.db.write(SYSTEM) as tx:
        await unsaved.keep(tx, stack.id, run.id, packed)


async def _kms_away(scene: Scene) -> None:
    client = boto3.client(
        "kms",
        endpoint_url=f"http://{NOBODY}",
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=1),
    )
    kms = Kms(
        client, encryption_key="a", signing_key="b", failed=scene.core.meter.key_service_failed
    )
    with pytest.raises(KeyServiceDown):
        await kms.sign(b"claims")


async def _certificate_shown(scene: Scene) -> None:
    certificate, key = Authority(scene.place / "authority").issue("gantry.test")
    core: Any = SimpleNamespace(meter=scene.core.meter)
    assert server._certificate(core, "http", certificate, key) is not None


Trouble = Callable[[Scene], Awaitable[None]]
TROUBLES: dict[str, Trouble] = {
    "GantryNotScraped": _all_is_well,
    "GantryDatabaseAway": _database_away,
    "GantryBrokerAway": _broker_away,
    "GantryOutcomeUnknown": _lost_while_it_changed_things,
    "GantryWorkersLost": _lost_while_it_changed_things,
    "GantryLeasesRefused": _lease_of_somebody_else,
    "GantryLeasesProlonged": _nobody_looked_for_long,
    "GantryNoWorkers": _run_waits,
    "GantryRunsWait": _run_waits,
    "GantryNobodySweeps": _swept,
    "GantryJobsWait": _job_waits,
    "GantryJobsFailed": _storage_away,
    "GantrySourcesFail": _commit_cannot_be_had,
    "GantryStorageFails": _storage_away,
    "GantryRequestsFail": _bug_at_a_door,
    "GantryResolversFail": _bug_in_a_resolver,
    "GantryAnswersSlow": _api_is_asked,
    "GantryStatesKept": _state_kept_apart,
    "GantryKeyServiceFails": _kms_away,
    "GantryCertificateEnds": _certificate_shown,
}
AWAY = {"gantry_database_up", "gantry_broker_up"}
"""Those that are 0 in trouble."""


def test_every_alert_has_its_trouble_here() -> None:
    assert set(TROUBLES) == set(EXPRESSIONS)


@pytest.mark.parametrize("alert", TROUBLES)
async def test_an_installation_in_trouble_says_what_its_alert_watches(
    core: Core, ada: Any, tmp_path: Path, alert: str
) -> None:
    scene = Scene(core, ada, tmp_path, core.db)
    await TROUBLES[alert](scene)

    page = await scene.page()

    for name, matchers in SELECTOR.findall(EXPRESSIONS[alert]):
        wanted = MATCHER.findall(matchers)
        found = [
            value
            for sample, labels, value in page
            if sample == name and all(_fits(labels, *one) for one in wanted)
        ]
        assert found, f"nothing is {name}{{{matchers}}}"
        if alert == "GantryDatabaseAway" or (name in AWAY and alert != "GantryNotScraped"):
            assert max(found) == 0
        else:
            assert max(found) > 0, f"nothing was counted for {name}{{{matchers}}}"


def _fits(labels: dict[str, str], label: str, how: str, value: str) -> bool:
    given = labels.get(label, "")
    return bool(re.fullmatch(value, given)) if how == "=~" else given == value
