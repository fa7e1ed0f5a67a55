"""An installation with two of everything, behind load balancers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.api_client import PATIENCE
from tests.support.balancer import Balancer, Health, Rota
from tests.support.platform import Entrance, Platform, Process, free_port

NAMES = "ab"
LEAVING_SECONDS = "2"
"""How long a server goes on that was told to end: several looks of the balancers."""


@dataclass
class Replicas:
    """Servers, drains and schedulers by name; clients and workers see the entrance alone."""

    platform: Platform
    entrance: Entrance
    ports: dict[str, int]
    web: Balancer
    bell: Balancer
    health: Health
    settings: dict[str, str] = field(default_factory=dict)
    """What processes are started with from now on, besides everything else."""
    servers: dict[str, Process] = field(default_factory=dict)
    drains: dict[str, Process] = field(default_factory=dict)
    schedulers: dict[str, Process] = field(default_factory=dict)

    def start(self, names: str = NAMES) -> None:
        """Start those of everything; return when the servers are ready."""
        for name in names:
            self._server(name)
        for name in names:
            self.start_backstage(name)
        for name in names:
            self.wait_until_ready(name)

    def start_servers(self, *names: str) -> None:
        """Start those that are gone, at once; return when connections lead to each."""
        for name in names:
            self._server(name)
        for name in names:
            self.wait_until_ready(name)

    def start_backstage(self, name: str) -> None:
        """A drain and a scheduler."""
        self.drains[name] = self.platform.start_drain(**self.settings)
        self.schedulers[name] = self.platform.start_scheduler(**self.settings)

    def restart_server(self, name: str) -> None:
        """End it in order, start it again, return when connections lead to it."""
        end(self.servers[name])
        self.start_servers(name)

    def restart_drain(self, name: str) -> None:
        """End it in order, and start it again."""
        end(self.drains[name])
        self.drains[name] = self.platform.start_drain(**self.settings)

    def restart_scheduler(self, name: str) -> None:
        """End it in order, and start it again."""
        end(self.schedulers[name])
        self.schedulers[name] = self.platform.start_scheduler(**self.settings)

    def wait_until_ready(self, name: str) -> None:
        """Return when connections lead to the server."""
        server, port = self.servers[name], self.ports[f"web-{name}"]
        deadline = time.monotonic() + PATIENCE
        while not self.health.ready(port):
            assert server.alive, server.said()
            assert time.monotonic() < deadline, f"not ready: {server.said()}"
            time.sleep(0.05)

    def close(self) -> None:
        """Take no more connections."""
        for part in (self.web, self.bell, self.health):
            part.close()

    def _server(self, name: str) -> None:
        self.servers[name] = self.platform.start_server(
            port=self.ports[f"web-{name}"],
            GANTRY_SERVER_PORT=str(self.ports[f"web-{name}"]),
            GANTRY_MQTT_BROKER_PORT=str(self.ports[f"bell-{name}"]),
            **self.settings,
        )


def end(process: Process) -> None:
    """Tell it to end, and wait until it has, in order."""
    process.terminate()
    assert process.ended() == 0, process.said()


def make_replicas(new_platform: Callable[..., Platform], **settings: str) -> Replicas:
    """An installation of which nothing runs yet but the balancers."""
    names = [f"{part}{which}" for part in ("web", "bell") for which in ("", "-a", "-b")]
    ports = {name: free_port() for name in names}
    platform = new_platform(
        SERVER_DOMAIN=f"127.0.0.1:{ports['web']}",
        MQTT_BROKER_ENDPOINT=f"tcp://127.0.0.1:{ports['bell']}",
        GANTRY_SHUTDOWN_DELAY_SECONDS=LEAVING_SECONDS,
        **settings,
    )
    webs = [ports[f"web-{name}"] for name in NAMES]
    bells = [ports[f"bell-{name}"] for name in NAMES]
    health = Health(webs)
    return Replicas(
        platform,
        Entrance(f"http://127.0.0.1:{ports['web']}"),
        ports,
        Rota(ports["web"], dict(zip(webs, webs, strict=True)), health),
        Rota(ports["bell"], dict(zip(bells, webs, strict=True)), health),
        health,
    )
