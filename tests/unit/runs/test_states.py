"""The table of states says one thing to every question, and leads every run to an end."""

from __future__ import annotations

from collections import Counter

import pytest
from gantry.domains.runs.states import (
    APPLYABLE,
    CLAIMABLE,
    DECIDING,
    EXECUTING,
    STOPPABLE,
    TABLE,
    TERMINAL,
    WAITING,
    WORKING,
    IllegalMove,
    Kind,
    Signal,
    State,
    can,
    diagram,
    has_logs,
    step,
)

# As the published API has them: clients compare these words.
RUN_STATES = [
    "QUEUED",
    "READY",
    "PREPARING",
    "INITIALIZING",
    "PLANNING",
    "PENDING_REVIEW",
    "UNCONFIRMED",
    "REPLAN_REQUESTED",
    "PREPARING_REPLAN",
    "CONFIRMED",
    "PREPARING_APPLY",
    "APPLYING",
    "PERFORMING",
    "DESTROYING",
    "PENDING",
    "FINISHED",
    "FAILED",
    "STOPPED",
    "CANCELED",
    "DISCARDED",
    "SKIPPED",
]
RUN_TYPES = ["TRACKED", "PROPOSED", "TASK", "DESTROY", "TESTING", "PARSE"]
ENDS = {"FINISHED", "FAILED", "STOPPED", "CANCELED", "DISCARDED", "SKIPPED"}


def ways_out(state, kind):
    return {signal: step(state, signal, kind) for signal in Signal if can(state, signal, kind)}


def reachable(kind, *, without=frozenset()):
    """The states a run of the kind can come to, taking no signal of `without`."""
    found, todo = set(), [State.QUEUED]
    while todo:
        state = todo.pop()
        if state not in found:
            found.add(state)
            todo += [to for signal, to in ways_out(state, kind).items() if signal not in without]
    return found


def can_end(state, kind, seen=frozenset()):
    if state in TERMINAL:
        return True
    return any(
        can_end(to, kind, seen | {state})
        for to in ways_out(state, kind).values()
        if to not in seen | {state}
    )


def test_the_states_are_those_of_the_published_api():
    assert sorted(state.value for state in State) == sorted(RUN_STATES)
    assert [kind.value for kind in Kind] == RUN_TYPES


def test_the_ends_are_exactly_the_six_of_the_published_api():
    assert {state.value for state in TERMINAL} == ENDS


def test_no_two_rows_answer_the_same_question():
    questions = Counter(
        (source, row.signal, kind) for row in TABLE for source in row.source for kind in row.kinds
    )
    assert [question for question, times in questions.items() if times > 1] == []


@pytest.mark.parametrize("kind", Kind)
def test_every_state_a_run_can_reach_leads_to_an_end(kind):
    assert [state for state in reachable(kind) if not can_end(state, kind)] == []


@pytest.mark.parametrize("kind", Kind)
def test_a_run_that_nobody_stops_and_nothing_breaks_finishes(kind):
    bad = frozenset({Signal.STOP, Signal.FAIL, Signal.CANCEL, Signal.DISCARD, Signal.SKIP})
    assert State.FINISHED in reachable(kind, without=bad)


def test_every_state_but_the_deprecated_one_is_reached_by_some_kind_of_run():
    found = set().union(*(reachable(kind) for kind in Kind))
    assert found == set(State) - {State.PENDING}


def test_nobody_leaves_an_end():
    assert [(row.signal, s) for row in TABLE for s in row.source if s in TERMINAL] == []


@pytest.mark.parametrize("kind", Kind)
def test_wherever_a_worker_is_lost_or_asked_to_stop_the_run_can_end(kind):
    for state in reachable(kind) & set(WORKING):
        assert step(state, Signal.FAIL, kind) is State.FAILED
        assert step(state, Signal.STOP, kind) is State.STOPPED


@pytest.mark.parametrize("kind", Kind)
def test_every_state_is_somebodys_to_move_on(kind):
    groups = [WAITING, WORKING, CLAIMABLE, DECIDING]
    for state in reachable(kind) - TERMINAL:
        assert any(state in group for group in groups), state
    for state in reachable(kind) & set(CLAIMABLE):
        assert step(state, Signal.LEASE, kind) in WORKING
    assert not set(STOPPABLE) & set(EXECUTING)


@pytest.mark.parametrize("kind", Kind)
def test_infrastructure_changes_only_after_a_plan_and_a_decision(kind):
    if kind is Kind.TASK:  # a command, not a plan
        return
    decided = frozenset({Signal.CONFIRM, Signal.DEPLOY})
    assert not reachable(kind, without=decided) & set(EXECUTING)


@pytest.mark.parametrize("kind", [Kind.PROPOSED, Kind.PARSE])
def test_previews_never_change_infrastructure(kind):
    assert not reachable(kind) & set(EXECUTING)


def test_a_destroy_run_destroys_and_never_applies():
    assert State.DESTROYING in reachable(Kind.DESTROY)
    assert State.APPLYING not in reachable(Kind.DESTROY)
    assert State.DESTROYING not in reachable(Kind.TRACKED)


def test_logs_are_written_exactly_where_a_worker_is():
    assert {state for state in State if has_logs(state)} == set(WORKING)


@pytest.mark.parametrize(
    ("state", "signal", "kind", "words"),
    [
        (State.FINISHED, Signal.STOP, Kind.TRACKED, "cannot stop: the tracked run is finished"),
        (State.PLANNING, Signal.CONFIRM, Kind.TRACKED, "cannot confirm: the tracked run is plan"),
        (State.CONFIRMED, Signal.DISCARD, Kind.TRACKED, "cannot discard"),
        (State.PLANNING, Signal.CANCEL, Kind.TRACKED, "cannot cancel"),
        (State.UNCONFIRMED, Signal.CANCEL, Kind.TRACKED, "cannot cancel"),
        (State.PLANNING, Signal.ASK_CONFIRMATION, Kind.PROPOSED, "the proposed run is planning"),
        (State.PREPARING, Signal.START_TASK, Kind.TRACKED, "start without initialising"),
        (State.QUEUED, Signal.LEASE, Kind.TRACKED, "the tracked run is queued"),
        (State.PENDING, Signal.UNBLOCK, Kind.TRACKED, "pending"),
        (State.PENDING_REVIEW, Signal.CONFIRM, Kind.PROPOSED, "the proposed run is pending review"),
    ],
)
def test_what_the_table_does_not_say_is_refused_in_words(state, signal, kind, words):
    assert not can(state, signal, kind)
    with pytest.raises(IllegalMove, match=words):
        step(state, signal, kind)


def test_the_diagram_has_every_row_and_no_other():
    lines = diagram().splitlines()
    drawn = {line.strip().split(":")[0] for line in lines if "-->" in line and "[*]" not in line}
    assert drawn == {f"{s} --> {row.target}" for row in TABLE for s in row.source}
    assert "discard" in next(line for line in lines if "UNCONFIRMED --> DISCARDED" in line)
    assert "tracked, destroy" in next(line for line in lines if "UNCONFIRMED --> CONFIRMED" in line)
    assert {line.split()[0] for line in lines if line.endswith("--> [*]")} == ENDS


def test_only_runs_with_a_plan_to_apply_wait_for_confirmation():
    waiting = {kind for kind in Kind if State.UNCONFIRMED in reachable(kind)}
    assert waiting == set(APPLYABLE)
