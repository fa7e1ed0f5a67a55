"""Whatever people, workers and accidents do, in whatever order: the service does as the model of
the run table says (tests/support/run_model.py), and refuses with the code that it says.

Longer with `make fuzz`, which also finds the shortest way to what failed here before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from gantry.domains.runs import decisions, leasing, triggers, waiting
from gantry.domains.runs import repo as runs
from gantry.domains.runs.states import Kind
from gantry.domains.stacks import service as stacks
from gantry.kernel.errors import UserError
from gantry.kernel.tx import SYSTEM, Actor, Tx
from gantry_protocol.calls import Applied, Failed, PhaseDone, Planned, Report, Stopped
from gantry_protocol.words import Phase
from hypothesis import Phase as Part
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from tests.support.core import LEASE, Core
from tests.support.database import SharedDatabase
from tests.support.fuzzing import LONGER, patient
from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    WRITER,
    Hand,
    given_a_pool,
    given_a_stack,
    given_a_state,
    given_a_worker,
    lease_runs_out,
    plan_of,
    run_now,
    sweep,
)
from tests.support.run_model import (
    BEGUN_NOTHING,
    CLAIMED,
    DECIDED,
    OVER,
    PHASES,
    WORKED_ON,
    Model,
    Run,
)

ROOM = 3
"""Runs that the worker takes at a time: a few previews fill it."""
ONE_STEP = 60.0
"""Seconds after which a step hangs; it takes some milliseconds."""

people = st.sampled_from([ADMIN, WRITER])
which = st.integers(0, 5)
"""The how-manieth of some runs."""
KINDS = ("TRACKED", "TRACKED", "DESTROY", "PROPOSED")
USUAL = st.lists(st.sampled_from(["changed", "changed", "unchanged"]), max_size=5)
"""Steps in which nothing odd happens, and what a plan finds if one of them is a plan."""
SAYINGS = [
    *(("done", phase) for phase in PHASES if phase != "plan"),
    *((word, "plan") for word in ("changed", "unchanged", "not stored", "another's")),
    *((word, phase) for word in ("failed", "unsaved", "stopped") for phase in PHASES),
]


class Runs(RuleBasedStateMachine):
    """One stack, one worker that has it all and one that only claims to, and two people."""

    def __init__(
        self, core: Core, database: SharedDatabase, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__()
        self.core, self._database, self._loop = core, database, loop

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Have the service do it, in the test's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ONE_STEP)

    @initialize(autodeploy=st.booleans())
    def begin(self, autodeploy: bool) -> None:
        self.model = Model(autodeploy=autodeploy, room=ROOM)
        self.do(self._begin())

    async def _begin(self) -> None:
        await self._database.reset()
        pool = await given_a_pool(self.core)
        self.stack = await given_a_stack(self.core, pool, autodeploy=self.model.autodeploy)
        self.hand = await given_a_worker(self.core, pool, concurrency=ROOM)
        self.stranger = await given_a_worker(self.core, pool, concurrency=ROOM)

    def picked(self, number: int) -> Run:
        """One of the runs that are under way, or the newest of those that are over."""
        newest = [self.model.runs[run_id] for run_id in sorted(self.model.runs, reverse=True)]
        over = [run for run in newest if run.state in OVER]
        some = [run for run in newest if run.state not in OVER] + over[:1]
        return some[number % len(some)]

    def agrees(self, code: str | None, work: Coroutine[Any, Any, Any]) -> Any:
        """What the service answers; None if it refuses, which it does with this code."""
        done = refused = None
        try:
            done = self.do(work)
        except UserError as error:
            refused = error.code
        assert refused == code
        return done

    async def _as(self, who: Actor, ask: Callable[[Tx], Awaitable[Any]]) -> Any:
        async with self.core.db.write(who) as tx:
            return await ask(tx)

    # -- people

    @rule(meanwhile=USUAL, kind=st.sampled_from([*KINDS]), who=people)
    def trigger(self, meanwhile: list[str], kind: str, who: Actor) -> None:
        self.usually(meanwhile)
        self.start(kind, who)

    def start(self, kind: str, who: Actor) -> None:
        code = self.model.may_start(kind, who.name)

        async def ask(tx: Tx) -> Any:
            return await triggers.trigger(tx, self.core.vault, self.stack.id, kind=Kind(kind))

        run = self.agrees(code, self._as(who, ask))
        if run is not None:
            self.model.started(Run(run.id, kind, who.name))

    @rule(skips_init=st.booleans(), who=people)
    def task(self, skips_init: bool, who: Actor) -> None:
        code = self.model.may_start("TASK", who.name)

        async def ask(tx: Tx) -> Any:
            return await triggers.task(
                tx, self.core.vault, self.stack.id, command="x", skip_init=skips_init
            )

        run = self.agrees(code, self._as(who, ask))
        if run is not None:
            self.model.started(Run(run.id, "TASK", who.name, skips_init=skips_init))

    @precondition(lambda self: self.model.runs)
    @rule(meanwhile=USUAL, number=which, who=people)
    def retry(self, meanwhile: list[str], number: int, who: Actor) -> None:
        self.usually(meanwhile)
        old = self.picked(number)

        async def ask(tx: Tx) -> Any:
            return await triggers.retry(tx, self.core.vault, self.stack.id, old.id)

        run = self.agrees(self.model.may_retry(old, who.name), self._as(who, ask))
        if run is not None:
            self.model.started(Run(run.id, old.kind, who.name, skips_init=old.skips_init))

    @precondition(lambda self: self.model.runs)
    @rule(
        meanwhile=USUAL,
        what=st.sampled_from([*sorted(DECIDED), "kill"]),
        number=which,
        who=people,
    )
    def decide(self, meanwhile: list[str], what: str, number: int, who: Actor) -> None:
        self.usually(meanwhile)
        self.say_of(self.picked(number), what, who)

    @precondition(lambda self: any(run.state in CLAIMED for run in self.model.runs.values()))
    @rule(what=st.sampled_from(["cancel", "discard", "stop"]), who=people)
    def decide_on_what_no_worker_has(self, what: str, who: Actor) -> None:
        waits = next(run for run in self.model.runs.values() if run.state in CLAIMED)
        self.say_of(waits, what, who)

    @precondition(lambda self: self.unconfirmed())
    @rule(what=st.sampled_from(["confirm", "replan", "discard"]), who=people)
    def decide_on_a_plan(self, what: str, who: Actor) -> None:
        self.say_of(self.unconfirmed()[0], what, who)

    @precondition(lambda self: self.model.held())
    @rule(number=which, kill=st.booleans(), who=people)
    def stop_what_is_worked_on(self, number: int, kill: bool, who: Actor) -> None:
        held = self.model.held()
        for what in ("stop", "kill") if kill else ("stop",):
            self.say_of(held[number % len(held)], what, who)
            self.check()

    def say_of(self, run: Run, what: str, who: Actor) -> None:
        """A person's word on a run."""

        async def ask(tx: Tx) -> None:
            words: dict[str, Any] = {"note": None}
            if what == "replan":
                words = {"targets": [ONE_CHANGE[0]]}
            await getattr(decisions, what)(tx, self.stack.id, run.id, **words)

        self.agrees(self.model.decide(what, run, who.name), self._as(who, ask))

    def unconfirmed(self) -> list[Run]:
        """What waits for a decision."""
        return [run for run in self.model.runs.values() if run.state == "UNCONFIRMED"]

    @precondition(lambda self: len(self.model.runs) > 3)
    @rule(who=people)
    def discard_all(self, who: Actor) -> None:
        self.model.discard_all()

        async def ask(tx: Tx) -> None:
            assert not (await decisions.discard_all(tx, self.stack.id, note=None)).failed

        self.do(self._as(who, ask))

    @rule(who=people)
    def lock(self, who: Actor) -> None:
        async def ask(tx: Tx) -> None:
            await stacks.lock(tx, self.stack.id, note=None)

        self.agrees(self.model.locked(who.name), self._as(who, ask))

    @rule(who=people)
    def unlock(self, who: Actor) -> None:
        code = self.model.unlocked()

        async def ask(tx: Tx) -> None:
            await stacks.unlock(tx, self.stack.id)

        self.agrees(code, self._as(who, ask))
        if code is None:  # what the job does that this leads to
            self.do(leasing.promote_stack(self.core.db, self.stack.id))

    @rule()
    def change_the_state(self) -> None:
        """Somebody writes a state of their own: plans that were made before are stale."""
        self.model.serial = (self.model.serial or 0) + 1
        self.do(given_a_state(self.core, self.stack, self.model.serial))

    # -- workers

    @rule(usual=USUAL)
    def go_on(self, usual: list[str]) -> None:
        self.usually(usual)

    def usually(self, steps: list[str]) -> None:
        """What leads on, for so many steps: few runs would come far if all were left to chance."""
        for step in steps:
            held, waits = self.model.held(), self.unconfirmed()
            if held:
                phase = WORKED_ON[held[0].state]
                self._say(
                    held[0], step if phase == "plan" else "done", phase, wrapped=True, who="holder"
                )
            elif any(run.state in CLAIMED for run in self.model.runs.values()):
                self._claim(knows=True)
            elif waits and (self.model.lock or waits[0].planned_on != self.model.serial):
                self.say_of(waits[0], "confirm", ADMIN)
                if waits[0].state == "UNCONFIRMED":  # refused
                    self.say_of(waits[0], "discard", ADMIN)
            elif waits:
                self.say_of(waits[0], "replan" if step == "unchanged" else "confirm", ADMIN)
            elif self.model.lock:
                self.unlock(ADMIN)
            else:
                self.start("TRACKED" if step == "changed" else "DESTROY", ADMIN)
            self.check()

    @rule(knows=st.booleans())
    def claim(self, knows: bool) -> None:
        self._claim(knows=knows)

    def _claim(self, *, knows: bool) -> None:
        """Ask for a run; a worker that does not know what it won is offered that again."""
        lost = [run.id for run in self.model.held() if run.state in BEGUN_NOTHING]
        claim = self.do(
            leasing.claim(
                self.core.db,
                self.hand.actor,
                self.hand.pool,
                self.hand.id,
                known=set(self.hand.held.items()) if knows else (),
                lasts=LEASE,
            )
        )
        if lost and not knows:
            assert claim.run.id in lost
            assert claim.fence == self.model.runs[claim.run.id].fence
            return
        given = self.model.claim()
        assert (claim and claim.run.id) == (given and given.id)
        if claim is not None:
            self.hand.held[claim.run.id] = claim.fence

    @precondition(lambda self: any(run.fence for run in self.model.runs.values()))
    @rule(
        meanwhile=USUAL,
        number=which,
        saying=st.sampled_from(SAYINGS),
        wrapped=st.booleans(),
        who=st.sampled_from(["holder", "holder", "holder", "earlier", "stranger"]),
    )
    def say(
        self, meanwhile: list[str], number: int, saying: tuple[str, str], wrapped: bool, who: str
    ) -> None:
        """Anything, of any run that a worker ever had, and by anybody."""
        self.usually(meanwhile)
        known = sorted(
            (run for run in self.model.runs.values() if run.fence),
            key=lambda run: (run.worked_on, run.id),
            reverse=True,
        )
        self._say(known[number % len(known)], *saying, wrapped=wrapped, who=who)

    @precondition(lambda self: self.model.held())
    @rule(number=which, word=st.sampled_from(["failed", "unsaved", "stopped"]))
    def give_up(self, number: int, word: str) -> None:
        held = self.model.held()
        run = held[number % len(held)]
        self._say(run, word, WORKED_ON[run.state], wrapped=True, who="holder")

    @precondition(lambda self: self.model.held())
    @rule(number=which)
    def lose(self, number: int) -> None:
        """The worker of one run falls silent until its lease is over."""
        held = self.model.held()
        run = held[number % len(held)]

        async def silence() -> None:
            await lease_runs_out(self.core, await run_now(self.core, run.id))
            await sweep(self.core)

        self.do(silence())
        self.model.lost(run)
        self.model.promote()

    @rule()
    def look(self) -> None:
        """The worker's heartbeat, and the sweep, which starts what was forgotten."""
        pulse = self.do(self.hand.beat())
        assert pulse.alive == {run.id for run in self.model.held()}
        assert pulse.stopping == {run.id for run in self.model.held() if run.stop}
        self.do(sweep(self.core))
        self.model.promote()

    def _say(self, run: Run, word: str, phase: str, *, wrapped: bool, who: str) -> None:
        report, fence = _report(run, word, phase, wrapped=wrapped), run.fence
        hand: Hand = self.stranger if who == "stranger" else self.hand
        verdict = self.do(hand.say(run.id, report, fence=fence - (who == "earlier")))
        # A failure is taken as it is: there is nothing to wrap up.
        then = self.model.told(run, word, phase, wrapped=wrapped, ours=who == "holder")
        assert (verdict.then.value if verdict.accepted else "refused") == then, verdict
        if then in ("continue", "end"):
            assert verdict.state == run.state

    # -- what holds between any two steps

    @invariant()
    def check(self) -> None:
        """The database says of everything what the model says."""
        self.do(self._check())

    async def _check(self) -> None:
        model = self.model
        expected = [model.runs[run_id] for run_id in sorted(model.runs)]
        async with self.core.db.read(SYSTEM) as tx:

            async def rows(query: str) -> list[tuple[Any, ...]]:
                found = await tx.session.execute(text(query), {"stack": self.stack.id})
                return [tuple(row) for row in found]

            assert await rows(_RUNS) == [
                (r.id, r.kind, r.state, r.fence, r.stop, r.unknown, r.state in OVER, r.planned_on)
                for r in expected
            ]
            assert await rows(_MOVES) == [
                (run.id, number, before, after)
                for run in expected
                for number, (before, after) in enumerate(pairwise([None, *run.path]))
            ]
            leases = [(run.id, self.hand.id, run.fence) for run in model.held()]
            assert await rows(_LEASES) == leases
            assert await rows("select locked_by from stack where id = :stack") == [(model.lock,)]
            holder = await runs.holder(tx, self.stack.id)
            assert (holder and holder.id) == model.holder()
            # Nobody has to guess why nothing goes on.
            words = await waiting.explanations(tx, list(model.runs))
            busy = {run.id for run in model.held() if not run.stop}
            assert set(words) == {run.id for run in expected if run.state not in OVER} - busy


_RUNS = (
    "select id, kind, state, fence, stop_requested_at is not null, outcome_unknown,"
    " finished_at is not null, plan_serial from run where stack_id = :stack order by id"
)
_MOVES = (
    "select run_id, version, before, after from run_transition"
    " join run on id = run_id where stack_id = :stack order by 1, 2"
)
_LEASES = (
    "select run_id, l.worker_id, l.fence from run_lease l join run on id = run_id"
    " where stack_id = :stack order by 1"
)


def _report(run: Run, word: str, phase: str, *, wrapped: bool) -> Report:
    at = Phase(phase)
    if word in ("failed", "unsaved"):
        return Failed(phase=at, reason="it broke", state_unsaved=word == "unsaved")
    if word == "stopped":
        return Stopped(phase=at)
    if phase == "plan":
        key = {"not stored": None, "another's": "another/workspace"}
        made: Planned = plan_of(
            *([] if word == "unchanged" else [ONE_CHANGE]),
            key=key.get(word, f"{run.id}/workspace"),
            done=wrapped,
        )
        return made
    if phase in ("apply", "destroy"):
        return Applied(phase=at, wrapped_up=wrapped)
    return PhaseDone(phase=at, wrapped_up=wrapped)


@pytest.mark.fuzz
async def test_the_service_does_as_the_model_says_whatever_happens(core, shared_database):
    machine = partial(Runs, core, shared_database, asyncio.get_running_loop())

    # To find the shortest way to a failure takes many minutes; whoever looks for it has them.
    parts = set(Part) if LONGER > 1 else {Part.explicit, Part.reuse, Part.generate}
    wanted = patient(7, stateful_step_count=40, phases=parts)

    # Hypothesis drives by plain functions: from a thread, as this one's loop is the service's.
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=wanted)
