"""Every root field of the API, by everybody who may call: as `graphql.md` says, no other way."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import pytest

from tests.integration.authz import measure
from tests.integration.authz.arguments import BEFORE, QUIET
from tests.integration.authz.documents import MUTATIONS, QUERIES
from tests.integration.authz.table import Row, Table
from tests.integration.authz.world import CALLERS, THEIRS, Team, World, fill

TABLE = Table("graphql.md", list(CALLERS))
ROWS = TABLE.rows()
FIELDS = {**QUERIES, **MUTATIONS}
ADD = "GANTRY_ADD_ROWS"
"""Set by `make matrix`: rows that lack are written into the table as they are measured."""

DONE = ("yes", "none")
"""What a mutation comes to that does something; it may have nothing to tell of it."""
REFUSALS_NOTED: Mapping[str, int] = {}
"""Mutations of which the trail keeps also who was refused: how many entries."""

WORDS = ("yes", "no", "own", "none", "never", "let in")

Measured = dict[str, tuple[Row, dict[str, measure.Outcome]]]


@pytest.fixture(scope="session")
def measured() -> Measured:
    """What was measured so far: each field once, for all tests."""
    return {}


async def look(http, world: World, measured: Measured, name: str):
    if name not in measured:
        known = ROWS.get(name)
        measured[name] = await measure.row(http, world, name, known and known.needs)
    return measured[name]


def test_every_row_is_of_a_field_that_is_there():
    assert {*ROWS} - {*FIELDS} == set(), "take the rows of what is gone out of graphql.md"


@pytest.mark.parametrize("name", FIELDS)
async def test_a_field_is_for_those_of_whom_the_table_says_so(http, world, measured, name):
    row, found = await look(http, world, measured, name)

    lacks = name not in ROWS or not ROWS[name].measured
    if lacks and os.environ.get(ADD):
        TABLE.add("Queries" if name in QUERIES else "Mutations", [row])
    elif lacks:
        pytest.fail(
            f"{name} has no row in tests/integration/authz/graphql.md. Run `make matrix`, which"
            f" adds it as it is measured, and look whether that is meant:\n{TABLE.line(row)}"
        )
    else:
        told = {caller: f"{found[caller].word}: {found[caller].says}" for caller in found}
        others = {c: told.get(c) for c in CALLERS if row.cells[c] != ROWS[name].cells[c]}
        assert others == {}, f"measured otherwise than the table says:\n{TABLE.line(row)}"


@pytest.mark.parametrize("name", FIELDS)
async def test_what_is_refused_changes_nothing_and_what_is_done_is_done(
    http, world, measured, name
):
    _, found = await look(http, world, measured, name)

    for caller, outcome in found.items():
        # A call that is wrong in itself would show nothing of who may make it.
        assert outcome.word in WORDS, (caller, outcome.word, outcome.says)
        if outcome.word != "yes":
            assert list(outcome.changed) == [], caller
        elif name in MUTATIONS and name not in QUIET:
            assert outcome.changed, f"{caller} was let in, and nothing happened"


@pytest.mark.parametrize("name", MUTATIONS)
async def test_what_is_done_leaves_one_entry_in_the_trail_and_what_is_refused_none(
    http, world, measured, name
):
    _, found = await look(http, world, measured, name)

    left = {caller: (outcome.word, outcome.entries) for caller, outcome in found.items()}
    assert {
        caller: said
        for caller, said in left.items()
        if said[1] != (1 if said[0] in DONE else REFUSALS_NOTED.get(name, 0))
    } == {}


@pytest.mark.parametrize("name", FIELDS)
async def test_no_answer_tells_of_another_teams_things(http, world, measured, name):
    _, found = await look(http, world, measured, name)

    for caller, outcome in found.items():
        told = [mark for mark in world.foreign_to(caller) if mark in outcome.text]
        assert told == [], f"{caller} was told of {told}: {outcome.text}"


@pytest.mark.parametrize("caller", ["reader", "admin", "run"])
async def test_no_answer_is_another_one_when_another_team_does_something(http, world, caller):
    """Counts, averages, orders and pages do not tell of it either."""

    async def answers():
        return {
            name: (await measure.call(http, world, caller, name)).answer
            for name in QUERIES
            if name not in {*OWN_TIME, *BEFORE}
        }

    rows = await world.fingerprint()
    before = await answers()
    assert await world.fingerprint() == rows  # who asks changes nothing
    # As much again as there is of theirs, under other names.
    await fill(world.core, Team(f"{THEIRS}two", world.theirs.space), key=1)
    after = await answers()
    await world.put_back()

    changed = {name for name in before if before[name] != after[name]}
    assert changed == set(), json.dumps({n: [before[n], after[n]] for n in changed})


OWN_TIME = {"installationChecks", "processes", "sourceCheck", "versionCheck"}
"""Answers of the installation, or of what is outside of it."""
