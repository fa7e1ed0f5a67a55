"""A stack's states as people look through them, and how two of them differ."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, query
from gantry.api.graphql.runs.types import Run
from gantry.api.graphql.shared.convert import edges, page_info, search, seconds
from gantry.api.graphql.shared.types import PageInfo, SearchInput
from gantry.api.graphql.state.types import ManagedStateVersion
from gantry.domains.runs import repo as runs
from gantry.domains.tfstate import compare, history
from gantry.domains.tfstate.compare import Kind
from gantry.domains.tfstate.model import StateLock as LockModel
from gantry.domains.tfstate.model import UnsavedState as UnsavedModel
from gantry.kernel.paging import Page

strawberry.enum(
    Kind,
    name="StateDifferenceKind",
    description="What happened to a thing between two states.",
)


@strawberry.type(description="A state on a page.")
class ManagedStateVersionEdge:
    """An edge."""

    cursor: str
    node: ManagedStateVersion


@strawberry.type(description="Who holds a stack's state. A run does, and it ends with the run.")
class StateLock:
    """A lock, without the id that it is released with."""

    model: strawberry.Private[LockModel]

    @strawberry.field
    def who(self) -> str | None:
        """As the tool that took it says: a user at a machine."""
        return _said(self.model, "Who")

    @strawberry.field
    def operation(self) -> str | None:
        """What it was taken for, in the tool's words."""
        return _said(self.model, "Operation")

    @strawberry.field
    def locked_at(self) -> int:
        """Unix seconds."""
        return seconds(self.model.locked_at)

    @strawberry.field
    async def run(self, info: Info) -> Run | None:
        """The run that holds it."""
        return await _run(info, self.model.run_id)


@strawberry.type(description="A state that a run left and no backend took (decision 15).")
class UnsavedState:
    """What is to be said of it."""

    model: strawberry.Private[UnsavedModel]

    @strawberry.field
    def run_id(self) -> strawberry.ID:
        """Its run, which leaves one at most."""
        return strawberry.ID(self.model.run_id)

    @strawberry.field
    def serial(self) -> int:
        """What it would follow the stack's states with."""
        return self.model.serial

    @strawberry.field
    def lineage(self) -> str:
        """As of any state."""
        return self.model.lineage

    @strawberry.field
    def size(self) -> int:
        """Bytes."""
        return self.model.size

    @strawberry.field
    def kept_at(self) -> int:
        """Unix seconds."""
        return seconds(self.model.kept_at)

    @strawberry.field
    async def run(self, info: Info) -> Run | None:
        """The run that left it."""
        return await _run(info, self.model.run_id)


@strawberry.type(description="A stack's states, and what the caller may do with them.")
class StateHistory:
    """A page of states, the newest first."""

    edges: list[ManagedStateVersionEdge]
    page_info: PageInfo
    total: int = strawberry.field(description="How many states there are.")
    current: ManagedStateVersion | None
    lock: StateLock | None
    unsaved: list[UnsavedState]
    locked_by_you: bool = strawberry.field(description="Whether the caller has locked the stack.")
    compare_refusal: str | None = strawberry.field(
        description="Why the caller may not compare states; none if they may."
    )
    download_refusal: str | None = strawberry.field(
        description="Why the caller cannot download states; none if they can."
    )
    change_refusal: str | None = strawberry.field(
        description="Why the caller may not import states and roll back; none if they may, once"
        " the stack is locked by them and no run holds it."
    )


@strawberry.type(description="An attribute that is different. Values are JSON texts.")
class StateAttributeDifference:
    """An attribute."""

    path: str
    kind: Kind
    before: str | None
    after: str | None
    sensitive: bool = strawberry.field(description="Whether its values are hidden.")


@strawberry.type(description="A resource or an output that is different.")
class StateDifference:
    """One thing."""

    address: str
    type: str = strawberry.field(description="A resource's type; else `output`.")
    mode: str = strawberry.field(description="`managed`, `data` or `output`.")
    module: str
    kind: Kind
    attributes: list[StateAttributeDifference]
    left_out: int = strawberry.field(description="Attributes more that are different.")


@strawberry.type(description="A difference on a page.")
class StateDifferenceEdge:
    """An edge."""

    cursor: str
    node: StateDifference


@strawberry.type(description="How two states differ: all of it in numbers, and a page in full.")
class StateComparison:
    """A comparison."""

    added: int
    removed: int
    changed: int
    same: int
    found: int = strawberry.field(description="Differences that fit what was asked for.")
    edges: list[StateDifferenceEdge]
    page_info: PageInfo
    before: ManagedStateVersion | None = strawberry.field(
        description="The stack's state that was compared; none if it is none of the stack's."
    )
    after: ManagedStateVersion | None = strawberry.field(
        description="What it was compared with; none if that is none of the stack's states."
    )


@strawberry.input(description="Which differences are wanted, and from where on.")
class StateComparisonInput:
    """Narrows a comparison."""

    first: int | None = None
    after: str | None = None
    text: str | None = strawberry.field(default=None, description="Words of the address.")
    kinds: list[Kind] | None = None


@strawberry.type(description="What a file is, and what importing it would do.")
class StateImportCheck:
    """Nothing has changed yet."""

    serial: int
    lineage: str
    terraform_version: str | None
    resource_count: int | None
    size: int
    refusal: str | None = strawberry.field(
        description="Why it may not follow the stack's current state; none if it may."
    )
    refusal_code: str | None
    comparison: StateComparison


@strawberry.type
class StateQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def stack_state_history(
        self, info: Info, stack_id: strawberry.ID, input: SearchInput
    ) -> StateHistory:
        """The states of a stack, the newest first, in pages."""
        async with info.context.read() as tx:
            found = await history.look(tx, str(stack_id), search(input))
        page, stack = found.page, found.stack
        shown = page.shown(lambda version: ManagedStateVersion(model=version))
        return StateHistory(
            edges=edges(shown, ManagedStateVersionEdge),
            page_info=page_info(shown),
            total=found.total,
            current=ManagedStateVersion(model=found.current) if found.current else None,
            lock=StateLock(model=found.lock) if found.lock else None,
            unsaved=[UnsavedState(model=state) for state in found.unsaved],
            locked_by_you=stack.locked_at is not None
            and stack.locked_by == info.context.actor.name,
            compare_refusal=found.compare_refusal,
            download_refusal=found.download_refusal,
            change_refusal=found.surgery_refusal,
        )

    @query(SIGNED_IN)
    async def stack_state_comparison(
        self,
        info: Info,
        stack_id: strawberry.ID,
        after: strawberry.ID,
        before: strawberry.ID | None = None,
        input: StateComparisonInput | None = None,
    ) -> StateComparison:
        """How a stack's state differs between two versions; without `before`, all of it is new.

        Values that are sensitive in either are hidden.
        """
        house = info.context.house
        async with house.comparing:
            found = await history.compare_versions(
                *(house.db, house.vault, house.objects, info.context.actor, str(stack_id)),
                before=str(before) if before else None,
                after=str(after),
                narrowed=_narrowed(input),
            )
        return _comparison(found)

    @query(SIGNED_IN)
    async def stack_unsaved_state_comparison(
        self,
        info: Info,
        stack_id: strawberry.ID,
        run_id: strawberry.ID,
        input: StateComparisonInput | None = None,
    ) -> StateComparison:
        """How the state that a run left, and no backend took, differs from the current one."""
        house = info.context.house
        async with house.comparing:
            found = await history.compare_unsaved(
                *(house.db, house.vault, house.objects, info.context.actor),
                *(str(stack_id), str(run_id)),
                most=house.max_state_bytes,
                narrowed=_narrowed(input),
            )
        return _comparison(found)

    @query(SIGNED_IN)
    async def stack_state_import_check(
        self,
        info: Info,
        stack_id: strawberry.ID,
        state: str,
        input: StateComparisonInput | None = None,
    ) -> StateImportCheck:
        """What a file is, and what importing it would do to the stack's state. Changes nothing."""
        house, body = info.context.house, state.encode()
        async with house.comparing:
            found = await history.check_import(
                *(house.db, house.vault, house.objects, info.context.actor, str(stack_id)),
                body,
                _narrowed(input),
            )
        return StateImportCheck(
            serial=found.head.serial,
            lineage=found.head.lineage,
            terraform_version=found.head.terraform_version,
            resource_count=found.head.resources,
            size=len(body),
            refusal=found.refusal.message if found.refusal else None,
            refusal_code=found.refusal.code if found.refusal else None,
            comparison=_comparison(found.comparison),
        )


async def _run(info: Info, run_id: str | None) -> Run | None:
    found = await info.context.load(runs.by_ids, run_id) if run_id else None
    return Run(model=found) if found else None


def _said(lock: LockModel, name: str) -> str | None:
    said = lock.info.get(name)
    return said if isinstance(said, str) and said else None


def _narrowed(given: StateComparisonInput | None) -> history.Narrowed:
    if given is None:
        return history.Narrowed()
    return history.Narrowed(given.first, given.after or None, given.text, given.kinds or ())


def _comparison(found: history.Comparison) -> StateComparison:
    page = found.page
    shown = Page(
        [_shown(one) for one in page.items], page.cursors, page.has_next, page.has_previous
    )
    return StateComparison(
        added=found.added,
        removed=found.removed,
        changed=found.changed,
        same=found.same,
        found=found.found,
        edges=edges(shown, StateDifferenceEdge),
        page_info=page_info(shown),
        before=ManagedStateVersion(model=found.before) if found.before else None,
        after=ManagedStateVersion(model=found.after) if found.after else None,
    )


def _shown(one: compare.Difference) -> StateDifference:
    return StateDifference(
        address=one.address,
        type=one.type,
        mode=one.mode,
        module=one.module,
        kind=one.kind,
        attributes=[
            StateAttributeDifference(
                path=a.path, kind=a.kind, before=a.before, after=a.after, sensitive=a.sensitive
            )
            for a in one.attributes
        ],
        left_out=one.left_out,
    )
