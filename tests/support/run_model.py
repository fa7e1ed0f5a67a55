"""The life of the runs of one stack, written down a second time and by hand.

Nothing here is imported from the product: a mistake in its table, or in what goes with a move, is
not repeated by what is to find it. The model says what becomes of each run, which code refuses
what may not be done, and who holds the stack.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ILLEGAL, LOCKED, STALE, CONFLICT = (
    "ILLEGAL_RUN_TRANSITION",
    "STACK_LOCKED",
    "STALE_PLAN",
    "CONFLICT",
)
SYSTEM = "system"
"""Who holds the stack's lock until a person has looked."""

HOLDS = ("TRACKED", "DESTROY", "TASK")
"""Kinds of which one at a time is past its queue."""
OVER = ("FINISHED", "FAILED", "STOPPED", "CANCELED", "DISCARDED", "SKIPPED")
PHASES = ("prepare", "init", "plan", "apply", "destroy", "perform")
"""What a worker reports on, in order."""
WORKED_ON = {
    "PREPARING": "prepare",
    "PREPARING_REPLAN": "prepare",
    "PREPARING_APPLY": "prepare",
    "INITIALIZING": "init",
    "PLANNING": "plan",
    "APPLYING": "apply",
    "DESTROYING": "destroy",
    "PERFORMING": "perform",
}
"""States in which a worker holds the run, and the phase that it is to report on."""
CHANGES_THINGS = ("APPLYING", "DESTROYING", "PERFORMING")
BEGUN_NOTHING = ("PREPARING", "PREPARING_REPLAN", "PREPARING_APPLY")
CLAIMED = {
    "READY": "PREPARING",
    "REPLAN_REQUESTED": "PREPARING_REPLAN",
    "CONFIRMED": "PREPARING_APPLY",
}
"""What waits for a worker, and what it is once a worker has it."""
DECIDED = {
    "confirm": {"UNCONFIRMED": "CONFIRMED"},
    "replan": {"UNCONFIRMED": "REPLAN_REQUESTED"},
    "cancel": {"QUEUED": "CANCELED", "READY": "CANCELED"},
    "discard": {
        "QUEUED": "DISCARDED",
        "READY": "DISCARDED",
        "UNCONFIRMED": "DISCARDED",
        "REPLAN_REQUESTED": "DISCARDED",
    },
    "stop": {"CONFIRMED": "STOPPED", "REPLAN_REQUESTED": "STOPPED"},
}
"""What people's words lead to at once; whatever is not here is refused, but see `decide`."""
PREPARED = {
    ("PREPARING", "TRACKED"): "INITIALIZING",
    ("PREPARING", "DESTROY"): "INITIALIZING",
    ("PREPARING", "PROPOSED"): "INITIALIZING",
    ("PREPARING", "TASK"): "INITIALIZING",
    ("PREPARING_REPLAN", "TRACKED"): "PLANNING",
    ("PREPARING_REPLAN", "DESTROY"): "PLANNING",
    ("PREPARING_APPLY", "TRACKED"): "APPLYING",
    ("PREPARING_APPLY", "DESTROY"): "DESTROYING",
    ("INITIALIZING", "TRACKED"): "PLANNING",
    ("INITIALIZING", "DESTROY"): "PLANNING",
    ("INITIALIZING", "PROPOSED"): "PLANNING",
    ("INITIALIZING", "TASK"): "PERFORMING",
}
"""Where a run goes on when its worker has prepared or initialised it."""


@dataclass
class Run:
    """One run, as it has to be."""

    id: str
    kind: str
    by: str
    path: list[str] = field(default_factory=lambda: ["QUEUED"])
    fence: int = 0
    stop: bool = False
    """Whether its worker has been asked to stop."""
    planned_on: int | None = None
    """The serial of the state that its plan was made for."""
    unknown: bool = False
    skips_init: bool = False

    @property
    def state(self) -> str:
        """Where it is."""
        return self.path[-1]

    @property
    def worked_on(self) -> bool:
        """Whether a worker holds it."""
        return self.state in WORKED_ON


@dataclass
class Model:
    """The stack and its runs. What is refused is answered with its code, and changes nothing."""

    autodeploy: bool
    room: int
    """How many runs the worker takes at a time."""
    lock: str | None = None
    serial: int | None = None
    runs: dict[str, Run] = field(default_factory=dict)

    def holder(self) -> str | None:
        """The run that holds the stack."""
        held = [r.id for r in self.runs.values() if r.kind in HOLDS and self._past_queue(r)]
        assert len(held) <= 1, "the model itself lets two runs hold the stack"
        return held[0] if held else None

    def held(self) -> list[Run]:
        """What the worker has, in the order of ids."""
        return [self.runs[run_id] for run_id in sorted(self.runs) if self.runs[run_id].worked_on]

    # -- what people do

    def may_start(self, kind: str, by: str) -> str | None:
        """Why nobody starts such a run now, if so."""
        return LOCKED if kind in HOLDS and self._locked_for(by) else None

    def started(self, run: Run) -> None:
        """There is a new run."""
        self.runs[run.id] = run
        self.promote()

    def may_retry(self, run: Run, by: str) -> str | None:
        """Why it is not started again."""
        return self.may_start(run.kind, by) if run.state in OVER else CONFLICT

    def decide(self, what: str, run: Run, by: str) -> str | None:
        """A person's word on one run."""
        if what in ("confirm", "replan") and self._locked_for(by):
            return LOCKED
        if what == "kill":
            if not run.worked_on:
                return ILLEGAL
            if not run.stop:
                return CONFLICT
            self.lost(run)
            return None
        if what == "stop" and run.worked_on:
            run.stop = True
            return None
        after = DECIDED[what].get(run.state)
        if after is None:
            return ILLEGAL
        if what == "confirm" and run.planned_on != self.serial:
            return STALE
        self._move(run, after)
        return None

    def discard_all(self) -> None:
        """Everything that no worker is on, the newest first."""
        for run_id in sorted(self.runs, reverse=True):
            run = self.runs[run_id]
            if run.state not in OVER and not run.worked_on:
                self._move(run, "STOPPED" if run.state == "CONFIRMED" else "DISCARDED")

    def locked(self, by: str) -> str | None:
        """Somebody locks the stack; what the system has locked is taken over."""
        if self.lock not in (None, SYSTEM):
            return CONFLICT
        self.lock = by
        return None

    def unlocked(self) -> str | None:
        """Somebody who may force it unlocks the stack, and what waited for that starts."""
        if self.lock is None:
            return CONFLICT
        self.lock = None
        self.promote()
        return None

    # -- what time and workers do

    def promote(self) -> None:
        """Whatever may start starts, runs that hold the stack before others, the oldest first."""
        waiting = [run for run in self.runs.values() if run.state == "QUEUED"]
        for run in sorted(waiting, key=lambda run: (run.kind not in HOLDS, run.id)):
            if run.kind in HOLDS and (self.holder() or self._locked_for(run.by)):
                continue
            self._move(run, "READY")

    def claim(self) -> Run | None:
        """What a worker that asks is given."""
        waiting = [run for run in self.runs.values() if run.state in CLAIMED]
        for run in sorted(
            waiting, key=lambda run: (run.state == "READY", run.kind not in HOLDS, run.id)
        ):
            if len(self.held()) >= self.room:
                return None
            if run.state == "CONFIRMED" and run.planned_on != self.serial:
                self._move(run, "FAILED")
                continue
            run.fence += 1
            self._move(run, CLAIMED[run.state])
            return run
        return None

    def lost(self, run: Run) -> None:
        """Nothing more is heard of its worker."""
        if run.state in CHANGES_THINGS:
            run.unknown, self.lock = True, SYSTEM
        self._move(run, "FAILED")

    def told(self, run: Run, word: str, phase: str, *, wrapped: bool, ours: bool) -> str:
        """What a report is answered with: `refused`, or what the worker is to do next."""
        if not (ours and run.worked_on):
            return "refused"
        wanted = WORKED_ON[run.state]
        if phase != wanted:
            again = PHASES.index(phase) < PHASES.index(wanted)
            return "continue" if again else "refused"
        if run.stop and run.state not in CHANGES_THINGS and word not in ("failed", "unsaved"):
            if word != "stopped" and not wrapped:
                return "wrap_up"
            return self._end(run, "STOPPED")
        if word == "unsaved" and run.state in CHANGES_THINGS:
            self.lock = SYSTEM
        if word in ("failed", "unsaved"):
            return self._end(run, "FAILED")
        if word == "stopped":
            return self._end(run, "STOPPED")
        if phase == "plan":
            return self._planned(run, word, wrapped=wrapped)
        if run.state in CHANGES_THINGS:
            return self._end(run, "FINISHED") if wrapped else "wrap_up"
        straight = run.state == "PREPARING" and run.skips_init
        self._move(run, "PERFORMING" if straight else PREPARED[run.state, run.kind])
        return "continue"

    def _planned(self, run: Run, word: str, *, wrapped: bool) -> str:
        applied = run.kind != "PROPOSED" and word != "unchanged"
        asks = applied and (not self.autodeploy or self.lock is not None)
        if asks and word == "not stored":
            return "archive"
        if not applied and not wrapped:
            return "wrap_up"
        if word == "another's":
            return "refused"
        run.planned_on = self.serial
        if not applied:
            return self._end(run, "FINISHED")
        if asks:
            return self._end(run, "UNCONFIRMED")
        self._move(run, "DESTROYING" if run.kind == "DESTROY" else "APPLYING")
        return "continue"

    def _end(self, run: Run, state: str) -> str:
        self._move(run, state)
        return "end"

    def _move(self, run: Run, state: str) -> None:
        run.path.append(state)
        run.stop = run.stop and run.worked_on
        if state in OVER:
            self.promote()

    def _locked_for(self, by: str) -> bool:
        return self.lock is not None and self.lock != by

    @staticmethod
    def _past_queue(run: Run) -> bool:
        return run.state != "QUEUED" and run.state not in OVER
