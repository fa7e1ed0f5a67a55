"""Whatever people, workers and accidents do, in whatever order: the table is kept."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

from gantry.domains.runs import decisions, triggers, waiting
from gantry.domains.runs import repo as runs
from gantry.domains.runs.states import (
    LOCKING,
    TERMINAL,
    WORKING,
    IllegalMove,
    Kind,
    Signal,
    State,
    can,
)
from gantry.domains.runs.states import step as table_step
from gantry.domains.stacks import service as stacks
from gantry.kernel.errors import UserError
from gantry.kernel.tx import SYSTEM
from gantry_protocol.calls import Applied, Failed, PhaseDone, Planned, Stopped
from gantry_protocol.words import Phase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    Hand,
    given_a_pool,
    given_a_stack,
    given_a_worker,
    lease_runs_out,
    plan_of,
    sweep,
)

_numbers = count(1)

DECISIONS = {
    "confirm": Signal.CONFIRM,
    "discard": Signal.DISCARD,
    "cancel": Signal.CANCEL,
    "replan": Signal.REPLAN,
    "stop": None,
    "kill": None,
}
REPORTS = [
    *(PhaseDone(phase=phase, wrapped_up=True) for phase in (Phase.PREPARE, Phase.INIT)),
    PhaseDone(phase=Phase.PERFORM, wrapped_up=True),
    plan_of(),
    plan_of(ONE_CHANGE, key="workspace"),
    Planned(changed=True, plan_sha256="5" * 64),  # not archived yet
    Applied(phase=Phase.APPLY, wrapped_up=True),
    Applied(phase=Phase.DESTROY, wrapped_up=True),
    *(Failed(phase=phase, reason="it broke") for phase in (Phase.PREPARE, Phase.PLAN, Phase.APPLY)),
    *(Stopped(phase=phase) for phase in (Phase.PREPARE, Phase.INIT, Phase.APPLY, Phase.PERFORM)),
]

which = st.integers(0, 7)
HOW: dict[str, st.SearchStrategy[Any]] = {
    "go on": st.sampled_from([True, True, True, False]),
    "confirm": st.none(),
    "trigger": st.sampled_from([*LOCKING, Kind.PROPOSED]),
    "claim": st.none(),
    "report": st.sampled_from(REPORTS),
    "decide": st.sampled_from(sorted(DECISIONS)),
    "lose": st.none(),
    "lock": st.booleans(),
}
# Most steps lead on, or few runs would come far.
OFTEN = [*["go on"] * 14, *["confirm"] * 4, *["trigger"] * 3, *["decide"] * 2, *HOW]
STEPS = st.sampled_from(OFTEN).flatmap(lambda what: st.tuples(st.just(what), HOW[what], which))
FITTING = {
    State.PREPARING: PhaseDone(phase=Phase.PREPARE, wrapped_up=True),
    State.PREPARING_APPLY: PhaseDone(phase=Phase.PREPARE, wrapped_up=True),
    State.PREPARING_REPLAN: PhaseDone(phase=Phase.PREPARE, wrapped_up=True),
    State.INITIALIZING: PhaseDone(phase=Phase.INIT, wrapped_up=True),
    State.APPLYING: Applied(phase=Phase.APPLY, wrapped_up=True),
    State.DESTROYING: Applied(phase=Phase.DESTROY, wrapped_up=True),
    State.PERFORMING: PhaseDone(phase=Phase.PERFORM, wrapped_up=True),
}


@dataclass
class World:
    """One stack, one worker, and what happened so far."""

    core: Any
    stack: Any
    hand: Hand
    made: list[str] = field(default_factory=list)

    async def do(self, what: str, how: Any, number: int) -> None:
        """One step; what may not be done is refused with an error of ours, and no other."""
        with contextlib.suppress(UserError):
            await getattr(self, f"_{what.replace(' ', '_')}")(how, number)

    async def _trigger(self, kind: Kind, _: int) -> None:
        async with self.core.db.write(ADMIN) as tx:
            if kind is Kind.TASK:
                run = await triggers.task(
                    tx, self.core.vault, self.stack.id, command="x", skip_init=False
                )
            else:
                run = await triggers.trigger(tx, self.core.vault, self.stack.id, kind=kind)
            self.made.append(run.id)

    async def _confirm(self, _: None, __: int) -> None:
        for run in await self.runs():
            if run.state is State.UNCONFIRMED:
                async with self.core.db.write(ADMIN) as tx:
                    await decisions.confirm(tx, self.stack.id, run.id, note=None)

    async def _claim(self, _: None, __: int) -> None:
        await self.hand.claim()

    async def _go_on(self, changes: bool, number: int) -> None:
        run = await self._held(number)
        if run is None:
            await self.hand.claim()
        elif run.state is State.PLANNING:
            change = (ONE_CHANGE,) if changes else ()
            await self.hand.say(run, plan_of(*change, key=f"{run.id}/workspace"))
        else:
            await self.hand.say(run, FITTING[run.state])

    async def _report(self, told: Any, number: int) -> None:
        held = list(self.hand.held)
        if held:
            if isinstance(told, Planned) and told.workspace_key:
                key = f"{held[number % len(held)]}/workspace"
                told = told.model_copy(update={"workspace_key": key})
            await self.hand.say(held[number % len(held)], told)

    async def _decide(self, what: str, number: int) -> None:
        if not self.made:
            return
        run_id = self.made[-1 - number % len(self.made)]
        before = await self._run(run_id)
        words = {"targets": ["null_resource.a"]} if what == "replan" else {"note": None}
        signal = DECISIONS[what]
        try:
            async with self.core.db.write(ADMIN) as tx:
                await getattr(decisions, what)(tx, self.stack.id, run_id, **words)
        except IllegalMove:
            assert signal is None or not can(before.state, signal, before.kind)
            assert (await self._run(run_id)).state_version == before.state_version
        else:
            assert signal is None or can(before.state, signal, before.kind)

    async def _lose(self, _: None, number: int) -> None:
        run = await self._held(number)
        if run is not None:
            await lease_runs_out(self.core, run)
            await sweep(self.core)

    async def _lock(self, lock: bool, _: int) -> None:
        async with self.core.db.write(ADMIN) as tx:
            if lock:
                await stacks.lock(tx, self.stack.id, note=None)
            else:
                await stacks.unlock(tx, self.stack.id)

    async def _held(self, number: int) -> Any:
        held = [run for run in await self.runs() if run.state in WORKING]
        return held[number % len(held)] if held else None

    async def _run(self, run_id: str) -> Any:
        async with self.core.db.read(SYSTEM) as tx:
            return await runs.find(tx, run_id)

    async def runs(self) -> list[Any]:
        async with self.core.db.read(SYSTEM) as tx:
            return list((await runs.by_ids(tx, self.made)).values())

    async def check(self) -> None:
        """What holds between any two steps."""
        found = await self.runs()
        async with self.core.db.read(SYSTEM) as tx:
            histories = await runs.transitions(tx, self.made)
            words = await waiting.explanations(tx, self.made)
        leases = await self.core.rows(
            "select l.run_id from run_lease l join run r on r.id = l.run_id"
            " where r.stack_id = :stack",
            stack=self.stack.id,
        )
        working = {run.id for run in found if run.state in WORKING}
        assert {row[0] for row in leases} == working
        holding = Counter(
            run.kind in LOCKING
            for run in found
            if run.state not in TERMINAL and run.state is not State.QUEUED
        )
        assert holding[True] <= 1, "two runs hold the stack"
        for run in found:
            moves = list(reversed(histories[run.id]))
            assert [move.version for move in moves] == list(range(len(moves)))
            for one, other in pairwise(moves):
                assert one.after == other.before
                assert any(
                    can(other.before, signal, run.kind) and _leads(other, signal, run.kind)
                    for signal in Signal
                ), f"{other.before} to {other.after} is not in the table"
            assert moves[-1].after == run.state
            assert (run.finished_at is not None) == (run.state in TERMINAL)
            assert run.state in TERMINAL or run.state in WORKING or words.get(run.id), (
                f"nobody says what a run waits for that is {run.state}"
            )
            assert not run.outcome_unknown or run.state is State.FAILED


def _leads(move: Any, signal: Signal, kind: Kind) -> bool:
    return table_step(move.before, signal, kind) == move.after


@settings(
    max_examples=12,
    deadline=None,  # it asks a database some thousand questions
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # stacks are new each time
)
@given(steps=st.lists(STEPS, min_size=40, max_size=60))
async def test_whatever_happens_in_whatever_order_runs_are_where_the_table_says(core, steps):
    number = next(_numbers)
    pool = await given_a_pool(core, f"pool {number}")
    stack = await given_a_stack(core, pool, f"any order {number}")
    world = World(core, stack, await given_a_worker(core, pool, concurrency=8))

    for step in steps:
        await world.do(*step)
        await world.check()
