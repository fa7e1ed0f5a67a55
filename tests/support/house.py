"""An installation of which everything can be taken away while runs are under way.

What its runs do is counted outside of any workspace, and they wait wherever a test wants them to.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gantry.ports.objects import Bucket

from tests.support.api_client import PATIENCE
from tests.support.gate import Gate
from tests.support.git_server import GitServer
from tests.support.lines import Line
from tests.support.object_stores import KEY_ID, SECRET, moto_server
from tests.support.platform import Platform, Process, free_port, wait_until_ready
from tests.support.postgres_away import Database
from tests.support.site import Site, states

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
i=0
while [ -e "PLACE/hold-$1-$TF_VAR_spacelift_stack_id" ]; do
  i=$((i + 1))
  [ $i -lt 4000 ] || exit 1
  echo "line $i"
  sleep 0.03
done
echo $i > "PLACE/said-$1-$TF_VAR_spacelift_run_id"
"""
STEPS = ("init", "plan", "apply", "end")
"""Where a run may talk and wait, in order."""
STATE_OF = {
    "init": "INITIALIZING",
    "plan": "PLANNING",
    "apply": "APPLYING",
    "end": "APPLYING",
}
"""A run is still applying while its after_run hooks run."""

PHASES: dict[str, tuple[str | None, dict[str, object]]] = {
    "preparing": (None, {"autodeploy": True}),
    "initializing": ("init", {"autodeploy": True, "beforeInit": ["sh held.sh init"]}),
    "planning": ("plan", {"autodeploy": True, "beforePlan": ["sh held.sh plan"]}),
    "unconfirmed": (None, {}),
    "applying": ("apply", {"beforePlan": ["sh held.sh plan"]}),
    "finishing": ("end", {"autodeploy": True, "afterRun": ["sh held.sh end"]}),
}
"""Where a run may be when something happens: the step in which it waits, and how its stack is.
Another one is queued behind that which is finishing. What no part of the house is at work on, or
is only for a moment, is in tests/integration/runs/test_killed_midway.py.
"""
TRUTHFUL = timedelta(seconds=60)
"""Within which every run has to be where it belongs again, once all parts are there."""


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
    gate: Gate
    place: Path
    """Where runs leave what they did, and wait for leave to go on."""
    port: int
    server: Process
    drain: Process
    scheduler: Process
    _phases: dict[str, str] = field(default_factory=dict)

    def stack(self, **settings: object) -> str:
        """A stack each of whose runs is counted when it applies."""
        wanted = {"beforePlan": ["sh held.sh plan"], **settings}
        return self.site.stack(self.site.repository(self.files()), **wanted)

    def files(self) -> dict[str, str]:
        scripts = {"counted.sh": COUNTED, "held.sh": HELD}
        return {
            "main.tf": CODE,
            **{name: text.replace("PLACE", str(self.place)) for name, text in scripts.items()},
        }

    # -- processes

    def kill(self, part: str) -> None:
        """A power cut for the server, the drain or the scheduler."""
        process: Process = getattr(self, part)
        process.kill()

    def start(self, part: str) -> None:
        """Another one in its place; return when it does its work."""
        if part == "server":
            self.server = self.platform.start_server(port=self.port)
            wait_until_ready(self.server)
        elif part == "drain":
            self.drain = self.platform.start_drain()
        else:
            self.scheduler = self.platform.start_scheduler()

    def jobs(self, name: str) -> list[str]:
        """How the queue's jobs of this name stand."""
        query = "select status::text from procrastinate_jobs where task_name = %s"
        return [str(status) for (status,) in self.platform.rows(query, name)]

    def now(self) -> datetime:
        """The time, as the database has it."""
        ((now,),) = self.platform.rows("select clock_timestamp()")
        assert isinstance(now, datetime)
        return now

    def workers_listen(self) -> bool:
        """Whether every worker hears what is rung."""
        return self.line.listening == sum(worker.alive for worker in self.site.pool.workers)

    # -- where runs wait

    def hold(self, stack: str, *steps: str) -> None:
        """From now on runs of the stack wait in these steps."""
        for step in steps:
            (self.place / f"hold-{step}-{stack}").touch()

    def go_on(self, stack: str, *steps: str) -> None:
        """They wait no more, in these steps or in any."""
        for step in steps or STEPS:
            (self.place / f"hold-{step}-{stack}").unlink(missing_ok=True)

    def planning(self, stack: str) -> str:
        """A run that talks while it plans, and waits."""
        self.hold(stack, "plan")
        run = self.site.trigger(stack)
        self.talking(run, "plan")
        return run

    def applying(self, stack: str) -> str:
        """A run that was confirmed, talks while it applies, and waits."""
        self.hold(stack, "apply")
        run = self.site.planned(stack)
        self.site.decide("runConfirm", stack, run)
        self.talking(run, "apply")
        return run

    def talking(self, run: str, step: str) -> None:
        state = STATE_OF[step]
        self.site.api.wait_for(run, state)
        self.site.api.wait_for_words(run, self.site.version(run, state), "line 3")

    def in_every_phase(self) -> dict[str, tuple[str, str]]:
        """(stack, run) for each of PHASES and one in a queue, all at once: each waits where its
        phase says.
        """
        if not self._phases:
            code = self.site.repository(self.files())
            for phase, (_, settings) in PHASES.items():
                self._phases[phase] = self.site.stack(code, **settings)
        runs = {}
        for phase, stack in self._phases.items():
            step, _ = PHASES[phase]
            if step is not None:
                self.hold(stack, step)
            if phase != "preparing":
                runs[phase] = (stack, self.site.trigger(stack))
        for phase in ("applying", "unconfirmed"):
            self.site.api.wait_for(runs[phase][1], "UNCONFIRMED")
        self.site.decide("runConfirm", *runs["applying"])
        for phase, (_, run) in runs.items():
            if step := PHASES[phase][0]:
                self.talking(run, step)
        behind = self._phases["finishing"]
        runs["queued"] = (behind, self.site.trigger(behind))
        self.site.api.wait_for(runs["queued"][1], "QUEUED")
        # Its source is what the last one waits for, when all others have theirs.
        self.gate.hold("gantry-metadata")
        stack = self._phases["preparing"]
        runs["preparing"] = (stack, self.site.trigger(stack))
        self.site.api.wait_for(runs["preparing"][1], "PREPARING")
        self.until(self.gate.waits, "the source to be asked for")
        return runs

    def let_go(self, runs: dict[str, tuple[str, str]]) -> None:
        """None of them waits any more, but for a person's word."""
        self.gate.let_through()
        for stack, _ in runs.values():
            self.go_on(stack)

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
                    if shown["run_ulid"] == run:  # the next one's plan names it as well
                        lines.append((shown["ts"], shown["msg"]))
        return [words for _, words in sorted(lines, key=lambda line: line[0])]

    # -- what has to be true in the end

    def check_all_applied(
        self, runs: dict[str, tuple[str, str]], *, since: datetime | None = None
    ) -> None:
        """Each of them comes to its end, as if nothing had happened, and in time after `since`."""
        self.confirm(*runs["unconfirmed"])
        for _, run in runs.values():
            self.site.api.wait_for(run, "FINISHED")
        if since is not None:
            ids = [run for _, run in runs.values()]
            ((last,),) = self.platform.rows(
                "select max(at) from run_transition where run_id = any(%s)", ids
            )
            assert isinstance(last, datetime)
            assert last - since < TRUTHFUL
        for stack, run in runs.values():
            self.check_applied(stack, run)

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
        assert (run,) in kept
        ((newest,),) = rows("select max(id) from run where stack_id = %s", stack)
        if run == newest:
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
        files = [self.place / f"said-{step}-{run}" for step in STEPS]
        said = [int(file.read_text()) for file in files if file.exists()]
        assert lines == [number for most in said for number in range(1, most + 1)]

    def check_next(self, *stacks: str) -> None:
        """Each of the stacks takes another run, to its end."""
        for stack in stacks:
            self.go_on(stack)
        runs = {stack: self.site.trigger(stack) for stack in stacks}
        for stack, run in runs.items():
            now = self.site.api.wait_for(run, "UNCONFIRMED", "FINISHED")
            if now["state"] == "UNCONFIRMED":
                self.site.decide("runConfirm", stack, run)
        for stack, run in runs.items():
            self.site.api.wait_for(run, "FINISHED")
            self.check_applied(stack, run)


@contextlib.contextmanager
def a_house() -> Iterator[House]:
    """One of everything and two workers, on a database and a store of their own."""
    with contextlib.ExitStack() as leaving:
        place = Path(tempfile.mkdtemp(prefix="gantry-faults-", dir="/tmp"))
        leaving.callback(shutil.rmtree, place, ignore_errors=True)
        database = Database()
        leaving.callback(database.stop)
        gate = Gate(leaving.enter_context(moto_server()))
        leaving.callback(gate.close)
        web, bell, broker = free_port(), free_port(), free_port()
        platform = Platform(
            place / "installation",
            database.database(),
            SERVER_DOMAIN=f"127.0.0.1:{web}",
            GANTRY_SERVER_PORT=str(web),
            MQTT_BROKER_ENDPOINT=f"tcp://127.0.0.1:{bell}",
            GANTRY_MQTT_BROKER_PORT=str(broker),
            GANTRY_GIT_ALLOW_PRIVATE_ADDRESSES="true",
            **objects_behind(gate),
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
            2,
            GANTRY_WORKER_RUNTIME="process",
            GANTRY_WORKER_CONCURRENCY="3",
            SPACELIFT_RUN_LOGS_ON_STANDARD_OUTPUT_ENABLED="true",
        )
        yield House(site, platform, database, line, git, gate, place, web, server, drain, scheduler)


def objects_behind(gate: Gate) -> dict[str, str]:
    """Settings for storage in the store behind the gate."""
    return {
        "OBJECT_STORAGE_TYPE": "minio",
        "OBJECT_STORAGE_MINIO_ENDPOINT": gate.address,
        "OBJECT_STORAGE_MINIO_ACCESS_KEY_ID": KEY_ID,
        "OBJECT_STORAGE_MINIO_SECRET_ACCESS_KEY": SECRET,
        **{f"OBJECT_STORAGE_BUCKET_{bucket.name}": f"gantry-{bucket}" for bucket in Bucket},
    }
