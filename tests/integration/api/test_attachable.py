"""What stacks of a space can use: what is in it, and in the spaces that it inherits from."""

from __future__ import annotations

import pytest
from gantry.domains.contexts import context_service
from gantry.domains.contexts.context_service import Wanted
from gantry.domains.pools import service as pools
from gantry.domains.roles.rules import READER
from gantry.domains.spaces import service as spaces

from tests.integration.api.test_spaces_and_roles import give
from tests.support.given import ADMIN

ASK = """
query ($id: ID!) {
  attachableContextsInSpace(id: $id) { name }
  attachableWorkerPoolsInSpace(id: $id) { name }
  attachablePoliciesInSpace(id: $id) { id }
  attachableExternalIntegrationInSpace(id: $id) { id }
  attachableVCSIntegrationsForProviderInSpace(id: $id, provider: GIT) { id }
}
"""


@pytest.fixture
async def tree(core):
    """root > team (inherits) > inner (inherits), root > alone; a context and a pool in each."""
    ids = {"root": "root"}
    async with core.db.write(ADMIN) as tx:
        for name, parent, inherits in (
            ("team", "root", True),
            ("inner", "team", True),
            ("alone", "root", False),
        ):
            wanted = spaces.Wanted(name=name, parent_id=ids[parent], inherits=inherits)
            ids[name] = (await spaces.create(tx, wanted)).id
        for name, space in ids.items():
            await context_service.create(
                tx, core.vault, Wanted(name=f"context of {name}", space_id=space)
            )
            await pools.create(
                tx,
                core.authority,
                core.reach,
                name=f"pool of {name}",
                request=core.keys.pool_requests[0],
                space_id=space,
            )
    return ids


@pytest.mark.parametrize(
    ("space", "reach"),
    [
        ("root", ["root"]),
        ("team", ["root", "team"]),
        ("inner", ["inner", "root", "team"]),
        ("alone", ["alone"]),
    ],
)
async def test_a_space_uses_what_is_in_it_and_what_it_inherits(ada, tree, space, reach):
    found = await ada.ask(ASK, id=tree[space])

    def told(field):
        return sorted(one["name"] for one in found.pop(field))

    assert told("attachableContextsInSpace") == [f"context of {name}" for name in reach]
    assert told("attachableWorkerPoolsInSpace") == [f"pool of {name}" for name in reach]
    assert all(those == [] for those in found.values())


async def test_who_reads_a_space_is_told_what_it_inherits_and_nothing_of_others(ada, tree, robot):
    key, reader = await robot()
    await give(ada, key, READER.id, tree["team"])

    found = await reader.ask(ASK, id=tree["team"])
    refused = await reader.answer(ASK, id=tree["alone"])

    assert len(found["attachableContextsInSpace"]) == 2
    assert refused["data"] is None
    assert {error["extensions"]["code"] for error in refused["errors"]} == {"NOT_FOUND"}
