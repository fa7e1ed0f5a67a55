"""Whole runs, in the sandbox and without, against a server that says what a test wants."""

import json
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest
from gantry_protocol.calls import Held
from gantry_protocol.manifest import Manifest
from gantry_worker import environment
from gantry_worker.control_plane import ControlPlane
from gantry_worker.journal import Journal
from gantry_worker.masking import Masker
from gantry_worker.performance import perform
from gantry_worker.runtimes import sandbox
from gantry_worker.runtimes.choice import Choice
from gantry_worker.session import Session
from gantry_worker.settings import load_settings
from gantry_worker.workspace import Workspace

from tests.integration.worker.stand_in import standing_in
from tests.integration.worker.whole_run import CHOICES, a_key, source, took
from tests.support.engines import NoEngineHere, connected


@pytest.fixture(scope="module")
def key():
    return a_key()


@pytest.fixture
def workspace(tmp_path):
    path = tmp_path / "runs" / "mine"
    path.mkdir(parents=True)
    return path


@pytest.fixture(scope="session")
async def docker():
    """Docker's engine, with an image of this machine's programs."""
    async with _engine("docker") as connected:
        yield connected


@pytest.fixture(scope="session")
async def podman():
    """Podman's service, the same."""
    async with _engine("podman") as connected:
        yield connected


@asynccontextmanager
async def _engine(kind):
    async with AsyncExitStack() as stack:
        try:
            yield await stack.enter_async_context(connected(kind))
        except NoEngineHere as reason:
            pytest.skip(str(reason))


@pytest.fixture
async def there():
    async with standing_in() as server:
        server.answers["source"] = [(200, source())]
        server.answers["logs/1"] = [took]
        yield server


@pytest.fixture(params=CHOICES, ids=lambda choice: choice.name)
def choice(request):
    return request.param


@pytest.fixture
async def in_containers(docker):
    """The choice of a worker that uses the engine, in the machine's network as the server is."""
    engine = await docker.with_options(network="host")
    yield Choice("docker", True, sandbox.for_run, engine)
    await engine.close()


@pytest.fixture
def run(choice, there, key, tmp_path):
    return whole_run(choice, there, key, tmp_path)


def whole_run(choice, there, key, tmp_path):
    """Performs runs of a choice against the server that is there."""

    async def go(phases, *, state_version=1, run_type="TRACKED", minutes=1.0, **more):
        lease = Held(run_id="RUN", fence=len(there.bodies("report")) + 1)
        manifest = Manifest(
            run_id="RUN",
            run_type=run_type,
            stack_id="s",
            fence=lease.fence,
            phases=phases,
            source_url=None if "workspace_url" in more else f"{there.url}/source",
            **more,
        )
        given = environment.Given({}, frozenset())
        server = ControlPlane(there.url, "POOL", lambda: "proof")
        masker = Masker(environment.words_to_mask(manifest, given))
        session = Session(
            settings=load_settings(
                {"SPACELIFT_TOKEN": "t", "SPACELIFT_POOL_PRIVATE_KEY": "k"}
            ).model_copy(
                update={
                    "work_dir": tmp_path / "launcher-0",
                    "run_timeout": timedelta(minutes=minutes),
                }
            ),
            server=server,
            key=key,
            choice=choice,
            lease=lease,
            manifest=manifest,
            workspace=Workspace(tmp_path / "runs" / f"RUN-{lease.fence}"),
            given=given,
            journal=Journal(server, lease, masker, stack_id="s", mirror=None),
            state="PREPARING",
            worker_id="W",
        )
        await perform(session, state_version)
        await server.close()
        assert list((tmp_path / "runs").iterdir()) == []
        return [json.loads(body)["report"] for body in there.bodies("report")]

    go.isolates = choice.isolates
    return go
