"""One installation for all stories of faults, and what no story may leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.api_client import PATIENCE
from tests.support.git_repository import Repository
from tests.support.house import House, a_house
from tests.support.platform import log_tails
from tests.support.postgres_cluster import DEBIAN

EXPECTED = ("Traceback",)
"""What the product may log while something that it needs is away."""


@pytest.fixture(scope="package")
def house() -> Iterator[House]:
    """An installation of its own, on a database of its own that can be taken away."""
    if not (DEBIAN / "postgres").exists():
        pytest.skip("takes Debian's PostgreSQL away and brings it back")
    with a_house() as made:
        yield made
        found = made.platform.faults()
    assert [fault for fault in found if not fault.endswith(tuple(map(repr, EXPECTED)))] == []


@pytest.fixture(autouse=True)
def _logs(house: House) -> Iterator[None]:
    """Show what the product logged while a test failed."""
    sizes = {process.log: process.log.stat().st_size for process in house.platform.processes}
    yield
    print(log_tails(house.platform.processes, sizes))


TRIGGER_COMMIT = """
mutation ($stack: ID!, $sha: String!) { runTrigger(stack: $stack, commitSha: $sha) { id } }
"""


@dataclass
class Interrupted:
    """The drain was killed while it fetched a commit; another one was started."""

    stack: str
    run: str
    next_stack: str
    next_in_line: str
    """A run of another stack, whose commit nobody had begun to fetch."""


@pytest.fixture(scope="package")
def interrupted(house: House) -> Interrupted:
    """Before all else: until the commit is fetched a dead drain has to be noticed."""
    repository = Repository(house.place / "slow")
    repository.commit(house.files())
    repository.url = f"{house.git.url}/smart/slow"
    stack = house.site.stack(repository, beforePlan=["sh held.sh plan"])
    house.until(lambda: not house.jobs("vcs.fetch"), "the first commits to be fetched")
    house.git.open.clear()
    house.git.asked.clear()
    run = house.site.api.ask(
        TRIGGER_COMMIT,
        stack=stack,
        sha=repository.commit({"more.tf": "locals {}\n"}),
    )["runTrigger"]["id"]
    assert house.git.asked.wait(PATIENCE)

    house.kill("drain")

    next_stack = house.stack()
    next_in_line = house.site.trigger(next_stack)
    assert sorted(house.jobs("vcs.fetch")) == ["doing", "todo"]
    assert house.site.api.run(next_in_line)["waitsFor"] == "waits for its source to be fetched"
    house.git.open.set()
    house.start("drain")
    return Interrupted(stack, run, next_stack, next_in_line)
