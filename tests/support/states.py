"""States of the tests' own making, and what is done with them."""

from __future__ import annotations

import json

import pytest
from gantry.domains.stacks import service as stack_service
from gantry.domains.tfstate import repo, surgery
from gantry.domains.tfstate import service as states
from gantry.kernel.tx import SYSTEM
from gantry.ports.objects import Bucket

from tests.support.given import (
    ADMIN,
    everything,
    write_state,
)


def body(serial, lineage="l", **more):
    return json.dumps({"version": 4, "serial": serial, "lineage": lineage, **more}).encode()


async def write(core, stack, data, **how):
    await write_state(core, stack, data, **how)


async def read(core, stack):
    return await states.read(core.db, core.vault, core.objects, stack.id)


async def history(core, stack):
    async with core.db.read(SYSTEM) as tx:
        return await repo.history(tx, stack.id, 100)


async def stored_objects(core, tmp_path):
    place = tmp_path / "core" / "objects" / Bucket.STATES.value
    return [path for path in place.rglob("*") if path.is_file()]


async def hold(core, stack, lock_id, *, run_id=None):
    info = {"ID": lock_id, "Who": f"user-{lock_id}", "Operation": "OperationTypeApply"}
    async with core.db.write(SYSTEM) as tx:
        await states.lock(tx, stack.id, info, run_id=run_id)


async def let_go(core, stack, lock_id, *, run_id=None):
    async with core.db.write(SYSTEM) as tx:
        await states.unlock(tx, stack.id, lock_id, run_id=run_id)


async def lock_stack(core, stack, by=ADMIN):
    async with core.db.write(by) as tx:
        await stack_service.lock(tx, stack.id, note=None)


async def import_it(core, stack, data, by=ADMIN):
    await surgery.import_state(core.db, core.vault, core.objects, by, stack.id, data)


async def roll_back(core, stack, version, by=ADMIN):
    return await surgery.rollback(core.db, core.vault, core.objects, by, stack.id, version)


async def refused(core, tmp_path, error, doing, words=None):
    """Nothing changes, neither rows nor objects, and the call raises."""
    before = await everything(core), await stored_objects(core, tmp_path)
    with pytest.raises(error, match=words) as raised:
        await doing
    assert (await everything(core), await stored_objects(core, tmp_path)) == before
    return raised.value
