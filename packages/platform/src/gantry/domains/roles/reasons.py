"""Why somebody may do what they may: which role, given where, and how it reaches a space.

It says in words what `rights` counts with, by the same rules.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from gantry.domains.roles import given_repo, rights
from gantry.domains.roles.given_repo import Held
from gantry.domains.spaces import repo as space_repo
from gantry.domains.spaces.model import Space
from gantry.kernel.tx import Tx


class Way(enum.StrEnum):
    """How it comes that somebody has rights in a space."""

    EVERYWHERE = "EVERYWHERE"
    """They were made for everything: the installation's admin, or a key with all rights."""
    GIVEN = "GIVEN"
    """A role was given in this space."""
    FLOWS_DOWN = "FLOWS_DOWN"
    """A role was given in a space above."""
    INHERITED = "INHERITED"
    """A role was given in a space that inherits from this one: it lets one see this one."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One of the reasons. Without `held` it is nothing that was given."""

    way: Way
    held: Held | None = None


async def of_actor(tx: Tx, space_ids: Sequence[str]) -> dict[str, list[Reason]]:
    """By space, why the actor has rights there; spaces that it may not see have none."""
    held = await given_repo.held(tx, rights.subjects_of(tx.actor), tx.actor.groups)
    spaces = await space_repo.by_ids(tx, space_ids)
    everywhere = [Reason(Way.EVERYWHERE)] if tx.actor.everywhere else []
    return {
        space.id: [*everywhere, *(found for one in held if (found := _reason(one, space)))]
        for space in spaces.values()
    }


def _reason(one: Held, space: Space) -> Reason | None:
    if one.space.id == space.id:
        return Reason(Way.GIVEN, one)
    if one.space.id in space.path:
        return Reason(Way.FLOWS_DOWN, one)
    if space.id in one.space.inherits:
        return Reason(Way.INHERITED, one)
    return None
