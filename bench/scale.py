"""Lists and pages of a large installation: 5,000 stacks and 200,000 runs, 1,000 of them waiting.

Rows are written behind the product's back, copied from a stack and a run that it made itself.
Each question is asked as clients ask it, one after the other, in embedded mode.
"""

from __future__ import annotations

import time
from typing import Any

from gantry.apps.demo import Client
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.report import Figure, percentile
from bench.site import site

STACKS = 5_000
RUNS = 200_000
WAITING = 1_000
ROUNDS = 30
AIM = 0.3

_COPY_STACKS = """
insert into stack select (jsonb_populate_record(s, jsonb_build_object(
    'id', 'scale-' || n, 'name', 'scale ' || n, 'created_at', s.created_at + n * interval '1 s',
    'labels', jsonb_build_array('team:' || n % 40, 'tier:' || n % 3)))).*
from stack s, generate_series(1, :stacks) n where s.id = :stack
"""
_COPY_RUNS = """
insert into run select (jsonb_populate_record(r, jsonb_build_object(
    'id', '01BENCH' || lpad(n::text, 19, '0'), 'stack_id', 'scale-' || 1 + n % :stacks,
    'created_at', r.created_at + n * interval '1 s', 'state', 'FINISHED', 'kind', 'TRACKED',
    'finished_at', r.created_at + n * interval '1 s'))).*
from run r, generate_series(1, :runs) n where r.id = :run
"""
_COPY_HISTORY = """
insert into run_transition select (jsonb_populate_record(t, jsonb_build_object('run_id', r.id))).*
from run_transition t, run r where t.run_id = :run and r.id like '01BENCH%'
"""
_WAIT = """
update run set state = 'READY', kind = 'PROPOSED', finished_at = null
where id in (select id from run where id like '01BENCH%' order by id desc limit :waiting)
"""

QUESTIONS: dict[str, str] = {
    "list of 50 stacks": """{ searchStacks(input: {first: 50}) { edges { node {
        id name state labels spaceDetails { id name } trackedCommit { hash message }
        blocker { id state } } } pageInfo { hasNextPage endCursor } } }""",
    "stacks of a label, by name": """{ searchStacks(input: {first: 50,
        predicates: [{field: "label", constraint: {stringMatches: ["team:7"]}}],
        orderBy: [{field: "name", direction: ASC}]}) { edges { node { id name labels } } } }""",
    "stacks by words in their names": """{ searchStacks(input: {first: 50,
        fullTextSearch: "scale 49"}) { edges { node { id name } } } }""",
    "list of all stacks": "{ stacks { id name state labels } }",
    "a stack and its newest runs": """{ stack(id: "scale-77") { id name
        runs { id state title createdAt delta { addCount } commit { hash } waitsFor } } }""",
    "a run": """{ stack(id: "scale-77") { run(id: "01BENCH0000000000000000076") {
        id state history { state timestamp note username } changesV3(input: {}) {
        resources { address } } } } }""",
    "50 newest runs": """{ searchRuns(input: {first: 50}) { edges { node {
        run { id state title } stack { id name } } } } }""",
    "queue of a pool": """{ publicWorkerPool { pendingRuns
        searchSchedulableRuns(input: {first: 50}) { edges { node {
        position stackId run { id state title waitsFor } } } } } }""",
    "what stacks can be narrowed by": """{ searchStacksSuggestions(input: {fields: ["state",
        "label", "space", "repository", "branch", "vendor", "workerPool", "locked", "starred",
        "isDisabled"]}) { total fields { field hasMore values { value label count } } } }""",
    "runs that failed, and those that wait": """{
        failed: searchRuns(input: {first: 8, predicates: [
            {field: "state", constraint: {enumEquals: ["FAILED"]}}]}) { edges { node {
            run { id state } } } }
        waiting: searchRuns(input: {first: 8, predicates: [
            {field: "state", constraint: {enumEquals: ["QUEUED", "READY"]}}],
            orderBy: [{field: "createdAt", direction: ASC}]}) { edges { node {
            run { id condition { message } } stack { id name } } } }
        searchRunsSuggestions(input: {fields: ["state"], predicates: [
            {field: "finished", constraint: {booleanEquals: [false]}}]}) { total } }""",
    "numbers of an installation": """{ metrics { hasRuns stacksCountByState { labels value }
        averageRunDuration { value } medianRunDuration { value } } }""",
}


async def measure() -> list[Figure]:
    """Furnish the installation and ask."""
    async with site(worker=False) as there:
        stack = await there.stack()
        await furnish(there.up.core.db.engine, stack, await there.trigger(stack))
        return [await _ask(there.client, name, words) for name, words in QUESTIONS.items()]


async def furnish(
    engine: AsyncEngine,
    stack: str,
    run: str,
    *,
    stacks: int = STACKS,
    runs: int = RUNS,
    waiting: int = WAITING,
) -> None:
    """Copy the stack and the run that often, and let the newest of the runs wait."""
    values: dict[str, Any] = {
        "stack": stack,
        "run": run,
        "stacks": stacks,
        "runs": runs,
        "waiting": waiting,
    }
    async with engine.begin() as connection:
        for statement in (_COPY_STACKS, _COPY_RUNS, _COPY_HISTORY, _WAIT):
            wanted = {name: values[name] for name in values if f":{name}" in statement}
            await connection.execute(text(statement), wanted)
    async with engine.connect() as connection:
        free = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await free.execute(text("analyze"))


async def _ask(client: Client, name: str, words: str) -> Figure:
    took = []
    for number in range(ROUNDS + 3):  # three of warm-up
        began = time.perf_counter()
        await client.ask(words)
        if number >= 3:
            took.append(time.perf_counter() - began)
    about = f"{STACKS} stacks, {RUNS} runs; {ROUNDS} requests one after the other"
    return Figure(f"large installation: {name}", "p95", percentile(took, 0.95), "s", AIM, about)
