"""The product, started as operators start it, for every story to share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.balancer import Balancer
from tests.support.platform import Platform, Process, free_port, log_tails, wait_until_ready
from tests.support.postgres_cluster import Cluster
from tests.support.replicas import Replicas, make_replicas
from tests.support.site import Site

_platforms: list[Platform] = []
_sizes: dict[Path, int] = {}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Postgres server for all installations."""
    cluster = Cluster()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """Where installations keep what they keep."""
    made = Path(tempfile.mkdtemp(prefix="gantry-e2e-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def new_platform(cluster: Cluster, place: Path):
    """Makes installations; ends them with the session, and looks through what they logged."""

    def make(**settings: str) -> Platform:
        number = len(_platforms)
        platform = Platform(place / f"installation-{number}", cluster.database(), **settings)
        _platforms.append(platform)
        return platform

    yield make
    with ThreadPoolExecutor() as hands:
        list(hands.map(Platform.stop, _platforms))
    faults = [fault for platform in _platforms for fault in platform.faults()]
    _platforms.clear()
    assert not faults


@pytest.fixture(scope="session")
def replicas(new_platform) -> Iterator[Replicas]:
    """Two of everything. Each request goes to another server than the one before."""
    replicas = make_replicas(new_platform)
    replicas.start()
    yield replicas
    replicas.close()


@pytest.fixture(scope="session")
def site(replicas) -> Site:
    """The installation that most stories share: two of everything, and two workers."""
    site = Site(replicas.platform, replicas.entrance)
    site.start_workers(2)
    return site


@dataclass
class Pair:
    """An installation with two of everything. Workers come through a load balancer, which prefers
    server A; leases are as short as they can be."""

    site: Site
    a: Process
    b: Process
    drains: list[Process]
    schedulers: list[Process]


@pytest.fixture(scope="session")
def pair(new_platform) -> Iterator[Pair]:
    """Two servers, two drains, two schedulers, all started at once on an empty database."""
    ports = {name: free_port() for name in ("web", "web-a", "web-b", "bell", "bell-a", "bell-b")}
    platform = new_platform(
        GANTRY_LEASE_SECONDS="5",
        SERVER_DOMAIN=f"127.0.0.1:{ports['web']}",
        MQTT_BROKER_ENDPOINT=f"tcp://127.0.0.1:{ports['bell']}",
    )
    web = Balancer(ports["web"], [ports["web-a"], ports["web-b"]])
    bell = Balancer(ports["bell"], [ports["bell-a"], ports["bell-b"]])
    a, b = (
        platform.start_server(
            port=ports[f"web-{name}"],
            GANTRY_SERVER_PORT=str(ports[f"web-{name}"]),
            GANTRY_MQTT_BROKER_PORT=str(ports[f"bell-{name}"]),
        )
        for name in "ab"
    )
    drains = [platform.start_drain() for _ in range(2)]
    schedulers = [platform.start_scheduler() for _ in range(2)]
    wait_until_ready(a, b)
    yield Pair(Site(platform, b), a, b, drains, schedulers)
    web.close()
    bell.close()


@pytest.fixture(autouse=True)
def _note_sizes() -> None:
    """Where the logs are when a test begins."""
    for platform in _platforms:
        _sizes.update((p.log, p.log.stat().st_size) for p in platform.processes)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Show what the product logged while a test failed."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for platform in _platforms:
            said = log_tails(platform.processes, _sizes)
            report.sections.append((f"logs of {platform.place.name}", said))
