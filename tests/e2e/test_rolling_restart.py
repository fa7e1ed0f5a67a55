"""Every process is restarted, one after the other, while runs go on: nobody notices.

All the while the database has the schema of a release to come, as it is when an upgrade has begun.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.api_client import PATIENCE
from tests.support.releases import release_to_come
from tests.support.replicas import Replicas, end
from tests.support.site import Site

pytestmark = pytest.mark.timeout(400)
"""The restarts are one fixture, and a machine that does much else takes its time for each."""

STACKS = 4
"""Twice as many as workers, so that each worker always has something to do."""

CODE = """
resource "terraform_data" "it" {
  triggers_replace = [timestamp()]
  provisioner "local-exec" { command = "echo $TF_VAR_spacelift_run_id >> PLACE/applied" }
}
"""
TALK = """
# Talks for two seconds or more, and keeps what it said.
{
  echo "the beginning of $TF_VAR_spacelift_run_id"
  for piece in $(seq 40); do
    seq -f "$piece.%g: much is said here, and every byte of it counts" 50
    sleep 0.05
  done
  echo "the end of $TF_VAR_spacelift_run_id"
} | tee "PLACE/said-$TF_VAR_spacelift_run_id"
"""


LARGER = """
def upgrade():
    op.add_column("TABLE", sa.Column("may_come", sa.Text(), nullable=True))
    column = sa.Column("comes", sa.Integer(), nullable=False, server_default="1")
    op.add_column("TABLE", column)
"""
TABLES = ("stack", "run", "run_lease", "run_log", "worker", "worker_pool", "commit")


@dataclass
class Load:
    """Runs that follow one another on every stack, and those who watch them."""

    site: Site
    place: Path
    """Where runs leave what they did."""
    stacks: list[str]
    enough: threading.Event = field(default_factory=threading.Event)
    listening: threading.Event = field(default_factory=threading.Event)
    news: threading.Condition = field(default_factory=threading.Condition)
    followed: dict[str, bytes] = field(default_factory=dict)
    """What was heard of each run's log while it was written."""
    versions: dict[str, int] = field(default_factory=dict)
    triggered: set[str] = field(default_factory=set)
    seen: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    """(version, state) of each run in the order in which somebody who follows the stacks heard of
    it. Whoever goes on at another server is told the last seconds again.
    """
    resumed: Counter[str] = field(default_factory=Counter)
    """How often each kind of stream went on at another server."""
    pieces: int = 0

    # -- people

    def keep_running(self, stack: str) -> None:
        """One run after the other, each log followed to its end, until told that it is enough."""
        while not self.enough.is_set():
            run = self.site.trigger(stack)
            self.triggered.add(run)
            now = self.site.api.wait_for(run, "PLANNING", "APPLYING", "FINISHED")
            history = now["history"]
            version = next(m["stateVersion"] for m in history if m["state"] == "PLANNING")
            self.versions[run] = int(version)
            self.followed[run] = self.follow(run, int(version))
            self.site.api.wait_for(run, "FINISHED")

    def follow(self, run: str, version: int) -> bytes:
        """A log as a browser reads it: cut off, it goes on from the last offset it was given."""
        heard, at = b"", "0"
        while True:
            for number, event in self.stream(f"/logs/{run}/{version}", {}, at):
                if event is None:
                    return heard
                heard, at = heard + base64.b64decode(event["b"]), number
                with self.news:
                    self.pieces += 1
                    self.news.notify_all()
            self.resumed["log"] += 1

    def listen(self) -> None:
        """Follows all stacks to the last run's end, and goes on after the last thing heard."""
        at = ""
        while not self.heard_all():
            topics = {"topic": [f"stack:{stack}" for stack in self.stacks]}
            for number, event in self.stream("/events", topics, at):
                at = number
                assert event is not None
                assert event.get("kind") != "reload", "something may have been missed"
                if "state" in event:
                    self.seen[event["run_id"]].append((event["state_version"], event["state"]))
                if self.heard_all():
                    return
            self.resumed["events"] += 1

    def heard_all(self) -> bool:
        """Whether no run is under way, nor will be."""
        return self.enough.is_set() and self.triggered <= self.finished

    @property
    def finished(self) -> set[str]:
        """The runs of which they heard that they are finished."""
        return {run for run, seen in self.seen.items() if "FINISHED" in dict(seen).values()}

    def stream(self, path, params, at):
        """(number, event) of each server-sent event; None for the event that ends a log."""
        headers = {"last-event-id": at} if at else {}
        with self.site.api.http.stream("GET", path, params=params, headers=headers) as response:
            assert response.status_code == 200, response.read()
            number = kind = ""
            for line in response.iter_lines():
                word, _, rest = line.partition(": ")
                if word == "retry":
                    self.listening.set()  # what happens from now on is told
                elif word == "id":
                    number = rest
                elif word == "event":
                    kind = rest
                elif word == "data" and kind:
                    assert kind == "end", kind
                    yield number, None
                elif word == "data":
                    yield number, json.loads(rest)

    # -- what restarts wait for

    def goes_on(self) -> None:
        """Return when logs are being written and heard right now."""
        with self.news:
            before = self.pieces
            assert self.news.wait_for(lambda: self.pieces > before + 3, PATIENCE), "no log goes on"

    # -- what is true in the end

    def said(self, run: str) -> bytes:
        """What the run's own command kept of what it said."""
        return (self.place / f"said-{run}").read_bytes()


@pytest.fixture(scope="module")
def load(replicas: Replicas, tmp_path_factory) -> Load:
    place = tmp_path_factory.mktemp("effects")
    site = Site(replicas.platform, replicas.entrance, pool="workers that take turns")
    site.start_workers(2, GANTRY_WORKER_RUNTIME="process")
    files = {"main.tf": CODE, "talk.sh": TALK}
    repository = site.repository(
        {name: text.replace("PLACE", str(place)) for name, text in files.items()}
    )
    stacks = [
        site.stack(repository, autodeploy=True, beforePlan=["sh talk.sh"]) for _ in range(STACKS)
    ]
    return Load(site, place, stacks)


@pytest.fixture(scope="module")
def restarted(load: Load, replicas: Replicas, tmp_path_factory) -> Load:
    """Everything was restarted under load, and the load has come to its end."""
    migrations = {
        f"90{number:02}": LARGER.replace("TABLE", table) for number, table in enumerate(TABLES)
    }
    to_come = release_to_come(tmp_path_factory.mktemp("release") / "to-come", migrations)
    with ThreadPoolExecutor(STACKS + 1) as hands:
        listener = hands.submit(load.listen)
        assert load.listening.wait(PATIENCE)
        people = [hands.submit(load.keep_running, stack) for stack in load.stacks]
        try:
            load.goes_on()
            upgraded = replicas.platform.run("admin", "jobs", "list", **to_come.settings)
            assert upgraded.returncode == 0, upgraded.stderr
            for name in replicas.servers:
                for restart in (
                    replicas.restart_drain,
                    replicas.restart_scheduler,
                    replicas.restart_server,
                ):
                    load.goes_on()
                    restart(name)
            for worker in list(load.site.pool.workers):
                load.goes_on()
                end(worker)
                load.site.start_workers(1, GANTRY_WORKER_RUNTIME="process")
        finally:
            load.enough.set()
        for person in people:
            person.result()
        listener.result(PATIENCE)
    return load


def test_every_run_finishes_and_is_applied_once(restarted, replicas):
    runs = set(restarted.followed)
    assert len(runs) >= STACKS
    assert Counter((restarted.place / "applied").read_text().split()) == dict.fromkeys(runs, 1)
    ended = replicas.platform.rows(
        "select id, state, failure from run where id = any(%s)", list(runs)
    )
    assert sorted(ended) == sorted((run, "FINISHED", None) for run in runs)


def test_no_byte_of_a_log_is_lost_or_repeated(restarted, replicas):
    for run, heard in restarted.followed.items():
        version = restarted.versions[run]
        kept = restarted.site.api.log(run, version)
        assert digest(heard) == digest(kept)
        said = restarted.said(run)
        assert digest(between(kept, said.splitlines(True))) == digest(said)
        assert replicas.platform.rows(
            "select size, over from run_log where run_id = %s and state_version = %s", run, version
        ) == [(len(kept), True)]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def between(log: bytes, said: list[bytes]) -> bytes:
    """The part of the log from the first of these lines to the last."""
    return log[log.index(said[0]) : log.index(said[-1]) + len(said[-1])]


def test_whoever_follows_the_stacks_hears_of_every_move_and_in_order(restarted, replicas):
    assert restarted.finished == restarted.triggered == set(restarted.followed)
    assert restarted.resumed["events"] >= 1
    moves = replicas.platform.rows(
        "select run_id, version, after from run_transition where run_id = any(%s) order by 1, 2",
        list(restarted.triggered),
    )
    first_heard = {run: list(dict.fromkeys(seen)) for run, seen in restarted.seen.items()}
    assert [(run, *move) for run in sorted(first_heard) for move in first_heard[run]] == moves


def test_every_process_starts_on_the_schema_of_a_release_to_come(restarted, replicas):
    assert replicas.platform.rows("select version_num from alembic_version") == [("9006",)]
    for processes in (replicas.servers, replicas.drains, replicas.schedulers):
        for process in processes.values():
            assert process.alive
            assert '"database of a newer release"' in process.said()


def test_servers_end_in_order_and_cut_nobody_off(restarted, replicas):
    ended = [p for p in replicas.platform.processes if p.name.endswith("server") and not p.alive]
    assert len(ended) >= len(replicas.servers)
    for server in ended:
        assert "server leaving" in server.said()
        assert "timeout graceful shutdown exceeded" not in server.said()
