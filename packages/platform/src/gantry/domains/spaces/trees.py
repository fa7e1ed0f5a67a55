"""The tree of spaces, kept from request to request for as long as it is the database's.

It changes once a week and is asked for with every request. Whoever asks has read the version of the
tree in the same query as whatever else they need; a tree that is not known yet is read then.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gantry.domains.spaces import repo
from gantry.kernel.tx import Tx

_MOST = 4
"""Trees that are kept: the newest, and those of transactions that began before it."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Who is beneath whom, by id."""

    beneath: Mapping[str, Sequence[str]]
    """Of each space, itself and all that is beneath it."""
    inherits: Mapping[str, Sequence[str]]
    """Of each space, those above that it inherits from."""


# No version is used twice, in whatever database.
_known: OrderedDict[str, Tree] = OrderedDict()


async def of_version(tx: Tx, version: str) -> Tree:
    """The tree of that version; if it is not known here, the present one."""
    found = _known.get(version)
    if found is not None:
        return found
    present, spaces = await repo.tree(tx)
    beneath: dict[str, list[str]] = {space_id: [] for space_id, _, _ in spaces}
    for space_id, path, _ in spaces:
        for above in path:
            beneath[above].append(space_id)
    _known[present] = Tree(beneath, {space_id: inherits for space_id, _, inherits in spaces})
    while len(_known) > _MOST:
        _known.popitem(last=False)
    return _known[present]
