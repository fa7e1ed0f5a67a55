"""What somebody may do: the union of all that was given to them.

A role flows down the tree from where it was given. From a space that inherits, whoever has any role
in it may also see the spaces above that it inherits from, and so what they can use (contract notes,
"Spaces").
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from gantry.domains.people import levels
from gantry.domains.roles import repo
from gantry.domains.roles.model import Subject
from gantry.domains.roles.repo import Whom
from gantry.domains.spaces import repo as space_repo
from gantry.domains.spaces import trees
from gantry.kernel.tx import Actor, Tx

_KINDS = {"user": Subject.USER, "api_key": Subject.API_KEY}


async def of_signed_in(tx: Tx, actor: Actor) -> Actor:
    """Somebody who has signed in, with what they may do."""
    return await with_rights(tx, actor, subjects_of(actor), groups=actor.groups)


def subjects_of(actor: Actor) -> list[Whom]:
    """As whom the actor has been given roles."""
    kind = _KINDS.get(actor.kind)
    return [] if kind is None else [(kind, actor.id)]


async def with_rights(
    tx: Tx, actor: Actor, whom: Collection[Whom], *, groups: Collection[str] = ()
) -> Actor:
    """The actor with what the subjects' bindings, and those of the groups of these names, allow
    besides what it may already do.

    One query, whatever was given: it is asked with every request. The tree is read when it is
    another than before.
    """
    if not whom or actor.everywhere >= levels.ADMIN:
        return actor
    held = await repo.rights(tx, whom, groups)
    tree = await trees.of_version(tx, held.tree)
    brings = {role: levels.with_levels(actions) for role, actions in held.actions.items()}
    roles: dict[str, list[str]] = {}
    for bound, role in held.given:
        # A space that was removed a moment ago is in no tree.
        for space_id in tree.beneath.get(bound, ()):
            roles.setdefault(space_id, []).append(role)
    by_space = dict(actor.by_space)
    # Most spaces have the same few roles as those around them.
    unions: dict[tuple[str, ...], frozenset[str]] = {}
    for space_id, some in roles.items():
        those = tuple(some)
        if those not in unions:
            unions[those] = frozenset[str]().union(*(brings[role] for role in some))
        by_space[space_id] = by_space.get(space_id, frozenset()) | unions[those]
    for space_id in {above for bound, _ in held.given for above in tree.inherits.get(bound, ())}:
        by_space[space_id] = by_space.get(space_id, frozenset()) | levels.READ_ONLY
    return replace(actor, by_space=by_space, roles=tuple(held.slugs))


async def as_admin_of(tx: Tx, actor: Actor, space_id: str) -> Actor:
    """The actor with what the admin's role, given in the space, would let it do besides."""
    by_space = dict(actor.by_space)
    for one in await space_repo.subtree(tx, space_id):
        by_space[one] = levels.ADMIN
    for one in (await space_repo.lines_up(tx, [space_id]))[space_id]:
        by_space[one] = by_space.get(one, frozenset()) | levels.READ_ONLY
    return replace(actor, by_space=by_space)
