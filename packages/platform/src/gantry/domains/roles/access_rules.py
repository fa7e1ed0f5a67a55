"""Access rules: the three levels as somebody has them in single spaces.

They are what roles were before there were roles, and existing clients speak of them. A rule is
a binding of one of three roles of the system; bindings of other roles are none, and are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.roles import bindings, repo
from gantry.domains.roles.bindings import Gift
from gantry.domains.roles.model import RoleBinding, Subject
from gantry.domains.roles.rules import LEVELS
from gantry.domains.spaces import repo as space_repo
from gantry.domains.spaces import service as spaces
from gantry.domains.spaces.model import ROOT
from gantry.kernel.tx import Tx

_LEVEL_OF = {role_id: level for level, role_id in LEVELS.items()}


@dataclass(frozen=True, slots=True)
class AccessRule:
    """A level, one of LEVELS, in a space."""

    space_id: str
    level: str


def among(held: Iterable[RoleBinding]) -> list[AccessRule]:
    """The access rules that the bindings are, in their order."""
    return [
        AccessRule(binding.space_id, _LEVEL_OF[binding.role_id])
        for binding in held
        if binding.role_id in _LEVEL_OF
    ]


async def put(tx: Tx, subject: Subject, subject_id: str, rules: Sequence[AccessRule]) -> None:
    """From now on the subject's access rules are exactly these. The caller knows that the subject
    is there.

    Needs to be admin of each space in which that changes anything. Raises NotFound, NotAllowed.
    """
    await space_repo.hold_tree(tx)
    # An empty id means the root space, as for the space above another.
    wanted = {
        Gift(
            subject,
            subject_id,
            LEVELS[rule.level],
            (await spaces.resolve(tx, rule.space_id or ROOT)).id,
        )
        for rule in rules
    }
    held = (await repo.bindings_of(tx, subject, [subject_id]))[subject_id]
    rest = set(wanted)
    gone = []
    for binding in held:
        same = Gift(subject, subject_id, binding.role_id, binding.space_id)
        rest.discard(same)
        if binding.role_id in _LEVEL_OF and same not in wanted:
            access.require(tx, Action.SPACE_ADMIN, binding.space_id)
            gone.append(binding.id)
    await repo.remove_these(tx, gone)
    if rest:
        await bindings.give(tx, sorted(rest, key=lambda gift: (gift.space_id, gift.role_id)))
