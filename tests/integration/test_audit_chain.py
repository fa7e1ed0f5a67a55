"""The audit trail's chain: what it proves, and what it says when somebody has changed something."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from gantry.domains.audit import chain, repo, retention, rules
from gantry.domains.audit import service as audit
from gantry.domains.audit.kinds import Resource
from gantry.kernel.tx import SYSTEM

from tests.support.given import ADMIN


async def given_entries(core, count: int, first: int = 1) -> None:
    for number in range(first, first + count):
        async with core.db.write(ADMIN) as tx:
            audit.record(
                tx, "stack.update", Resource.STACK, f"stack-{number}", given={"name": "Network"}
            )


async def verified(core) -> chain.Verdict:
    return await chain.verify(core.db, core.vault, core.objects)


async def test_a_chain_that_nobody_has_touched_is_proven_whole(core):
    await given_entries(core, 5)
    assert await chain.seal(core.db) == 5
    await given_entries(core, 2, first=6)
    assert await chain.seal(core.db) == 2

    found = await verified(core)

    assert (found.entries, found.first, found.last, found.broken_at) == (7, 1, 7, None)


async def test_an_entry_of_what_was_not_done_is_not_there(core):
    class Undone(Exception):
        pass

    async def fail():
        async with core.db.write(ADMIN) as tx:
            audit.record(tx, "stack.delete", Resource.STACK, "stack")
            raise Undone

    with pytest.raises(Undone):
        await fail()

    assert await core.rows("select id from audit_entry") == []


@pytest.mark.parametrize(
    ("harm", "broken_at", "reason"),
    [
        ("update audit_entry set actor = 'admin::eve' where seq = 3", 3, "the entry was changed"),
        ("update audit_entry set body = '' where seq = 1", 1, "the entry was changed"),
        (
            "update audit_entry set at = at + interval '1 microsecond' where seq = 2",
            2,
            "the entry was changed",
        ),
        ("delete from audit_entry where seq = 3", 3, "an entry is missing"),
        ("delete from audit_entry where seq >= 4", 4, "entries at the end are missing"),
        (
            "with moved as (delete from audit_entry where seq = 3 returning 1)"
            " update audit_entry set seq = seq - 1 where seq > 3 and exists (select from moved)",
            3,
            "the entry was changed",
        ),
        (
            "update audit_chain set digest = '\\x00' where id = 1",
            5,
            "the end of the chain was changed",
        ),
    ],
)
async def test_the_first_entry_that_is_not_as_it_was_is_named(core, harm, broken_at, reason):
    await given_entries(core, 5)
    await chain.seal(core.db)

    await core.change(harm)

    found = await verified(core)
    assert (found.broken_at, found.reason) == (broken_at, reason)


async def test_whoever_writes_the_whole_chain_anew_is_found_by_a_checkpoint(core):
    await given_entries(core, 4)
    await chain.seal(core.db)
    assert await chain.checkpoint(core.db, core.vault, core.objects) == 4

    # Everything about the chain is made consistent again, as somebody with the database could.
    await core.change("update audit_entry set actor = 'admin::eve' where seq = 2")
    await core.change("update audit_entry set seq = null, digest = null")
    await core.change("update audit_chain set seq = 0, digest = :genesis", genesis=rules.GENESIS)
    await chain.seal(core.db)

    found = await verified(core)
    assert (found.broken_at, found.reason) == (4, "the entry is not what was signed")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "a checkpoint is missing from the object storage"),
        (b"", "a checkpoint in the object storage was changed"),
        (b"e30.e30.e30", "a checkpoint in the object storage was changed"),
    ],
)
async def test_a_checkpoint_that_is_gone_or_changed_is_said(core, data, reason):
    await given_entries(core, 3)
    await chain.seal(core.db)
    await chain.checkpoint(core.db, core.vault, core.objects)
    key = "audit/checkpoints/newest.jwt"

    if data is None:
        await core.objects.delete(chain.BUCKET, key)
    else:
        await core.objects.put(chain.BUCKET, key, data)

    found = await verified(core)
    assert (found.broken_at, found.reason) == (3, reason)


async def test_no_database_can_forget_what_was_signed(core):
    await given_entries(core, 2)
    await chain.seal(core.db)
    await chain.checkpoint(core.db, core.vault, core.objects)
    await given_entries(core, 2, first=3)
    await chain.seal(core.db)
    await core.change("update audit_chain set checkpoint_at = null")
    await chain.checkpoint(core.db, core.vault, core.objects)
    assert (await verified(core)).checkpoints == 2

    # All there is goes, and the chain is begun anew without a word of checkpoints.
    await core.change("delete from audit_entry")
    await core.change("delete from audit_chain")
    await given_entries(core, 1)
    await chain.seal(core.db)

    found = await verified(core)
    assert (found.broken_at, found.reason) == (2, "entries at the end are missing")


async def test_a_checkpoint_is_made_once_an_hour_and_only_of_something_new(core):
    await given_entries(core, 1)
    await chain.seal(core.db)
    assert await chain.checkpoint(core.db, core.vault, core.objects) == 1
    assert await chain.checkpoint(core.db, core.vault, core.objects) is None

    await given_entries(core, 1, first=2)
    await chain.seal(core.db)
    assert await chain.checkpoint(core.db, core.vault, core.objects) is None
    await core.change("update audit_chain set checkpoint_at = now() - interval '61 minutes'")
    assert await chain.checkpoint(core.db, core.vault, core.objects) == 2


async def test_many_who_seal_at_once_make_one_chain(core):
    await given_entries(core, 40)

    await asyncio.gather(*(chain.seal(core.db) for _ in range(8)))

    found = await verified(core)
    assert (found.entries, found.last, found.broken_at) == (40, 40, None)


YEAR = timedelta(days=365)
OLD = datetime.now(UTC) - timedelta(days=400)
"""In a month that is over for a year: of it and the one after, nothing is kept for longer."""


@pytest.fixture
async def month_of(core):
    """Makes the table of a past month: (a time in it) → its name. All are gone afterwards."""
    made = []

    async def make(at: datetime) -> str:
        made.append(f"{at:%Y_%m}")
        await core.change(
            f"create table audit_entry_{at:%Y_%m} partition of audit_entry"
            f" for values from ('{at:%Y-%m}-01') to ('{rules.month_after(at):%Y-%m-%d}')"
        )
        return made[-1]

    yield make
    for name in made:
        await core.change(f"drop table if exists audit_entry_{name}")


async def grown_old(core, at: datetime, *numbers: int) -> None:
    """It is as if these entries, which have no place yet, had been written at that time."""
    things = [f"stack-{number}" for number in numbers]
    await core.change(
        "update audit_entry set at = :at where resource_id = any(:t)", at=at, t=things
    )


async def turned(core) -> list[str]:
    return await retention.turn_months(core.db, core.vault, core.objects, keep=YEAR)


async def test_months_go_as_a_whole_when_all_of_them_is_old_and_sealed(core, month_of):
    month = await month_of(OLD)
    await given_entries(core, 3)
    await grown_old(core, OLD, 1)

    assert await turned(core) == []  # not sealed yet
    await chain.seal(core.db)
    assert await turned(core) == [month]

    found = await verified(core)
    assert (found.entries, found.first, found.last, found.broken_at) == (2, 2, 3, None)
    async with core.db.read(SYSTEM) as tx:
        months = await repo.months(tx)
    assert f"{datetime.now(UTC):%Y_%m}" in months


async def test_the_first_entry_after_what_was_dropped_is_proven_too(core, month_of):
    await month_of(OLD)
    await given_entries(core, 3)
    await grown_old(core, OLD, 1)
    await chain.seal(core.db)
    await turned(core)

    await core.change("update audit_entry set actor = 'admin::eve' where seq = 2")

    found = await verified(core)
    assert (found.broken_at, found.reason) == (2, "the entry was changed")


@pytest.mark.parametrize(
    ("harm", "broken_at", "reason"),
    [
        ("delete from audit_entry where seq <= 2", 1, "an entry is missing"),
        (
            "with gone as (delete from audit_entry where seq <= 2 returning 1)"
            " update audit_chain set floor_seq = 2 where exists (select from gone)",
            1,
            "entries are missing, and it is not signed that they went for their age",
        ),
    ],
)
async def test_who_deletes_from_the_beginning_is_found(core, harm, broken_at, reason):
    await given_entries(core, 4)
    await chain.seal(core.db)
    await chain.checkpoint(core.db, core.vault, core.objects)

    await core.change(harm)

    found = await verified(core)
    assert (found.broken_at, found.reason) == (broken_at, reason)
    assert await turned(core) == []  # and retention signs nothing of it
    assert (await verified(core)).reason == reason


async def test_who_deletes_more_than_retention_did_is_found(core, month_of):
    await month_of(OLD)
    await given_entries(core, 4)
    await grown_old(core, OLD, 1)
    await chain.seal(core.db)
    await turned(core)

    await core.change("delete from audit_entry where seq = 2")

    assert (await verified(core)).broken_at == 2


async def test_what_is_signed_of_dropped_months_cannot_be_changed_or_taken_away(core, month_of):
    await month_of(OLD)
    await given_entries(core, 3)
    await grown_old(core, OLD, 1)
    await chain.seal(core.db)
    await turned(core)
    key = f"audit/floors/{1:020d}.jwt"
    there = await core.objects.get(chain.BUCKET, key)

    # Another place's word, for one.
    await core.objects.put(chain.BUCKET, f"audit/floors/{2:020d}.jwt", there)
    await core.change("update audit_chain set floor_seq = 2")
    assert "was changed" in (await verified(core)).reason
    await core.change("update audit_chain set floor_seq = 1")
    await core.objects.delete(chain.BUCKET, key)
    assert "not signed" in (await verified(core)).reason
    await core.objects.put(chain.BUCKET, key, there)
    assert (await verified(core)).broken_at is None


async def test_a_month_that_somebody_changed_is_kept(core, month_of):
    month = await month_of(OLD)
    await given_entries(core, 3)
    await grown_old(core, OLD, 1, 2)
    await chain.seal(core.db)
    await core.change("update audit_entry set actor = 'admin::eve' where seq = 1")

    assert await turned(core) == []

    async with core.db.read(SYSTEM) as tx:
        assert month in await repo.months(tx)
    assert (await verified(core)).broken_at == 1


async def test_who_makes_entries_look_old_does_not_get_rid_of_them(core, month_of):
    await month_of(OLD)
    await given_entries(core, 3)
    await chain.seal(core.db)
    await grown_old(core, OLD, 1, 2)

    assert await turned(core) == []
    assert await core.rows("select count(*) from audit_entry") == [(3,)]


async def test_a_month_waits_for_the_next_one_if_an_entry_of_it_was_sealed_after_that_ones(
    core, month_of
):
    # The next month is not over for as long as that: only the first one may go.
    edge = rules.month_of(datetime.now(UTC) - YEAR)
    before, after = edge - timedelta(seconds=1), edge + timedelta(seconds=1)
    first, second = await month_of(before), await month_of(after)
    await given_entries(core, 3)
    await grown_old(core, after, 1, 2, 3)
    await chain.seal(core.db)
    await given_entries(core, 1, first=4)
    await grown_old(core, before, 4)  # it began before the month turned, and ended after that
    await chain.seal(core.db)

    assert await turned(core) == []
    assert (await verified(core)).broken_at is None

    # When the next one is over for as long, both go.
    keep = datetime.now(UTC) - rules.month_after(after)
    gone = await retention.turn_months(core.db, core.vault, core.objects, keep=keep)
    assert gone == [first, second]
    found = await verified(core)
    assert (found.first, found.entries, found.broken_at) == (5, 0, None)


async def test_retention_that_was_killed_halfway_goes_on_and_what_is_left_is_proven(core, month_of):
    month = await month_of(OLD)
    await given_entries(core, 4)
    await grown_old(core, OLD, 1, 2)
    await chain.seal(core.db)
    found = await chain.verify(core.db, core.vault, core.objects, until=2)
    await chain.sign_floor(core.db, core.vault, core.objects, 2, found.digest)
    # Of what may go, some is gone.
    await core.change("delete from audit_entry where seq = 1")

    now = await verified(core)
    assert (now.first, now.entries, now.broken_at) == (3, 2, None)
    assert await turned(core) == [month]
    assert (await verified(core)).broken_at is None


async def test_two_who_drop_months_at_once_leave_a_chain_that_is_proven(core, month_of):
    await month_of(OLD)
    await given_entries(core, 6)
    await grown_old(core, OLD, 1, 2, 3)
    await chain.seal(core.db)

    await asyncio.gather(*(turned(core) for _ in range(3)))

    found = await verified(core)
    assert (found.entries, found.first, found.broken_at) == (3, 4, None)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"id": "x", "secret": "s"}, '{"id": "x", "secret": "(hidden)"}'),
        ({"input": {"name": "n", "password": ""}}, '{"input": {"name": "n", "password": ""}}'),
        ({"privateKey": None}, '{"privateKey": ""}'),
        (
            {"config": {"id": "KEY", "value": "v", "type": "T"}},
            '{"config": {"id": "KEY", "type": "T", "value": "sha256:'
            '4c94485e0c21ae6c41ce1dfe7b6bfaceea5ab68e40a2476f50208e526f506080"}}',
        ),
        (
            {"runtimeConfig": {"yaml": "v"}},
            '{"runtimeConfig": {"yaml": "sha256:'
            '4c94485e0c21ae6c41ce1dfe7b6bfaceea5ab68e40a2476f50208e526f506080"}}',
        ),
        ({"name": "x" * 20_000}, '{"arguments": "(cut)"}'),
        (
            {"mutation": "stackUpdate", "arguments": {"name": "x" * 20_000}, "actorRoles": ["a"]},
            '{"actorRoles": ["a"], "arguments": "(cut)", "mutation": "stackUpdate"}',
        ),
    ],
)
def test_what_an_entry_keeps_holds_no_secret_and_is_of_modest_size(given, kept):
    assert rules.kept(given) == kept
