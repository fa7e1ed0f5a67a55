"""Parts that are killed or go away while runs are under way: every run ends, nothing is done twice.

The installation is one of its own, on a database of its own that can be taken away. Commands of
its runs see the machine, so that what they do is counted outside of any workspace.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from gantry.infra.postmaster import end_with_owner

from tests.support.api_client import PATIENCE
from tests.support.balancer import Balancer
from tests.support.git_repository import Repository
from tests.support.git_server import GitServer
from tests.support.platform import Platform, Process, free_port, log_tails, wait_until_ready
from tests.support.postgres_cluster import ACCOUNT, DEBIAN, Cluster
from tests.support.site import Site, states

pytestmark = pytest.mark.skipif(
    not (DEBIAN / "postgres").exists(), reason="takes Debian's PostgreSQL away and brings it back"
)

DATABASE_AWAY = 10.0
"""Seconds: longer than workers' first tries, shorter than a lease."""
EXPECTED = ("Traceback",)
"""What the product may log while its database is away."""

CODE = """
resource "terraform_data" "it" {
  triggers_replace = [timestamp()]
  provisioner "local-exec" { command = "sh counted.sh" }
}
output "run" { value = var.spacelift_run_id }
variable "spacelift_run_id" { type = string }
"""
COUNTED = """
echo "$TF_VAR_spacelift_run_id" >> PLACE/applied
sh held.sh apply
"""
HELD = """
# Talks until it may go on; how much it said is left in a file.
name=$1-$TF_VAR_spacelift_run_id
i=0
while [ -e "PLACE/hold-$TF_VAR_spacelift_stack_id" ] && [ ! -e "PLACE/go-$name" ]; do
  i=$((i + 1))
  [ $i -lt 2000 ] || exit 1
  echo "line $i"
  sleep 0.03
done
echo $i > "PLACE/said-$name"
"""


TRIGGER_COMMIT = """
mutation ($stack: ID!, $sha: String!) { runTrigger(stack: $stack, commitSha: $sha) { id } }
"""


class Database(Cluster):
    """A Postgres that loses nothing that it has confirmed, and can be away for a while."""

    def __init__(self) -> None:
        super().__init__()
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"alter role {ACCOUNT} set synchronous_commit = on")

    def take_away(self) -> None:
        """An immediate shutdown: nobody is asked, and the next start recovers."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(20)

    def bring_back(self) -> None:
        """Start it again; return when it answers."""
        account = {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []}
        with (self.place / "log").open("ab") as log:
            self._server = subprocess.Popen(
                self._server.args,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                preexec_fn=end_with_owner(),
                **(account if os.geteuid() == 0 else {}),
            )
        self._wait()


class Line(Balancer):
    """The way to the broker. While it is cut, connections there were are gone, and none is made."""

    def __init__(self, port: int, broker: int) -> None:
        self.cut, self.refused = False, threading.Event()
        self._clients: list[socket.socket] = []
        super().__init__(port, [broker])

    def take_away(self) -> None:
        """Cut it."""
        self.refused.clear()
        self.cut = True
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self._clients.clear()

    def bring_back(self) -> None:
        """Mend it."""
        self.cut = False

    def _serve(self, client: socket.socket) -> None:
        if self.cut:
            client.close()
            self.refused.set()
            return
        self._clients.append(client)
        super()._serve(client)


class SlowGit(GitServer):
    """A Git server that can keep those who come waiting."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.open, self.asked = threading.Event(), threading.Event()
        self.open.set()

    def finish_request(self, request, client_address) -> None:
        self.asked.set()
        self.open.wait(PATIENCE)
        with contextlib.suppress(OSError):  # whoever asked may be dead by now
            super().finish_request(request, client_address)


@dataclass
class House:
    """The installation, and everything that can be taken from it."""

    site: Site
    platform: Platform
    database: Database
    line: Line
    git: SlowGit
    place: Path
    """Where runs leave what they did, and wait for leave to go on."""
    port: int
    server: Process
    drain: Process
    scheduler: Process

    def stack(self, **settings) -> str:
        """A stack each of whose runs is counted when it applies."""
        repository = self.site.repository(self.files())
        return self.site.stack(repository, beforePlan=["sh held.sh plan"], **settings)

    def files(self) -> dict[str, str]:
        scripts = {"counted.sh": COUNTED, "held.sh": HELD}
        return {
            "main.tf": CODE,
            **{name: text.replace("PLACE", str(self.place)) for name, text in scripts.items()},
        }

    def hold(self, stack: str) -> None:
        """From now on runs of the stack wait when they plan and when they apply."""
        (self.place / f"hold-{stack}").touch()

    def go_on(self, phase: str, run: str) -> None:
        """The run waits no more in this phase."""
        (self.place / f"go-{phase}-{run}").touch()

    def planning(self, stack: str) -> str:
        """A run that talks while it plans, and waits."""
        run = self.site.trigger(stack)
        self.talking(run, "PLANNING")
        return run

    def applying(self, stack: str) -> str:
        """A run that talks while it applies, and waits."""
        run = self.site.trigger(stack)
        self.go_on("plan", run)
        self.site.api.wait_for(run, "UNCONFIRMED")
        self.site.decide("runConfirm", stack, run)
        self.talking(run, "APPLYING")
        return run

    def talking(self, run: str, state: str) -> None:
        self.site.api.wait_for(run, state)
        self.site.api.wait_for_words(run, self.site.version(run, state), "line 3")

    def confirm(self, stack: str, run: str) -> None:
        """Let a run that planned apply, and finish."""
        self.site.api.wait_for(run, "UNCONFIRMED")
        self.site.decide("runConfirm", stack, run)
        self.site.api.wait_for(run, "FINISHED")

    def until(self, fact: Callable[[], object], what: str, *, seconds: float = PATIENCE) -> None:
        """Where nothing tells, ask again and again."""
        deadline = time.monotonic() + seconds
        while not fact():
            assert time.monotonic() < deadline, f"waited in vain: {what}"
            time.sleep(0.05)

    def applied(self) -> Counter[str]:
        """How often each run did what it does."""
        file = self.place / "applied"
        return Counter(file.read_text().split() if file.exists() else [])

    def shown_by_workers(self, run: str) -> list[str]:
        """The run's log as its workers also print it, which takes no server."""
        lines = []
        for worker in self.site.pool.workers:
            for line in worker.said().splitlines():
                if '"run_ulid"' in line and run in line:
                    shown = json.loads(line)
                    lines.append((shown["ts"], shown["msg"]))
        return [words for _, words in sorted(lines, key=lambda line: line[0])]

    # -- what has to be true in the end

    def check_applied(self, stack: str, run: str) -> None:
        """The run finished, what it does was done once, and all that is kept of it agrees."""
        assert self.applied()[run] == 1
        rows = self.platform.rows
        assert rows("select state, failure, outcome_unknown from run where id = %s", run) == [
            ("FINISHED", None, False)
        ]
        assert (
            rows("select lock_note from stack where id = %s and locked_at is not null", stack) == []
        )
        moves = rows("select version, after from run_transition where run_id = %s order by 1", run)
        assert [version for version, _ in moves] == list(range(len(moves)))
        assert [after for _, after in moves] == states(self.site.api.run(run))
        assert max(Counter(after for _, after in moves).values()) == 1
        kept = rows(
            "select run_id from state_version where stack_id = %s order by serial desc", stack
        )
        assert kept[0] == (run,)
        assert json.loads(self.site.outputs(stack)["run"]) == run
        self.check_let_go(stack, run)
        self.check_log(run)

    def check_let_go(self, stack: str, run: str) -> None:
        """Nobody holds anything for the run, on the server or on a worker's disk."""
        for table in ("run_lease where run_id", "state_lock where stack_id"):
            held = self.platform.rows(
                f"select 1 from {table} = %s", run if "run_id" in table else stack
            )
            assert held == [], table
        self.until(lambda: not self.site.left(run), "the workspace to go")

    def check_log(self, run: str) -> None:
        """Every byte that the run said is in its log, once and in order."""
        log = self.site.api.whole_log(run)
        assert log.split("\n")[:-1] == self.shown_by_workers(run)
        sizes = self.platform.rows(
            "select sum(size), bool_and(over) from run_log where run_id = %s", run
        )
        assert sizes == [(len(log.encode()), True)]
        lines = [int(number) for number in re.findall(r"line (\d+)", log)]
        said = [
            int((self.place / f"said-{phase}-{run}").read_text()) for phase in ("plan", "apply")
        ]
        assert lines == [number for most in said for number in range(1, most + 1)]

    def check_next(self, *stacks: str) -> None:
        """Each of the stacks takes another run, to its end."""
        for stack in stacks:
            (self.place / f"hold-{stack}").unlink(missing_ok=True)
        runs = {stack: self.site.trigger(stack) for stack in stacks}
        for stack, run in runs.items():
            now = self.site.api.wait_for(run, "UNCONFIRMED", "FINISHED")
            if now["state"] == "UNCONFIRMED":
                self.site.decide("runConfirm", stack, run)
        for stack, run in runs.items():
            self.site.api.wait_for(run, "FINISHED")
            self.check_applied(stack, run)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with contextlib.ExitStack() as leaving:
        place = Path(tempfile.mkdtemp(prefix="gantry-faults-", dir="/tmp"))
        leaving.callback(shutil.rmtree, place, ignore_errors=True)
        database = Database()
        leaving.callback(database.stop)
        web, bell, broker = free_port(), free_port(), free_port()
        platform = Platform(
            place / "installation",
            database.database(),
            SERVER_DOMAIN=f"127.0.0.1:{web}",
            GANTRY_SERVER_PORT=str(web),
            MQTT_BROKER_ENDPOINT=f"tcp://127.0.0.1:{bell}",
            GANTRY_MQTT_BROKER_PORT=str(broker),
            GANTRY_GIT_ALLOW_PRIVATE_ADDRESSES="true",
        )
        leaving.callback(platform.stop)
        line = Line(bell, broker)
        leaving.callback(line.close)
        git = leaving.enter_context(SlowGit(place))
        leaving.callback(git.open.set)
        server, drain, scheduler = (
            platform.start_server(port=web),
            platform.start_drain(),
            platform.start_scheduler(),
        )
        wait_until_ready(server)
        site = Site(platform, server, pool="workers to be relied on")
        site.start_workers(
            2, GANTRY_WORKER_RUNTIME="process", SPACELIFT_RUN_LOGS_ON_STANDARD_OUTPUT_ENABLED="true"
        )
        yield House(site, platform, database, line, git, place, web, server, drain, scheduler)


@pytest.fixture(autouse=True)
def _logs(house: House) -> Iterator[None]:
    """Show what the product logged while a test failed."""
    sizes = {process.log: process.log.stat().st_size for process in house.platform.processes}
    yield
    print(log_tails(house.platform.processes, sizes))


# -- the drain


@dataclass
class Interrupted:
    """The drain was killed while it fetched a commit; another one was started."""

    stack: str
    run: str
    next_stack: str
    next_in_line: str
    """A run of another stack, whose commit nobody had begun to fetch."""


@pytest.fixture(scope="module")
def interrupted(house: House) -> Interrupted:
    repository = Repository(house.place / "slow")
    repository.commit(house.files())
    repository.url = f"{house.git.url}/smart/slow"
    stack = house.site.stack(repository, beforePlan=["sh held.sh plan"])
    house.until(lambda: not jobs(house, "vcs.fetch"), "the first commits to be fetched")
    house.git.open.clear()
    house.git.asked.clear()
    run = house.site.api.ask(
        TRIGGER_COMMIT,
        stack=stack,
        sha=repository.commit({"more.tf": "locals {}\n"}),
    )["runTrigger"]["id"]
    assert house.git.asked.wait(PATIENCE)

    house.drain.kill()

    next_stack = house.stack()
    next_in_line = house.site.trigger(next_stack)
    assert sorted(jobs(house, "vcs.fetch")) == ["doing", "todo"]
    assert house.site.api.run(next_in_line)["waitsFor"] == "waits for its source to be fetched"
    house.git.open.set()
    house.drain = house.platform.start_drain()
    return Interrupted(stack, run, next_stack, next_in_line)


def jobs(house: House, name: str) -> list[str]:
    """How the queue's jobs of this name stand."""
    query = "select status::text from procrastinate_jobs where task_name = %s"
    return [str(status) for (status,) in house.platform.rows(query, name)]


def test_what_waits_when_the_drain_is_killed_is_done_by_the_next_one(house, interrupted):
    house.confirm(interrupted.next_stack, interrupted.next_in_line)

    house.check_applied(interrupted.next_stack, interrupted.next_in_line)
    house.check_next(interrupted.next_stack)


# -- the server


def test_runs_outlive_a_server_that_is_killed_while_they_plan_and_apply(house):
    planning_stack, applying_stack = house.stack(), house.stack()
    house.hold(planning_stack)
    house.hold(applying_stack)
    applying, planning = house.applying(applying_stack), house.planning(planning_stack)

    house.server.kill()
    house.go_on("apply", applying)  # it has to save its state while nobody is there
    house.server = house.platform.start_server(port=house.port)
    wait_until_ready(house.server)
    house.go_on("plan", planning)
    house.go_on("apply", planning)

    house.site.api.wait_for(applying, "FINISHED")
    house.confirm(planning_stack, planning)
    house.check_applied(applying_stack, applying)
    house.check_applied(planning_stack, planning)
    house.check_next(applying_stack, planning_stack)


# -- the scheduler


def test_another_scheduler_goes_on_where_one_was_killed(house, interrupted):
    house.scheduler.kill()
    ((killed_at,),) = house.platform.rows("select clock_timestamp()")
    house.scheduler = house.platform.start_scheduler()

    house.check_next(interrupted.next_stack)

    # The tick is the new one's, and a drain has done what it asked for.
    done = (
        "select 1 from lease_sweep s join procrastinate_periodic_defers d"
        " on d.task_name = 'runs.reconcile' and s.at > to_timestamp(d.defer_timestamp)"
        " where to_timestamp(d.defer_timestamp) > %s"
    )
    house.until(lambda: house.platform.rows(done, killed_at), "leases to be looked at")


# -- the doorbell


def test_a_run_goes_through_while_no_worker_hears_the_bell(house):
    stack = house.stack(autodeploy=True)

    house.line.take_away()
    try:
        run = house.site.trigger(stack)
        house.site.api.wait_for(run, "FINISHED")
        assert house.line.refused.is_set()
    finally:
        house.line.bring_back()

    house.check_applied(stack, run)
    house.check_next(stack)


# -- object storage


@contextlib.contextmanager
def no_storage(house: House) -> Iterator[None]:
    """Where objects are kept there is something else."""
    objects = house.platform.place / "data" / "objects"
    objects.rename(objects.with_name("away"))
    objects.touch()
    try:
        yield
    finally:
        objects.unlink()
        objects.with_name("away").rename(objects)


def test_a_plan_that_cannot_be_stored_fails_its_run_and_says_why(house):
    stack = house.stack()
    house.hold(stack)
    run = house.planning(stack)

    with no_storage(house):
        house.go_on("plan", run)
        failed = house.site.api.wait_for(run, "FAILED")

    assert failed["failureReason"] == (
        "The workspace could not be stored: the object storage does not answer"
    )
    assert not failed["outcomeUnknown"]
    assert house.applied()[run] == 0
    house.check_let_go(stack, run)
    house.check_next(stack)


def test_an_apply_saves_its_state_when_the_storage_is_back(house):
    stack = house.stack()
    house.hold(stack)
    run = house.applying(stack)

    with no_storage(house):
        house.go_on("apply", run)
        refused = "select 1 from run where id = %s and state_refusal is not null"
        house.until(lambda: house.platform.rows(refused, run), "the state to be refused")

    house.site.api.wait_for(run, "FINISHED")
    house.check_applied(stack, run)
    house.check_next(stack)


def test_what_cannot_be_read_while_storage_is_away_is_not_said_to_be_gone(house):
    archived = "select run_id, state_version from run_log where object_key is not null limit 1"
    house.until(lambda: house.platform.rows(archived), "a log to be archived")
    ((run, version),) = house.platform.rows(archived)

    with no_storage(house):
        answer = house.site.api.http.get(f"/logs/{run}/{version}")

    assert (answer.status_code, answer.json()["code"]) == (503, "STORAGE_UNAVAILABLE")


# -- people who ask more than once


def test_of_ten_confirmations_at_once_one_counts_and_the_plan_is_applied_once(house):
    stack = house.stack()
    run = house.site.planned(stack)

    answers = at_once(house, "runConfirm(stack: $stack, run: $run)", stack=stack, run=run)

    assert [answer for answer in answers if "errors" not in answer] == [
        {"data": {"runConfirm": {"id": run}}}
    ]
    refusals = [answer["errors"][0] for answer in answers if "errors" in answer]
    assert {refusal["extensions"]["code"] for refusal in refusals} == {"ILLEGAL_RUN_TRANSITION"}
    house.site.api.wait_for(run, "FINISHED")
    late = at_once(house, "runConfirm(stack: $stack, run: $run)", stack=stack, run=run)
    assert all("errors" in answer for answer in late)
    house.check_applied(stack, run)
    house.check_next(stack)


def test_ten_triggers_at_once_are_ten_runs_each_applied_once(house):
    stack = house.stack(autodeploy=True)

    answers = at_once(house, "runTrigger(stack: $stack)", stack=stack)

    runs = [answer["data"]["runTrigger"]["id"] for answer in answers]
    assert len(set(runs)) == 10
    for run in runs:
        house.site.api.wait_for(run, "FINISHED")
    counts = house.applied()
    assert {run: counts[run] for run in runs} == dict.fromkeys(runs, 1)
    ((overlaps,),) = house.platform.rows(
        "select count(*) from run a join run b on a.stack_id = b.stack_id and a.id < b.id"
        " join run_transition x on x.run_id = a.id and x.after = 'PREPARING'"
        " join run_transition y on y.run_id = b.id and y.after = 'PREPARING'"
        " where a.stack_id = %s and x.at < b.finished_at and y.at < a.finished_at",
        stack,
    )
    assert overlaps == 0


def at_once(house: House, what: str, **variables: str) -> list[dict[str, object]]:
    """The answers to ten people who ask for the same."""
    names = ", ".join(f"${name}: ID!" for name in variables)
    document = f"mutation ({names}) {{ {what} {{ id }} }}"
    people = [house.site.api.at(house.site.api.address) for _ in range(10)]
    ready = threading.Barrier(len(people))

    def ask(person):
        with contextlib.closing(person):
            ready.wait(PATIENCE)
            return person.answer(document, **variables)

    with ThreadPoolExecutor(len(people)) as hands:
        return list(hands.map(ask, people))


# -- the database


def test_runs_outlive_a_database_that_is_away_while_they_plan_and_apply(house):
    planning_stack, applying_stack = house.stack(), house.stack()
    house.hold(planning_stack)
    house.hold(applying_stack)
    applying, planning = house.applying(applying_stack), house.planning(planning_stack)

    house.database.take_away()
    time.sleep(DATABASE_AWAY - 2)
    house.go_on("apply", applying)  # both come to their ends before it is back
    house.go_on("plan", planning)
    time.sleep(2)
    house.database.bring_back()
    wait_until_ready(house.server)

    house.go_on("apply", planning)
    house.site.api.wait_for(applying, "FINISHED")
    house.confirm(planning_stack, planning)
    house.check_applied(applying_stack, applying)
    house.check_applied(planning_stack, planning)
    house.check_next(applying_stack, planning_stack)


def test_a_drain_hears_of_jobs_again_when_the_database_was_restarted(house):
    house.database.take_away()
    house.database.bring_back()
    wait_until_ready(house.server)

    listening = "select 1 from pg_stat_activity where query ilike 'listen \"procrastinate%%'"
    house.until(lambda: house.platform.rows(listening), "the drain to listen", seconds=5)


# -- in the end


def test_a_commit_that_a_killed_drain_was_fetching_is_fetched_by_another(house, interrupted):
    house.confirm(interrupted.stack, interrupted.run)

    house.check_applied(interrupted.stack, interrupted.run)
    house.check_next(interrupted.stack)


def test_nothing_is_left_over(house):
    rows = house.platform.rows
    assert set(house.applied().values()) == {1}
    assert rows("select id, state from run where finished_at is null") == []
    assert rows("select run_id from run_lease") == []
    assert rows("select stack_id from state_lock") == []
    assert rows("select task_name from procrastinate_jobs where status = 'failed'") == []
    found = house.platform.faults()
    assert [fault for fault in found if not fault.endswith(tuple(map(repr, EXPECTED)))] == []
