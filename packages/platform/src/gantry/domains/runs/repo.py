"""Every query about runs but those of their logs (logs_repo.py)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Select,
    Text,
    and_,
    cast,
    delete,
    false,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.pools.model import WorkerPool
from gantry.domains.runs.model import (
    Comment,
    Lease,
    LocalWorkspace,
    ResourceChange,
    Review,
    Run,
    Transition,
    holding,
)
from gantry.domains.runs.states import CLAIMABLE, LOCKING, TERMINAL, WORKING, Kind, State
from gantry.domains.stacks.model import Stack, Vendor
from gantry.kernel.errors import NotFound
from gantry.kernel.facets import Facets, count_facets
from gantry.kernel.paging import Page
from gantry.kernel.search import Order, Search, Searchable, boolean, contains, equals, run_search
from gantry.kernel.tx import Tx

RUNS_PER_PAGE = 50


def visible(tx: Tx) -> Select[Run]:
    """Every query a request leads to starts here. A run's token reaches no runs, tasks or logs."""
    query = select(Run)
    if tx.actor.kind == "run":
        return query.where(false())
    spaces = access.readable_spaces(tx.actor)
    if spaces is None:
        return query
    return query.join(Stack, Stack.id == Run.stack_id).where(Stack.space_id.in_(spaces))


async def find(tx: Tx, run_id: str, *, stack_id: str | None = None) -> Run:
    """The run, of that stack if one is named. Raises NotFound with exactly "not found"."""
    query = visible(tx).where(Run.id == run_id)
    if stack_id is not None:
        query = query.where(Run.stack_id == stack_id)
    run = await tx.session.scalar(query)
    if run is None:
        # An existing client compares this text as a whole (contract notes, "Errors").
        raise NotFound("not found", detail=f"run={run_id}")
    return run


async def lock(tx: Tx, run_id: str, *, stack_id: str | None = None) -> tuple[Stack, Run]:
    """The run's stack and the run, both held until the transaction ends.

    The stack first, always: two decisions about one stack come one after the other, and rows
    are locked in one order everywhere. Raises NotFound.
    """
    owner = visible(tx).with_only_columns(Run.stack_id).where(Run.id == run_id)
    if stack_id is not None:
        owner = owner.where(Run.stack_id == stack_id)
    stack = await tx.session.scalar(
        select(Stack).where(Stack.id == owner.scalar_subquery()).with_for_update(of=Stack),
        execution_options={"populate_existing": True},
    )
    if stack is None:
        # There is no such run, or its stack was given another id while we waited for it.
        stack = await _lock_stack(tx, (await find(tx, run_id, stack_id=stack_id)).stack_id)
    run = await tx.session.get_one(Run, run_id, with_for_update=True, populate_existing=True)
    return stack, run


async def _lock_stack(tx: Tx, stack_id: str) -> Stack:
    # Also a deleted stack's runs may have to end.
    return await tx.session.get_one(Stack, stack_id, with_for_update=True, populate_existing=True)


async def stacks_of(tx: Tx, stack_ids: Sequence[str]) -> dict[str, Stack]:
    """The stacks of runs, deleted or not."""
    rows = await tx.session.scalars(select(Stack).where(Stack.id.in_(stack_ids)))
    return {stack.id: stack for stack in rows}


async def stack_of(tx: Tx, run: Run) -> Stack:
    """The run's stack, deleted or not."""
    return await tx.session.get_one(Stack, run.stack_id)


async def by_ids(tx: Tx, ids: Sequence[str]) -> dict[str, Run]:
    """Those of the runs that exist and that the actor may see."""
    rows = await tx.session.scalars(visible(tx).where(Run.id.in_(ids)))
    return {run.id: run for run in rows}


async def in_stack(tx: Tx, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Run]:
    """Runs by (stack id, run id)."""
    found = await by_ids(tx, [run_id for _, run_id in keys])
    return {
        key: found[key[1]] for key in keys if key[1] in found and found[key[1]].stack_id == key[0]
    }


async def awaited(tx: Tx, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Run]:
    """Runs by (stack id, run id), for who waits for them: of these, only how far they have come may
    be told. A run's token is told of stacks that it may start runs of, for it waits for those that
    it started (the provider's `spacelift_run`).
    """
    if tx.actor.kind != "run":
        return await in_stack(tx, keys)
    query = select(Run).where(Run.id.in_([run_id for _, run_id in keys]))
    spaces = access.spaces_where(tx.actor, Action.RUN_TRIGGER)
    if spaces is not None:
        query = query.join(Stack, Stack.id == Run.stack_id).where(Stack.space_id.in_(spaces))
    found = {(run.stack_id, run.id): run for run in await tx.session.scalars(query)}
    return {key: found[key] for key in keys if key in found}


async def holders(tx: Tx, stack_ids: Sequence[str]) -> dict[str, Run]:
    """The run that holds each stack, if one does."""
    rows = await tx.session.scalars(visible(tx).where(Run.stack_id.in_(stack_ids), holding))
    return {run.stack_id: run for run in rows}


async def holder(tx: Tx, stack_id: str) -> Run | None:
    """The run that holds the stack."""
    return await tx.session.scalar(select(Run).where(Run.stack_id == stack_id, holding))


async def count_claimable(tx: Tx, pool_ids: Sequence[str]) -> dict[str, int]:
    """How many runs wait for a worker, by pool."""
    return await _count(tx, pool_ids, CLAIMABLE)


async def count_schedulable(tx: Tx, pool_ids: Sequence[str]) -> dict[str, int]:
    """How many runs work or wait for a worker, by pool."""
    return await _count(tx, pool_ids, (*CLAIMABLE, *WORKING))


async def _count(tx: Tx, pool_ids: Sequence[str], states: Sequence[State]) -> dict[str, int]:
    rows = await tx.session.execute(
        select(Run.pool_id, func.count())
        .where(Run.pool_id.in_(pool_ids), Run.state.in_(states))
        .group_by(Run.pool_id)
    )
    counts = dict(rows.tuples().all())
    return {pool_id: counts.get(pool_id, 0) for pool_id in pool_ids}


PageKey = tuple[str, tuple[Kind, ...], str | None]
"""A page of a stack's runs: the stack, the kinds, and the run that they are older than."""


async def pages_of_stacks(tx: Tx, keys: Sequence[PageKey]) -> dict[PageKey, list[Run]]:
    """The runs of each page, newest first. One query for all stacks whose pages are alike."""
    alike: defaultdict[tuple[tuple[Kind, ...], str | None], list[str]] = defaultdict(list)
    for stack_id, kinds, before in keys:
        alike[kinds, before].append(stack_id)
    found: dict[PageKey, list[Run]] = {key: [] for key in keys}
    for (kinds, before), stack_ids in alike.items():
        stack = select(Stack.id).where(Stack.id.in_(stack_ids)).subquery()
        newest = visible(tx).where(Run.stack_id == stack.c.id, Run.kind.in_(kinds))
        if before:
            newest = newest.where(Run.id < before)
        page = newest.order_by(Run.id.desc()).limit(RUNS_PER_PAGE).lateral()
        run = aliased(Run, page)
        query = select(run).select_from(stack.join(page, true())).order_by(run.id.desc())
        for row in await tx.session.scalars(query):
            found[row.stack_id, kinds, before].append(row)
    return found


async def page_of_stack(
    tx: Tx, stack_id: str, kinds: tuple[Kind, ...], before: str | None
) -> list[Run]:
    """The stack's runs of these kinds, newest first, older than `before`."""
    key = (stack_id, kinds, before)
    return (await pages_of_stacks(tx, [key]))[key]


async def newest_ids(tx: Tx, stack_ids: Sequence[str]) -> dict[str, set[str]]:
    """The newest run of each stack and kind."""
    rank = func.row_number().over(partition_by=(Run.stack_id, Run.kind), order_by=Run.id.desc())
    inner = select(Run.stack_id, Run.id, rank.label("rank")).where(Run.stack_id.in_(stack_ids))
    sub = inner.subquery()
    found: defaultdict[str, set[str]] = defaultdict(set)
    rows = await tx.session.execute(select(sub.c.stack_id, sub.c.id).where(sub.c.rank == 1))
    for stack_id, run_id in rows:
        found[stack_id].add(run_id)
    return found


async def tool_versions(tx: Tx, stack_ids: Sequence[str]) -> dict[str, str]:
    """The version of its tool that each stack's newest run used, of those that got so far."""
    query = (
        visible(tx)
        .with_only_columns(Run.stack_id, Run.tool_version)
        .distinct(Run.stack_id)
        .where(Run.stack_id.in_(stack_ids), Run.tool_version.is_not(None))
        .order_by(Run.stack_id, Run.id.desc())
    )
    rows = await tx.session.execute(query)
    return {stack_id: version for stack_id, version in rows if version is not None}


VERSIONS_OF_LATE = 500
"""Runs whose versions count as used of late: some days of a busy installation."""


async def versions_used(tx: Tx, vendor: Vendor) -> set[str]:
    """The versions of a tool that workers have used in the newest runs of stacks with it."""
    late = (
        visible(tx)
        .with_only_columns(Run.tool_version, Run.stack_id)
        .where(Run.tool_version.is_not(None))
        .order_by(Run.id.desc())
        .limit(VERSIONS_OF_LATE)
        .subquery()
    )
    query = (
        select(late.c.tool_version)
        .distinct()
        .join(Stack, Stack.id == late.c.stack_id)
        .where(Stack.vendor == vendor)
    )
    return set(await tx.session.scalars(query))


async def older_previews(tx: Tx, stack_id: str, branch: str, newer_than: str) -> list[Run]:
    """Unfinished proposed runs of the branch that a newer push makes pointless, held."""
    query = (
        select(Run)
        .where(
            Run.stack_id == stack_id,
            Run.kind == Kind.PROPOSED,
            Run.branch == branch,
            Run.id < newer_than,
            Run.trigger_kind == "git commit",
            Run.state.not_in(tuple(TERMINAL)),
        )
        .with_for_update()
    )
    return list(await tx.session.scalars(query, execution_options={"populate_existing": True}))


async def unfinished(tx: Tx, stack_id: str) -> list[Run]:
    """The stack's runs that have not ended, oldest first, held."""
    query = (
        select(Run)
        .where(Run.stack_id == stack_id, Run.state.not_in(tuple(TERMINAL)))
        .order_by(Run.id)
        .with_for_update()
    )
    return list(await tx.session.scalars(query, execution_options={"populate_existing": True}))


async def stacks_waiting_for(tx: Tx, commit_id: str) -> list[str]:
    """Stacks with a queued run of the commit."""
    query = (
        select(Run.stack_id)
        .where(Run.commit_id == commit_id, Run.state == State.QUEUED)
        .distinct()
        .order_by(Run.stack_id)
    )
    return list(await tx.session.scalars(query))


async def deletions(tx: Tx, stack_ids: Sequence[str]) -> dict[str, str]:
    """The unfinished run of each stack that ends with the stack's deletion, if there is one."""
    rows = await tx.session.execute(
        select(Run.stack_id, Run.id).where(
            Run.stack_id.in_(stack_ids), Run.deletes_stack, Run.state.not_in(tuple(TERMINAL))
        )
    )
    return dict(rows.tuples().all())


async def ready_of_commit(tx: Tx, commit_id: str) -> list[tuple[str, str]]:
    """(run id, pool id) of the commit's runs that were ready, the oldest first."""
    query = (
        select(Run.id, Run.pool_id)
        .where(Run.commit_id == commit_id, Run.state == State.READY)
        .order_by(Run.id)
    )
    return list((await tx.session.execute(query)).tuples())


_SEARCH = Searchable(
    fields={
        "state": equals(Run.state),
        "type": equals(Run.kind),
        "runType": equals(Run.kind),
        "stack": equals(Run.stack_id),
        "stackId": equals(Run.stack_id),
        "branch": equals(Run.branch),
        "triggeredBy": equals(Run.triggered_by),
        "driftDetection": boolean(Run.drift),
        "finished": boolean(Run.state.in_(tuple(TERMINAL))),
    },
    # Ids are given in the order of time, and have the index.
    orders={"createdAt": Run.id, "updatedAt": Run.updated_at},
    text=lambda word: or_(contains(Run.title, word), contains(Run.stack_id, word), Run.id == word),
    default_order=Order("createdAt", descending=True),
    key=Run.id,
    facets={
        "state": cast(Run.state, Text),
        "type": cast(Run.kind, Text),
        "stack": Run.stack_id,
        "branch": Run.branch,
        "triggeredBy": Run.triggered_by,
    },
)


async def search(tx: Tx, wanted: Search) -> Page[Run]:
    """A page of the visible runs of stacks that are there. Raises BadSearch, BadCursor."""
    return await run_search(tx, _of_present_stacks(tx), wanted, _SEARCH, Run)


async def suggestions(
    tx: Tx, wanted: Search, fields: Sequence[str], *, words: str | None = None
) -> Facets:
    """What the runs of a search can be narrowed by, counted. Raises BadSearch."""
    return await count_facets(tx, _of_present_stacks(tx), wanted, _SEARCH, fields, words=words)


def _of_present_stacks(tx: Tx) -> Select[Run]:
    present = select(Stack.id).where(Stack.deleted_at.is_(None))
    return visible(tx).where(Run.stack_id.in_(present))


async def unknown_outcomes(tx: Tx, stack_ids: Sequence[str]) -> dict[str, Run]:
    """The newest run of each stack whose outcome nobody knows, of those that have one."""
    query = (
        visible(tx)
        .where(Run.stack_id.in_(stack_ids), Run.outcome_unknown)
        .distinct(Run.stack_id)
        .order_by(Run.stack_id, Run.id.desc())
    )
    return {run.stack_id: run for run in await tx.session.scalars(query)}


async def duration_stats(tx: Tx, since: datetime) -> tuple[float, float]:
    """(mean, median) seconds from creation to end of the visible runs that ended since then."""
    inner = visible(tx).where(Run.finished_at >= since).subquery()
    took = func.extract("epoch", inner.c.finished_at - inner.c.created_at)
    row = (
        await tx.session.execute(
            select(func.avg(took), func.percentile_cont(0.5).within_group(took))
        )
    ).one()
    return float(row[0] or 0), float(row[1] or 0)


async def worked_seconds(tx: Tx, since: datetime, *, public: bool) -> int:
    """Seconds that runs held workers of public or private pools, from transitions since then."""
    nxt = func.lead(Transition.at).over(partition_by=Transition.run_id, order_by=Transition.version)
    spans = (
        select(Transition.after.label("state"), (nxt - Transition.at).label("took"))
        .join(Run, Run.id == Transition.run_id)
        .join(WorkerPool, WorkerPool.id == Run.pool_id)
        .where(Transition.at >= since, WorkerPool.public == public)
        .subquery()
    )
    query = select(func.sum(func.extract("epoch", spans.c.took))).where(spans.c.state.in_(WORKING))
    return int(await tx.session.scalar(query) or 0)


async def any_run(tx: Tx) -> bool:
    """Whether the actor can see a run at all."""
    return (await tx.session.scalars(visible(tx).limit(1))).first() is not None


async def milestones(tx: Tx) -> tuple[bool, bool]:
    """Whether a run that the actor may see has come to a plan, and whether one was applied."""
    planned, applied = Run.plan_sha256.is_not(None), Run.state == State.FINISHED
    for_ever = (planned, and_(planned, Run.kind == Kind.TRACKED, applied))
    found = [
        (await tx.session.scalars(visible(tx).where(one).limit(1))).first() for one in for_ever
    ]
    return found[0] is not None, found[1] is not None


async def held(tx: Tx, worker_ids: Sequence[str]) -> dict[str, list[Run]]:
    """The runs that each worker holds, of those that the actor may see, the oldest first."""
    query = (
        visible(tx)
        .join(Lease, Lease.run_id == Run.id)
        .add_columns(Lease.worker_id)
        .where(Lease.worker_id.in_(worker_ids))
        .order_by(Run.id)
    )
    found: dict[str, list[Run]] = {}
    for run, worker_id in await tx.session.execute(query):
        found.setdefault(worker_id, []).append(run)
    return found


async def unfinished_in_pool(tx: Tx, pool_id: str) -> int:
    """How many runs of the pool have not ended."""
    query = select(func.count()).where(Run.pool_id == pool_id, Run.state.not_in(tuple(TERMINAL)))
    return await tx.session.scalar(query) or 0


# -- what belongs to a run


async def has_been_in(tx: Tx, run_id: str, states: Sequence[State]) -> bool:
    """Whether the run was ever in one of these states."""
    query = select(Transition.run_id).where(
        Transition.run_id == run_id, Transition.after.in_(states)
    )
    return await tx.session.scalar(query.limit(1)) is not None


async def holding_since(tx: Tx, run_ids: Sequence[str]) -> dict[str, datetime]:
    """When each of the runs left its stack's queue, and so began to hold the stack."""
    if not run_ids:
        return {}
    rows = await tx.session.execute(
        select(Transition.run_id, func.min(Transition.at))
        .where(Transition.run_id.in_(run_ids), Transition.before == State.QUEUED)
        .group_by(Transition.run_id)
    )
    return dict(rows.tuples().all())


async def transitions(tx: Tx, run_ids: Sequence[str]) -> dict[str, list[Transition]]:
    """Each run's history, newest first."""
    query = (
        select(Transition)
        .where(Transition.run_id.in_(run_ids))
        .order_by(Transition.run_id, Transition.version.desc())
    )
    found: dict[str, list[Transition]] = {run_id: [] for run_id in run_ids}
    for row in await tx.session.scalars(query):
        found[row.run_id].append(row)
    return found


async def comments(tx: Tx, run_ids: Sequence[str]) -> dict[str, list[Comment]]:
    """Each run's comments, oldest first."""
    found: dict[str, list[Comment]] = {run_id: [] for run_id in run_ids}
    query = select(Comment).where(Comment.run_id.in_(run_ids)).order_by(Comment.id)
    for row in await tx.session.scalars(query):
        found[row.run_id].append(row)
    return found


async def reviews(tx: Tx, run_ids: Sequence[str]) -> dict[str, list[Review]]:
    """Each run's reviews, oldest first."""
    found: dict[str, list[Review]] = {run_id: [] for run_id in run_ids}
    query = select(Review).where(Review.run_id.in_(run_ids)).order_by(Review.id)
    for row in await tx.session.scalars(query):
        found[row.run_id].append(row)
    return found


async def changes(tx: Tx, run_ids: Sequence[str]) -> dict[str, list[ResourceChange]]:
    """What each run's newest plan does, in the plan's order."""
    found: dict[str, list[ResourceChange]] = {run_id: [] for run_id in run_ids}
    query = (
        select(ResourceChange)
        .where(ResourceChange.run_id.in_(run_ids))
        .order_by(ResourceChange.run_id, ResourceChange.position)
    )
    for row in await tx.session.scalars(query):
        found[row.run_id].append(row)
    return found


async def replace_changes(tx: Tx, run_id: str, rows: Sequence[dict[str, Any]]) -> None:
    """The run has a new plan."""
    await tx.session.execute(delete(ResourceChange).where(ResourceChange.run_id == run_id))
    # Seven parameters a row: a thousand rows stay far below Postgres' 65,535.
    for start in range(0, len(rows), 1000):
        await tx.session.execute(insert(ResourceChange), list(rows[start : start + 1000]))


async def note_state_refusal(tx: Tx, run_id: str, fence: int, refusal: str | None) -> None:
    """Why the run's state was not taken; None when it was. Nothing for an older lease."""
    await tx.session.execute(
        update(Run).where(Run.id == run_id, Run.fence == fence).values(state_refusal=refusal)
    )


async def ended_with_workspace(tx: Tx, limit: int) -> list[tuple[str, str]]:
    """(run id, key) of workspaces that are stored still though their run has ended."""
    query = (
        select(Run.id, Run.workspace_key)
        .where(Run.workspace_key.is_not(None), Run.finished_at.is_not(None))
        .order_by(Run.id)
        .limit(limit)
    )
    rows = await tx.session.execute(query)
    return [(run_id, key) for run_id, key in rows.tuples() if key is not None]


async def forget_workspace(tx: Tx, run_id: str, key: str) -> None:
    """The stored workspace is gone."""
    await tx.session.execute(
        update(Run).where(Run.id == run_id, Run.workspace_key == key).values(workspace_key=None)
    )


async def local_workspace(tx: Tx, workspace_id: str, stack_id: str) -> LocalWorkspace | None:
    """An upload of the stack's, held."""
    query = (
        select(LocalWorkspace)
        .where(LocalWorkspace.id == workspace_id, LocalWorkspace.stack_id == stack_id)
        .with_for_update()
    )
    return await tx.session.scalar(query)


async def last_applied(tx: Tx, stack_id: str) -> datetime | None:
    """When a run last changed the stack's infrastructure."""
    query = select(func.max(Run.finished_at)).where(
        Run.stack_id == stack_id, Run.kind.in_(LOCKING), Run.state == State.FINISHED
    )
    return await tx.session.scalar(query)
