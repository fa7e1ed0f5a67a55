"""What can be done with spaces. What hangs in them, `stacks.homes` looks after."""

from __future__ import annotations

from dataclasses import dataclass, field

from gantry.domains.accounts import service as accounts
from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.spaces import repo
from gantry.domains.spaces.model import LEGACY, ROOT, Space
from gantry.domains.spaces.rules import BadSpace, checked_depth, checked_labels, checked_name
from gantry.kernel.errors import NotAllowed, NotFound
from gantry.kernel.ids import new_id, slug
from gantry.kernel.tx import SYSTEM, Tx

FIXED = (ROOT, LEGACY)
"""Spaces that can be neither moved nor deleted (contract notes, "Spaces")."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A space as somebody wants it."""

    name: str
    parent_id: str
    """Empty: the root space."""
    description: str = ""
    inherits: bool = False
    labels: list[str] = field(default_factory=list)


async def resolve(tx: Tx, space_id: str | None) -> Space:
    """The space of that id; for none, the one where things are made that name none: `legacy` where
    it exists, and the root space elsewhere. Raises NotFound when it is not visible.
    """
    wanted = space_id or await _home(tx)
    found = (await repo.by_ids(tx, [wanted])).get(wanted)
    if found is None:
        raise NotFound(f"space {wanted} not found")
    return found


async def _home(tx: Tx) -> str:
    return ROOT if await repo.find(tx, LEGACY) is None else LEGACY


async def make_legacy(tx: Tx) -> bool:
    """The space `legacy`, beneath the root space and inheriting from it; whether it had to be made.
    From then on it is always there, and things are made in it that name no space. For the operator.
    """
    await repo.hold_tree(tx)
    if await repo.find(tx, LEGACY) is not None:
        return False
    tx.session.add(
        Space(
            id=LEGACY,
            name=LEGACY,
            description="What was made without a space being named.",
            parent_id=ROOT,
            inherit_entities=True,
            labels=[],
            created_at=tx.now,
        )
    )
    await repo.draw_lines(tx, LEGACY)
    return True


async def reach_of(tx: Tx, space_id: str) -> list[str]:
    """The spaces whose things can be used in the space: itself, and those that it inherits from,
    nearest first. Raises NotFound when it is not visible.
    """
    space = await resolve(tx, space_id)
    return (await repo.lines_up(tx, [space.id]))[space.id]


async def create(tx: Tx, wanted: Wanted) -> Space:
    """A new space. Whoever may do everything in the space above makes it, if the account lets
    them; otherwise root admins. Raises BadSpace, NotAllowed, NotFound for the space above.
    """
    name, labels = checked_name(wanted.name), checked_labels(wanted.labels)
    parent = await resolve(tx, wanted.parent_id or ROOT)
    await _require_manager(tx, parent.id, inherits=wanted.inherits)
    await repo.hold_tree(tx)
    above = await repo.find(tx, parent.id)
    if above is None:
        raise NotFound(f"space {parent.id} not found")
    checked_depth(len(above.path) + 1)
    space = Space(
        # The suffix keeps ids apart for ever, whatever names are used again.
        id=f"{slug(name) or 'space'}-{new_id()}",
        name=name,
        description=wanted.description,
        parent_id=parent.id,
        inherit_entities=wanted.inherits,
        labels=labels,
        created_at=tx.now,
    )
    tx.session.add(space)
    await repo.draw_lines(tx, space.id)
    return space


async def update(tx: Tx, space_id: str, wanted: Wanted) -> Space:
    """Change a space, and with another one above it, move it. The caller looks whether everything
    that hangs in it can still be used (`stacks.homes`). Raises as `create` does.
    """
    name, labels = checked_name(wanted.name), checked_labels(wanted.labels)
    await resolve(tx, space_id)
    await repo.hold_tree(tx)
    space = await repo.find(tx, space_id)
    if space is None:
        raise NotFound(f"space {space_id} not found")
    parent_id = None if space_id == ROOT else wanted.parent_id or ROOT
    await _require_manager(tx, space_id, inherits=wanted.inherits)
    if parent_id != space.parent_id:
        await _check_move(tx, space, parent_id or ROOT, inherits=wanted.inherits)
    if space_id == ROOT and (wanted.inherits or wanted.parent_id):
        raise BadSpace("The root space has nothing above it.")
    space.name, space.description, space.labels = name, wanted.description, labels
    space.parent_id, space.inherit_entities = parent_id, wanted.inherits
    await repo.draw_lines(tx, space_id)
    return space


async def _check_move(tx: Tx, space: Space, parent_id: str, *, inherits: bool) -> None:
    if space.id in FIXED:
        raise BadSpace(f"The space {space.id} stays where it is.")
    parent = await resolve(tx, parent_id)
    await _require_manager(tx, parent.id, inherits=inherits)
    above = await repo.find(tx, parent.id)
    if above is None or space.id in above.path:
        raise BadSpace("A space cannot hang on itself, nor on a space beneath it.")
    checked_depth(len(above.path) + await repo.height(tx, space.id))


async def require_removable(tx: Tx, space_id: str) -> Space:
    """The space, if it may go as far as the tree knows. Raises BadSpace, NotAllowed, NotFound."""
    space = await resolve(tx, space_id)
    if space.id in FIXED:
        raise BadSpace(f"The space {space.id} is always there.")
    await _require_manager(tx, space.parent_id or ROOT, inherits=True)
    await repo.hold_tree(tx)
    return space


async def _require_manager(tx: Tx, space_id: str, *, inherits: bool) -> None:
    """Root admins manage the tree; admins of a space what is beneath it, if the account lets them,
    and then what they make inherits (contract notes, "Spaces").
    """
    if access.may(tx.actor, Action.SPACE_ADMIN, ROOT):
        return
    access.require(tx, Action.SPACE_ADMIN, space_id)
    account = await accounts.get(tx.acting_as(SYSTEM))
    if not account.space_admins_manage_spaces:
        raise NotAllowed(
            "unauthorized: only root admins manage spaces here; a root admin can allow admins of"
            " single spaces to"
        )
    if not inherits:
        raise NotAllowed(
            "unauthorized: only root admins make spaces that do not inherit; switch inheriting on"
        )
