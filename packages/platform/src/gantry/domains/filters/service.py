"""What can be done with saved filters.

They belong to the account and to no space: one's own are one's own, and public ones are everybody's
to see, and its maker's and root admins' to change.
"""

from __future__ import annotations

from dataclasses import dataclass

from gantry.domains.filters import repo, rules
from gantry.domains.filters.model import SavedFilter
from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.spaces.model import ROOT
from gantry.kernel.errors import NotAllowed, NotFound, Unauthenticated
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Tx


@dataclass(frozen=True, slots=True)
class Wanted:
    """A saved filter as somebody wants it."""

    name: str
    type: str
    public: bool
    data: str


async def create(tx: Tx, wanted: Wanted) -> SavedFilter:
    """A new one, of whoever asks. Raises BadFilter, TooManyFilters, NotAllowed."""
    _require_reader(tx)
    _require_keeper(tx, public=wanted.public)
    if await repo.count_of(tx, tx.actor.id) >= rules.MAX_OF_ONE:
        raise rules.TooManyFilters
    made = SavedFilter(
        id=new_id(),
        name=rules.checked_name(wanted.name),
        type=rules.checked_type(wanted.type),
        public=wanted.public,
        data=rules.checked_data(wanted.data),
        owner=tx.actor.id,
        created_by=tx.actor.name,
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.session.add(made)
    await tx.session.flush()
    return made


async def update(
    tx: Tx, filter_id: str, *, public: bool, name: str | None, data: str | None
) -> SavedFilter:
    """Change one; None keeps, and the type stays. Raises BadFilter, NotFound, NotAllowed."""
    found = await _held(tx, filter_id)
    if found.owner == tx.actor.id:
        _require_keeper(tx, public=public)
    elif not public:
        # It would be its maker's alone from then on: that is for its maker to say.
        raise NotAllowed("unauthorized: only whoever made a saved filter makes it private")
    if name is not None:
        found.name = rules.checked_name(name)
    if data is not None:
        found.data = rules.checked_data(data)
    found.public, found.updated_at = public, tx.now
    await tx.session.flush()
    return found


async def delete(tx: Tx, filter_id: str) -> SavedFilter:
    """It is gone. Raises NotFound, NotAllowed."""
    found = await _held(tx, filter_id)
    await tx.session.delete(found)
    await tx.session.flush()
    return found


async def _held(tx: Tx, filter_id: str) -> SavedFilter:
    if tx.actor.kind == "anonymous":
        raise Unauthenticated
    found = await repo.lock(tx, filter_id)
    if found is None:
        raise NotFound("saved filter not found")
    if found.owner != tx.actor.id and not access.may(tx.actor, Action.SPACE_ADMIN, ROOT):
        raise NotAllowed(
            "unauthorized: only whoever made a public filter and root admins change it"
        )
    return found


def _require_reader(tx: Tx) -> None:
    if tx.actor.kind == "anonymous":
        raise Unauthenticated
    if not access.may_anywhere(tx.actor, Action.SPACE_READ):
        raise NotAllowed("unauthorized: there is no list that you may see")


def _require_keeper(tx: Tx, *, public: bool) -> None:
    # A run is gone when it ends, and would leave what nobody sees or changes any more.
    if tx.actor.kind == "run" and not (public and access.may(tx.actor, Action.SPACE_ADMIN, ROOT)):
        raise NotAllowed(
            "unauthorized: a run saves filters only for everybody, and needs the SPACE_ADMIN action"
            " in space root"
        )
