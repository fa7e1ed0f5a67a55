"""A state that a worker could not save: handed over later, looked at, and made the stack's own."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import time

import pytest
from gantry_protocol.calls import AUDIENCE, Held
from gantry_worker import unsaved
from gantry_worker.control_plane import ControlPlane
from gantry_worker.keys import PoolKey, load_pool_key
from gantry_worker.workspace import Workspace
from ulid import ULID

from tests.support.api_client import PATIENCE
from tests.support.platform import make_pool
from tests.support.site import Site

CODE = 'resource "terraform_data" "it" {}\noutput "word" { value = "before" }\n'
STATE = {
    "version": 4,
    "terraform_version": "1.11.4",
    "serial": 41,
    "lineage": "of-the-run",
    "outputs": {"word": {"value": "made in vain", "type": "string"}},
    "resources": [],
}
IMPORT = (
    "mutation ($id: ID!, $state: String!) { stackManagedStateImport(stackId: $id, state: $state) }"
)


@pytest.fixture
def ended(site: Site):
    """(stack, lease) of a run that is over."""
    stack = site.stack(CODE)
    run = site.applied(stack)
    ((fence,),) = site.platform.rows("select fence from run where id = %s", run)
    return stack, Held(run_id=run, fence=fence)


def left_on_a_worker(site: Site, lease: Held):
    """The file that a worker leaves which was cut off while it had such a state."""
    place = site.platform.place
    workspace = Workspace(place / "cut-off" / lease.run_id)
    workspace.make()
    (workspace.root / "errored.tfstate").write_text(json.dumps(STATE))
    key = load_pool_key(site.pool.key)
    return unsaved.seal(workspace, "errored.tfstate", key, lease, place / "worker" / "unsaved")


def admin(site: Site, *words: str):
    return site.platform.run("admin", "unsaved-states", *words)


def test_the_next_worker_hands_over_what_one_that_was_cut_off_left(site, ended, tmp_path):
    stack, lease = ended
    sealed = left_on_a_worker(site, lease)

    (worker,) = site.start_workers(1)
    deadline = time.monotonic() + PATIENCE
    while sealed.exists():
        assert time.monotonic() < deadline, worker.said()
        time.sleep(0.05)
    worker.terminate()

    assert lease.run_id in admin(site, "list").stdout
    exported = tmp_path / "state.json"
    assert admin(site, "export", lease.run_id, str(exported)).returncode == 0
    assert json.loads(exported.read_text()) == STATE
    assert exported.stat().st_mode & 0o777 == 0o600
    assert admin(site, "export", lease.run_id, str(exported)).returncode != 0, "it is there"

    site.api.ask("mutation ($id: ID!) { stackLock(id: $id) { id } }", id=stack)
    site.api.ask(IMPORT, id=stack, state=exported.read_text())
    site.api.ask("mutation ($id: ID!) { stackUnlock(id: $id) { id } }", id=stack)
    assert admin(site, "delete", lease.run_id).returncode == 0

    assert admin(site, "delete", lease.run_id).returncode != 0
    assert "No state" in admin(site, "list").stdout
    ((serial,),) = site.platform.rows(
        "select max(serial) from state_version where stack_id = %s", stack
    )
    assert serial > STATE["serial"]


def test_nobody_but_the_runs_own_pool_and_newest_lease_leaves_a_state(site, ended):
    _, lease = ended
    stranger = make_pool(site.api, "strangers")
    site.platform.secrets.add(stranger.key)
    packed = gzip.compress(json.dumps(STATE).encode())

    def answer(pool, lease, data=packed):
        async def ask():
            key: PoolKey = load_pool_key(pool.key)
            worker = str(ULID())
            server = ControlPlane(
                site.server.address,
                pool.id,
                lambda: key.proof(worker_id=worker, audience=AUDIENCE, pool_id=pool.id),
            )
            try:
                return await server.keep_state(lease, data)
            finally:
                await server.close()

        return asyncio.run(ask())

    older = Held(run_id=lease.run_id, fence=lease.fence - 1)
    unknown = Held(run_id=str(ULID()), fence=1)
    for pool, held in ((stranger, lease), (site.pool, older), (site.pool, unknown)):
        assert answer(pool, held).reason == "the run is no longer yours"
    assert "gzipped" in answer(site.pool, lease, base64.b64encode(packed)).reason

    assert site.platform.rows(
        "select count(*) from unsaved_state where run_id = %s", lease.run_id
    ) == [(0,)]
