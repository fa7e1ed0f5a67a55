"""Access rules, and what somebody was given, as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import strawberry

from gantry.api.graphql.account.types import SpaceAccessLevel
from gantry.api.graphql.context import Fetch, Info
from gantry.domains.people import access
from gantry.domains.roles import access_rules
from gantry.domains.roles.access_rules import AccessRule
from gantry.domains.roles.model import RoleBinding


@strawberry.type
class SpaceAccessRule:
    """A level in a space, and in those beneath it."""

    space: strawberry.ID
    space_access_level: SpaceAccessLevel


@strawberry.input
class SpaceAccessRuleInput:
    """A level in a space, and in those beneath it."""

    space: strawberry.ID
    space_access_level: SpaceAccessLevel


async def load_given(
    info: Info, fetch: Fetch[str, list[RoleBinding]], subject_id: str
) -> list[RoleBinding]:
    """What the subject was given in spaces that the caller may see."""
    held = await info.context.load(fetch, subject_id) or []
    spaces = access.readable_spaces(info.context.actor)
    return [one for one in held if spaces is None or one.space_id in spaces]


def rules_view(held: Iterable[RoleBinding]) -> list[SpaceAccessRule]:
    """Those of the bindings that are access rules."""
    return [
        SpaceAccessRule(
            space=strawberry.ID(rule.space_id), space_access_level=SpaceAccessLevel[rule.level]
        )
        for rule in access_rules.among(held)
    ]


def wanted_rules(given: Sequence[SpaceAccessRuleInput] | None) -> list[AccessRule] | None:
    """The rules as somebody sent them; None for none sent."""
    if given is None:
        return None
    return [AccessRule(str(one.space), one.space_access_level.value) for one in given]
