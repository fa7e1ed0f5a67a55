"""What knowing somebody's rights costs among 500 spaces, 2,000 users and 200 roles, and what a list
of 5,000 stacks costs somebody who may see a part of them.

Rows are written behind the product's back. Each question is asked over HTTP as clients ask it, in
embedded mode; whoever has no rights to look up is the built-in administrator.
"""

from __future__ import annotations

import statistics
import time

import httpx2
from gantry.apps.demo import Client
from gantry.domains.people import api_keys
from gantry.domains.people.actions import Action
from gantry.domains.roles import rights
from gantry.infra.passwords import Argon2Passwords
from gantry.kernel.tx import SYSTEM, Actor
from sqlalchemy import text

from bench.report import Figure, percentile
from bench.scale import furnish
from bench.site import Site, site

SPACES = 500
USERS = 2_000
ROLES = 200
BINDINGS = 30
"""Of whoever asks. Each user has as many as one tenth of that."""
STACKS = 5_000
ROUNDS = 400
SEARCHES = 60
AIM_ADDED = 0.001
AIM_SEARCH = 0.3

_SPACES = """
insert into space (id, name, description, labels, parent_id, inherit_entities, created_at, path,
                   inherits)
select 'space-' || n, 'space ' || n, '', '[]', p, n % 2 = 0, now(),
       array['root'] || case when p = 'root' then array[]::text[] else array[p] end
                     || array['space-' || n],
       case when n % 2 = 0 then array[p] else array[]::text[] end
from generate_series(1, :spaces) n,
     lateral (select case when n <= 20 then 'root' else 'space-' || 1 + n % 20 end p) q
"""
"""Twenty beneath the root, and all others beneath those; every second one inherits."""
_ROLES = """
insert into role (id, slug, name, description, actions, system, created_at, updated_at)
select 'role-' || n, 'role-' || n, 'role ' || n, '', cast(:actions as jsonb), false, now(), now()
from generate_series(1, :roles) n
"""
_USERS = """
insert into app_user (id, source, username, admin, created_at, last_seen_at)
select 'user-' || n, 'bench', 'user ' || n, false, now(), now() from generate_series(1, :users) n
"""
_GIVEN = """
insert into role_binding (id, subject, subject_id, role_id, space_id, created_at, created_by)
select 'given-' || u || '-' || n, 'USER', 'user-' || u, 'role-' || 1 + (u + n) % :roles,
       'space-' || 1 + (u * 7 + n * 13) % :spaces, now(), 'bench'
from generate_series(1, :users) u, generate_series(1, :each) n
"""
_GIVEN_TO_KEY = """
insert into role_binding (id, subject, subject_id, role_id, space_id, created_at, created_by)
select 'key-' || n, 'API_KEY', :key, 'role-' || n, 'space-' || n * 11, now(), 'bench'
from generate_series(1, :bindings) n
"""
_SPREAD = """
update stack set space_id = 'space-' || 1 + substr(id, 7)::int % :spaces where id like 'scale-%'
"""
_SIGN_IN = "mutation ($i: ID!, $s: String!) { apiKeyUser(id: $i, secret: $s) { jwt } }"
_TRIFLE = "{ tier }"
_LIST = """{ searchStacks(input: {first: 50}) { edges { node {
    id name state labels spaceDetails { id name } trackedCommit { hash message }
    blocker { id state } } } pageInfo { hasNextPage endCursor } } }"""
_NARROWED = """{ searchStacks(input: {first: 50,
    predicates: [{field: "label", constraint: {stringMatches: ["team:7"]}}],
    orderBy: [{field: "name", direction: ASC}]}) { edges { node { id name labels } } } }"""


async def measure() -> list[Figure]:
    """Furnish, and ask."""
    async with (
        site(worker=False) as there,
        httpx2.AsyncClient(base_url=there.up.url, timeout=60) as http,
    ):
        stack = await there.stack()
        run = await there.trigger(stack)
        engine = there.up.core.db.engine
        await furnish(engine, stack, run, stacks=STACKS, runs=STACKS, waiting=0)
        key, client = await _somebody(there, http)
        await _give(there, key)
        about = f"{SPACES} spaces, {USERS} users, {ROLES} roles; a key with {BINDINGS} bindings"
        return [
            *await _added(there, key, client, about),
            *[
                Figure(
                    f"searchStacks of somebody with {BINDINGS} bindings: {name}",
                    "p95",
                    percentile(await _times(client, words, SEARCHES), 0.95),
                    "s",
                    AIM_SEARCH,
                    f"{STACKS} stacks in {SPACES} spaces; {SEARCHES} requests one after the other",
                )
                for name, words in (("50 stacks", _LIST), ("of a label, by name", _NARROWED))
            ],
        ]


async def _somebody(there: Site, http: httpx2.AsyncClient) -> tuple[str, Client]:
    """A key that nothing was given to, signed in."""
    core = there.up.core
    async with core.db.write(SYSTEM) as tx:
        key, secret = await api_keys.create(tx, Argon2Passwords(), api_keys.Wanted("bench"))
    signed_in = await there.client.ask(_SIGN_IN, i=key.id, s=secret.reveal())
    return key.id, Client(http, signed_in["apiKeyUser"]["jwt"])


async def _give(there: Site, key: str) -> None:
    actions = f'["{Action.SPACE_READ}", "{Action.RUN_CONFIRM}", "{Action.STACK_LOCK}"]'
    values = {
        "spaces": SPACES,
        "roles": ROLES,
        "users": USERS,
        "each": BINDINGS // 10,
        "bindings": BINDINGS,
        "key": key,
        "actions": actions,
    }
    async with there.up.core.db.engine.begin() as connection:
        for statement in (_SPACES, _ROLES, _USERS, _GIVEN, _GIVEN_TO_KEY, _SPREAD):
            wanted = {name: value for name, value in values.items() if f":{name}" in statement}
            await connection.execute(text(statement), wanted)
    async with there.up.core.db.engine.connect() as connection:
        free = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await free.execute(text("analyze"))


async def _added(there: Site, key: str, client: Client, about: str) -> list[Figure]:
    """What looking rights up adds: by itself, and between two who ask the same."""
    by_itself = []
    actor = Actor("api_key", key, name="api::bench")
    for _ in range(ROUNDS):
        async with there.up.core.db.read(SYSTEM) as tx:
            await tx.session.scalar(text("select 1"))  # the request has a connection by then
            began = time.perf_counter()
            found = await rights.of_signed_in(tx, actor)
            by_itself.append(time.perf_counter() - began)
    assert len(found.by_space) >= BINDINGS
    with_rights, without = [], []
    for _ in range(ROUNDS):  # in turns: whatever else the machine does hits both
        without += await _times(there.client, _TRIFLE, 1)
        with_rights += await _times(client, _TRIFLE, 1)
    added = statistics.median(with_rights) - statistics.median(without)
    name = "authorisation"
    return [
        Figure(
            name,
            "added to a request",
            added * 1000,
            "ms",
            AIM_ADDED * 1000,
            f"median of {ROUNDS} requests of a key, less that of the administrator's: {about}",
        ),
        Figure(
            name,
            "query for rights, median",
            statistics.median(by_itself) * 1000,
            "ms",
            AIM_ADDED * 1000,
            f"the one query of a request, {ROUNDS} times: {about}",
        ),
        Figure(
            name, "query for rights, p95", percentile(by_itself, 0.95) * 1000, "ms", None, about
        ),
    ]


async def _times(client: Client, words: str, rounds: int) -> list[float]:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        await client.ask(words)
        took.append(time.perf_counter() - began)
    return took
