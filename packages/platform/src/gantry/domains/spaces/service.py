"""What can be done with spaces."""

from __future__ import annotations

from gantry.domains.spaces import repo
from gantry.domains.spaces.model import ROOT, Space
from gantry.kernel.errors import NotFound
from gantry.kernel.tx import Tx


async def resolve(tx: Tx, space_id: str | None) -> Space:
    """The space of that id, the root space for none. Raises NotFound when it is not visible."""
    wanted = space_id or ROOT
    found = (await repo.by_ids(tx, [wanted])).get(wanted)
    if found is None:
        raise NotFound(f"space {wanted} not found")
    return found
