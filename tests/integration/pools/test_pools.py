"""Pools hold a key, workers prove it, and whoever is sent away or falls silent is gone."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from gantry.domains.pools import repo
from gantry.domains.pools import service as pools
from gantry.domains.pools.rules import WORKER_GONE_AFTER, is_gone
from gantry.domains.stacks import repo as stacks
from gantry.kernel.errors import Conflict, NotAllowed, NotFound, Unauthenticated
from gantry.kernel.ids import new_id
from gantry.kernel.paging import BadCursor
from gantry.kernel.search import Search
from gantry.kernel.tx import ANONYMOUS, SYSTEM, Actor
from gantry.ports.pki import BadCertificateRequest
from gantry.ports.vault import InvalidToken
from gantry_protocol.calls import AUDIENCE
from gantry_protocol.token import decode_pool_token
from gantry_worker.keys import PoolKey

from tests.support.core import BASE_URL
from tests.support.given import (
    ADMIN,
    READER,
    STRANGER,
    everything,
    given_a_pool,
    given_a_stack,
    given_a_worker,
    given_the_public_pool,
)


def key_of(core, number=0):
    return PoolKey(base64.b64decode(core.keys.pool_keys[number]).decode())


def proof(core, pool, worker_id, *, key=0, pool_id=None, audience=AUDIENCE):
    return key_of(core, key).proof(
        worker_id=worker_id, audience=audience, pool_id=pool_id or pool.id
    )


async def admit(core, pool_id, shown):
    async with core.db.read(SYSTEM) as tx:
        return await pools.admit(
            tx, core.authority, pool_id=pool_id, proof=shown, audience=AUDIENCE
        )


async def create(core, name="builders", *, by=ADMIN, request=None, **settings):
    async with core.db.write(by) as tx:
        return await pools.create(
            tx,
            core.authority,
            core.reach,
            name=name,
            request=request or core.keys.pool_requests[0],
            **settings,
        )


async def refused(core, error, doing, *, by=ADMIN, words=None):
    before = await everything(core)
    with pytest.raises(error, match=words):
        async with core.db.write(by) as tx:
            await doing(tx)
    assert await everything(core) == before


async def pool_now(core, pool):
    async with core.db.read(SYSTEM) as tx:
        return await repo.any_by_id(tx, pool.id)


async def worker_now(core, worker):
    async with core.db.read(SYSTEM) as tx:
        return await repo.worker(tx, worker.id)


async def present(core, pool):
    async with core.db.read(SYSTEM) as tx:
        return [worker.id for worker in (await repo.present(tx, [pool.id]))[pool.id]]


# -- making and changing


async def test_a_pool_is_given_a_token_that_names_it_and_carries_its_certificate(core):
    pool = await create(core, " builders ", labels=["b", "a", "b"], description="all")

    assert (pool.name, pool.labels, pool.description) == ("builders", ["a", "b"], "all")
    assert (pool.space_id, pool.public, pool.generation) == ("root", False, 1)
    token = decode_pool_token(pool.config)
    assert (token.api, token.pool_id, token.namespace) == (BASE_URL, pool.id, "gantry")
    certificate = x509.load_pem_x509_certificate(token.certificate.encode())
    mine = certificate.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert mine.decode() == pool.public_key


@pytest.mark.parametrize(("limit", "kept"), [(None, None), (-1, None), (0, 0), (3, 3)])
async def test_a_negative_limit_means_none(core, limit, kept):
    pool = await create(core, drift_limit=limit)
    assert pool.drift_detection_run_limit == kept


async def test_a_pool_needs_a_name_of_its_own(core):
    await create(core)
    for name in ("builders", " builders "):
        with pytest.raises(Conflict, match='named "builders" already'):
            await create(core, name)
    for name in ("", "  ", "x" * 256):
        with pytest.raises(pools.BadPool, match="1 to 255 characters"):
            await create(core, name)
    assert await core.rows("select count(*) from worker_pool") == [(1,)]


def request_with(key):
    name = x509.Name([])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


async def test_a_request_that_no_worker_could_use_is_refused(core):
    for bad in ("nonsense", "", request_with(ec.generate_private_key(ec.SECP256R1()))):
        with pytest.raises(BadCertificateRequest):
            await create(core, request=bad or "-")
    assert await core.rows("select 1 from worker_pool") == []


async def test_a_pool_is_made_in_a_space_that_exists(core):
    with pytest.raises(NotFound, match="space nowhere not found"):
        await create(core, space_id="nowhere")


async def test_an_update_changes_what_it_names_and_clears_the_rest(core):
    pool = await create(core, labels=["a"], description="x", drift_limit=3)

    async with core.db.write(ADMIN) as tx:
        await pools.update(
            tx,
            pool.id,
            name="makers",
            description=None,
            labels=None,
            space_id=None,
            drift_limit=None,
        )

    now = await pool_now(core, pool)
    assert (now.name, now.description, now.labels) == ("makers", None, [])
    assert (now.drift_detection_run_limit, now.space_id) == (None, "root")
    assert (now.config, now.generation) == (pool.config, 1)


async def test_an_update_may_not_take_the_name_of_another(core):
    pool = await create(core)
    await create(core, "others", request=core.keys.pool_requests[1])
    change = partial(pools.update, description=None, labels=None, space_id=None, drift_limit=None)
    await refused(core, Conflict, lambda tx: change(tx, pool.id, name="others"))
    async with core.db.write(ADMIN) as tx:
        await change(tx, pool.id, name="builders")  # its own name is not another's


ACTIONS = {
    "create": lambda core, pool: (
        lambda tx: pools.create(
            tx, core.authority, core.reach, name="x", request=core.keys.pool_requests[1]
        )
    ),
    "update": lambda core, pool: (
        lambda tx: pools.update(
            tx,
            pool.id,
            name="x",
            description=None,
            labels=None,
            space_id=None,
            drift_limit=None,
        )
    ),
    "reset": lambda core, pool: (
        lambda tx: pools.reset(
            tx, core.authority, core.reach, pool.id, request=core.keys.pool_requests[1]
        )
    ),
    "cycle": lambda core, pool: lambda tx: pools.cycle(tx, pool.id),
    "delete": lambda core, pool: lambda tx: pools.delete(tx, pool.id, stacks_using=0, runs_using=0),
    "drain": lambda core, pool: lambda tx: pools.set_drained(tx, pool.id, new_id(), drain=True),
}


@pytest.mark.parametrize("name", ACTIONS)
async def test_only_those_who_may_touch_pools(core, name):
    pool = await create(core)
    act = ACTIONS[name](core, pool)
    await refused(core, NotAllowed, act, by=READER)
    # Making one needs no pool to be seen, but the space it is to be in.
    await refused(core, NotFound, act, by=STRANGER, words="not found")
    await refused(core, (NotFound, Unauthenticated), act, by=ANONYMOUS)


@pytest.mark.parametrize("name", [name for name in ACTIONS if name != "create"])
async def test_neither_a_deleted_nor_the_public_pool_can_be_touched(core, name):
    deleted = await create(core)
    async with core.db.write(ADMIN) as tx:
        await pools.delete(tx, deleted.id, stacks_using=0, runs_using=0)
    public = await given_the_public_pool(core)
    for pool in (deleted, public):
        await refused(core, NotFound, ACTIONS[name](core, pool), words="worker pool not found")


async def test_a_pool_that_is_used_is_not_deleted(core):
    pool = await given_a_pool(core)
    await given_a_stack(core, pool)
    async with core.db.read(ADMIN) as tx:
        assert await stacks.count_in_pool(tx, pool.id) == 1
    await refused(
        core,
        Conflict,
        lambda tx: pools.delete(tx, pool.id, stacks_using=1, runs_using=0),
        words="1 stacks use this worker pool",
    )
    await refused(
        core,
        Conflict,
        lambda tx: pools.delete(tx, pool.id, stacks_using=0, runs_using=2),
        words="2 runs of this worker pool have not ended",
    )


async def test_the_name_of_a_deleted_pool_is_free_again(core):
    pool = await create(core)
    async with core.db.write(ADMIN) as tx:
        await pools.delete(tx, pool.id, stacks_using=0, runs_using=0)

    again = await create(core)

    assert again.id != pool.id
    async with core.db.read(ADMIN) as tx:
        assert [found.id for found in await repo.all_visible(tx)] == [again.id]


# -- who sees which


async def test_pools_are_seen_in_readable_spaces_and_the_public_one_by_nobody(core):
    pool = await create(core)
    await given_the_public_pool(core)
    elsewhere = Actor("user", new_id(), by_space={"other": READER.everywhere})
    here = Actor("user", new_id(), by_space={"root": READER.everywhere})

    for actor, seen in ((ADMIN, [pool.id]), (here, [pool.id]), (elsewhere, []), (STRANGER, [])):
        async with core.db.read(actor) as tx:
            assert [found.id for found in await repo.all_visible(tx)] == seen
            assert list(await repo.by_ids(tx, [pool.id])) == seen
            page = await repo.search(tx, Search(first=10))
            assert [found.id for found in page.items] == seen


async def test_pools_are_found_in_pages(core):
    made = [await create(core, f"pool {n}", description="100% _mine_") for n in range(5)]

    async with core.db.read(ADMIN) as tx:
        found, after = [], None
        while True:
            page = await repo.search(tx, Search(text="pool", first=2, after=after))
            found += [pool.id for pool in page.items]
            if not page.has_next:
                break
            after = page.cursors[-1]
        assert found == [pool.id for pool in made]
        for text, count in (("POOL 3", 1), ("100%", 5), ("0%_", 0), ("_mine", 5), ("x", 0)):
            page = await repo.search(tx, Search(text=text, first=9))
            assert len(page.items) == count, text


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "e30", "x" * 10_000])
async def test_a_cursor_of_somebody_elses_making_is_refused(core, cursor):
    await create(core)
    async with core.db.read(ADMIN) as tx:
        with pytest.raises(BadCursor):
            await repo.search(tx, Search(first=2, after=cursor))


# -- the public pool


async def test_the_public_pool_is_made_once_and_kept(core):
    first = await given_the_public_pool(core)
    again = await given_the_public_pool(core)
    assert (again.id, again.config, again.generation) == (first.id, first.config, 1)


async def test_the_public_pool_follows_its_key_and_the_installations_address(core):
    first = await given_the_public_pool(core)
    moved = pools.Reach("https://elsewhere.example.com", core.reach.broker, core.reach.namespace)
    async with core.db.write(SYSTEM) as tx:
        pool = await pools.ensure_public(tx, core.authority, moved, core.keys.pool_requests[1])
        assert decode_pool_token(pool.config).api == "https://elsewhere.example.com"
        assert (pool.id, pool.generation) == (first.id, 1)

    other = await given_the_public_pool(core, key=0)

    assert (other.id, other.generation) == (first.id, 2)
    assert other.public_key != first.public_key


# -- proofs


async def test_a_worker_with_the_pools_key_is_admitted(core):
    pool, worker_id = await given_a_pool(core), new_id()

    found, admitted = await admit(core, pool.id, proof(core, pool, worker_id))

    assert (found.id, admitted) == (pool.id, worker_id)


async def test_nobody_else_is_admitted(core):
    pool = await given_a_pool(core)
    other = await given_a_pool(core, "others", key=1)
    worker_id = new_id()

    wrong = {
        "another pool's key": (pool.id, proof(core, pool, worker_id, key=1)),
        "another pool": (other.id, proof(core, pool, worker_id)),
        "no pool": (new_id(), proof(core, pool, worker_id)),
        "no id": ("x' or 1=1", proof(core, pool, worker_id)),
        "another audience": (pool.id, proof(core, pool, worker_id, audience="else")),
        "no worker": (pool.id, proof(core, pool, "me")),
        "nothing": (pool.id, ""),
        "our own token": (pool.id, core.vault.sign({"aud": [AUDIENCE], "exp": 1 << 40})),
    }
    for pool_id, shown in wrong.values():
        with pytest.raises(InvalidToken, match="unauthorized"):
            await admit(core, pool_id, shown)


async def test_the_holder_of_one_pools_key_cannot_pass_for_a_worker_of_another(core):
    pool = await given_a_pool(core)
    other = await given_a_pool(core, "others", key=1)
    theirs = await given_a_worker(core, other)

    with pytest.raises(InvalidToken, match="belongs to another pool"):
        await admit(core, pool.id, proof(core, pool, theirs.id))


async def test_of_two_pools_with_one_key_a_proof_is_good_for_one(core):
    first, second = await given_a_pool(core), await given_a_pool(core, "twin")
    worker_id = new_id()
    shown = proof(core, first, worker_id)

    assert (await admit(core, first.id, shown))[1] == worker_id
    with pytest.raises(InvalidToken, match="for another pool"):
        await admit(core, second.id, shown)


async def test_a_deleted_pool_admits_nobody(core):
    pool = await given_a_pool(core)
    async with core.db.write(ADMIN) as tx:
        await pools.delete(tx, pool.id, stacks_using=0, runs_using=0)
    with pytest.raises(InvalidToken):
        await admit(core, pool.id, proof(core, pool, new_id()))


async def test_after_a_reset_only_the_new_key_is_admitted(core):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    before = pool.config

    async with core.db.write(ADMIN) as tx:
        fresh = await pools.reset(
            tx, core.authority, core.reach, pool.id, request=core.keys.pool_requests[1]
        )

    assert (fresh.id, fresh.generation) == (pool.id, 2)
    assert fresh.config != before
    with pytest.raises(InvalidToken):
        await admit(core, pool.id, proof(core, pool, worker.id))
    assert await admit(core, pool.id, proof(core, pool, new_id(), key=1))
    assert (await worker_now(core, worker)).shutdown_at is not None


async def test_a_question_on_its_way_brings_no_worker_of_a_reset_pool_back(core):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    async with core.db.write(ADMIN) as tx:
        await pools.reset(
            tx, core.authority, core.reach, pool.id, request=core.keys.pool_requests[1]
        )
    gone_at = (await worker_now(core, worker)).gone_at

    async with core.db.write(SYSTEM) as tx:
        await pools.heard(tx, await repo.worker(tx, worker.id))

    assert gone_at is not None
    assert (await worker_now(core, worker)).gone_at == gone_at


# -- workers


async def test_registering_again_changes_what_a_worker_says_and_not_its_orders(core):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    async with core.db.write(ADMIN) as tx:
        await pools.set_drained(tx, pool.id, worker.id, drain=True)

    async with core.db.write(SYSTEM) as tx:
        await pools.register(
            tx, pool, worker_id=worker.id, tags={"az": "b"}, version="2", concurrency=3
        )

    now = await worker_now(core, worker)
    assert (now.tags, now.version, now.concurrency) == ({"az": "b"}, "2", 3)
    assert now.drained


async def test_a_worker_id_of_another_pool_cannot_be_registered(core):
    pool = await given_a_pool(core)
    other = await given_a_pool(core, "others", key=1)
    theirs = await given_a_worker(core, other)
    await refused(
        core,
        Conflict,
        lambda tx: pools.register(
            tx, pool, worker_id=theirs.id, tags={"x": "y"}, version="9", concurrency=9
        ),
        by=SYSTEM,
        words="belongs to another pool",
    )


async def test_eight_registrations_of_one_worker_at_once_make_one(core):
    pool, worker_id = await given_a_pool(core), new_id()

    async def register():
        async with core.db.write(SYSTEM) as tx:
            await pools.register(tx, pool, worker_id=worker_id, tags={}, version="1", concurrency=1)

    await asyncio.gather(*(register() for _ in range(8)))
    assert await present(core, pool) == [worker_id]


async def test_draining_is_taken_back_and_meant_for_the_pools_own_workers(core):
    pool = await given_a_pool(core)
    other = await given_a_pool(core, "others", key=1)
    worker, theirs = await given_a_worker(core, pool), await given_a_worker(core, other)

    for drain in (True, False):
        async with core.db.write(ADMIN) as tx:
            await pools.set_drained(tx, pool.id, worker.id, drain=drain)
        assert (await worker_now(core, worker)).drained is drain
    for absent in (theirs.id, new_id()):
        await refused(
            core,
            NotFound,
            lambda tx, absent=absent: pools.set_drained(tx, pool.id, absent, drain=True),
            words="worker not found",
        )


async def test_a_cycled_pool_sends_its_own_workers_away(core):
    pool = await given_a_pool(core)
    other = await given_a_pool(core, "others", key=1)
    worker, theirs = await given_a_worker(core, pool), await given_a_worker(core, other)

    async with core.db.write(ADMIN) as tx:
        await pools.cycle(tx, pool.id)

    assert (await worker_now(core, worker)).shutdown_at is not None
    assert (await worker_now(core, theirs)).shutdown_at is None
    assert (await pool_now(core, pool)).generation == 1


async def test_a_worker_that_left_is_gone_and_gone_once(core):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)

    for _ in range(2):
        async with core.db.write(SYSTEM) as tx:
            await pools.leave(tx, worker.id, pool.id)

    assert await present(core, pool) == []
    assert (await worker_now(core, worker)).gone_at is not None


async def test_a_worker_that_fell_silent_is_gone_until_it_is_heard_of_again(core):
    pool = await given_a_pool(core)
    silent, heard = await given_a_worker(core, pool), await given_a_worker(core, pool)
    await core.change(
        "update worker set last_seen_at = now() - interval '61 seconds' where id = :id",
        id=silent.id,
    )

    async with core.db.write(SYSTEM) as tx:
        await pools.reconcile(tx)
    assert await present(core, pool) == [heard.id]

    await silent.beat()
    assert sorted(await present(core, pool)) == sorted([silent.id, heard.id])


def test_silence_counts_from_a_minute_on():
    now = datetime.now(UTC)
    assert not is_gone(now - WORKER_GONE_AFTER, now)
    assert is_gone(now - WORKER_GONE_AFTER - timedelta(milliseconds=1), now)
