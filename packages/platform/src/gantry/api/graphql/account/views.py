"""Spaces and users as the API shows them."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.account.types import Space, SpaceAccessLevel, User
from gantry.api.graphql.context import Info
from gantry.domains.people.access import may
from gantry.domains.people.actions import Action
from gantry.domains.people.service import SignIn
from gantry.domains.spaces import repo as spaces
from gantry.domains.spaces.model import Space as SpaceModel
from gantry.kernel.errors import NotFound
from gantry.kernel.tx import Actor


async def load_space(info: Info, space_id: str) -> Space:
    """A space the caller may see. Raises NotFound."""
    found = await info.context.load(spaces.by_ids, space_id)
    if found is None:
        raise NotFound("space not found")
    return space_view(found, info.context.actor)


def space_view(space: SpaceModel, actor: Actor) -> Space:
    """A space, with what the actor may do in it."""
    level = None
    for action, word in (
        (Action.SPACE_READ, SpaceAccessLevel.READ),
        (Action.SPACE_WRITE, SpaceAccessLevel.WRITE),
        (Action.SPACE_ADMIN, SpaceAccessLevel.ADMIN),
    ):
        if may(actor, action, space.id):
            level = word
    return Space(
        id=strawberry.ID(space.id),
        name=space.name,
        description=space.description,
        parent_space=strawberry.ID(space.parent_id) if space.parent_id else None,
        inherit_entities=space.inherit_entities,
        labels=list(space.labels),
        access_level=level,
    )


def user_view(actor: Actor, signed_in: SignIn | None = None) -> User:
    """Whoever is signed in; the token only where it was just given."""
    return User(
        id=strawberry.ID(actor.name if actor.kind == "user" else actor.id),
        login=actor.name,
        name=actor.name.split("::")[-1],
        type="user" if actor.kind == "user" else actor.kind,
        jwt=signed_in.token.reveal() if signed_in else "",
        valid_until=signed_in.valid_until if signed_in else 0,
    )
