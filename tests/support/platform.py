"""The product as operators run it: processes of their own, settings in their environment."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psycopg
from gantry.infra.pool_keys import new_pool_key
from gantry.infra.postmaster import end_with_owner
from gantry.infra.vault import generate_private_key

from tests.support.api_client import PATIENCE, Api

GANTRY = Path(sys.executable).with_name("gantry")
ADMIN = "admin"
PASSWORD = secrets.token_urlsafe(18)
ORDERLY_SECONDS = 20
"""For a process to end when told to: a server lets requests finish for ten."""

UNEXPECTED = ("Traceback", "resolver failed", "request failed", "step failed unexpectedly")
"""Words by which the product's logs tell of bugs."""

_key: list[str] = []
_given: set[int] = set()


def encryption_key() -> str:
    """The installation's key: made once, because making one takes its time."""
    if not _key:
        _key.append(generate_private_key())
    return _key[0]


def free_port() -> int:
    """A port that nobody has now, and that no outgoing connection is given later: a process that
    is restarted finds it free again.
    """
    outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(10_000, max(outgoing, 20_000)), 100):
        with contextlib.suppress(OSError), socket.socket() as one:
            if port not in _given:
                one.bind(("127.0.0.1", port))
                _given.add(port)
                return port
    raise AssertionError("no port is free")


@dataclass
class Process:
    """A running part of the product, and what it logs."""

    name: str
    log: Path
    popen: subprocess.Popen[bytes]
    address: str = ""
    verify: ssl.SSLContext | bool = True
    """Whom to believe at that address."""

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def terminate(self) -> None:
        """Ask it to end."""
        if self.alive:
            self.popen.send_signal(signal.SIGTERM)

    def ended(self, seconds: float = ORDERLY_SECONDS) -> int:
        """Its exit code, once it has ended."""
        return self.popen.wait(seconds)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.popen.kill()
        self.popen.wait()

    def said(self) -> str:
        """Everything it logged."""
        return self.log.read_text(errors="replace")

    def wait_to_say(self, words: str) -> None:
        """Return as soon as it has logged these words."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.said():
            assert self.alive, self.said()
            assert time.monotonic() < deadline, f"it did not say {words!r}: {self.said()}"
            time.sleep(0.05)


@dataclass(frozen=True)
class Entrance:
    """Where an installation is found, whichever of its servers answers."""

    address: str
    verify: ssl.SSLContext | bool = True


@dataclass
class Pool:
    """A private worker pool, and the key that its workers hold."""

    id: str
    config: str
    key: str
    workers: list[Process] = field(default_factory=list)


class Platform:
    """An installation on a database and a directory of its own."""

    def __init__(self, place: Path, database_url: str, **settings: str) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.place, self._database_url = place, database_url
        self._settings = settings
        self.processes: list[Process] = []
        self.secrets = {PASSWORD, encryption_key()}
        """What no process may log."""
        self._tokens: dict[str, str] = {}

    # -- parts

    def start_server(self, *, port: int | None = None, **settings: str) -> Process:
        """A replica. `SERVER_DOMAIN` and the broker's address are its own unless given."""
        port, broker = port or free_port(), free_port()
        own = {
            "SERVER_DOMAIN": f"127.0.0.1:{port}",
            "GANTRY_SERVER_PORT": str(port),
            "MQTT_BROKER_ENDPOINT": f"tcp://127.0.0.1:{broker}",
            "GANTRY_MQTT_BROKER_PORT": str(broker),
        }
        server = self._start(["backend", "server"], {**own, **self._settings, **settings})
        server.address = f"http://127.0.0.1:{port}"
        return server

    def start_drain(self, **settings: str) -> Process:
        """A drain."""
        return self._start(["backend", "drain"], {**self._backstage(), **settings})

    def start_scheduler(self, **settings: str) -> Process:
        """A scheduler."""
        return self._start(["scheduler"], {**self._backstage(), **settings})

    def start_worker(self, pool: Pool, *, program: Path | None = None, **settings: str) -> Process:
        """A launcher of the pool, or a program of that file in its place."""
        own = {
            "SPACELIFT_TOKEN": pool.config,
            "SPACELIFT_POOL_PRIVATE_KEY": pool.key,
            "GANTRY_WORKER_DIR": str(self.place / "worker"),
            "GANTRY_TERRAFORM_MIRROR": "none",
            "GANTRY_OPENTOFU_MIRROR": "none",
        }
        worker = self._start(["worker"], {**own, **settings}, server=False, program=program)
        pool.workers.append(worker)
        self.secrets.add(pool.key)
        return worker

    def start_probed(self, *command: str, **settings: str) -> Process:
        """A process whose address is that of its probes."""
        ports = {
            f"GANTRY_{name}_PORT": str(free_port())
            for name in ("SERVER", "MQTT_BROKER", "INSTRUMENTATION")
        }
        probed = {"ENABLE_INSTRUMENTATION_ENDPOINTS": "true", **ports}
        process = self._start(list(command), {**self._backstage(), **probed, **settings})
        process.address = f"http://127.0.0.1:{ports['GANTRY_INSTRUMENTATION_PORT']}"
        return process

    def start(self) -> Process:
        """One of everything but workers; the server, when it is ready."""
        server = self.start_server()
        self._settings["SERVER_DOMAIN"] = server.address.removeprefix("http://")
        self.start_drain()
        self.start_scheduler()
        wait_until_ready(server)
        return server

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """A command that ends by itself."""
        variables = self._variables({**self._backstage(), **settings})
        return subprocess.run(
            [str(GANTRY), *arguments], env=variables, capture_output=True, text=True, timeout=60
        )

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """What is in the database, where the API has no way to say it."""
        with psycopg.connect(self._database_url) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def change(self, statement: str, *values: object) -> None:
        """Change rows behind the product's back."""
        with psycopg.connect(self._database_url) as connection:
            connection.execute(statement.encode(), values)

    # -- people

    def admin(self, server: Process | Entrance, *, account: str = "tests") -> Api:
        """The administrator, signed in; the installation has its name."""
        address = server.address
        if "token" not in self._tokens:
            credentials = {"username": ADMIN, "password": PASSWORD}
            http = httpx2.Client(timeout=PATIENCE, verify=server.verify)
            response = http.post(f"{address}/admin-login", json=credentials)
            assert response.status_code == 200, response.text
            token = self._tokens["token"] = response.json()["jwt"]
            self.secrets.add(token)
            headers = {"authorization": f"Bearer {token}"}
            named = http.post(f"{address}/setup", json={"name": account}, headers=headers)
            assert named.status_code == 200, named.text
        keep_alive = not isinstance(server, Entrance)
        return Api(address, self._tokens["token"], verify=server.verify, keep_alive=keep_alive)

    # -- the end

    def stop(self) -> None:
        """End everything that still runs: asked first, killed if it does not."""
        for process in self.processes:
            process.terminate()
        time.sleep(0.1)
        for process in self.processes:
            if process.name.endswith("worker"):
                process.terminate()  # what it holds is not worth finishing any more
        with ThreadPoolExecutor() as hands:
            list(hands.map(_end, self.processes))

    def faults(self) -> list[str]:
        """What the processes' logs show that no story should lead to."""
        found = []
        for process in self.processes:
            said = process.said()
            found += [f"{process.name} logged {word!r}" for word in UNEXPECTED if word in said]
            found += [
                f"{process.name} logged a secret" for secret in self.secrets if secret in said
            ]
        return found

    def _backstage(self) -> dict[str, str]:
        # Drains and schedulers serve nobody; the addresses only have to be well-formed.
        unused = {"SERVER_DOMAIN": "127.0.0.1", "MQTT_BROKER_ENDPOINT": "tcp://127.0.0.1:1984"}
        return {**unused, **self._settings}

    def _variables(self, settings: dict[str, str], *, server: bool = True) -> dict[str, str]:
        # Nothing of the environment of the tests: no proxy, no TF_CLI_CONFIG_FILE.
        own = {"PATH": os.environ["PATH"], "HOME": str(self.place), "LANG": "C.UTF-8"}
        if not server:
            return {**own, **settings}
        return {
            **own,
            "DATABASE_URL": self._database_url,
            "ENCRYPTION_RSA_PRIVATE_KEY": encryption_key(),
            "ADMIN_USERNAME": ADMIN,
            "ADMIN_PASSWORD": PASSWORD,
            "GANTRY_SERVER_SCHEME": "http",
            "GANTRY_SERVER_HOST": "127.0.0.1",
            "GANTRY_MQTT_BROKER_HOST": "127.0.0.1",
            "GANTRY_DATA_DIR": str(self.place / "data"),
            "GANTRY_GIT_ALLOW_FILE_URLS": "true",
            # Those who are called by webhooks are on this machine.
            "GANTRY_OUTWARD_ALLOWED": "localhost,127.0.0.1",
            # There is nobody whom a leaving server would have to give time.
            "GANTRY_SHUTDOWN_DELAY_SECONDS": "0",
            **settings,
        }

    def _start(
        self,
        arguments: list[str],
        settings: dict[str, str],
        *,
        server: bool = True,
        program: Path | None = None,
    ) -> Process:
        name = f"{len(self.processes)}-{arguments[-1]}"
        log = self.place / f"{name}.log"
        with log.open("wb") as file:
            popen = subprocess.Popen(
                [str(GANTRY), *arguments]
                if program is None
                # -P: what lies beside it is no library.
                else [sys.executable, "-P", str(program)],
                env=self._variables(settings, server=server),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                preexec_fn=end_with_owner(),  # also when the tests themselves are killed
            )
        process = Process(name, log, popen)
        self.processes.append(process)
        return process


def make_pool(api: Api, name: str) -> Pool:
    """A new pool, as an operator makes one: key and request here, the rest through the API."""
    key, request = new_pool_key(None)
    assert key is not None
    made = api.ask(
        "mutation ($name: String!, $request: String!) {"
        " workerPoolCreate(name: $name, certificateSigningRequest: $request) { id config } }",
        name=name,
        request=request,
    )["workerPoolCreate"]
    return Pool(made["id"], made["config"], key)


def workers_of(api: Api, pool: Pool) -> list[dict[str, object]]:
    """The workers that the API shows, newest first."""
    document = "query ($id: ID!) { workerPool(id: $id) { workers { id busy drained status } } }"
    found: list[dict[str, object]] = api.ask(document, id=pool.id)["workerPool"]["workers"]
    return found


def wait_until_ready(*servers: Process) -> None:
    """Return when all of them say that they can do their work."""
    deadline = time.monotonic() + PATIENCE
    for server in servers:
        while True:
            with contextlib.suppress(httpx2.TransportError):
                url = f"{server.address}/readiness"
                if httpx2.get(url, verify=server.verify).status_code == 200:
                    break
            assert server.alive, server.said()
            assert time.monotonic() < deadline, f"not ready: {server.said()}"
            time.sleep(0.05)


def log_tails(processes: Iterable[Process], since: dict[Path, int]) -> str:
    """What the processes logged after these sizes of their files, for whoever looks for a cause."""
    parts = []
    for process in processes:
        with process.log.open("rb") as file:
            file.seek(since.get(process.log, 0))
            # The last pages: a whole log would hide the test's own words.
            said = file.read()[-12_000:].decode(errors="replace")
        if said:
            parts.append(f"--- {process.name} ({'alive' if process.alive else 'ended'})\n{said}")
    return "\n".join(parts)


def _end(process: Process) -> None:
    try:
        process.ended()
    except subprocess.TimeoutExpired:
        process.kill()
