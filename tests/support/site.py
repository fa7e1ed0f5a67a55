"""An installation that is in use: somebody signed in, a pool with workers, stacks with code."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

from tests.support.api_client import PATIENCE, Api
from tests.support.git_repository import Repository
from tests.support.platform import (
    Entrance,
    Platform,
    Pool,
    Process,
    make_pool,
    workers_of,
)

_numbers = itertools.count(1)


class Site:
    """What a story starts from. Every stack runs on the site's own private pool."""

    def __init__(
        self, platform: Platform, server: Process | Entrance, *, pool: str = "workers"
    ) -> None:
        self.platform, self.server = platform, server
        self.api: Api = platform.admin(server)
        self.pool: Pool = make_pool(self.api, pool)

    def start_workers(self, count: int = 1, **settings: str) -> list[Process]:
        """Launchers of the pool, once the installation knows them besides those it has."""
        before = {worker["id"] for worker in workers_of(self.api, self.pool)}
        started = [self.platform.start_worker(self.pool, **settings) for _ in range(count)]

        def known() -> bool:
            for worker in started:
                assert worker.alive, worker.said()
            now = {worker["id"] for worker in workers_of(self.api, self.pool)}
            return len(now - before) == count

        self.api.wait(f"queue:{self.pool.id}", known, f"{count} new workers")
        return started

    def repository(self, files: dict[str, str]) -> Repository:
        """A repository with one commit of these files on `main`."""
        made = Repository(self.platform.place / f"repository-{next(_numbers)}")
        made.commit(files, "The beginning")
        return made

    def stack(self, code: str | Repository = "", **settings: Any) -> str:
        """A stack of a repository, or of a new one whose `main.tf` this is; its id."""
        source = code if isinstance(code, Repository) else self.repository({"main.tf": code})
        wanted = {
            "name": f"story {next(_numbers)}",
            "administrative": False,
            "branch": "main",
            "repository": "code",
            "provider": "GIT",
            "repositoryURL": source.url,
            "workerPool": self.pool.id,
            **settings,
        }
        stack = self.api.ask(CREATE, input=wanted)["stackCreate"]
        assert stack["sourceProblem"] is None, stack
        return str(stack["id"])

    def configure(self, stack: str, name: str, value: str, **more: Any) -> None:
        """Set a variable of the stack, or mount a file."""
        element = {"id": name, "type": "ENVIRONMENT_VARIABLE", "writeOnly": False, **more}
        if element["writeOnly"]:
            self.platform.secrets.add(value)
        self.api.ask(CONFIGURE, stack=stack, config={**element, "value": value})

    def context(self, name: str, variables: dict[str, str], **more: Any) -> str:
        """A context with these variables; its id."""
        elements = [
            {"id": key, "type": "ENVIRONMENT_VARIABLE", "writeOnly": False, "value": value}
            for key, value in variables.items()
        ]
        wanted = {"name": name, "configAttachments": elements, **more}
        return str(self.api.ask(CONTEXT, input=wanted)["contextCreateV2"]["id"])

    def space(self, name: str, above: str = "root", *, inherits: bool = True, **more: Any) -> str:
        """A space beneath another; its id."""
        wanted = {
            "name": name,
            "description": "",
            "parentSpace": above,
            "inheritEntities": inherits,
            **more,
        }
        return str(self.api.ask(SPACE, input=wanted)["spaceCreate"]["id"])

    def role(self, name: str, *actions: str, **more: Any) -> str:
        """A role of these actions; its id."""
        wanted = {"name": name, "actions": list(actions), **more}
        return str(self.api.ask(ROLE, input=wanted)["roleCreate"]["id"])

    def trigger(self, stack: str, kind: str = "TRACKED") -> str:
        """Start a run; its id."""
        return str(self.api.ask(TRIGGER, stack=stack, kind=kind)["runTrigger"]["id"])

    def task(self, stack: str, command: str, *, skip_init: bool = False) -> str:
        """Start a task; its id."""
        asked = self.api.ask(TASK, stack=stack, command=command, skip=skip_init)
        return str(asked["taskCreate"]["id"])

    def decide(self, what: str, stack: str, run: str, note: str | None = None) -> dict[str, Any]:
        """`runConfirm`, `runDiscard`, `runStop`, `runCancel`, `runKill`: the run afterwards."""
        document = DECIDE.replace("DECISION", what)
        found: dict[str, Any] = self.api.ask(document, stack=stack, run=run, note=note)[what]
        return found

    def planned(self, stack: str, kind: str = "TRACKED") -> str:
        """A run whose plan waits to be confirmed."""
        run = self.trigger(stack, kind)
        self.api.wait_for(run, "UNCONFIRMED")
        return run

    def applied(self, stack: str, kind: str = "TRACKED") -> str:
        """A run that was confirmed and has finished."""
        run = self.planned(stack, kind)
        self.decide("runConfirm", stack, run)
        self.api.wait_for(run, "FINISHED")
        return run

    def look(self, stack: str, fields: str) -> dict[str, Any]:
        """Fields of the stack."""
        document = "query ($id: ID!) { stack(id: $id) { FIELDS } }".replace("FIELDS", fields)
        found: dict[str, Any] = self.api.ask(document, id=stack)["stack"]
        return found

    def outputs(self, stack: str) -> dict[str, Any]:
        """The stack's outputs: JSON texts by name."""
        found = self.look(stack, "outputs { id value }")["outputs"]
        return {output["id"]: output["value"] for output in found}

    def versions(self, stack: str) -> list[tuple[int, str, str]]:
        """(serial, id, lineage) of the stack's states, oldest first."""
        asked = "select serial, id, lineage from state_version where stack_id = %s order by serial"
        return [
            (int(str(serial)), str(version), str(lineage))
            for serial, version, lineage in self.platform.rows(asked, stack)
        ]

    def version(self, run: str, state: str) -> int:
        """The newest version at which the run was in this state."""
        history = self.api.run(run)["history"]
        return next(int(m["stateVersion"]) for m in history if m["state"] == state)

    def left(self, run: str) -> list[Path]:
        """The workspaces of the run on workers' disks now, without the workers' own notes on it."""
        found = (self.platform.place / "worker").glob(f"launcher-*/runs/{run}-*")
        return [path for path in found if not path.name.endswith(".own")]

    def wait_until_nothing_is_left(self, run: str) -> None:
        """A worker tells of a run's end first, and removes its workspace then."""
        deadline = time.monotonic() + PATIENCE
        while left := self.left(run):
            assert time.monotonic() < deadline, f"still there: {left}"
            time.sleep(0.05)

    def source(self, run: str) -> Path:
        """Where a worker has the run's code now."""
        (found,) = [place / "source" for place in self.left(run) if (place / "source").is_dir()]
        return found


def states(run: dict[str, Any]) -> list[str]:
    """The states a run went through, oldest first."""
    return [move["state"] for move in reversed(run["history"])]


CREATE = """
mutation ($input: StackInput!) {
  stackCreate(input: $input, manageState: true) { id sourceProblem }
}
"""
CONFIGURE = """
mutation ($stack: ID!, $config: ConfigInput!) {
  stackConfigAdd(stack: $stack, config: $config) { id }
}
"""
CONTEXT = "mutation ($input: ContextInput!) { contextCreateV2(input: $input) { id } }"
SPACE = "mutation ($input: SpaceInput!) { spaceCreate(input: $input) { id } }"
ROLE = "mutation ($input: RoleInput!) { roleCreate(input: $input) { id } }"
TRIGGER = """
mutation ($stack: ID!, $kind: RunType) { runTrigger(stack: $stack, runType: $kind) { id } }
"""
TASK = """
mutation ($stack: ID!, $command: String!, $skip: Boolean) {
  taskCreate(stack: $stack, command: $command, skipInitialization: $skip) { id }
}
"""
DECIDE = """
mutation ($stack: ID!, $run: ID!, $note: String) {
  DECISION(stack: $stack, run: $run, note: $note) { id state }
}
"""
