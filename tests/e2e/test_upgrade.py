"""Two releases on one database: the older one's processes work on the newer one's schema.

The older one is the previous release, from the project's history. That the present one works below
a release to come is shown where everything is restarted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.releases import PRESENT, NoHistory, Release, previous_release
from tests.support.replicas import Replicas, end, make_replicas
from tests.support.site import DECIDE, TRIGGER, Site

pytestmark = pytest.mark.timeout(400)
"""Two releases are started in one fixture, on a machine that may do much else."""

CODE = """
resource "terraform_data" "it" { triggers_replace = [timestamp()] }
output "run" { value = var.spacelift_run_id }
variable "spacelift_run_id" { type = string }
"""
HELD = ["echo begun", "while [ ! -e go-on ]; do sleep 0.1; done"]

SCHEMA = "select version_num from alembic_version"


@dataclass
class Exchange:
    """An installation in which the older release's processes, all named a, are being replaced by
    the newer one's, named b."""

    replicas: Replicas
    site: Site
    older: Release
    newer: Release
    held: tuple[str, str]
    """A stack and its run, which the older release's worker plans until `let_go`."""
    planned: tuple[str, str]
    """A stack and its run, which waits to be confirmed since before the upgrade."""

    def whole_run(self, stack: str) -> None:
        """A run from its beginning to its end, whichever release answers."""
        self.confirm(stack, self.site.trigger(stack))

    def confirm(self, stack: str, run: str) -> None:
        """Have it applied; what it leaves is there."""
        self.site.api.wait_for(run, "UNCONFIRMED")
        self.site.decide("runConfirm", stack, run)
        self.site.api.wait_for(run, "FINISHED")
        assert self.site.outputs(stack)["run"] == f'"{run}"'


@pytest.fixture(scope="module")
def exchange(new_platform, tmp_path_factory) -> Iterator[Exchange]:
    """Both releases at once: the older one's processes are still those from before the newer
    one's first, which brought the database to its schema."""
    try:
        older, newer = previous_release(tmp_path_factory.mktemp("release") / "previous"), PRESENT
    except NoHistory as reason:
        pytest.skip(f"the previous release is not here: {reason}")
    replicas = make_replicas(new_platform)
    replicas.settings = older.settings
    replicas.start("a")
    site = Site(replicas.platform, replicas.entrance)
    site.start_workers(1, **older.settings)
    planned, held = site.stack(CODE), site.stack(CODE, beforePlan=HELD)
    runs = site.planned(planned), site.trigger(held)
    site.api.wait_for(runs[1], "PLANNING")
    assert replicas.platform.rows(SCHEMA) == [(older.schema,)]
    replicas.settings = newer.settings
    replicas.start("b")
    assert replicas.platform.rows(SCHEMA) == [(newer.schema,)]
    yield Exchange(replicas, site, older, newer, (held, runs[1]), (planned, runs[0]))
    replicas.close()


def test_a_run_goes_on_that_began_before_the_upgrade(exchange):
    stack, run = exchange.held
    exchange.site.api.wait_for_words(run, exchange.site.version(run, "PLANNING"), "begun")

    (exchange.site.source(run) / "go-on").touch()

    exchange.confirm(stack, run)


def test_the_older_release_alone_takes_a_run_through_on_the_newer_schema(exchange):
    for process in (exchange.replicas.drains["b"], exchange.replicas.schedulers["b"]):
        end(process)
    older = exchange.site.api.at(exchange.replicas.servers["a"].address)
    stack = exchange.site.stack(CODE)

    run = older.ask(TRIGGER, stack=stack, kind="TRACKED")["runTrigger"]["id"]
    older.wait_for(run, "UNCONFIRMED")
    older.ask(DECIDE.replace("DECISION", "runConfirm"), stack=stack, run=run)

    older.wait_for(run, "FINISHED")
    exchange.replicas.start_backstage("b")


def test_processes_of_the_older_release_start_on_the_newer_schema(exchange):
    if not exchange.older.starts_on_newer_schemas:
        pytest.skip(f"release {exchange.older.name[:12]} is from before releases could")
    exchange.replicas.settings = exchange.older.settings
    for restart in (
        exchange.replicas.restart_drain,
        exchange.replicas.restart_scheduler,
        exchange.replicas.restart_server,
    ):
        restart("a")

    exchange.whole_run(exchange.site.stack(CODE))

    assert exchange.replicas.platform.rows(SCHEMA) == [(exchange.newer.schema,)]


def test_what_an_older_worker_planned_a_newer_one_applies(exchange):
    (older,) = exchange.site.pool.workers
    exchange.site.start_workers(1, **exchange.newer.settings)
    end(older)

    exchange.confirm(*exchange.planned)


def test_the_newer_release_goes_on_alone(exchange):
    replicas = exchange.replicas
    replicas.servers["a"].terminate()
    end(replicas.drains["a"])
    end(replicas.schedulers["a"])

    exchange.whole_run(exchange.planned[0])

    assert replicas.servers["a"].ended() == 0
