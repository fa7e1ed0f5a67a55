"""What administrators are told of: written with the fact, counted, and forgotten."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import pytest
from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group, Severity
from gantry.domains.runs import forsaken
from gantry.domains.spaces import service as spaces
from gantry.domains.stacks import callbacks, heads
from gantry.domains.stacks import service as stack_service
from gantry.domains.tfstate import surgery, unsaved
from gantry.domains.webhooks import auditing, deliveries, log, rules, service
from gantry.domains.webhooks.auditing import WantedAudit
from gantry.domains.webhooks.service import Wanted, WantedNamed
from gantry.kernel.secret import Secret
from gantry.kernel.tx import SYSTEM

from tests.support.given import ADMIN, given_a_pool, given_a_run, given_a_worker
from tests.support.receiver import Receiver

NONE = Secret("")
OPEN = "select group_key, about, severity, space_id, stack_id, times from notification" + (
    " where closed_at is null order by group_key, about"
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


async def told(core):
    return await core.rows(OPEN)


async def tell(core, about="a", *, title="T", body="B", **where) -> None:
    async with core.db.write(SYSTEM) as tx:
        await notifications.tell(
            tx,
            Group.WEBHOOK_SWITCHED_OFF,
            about,
            severity=Severity.WARNING,
            title=title,
            body=body,
            **where,
        )


async def pass_time(core, how_long="2 minutes") -> None:
    await core.change(f"update notification set last_at = last_at - interval '{how_long}'")


async def dismiss(core) -> None:
    await core.change("update notification set closed_at = now(), dismissed_by = 'ada'")


async def signals(core) -> int:
    ((count,),) = await core.rows("select count(*) from live_event where topic = 'notifications'")
    return int(count)


async def fail(core, webhook, times: int) -> None:
    """So many deliveries, or attempts of one, fail without a pause."""
    for _ in range(times):
        async with core.db.write(ADMIN) as tx:
            log.enqueue(tx, webhook.id, "note", "{}")
    for _ in range(times):
        await core.change("update webhook_delivery set next_at = created_at")
        await deliveries.deliver(
            core.db, core.vault, core.objects, core.outward, webhook_id=webhook.id
        )


# -- one row for what repeats


async def test_what_repeats_is_counted_and_shows_the_newest_words(core):
    await tell(core)
    await pass_time(core)
    await tell(core, title="Newer", body="Words")

    assert await core.rows("select title, body, times from notification") == [("Newer", "Words", 2)]
    assert await signals(core) == 2


async def test_within_a_minute_it_counts_once_and_nobody_is_called(core):
    for _ in range(3):
        await tell(core)

    assert [row[-1] for row in await told(core)] == [1]
    assert await signals(core) == 1


async def test_what_was_dismissed_stays_so_and_comes_again_as_another(core):
    await tell(core)
    await dismiss(core)
    await tell(core)

    rows = await core.rows("select dismissed_by, times from notification order by id")
    assert rows == [("ada", 1), (None, 1)]


async def test_what_comes_and_goes_by_itself_is_one_row_and_is_open_again(core):
    for _ in range(3):
        await tell(core)
        async with core.db.write(SYSTEM) as tx:
            await notifications.settle(tx, Group.WEBHOOK_SWITCHED_OFF, "a")
        assert await told(core) == []
    await tell(core)

    ((*_, times),) = await told(core)
    assert times == 4


async def test_texts_are_bounded(core):
    await tell(core, title="t" * 5000, body="b" * 5000)

    assert await core.rows("select length(title), length(body) from notification") == [
        (notifications.TITLE_FITS, notifications.BODY_FITS)
    ]


async def test_two_weeks_after_it_was_told_last_it_is_forgotten_open_or_not(core):
    await tell(core, "old")
    await pass_time(core, "14 days 1 minute")
    await tell(core, "dismissed")
    await dismiss(core)
    await pass_time(core, "13 days 23 hours")
    await tell(core, "new")

    async with core.db.write(SYSTEM) as tx:
        await notifications.forget_old(tx)

    rows = await core.rows("select about from notification order by about")
    assert rows == [("dismissed",), ("new",)]


async def test_what_is_undone_tells_nobody(core):
    class Undone(Exception):
        pass

    async def undo() -> None:
        async with core.db.write(SYSTEM) as tx:
            await notifications.tell(
                tx, Group.REKEY_UNFINISHED, "", severity=Severity.ERROR, title="T", body="B"
            )
            raise Undone

    with pytest.raises(Undone):
        await undo()

    assert (await told(core), await signals(core)) == ([], 0)


# -- the facts


async def test_a_stacks_webhook_that_switches_itself_off_is_told_of_until_it_is_on_again(
    core, stack, receiver
):
    async with core.db.write(ADMIN) as tx:
        webhook = await callbacks.put(
            tx, core.vault, core.outward, stack.id, Wanted(f"{receiver.url}/500", True, NONE)
        )
    receiver.answers = [500] * rules.FAILURES_BEFORE_OFF
    await fail(core, webhook, rules.FAILURES_BEFORE_OFF)

    assert await told(core) == [("WEBHOOK_SWITCHED_OFF", webhook.id, "WARNING", None, stack.id, 1)]
    ((body,),) = await core.rows("select body from notification")
    assert "The endpoint answered 500." in body
    async with core.db.write(ADMIN) as tx:
        wanted = Wanted(receiver.url, True, NONE)
        await callbacks.put(tx, core.vault, core.outward, stack.id, wanted, webhook_id=webhook.id)
    assert await told(core) == []


async def test_a_named_webhook_is_told_of_in_its_space_and_no_more_when_it_is_deleted(
    core, receiver
):
    wanted = WantedNamed(receiver.url, True, NONE, name="pager", space_id="root")
    async with core.db.write(ADMIN) as tx:
        webhook = await service.create_named(tx, core.vault, core.outward, wanted)
    receiver.answers = [500] * rules.FAILURES_BEFORE_OFF
    await fail(core, webhook, rules.FAILURES_BEFORE_OFF)

    assert await told(core) == [("WEBHOOK_SWITCHED_OFF", webhook.id, "WARNING", "root", None, 1)]
    assert await core.rows("select title from notification") == [
        ('Webhook "pager" was switched off',)
    ]
    async with core.db.write(ADMIN) as tx:
        await service.delete_named(tx, webhook.id)
    assert await told(core) == []


async def test_an_audit_trail_that_is_not_taken_for_an_hour_is_told_of_until_it_is(core, receiver):
    async with core.db.write(ADMIN) as tx:
        webhook = await auditing.put(
            tx, core.vault, core.outward, WantedAudit(receiver.url, True, NONE)
        )
    receiver.answers = [500] * rules.ATTEMPTS_IN_AN_HOUR
    await fail(core, webhook, 1)
    await core.change(f"update webhook set failures = {rules.ATTEMPTS_IN_AN_HOUR - 2}")
    await fail_once(core, webhook)
    assert await told(core) == []

    await fail_once(core, webhook)
    assert await told(core) == [("AUDIT_TRAIL_NOT_DELIVERED", "", "ERROR", "root", None, 1)]

    receiver.answers = []
    await fail_once(core, webhook)
    assert await told(core) == []


async def test_whoever_changes_the_audit_trails_webhook_has_mended_it(core, receiver):
    wanted = WantedAudit(receiver.url, True, NONE)
    async with core.db.write(ADMIN) as tx:
        webhook = await auditing.put(tx, core.vault, core.outward, wanted)
    receiver.answers = [500] * 2
    await fail(core, webhook, 1)
    await core.change(f"update webhook set failures = {rules.ATTEMPTS_IN_AN_HOUR - 1}")
    await fail_once(core, webhook)
    assert len(await told(core)) == 1

    async with core.db.write(ADMIN) as tx:
        await auditing.put(tx, core.vault, core.outward, wanted)
    assert await told(core) == []


async def fail_once(core, webhook) -> None:
    await core.change("update webhook_delivery set next_at = created_at where state = 'WAITING'")
    await deliveries.deliver(core.db, core.vault, core.objects, core.outward, webhook_id=webhook.id)


async def test_a_state_that_is_kept_apart_is_told_of_until_it_is_gone(core, stack):
    run = await given_a_run(core, stack)
    body = json.dumps({"version": 4, "serial": 1, "lineage": "a"}).encode()
    packed = await unsaved.read(core.vault, run.id, gzip.compress(body))
    for _ in range(2):  # the same once more is not news
        async with core.db.write(SYSTEM) as tx:
            await unsaved.keep(tx, stack.id, run.id, packed)

    assert await told(core) == [("STATE_KEPT_APART", run.id, "ERROR", None, stack.id, 1)]
    async with core.db.write(SYSTEM) as tx:
        await unsaved.forget(tx, run.id)
    assert await told(core) == []


async def test_a_pool_whose_last_worker_is_lost_while_a_run_waits_is_told_of_until_one_comes(
    core, pool, stack
):
    run = await given_a_run(core, stack)
    worker, other = await given_a_worker(core, pool), await given_a_worker(core, pool)

    async def lose(one) -> None:
        await core.change(
            "update worker set last_seen_at = now() - interval '2 minutes' where id = :id",
            id=one.id,
        )
        async with core.db.write(SYSTEM) as tx:
            await forsaken.reconcile(tx)

    await lose(worker)
    assert await told(core) == []  # there is another

    await lose(other)
    assert await told(core) == [("POOL_WITHOUT_WORKERS", pool.id, "ERROR", "root", None, 1)]
    assert run.pool_id == pool.id
    await given_a_worker(core, pool)
    assert await told(core) == []


async def test_a_pool_for_which_nothing_waits_may_be_empty(core):
    pool = await given_a_pool(core)
    await given_a_worker(core, pool)
    await core.change("update worker set last_seen_at = now() - interval '2 minutes'")

    async with core.db.write(SYSTEM) as tx:
        await forsaken.reconcile(tx)

    assert await told(core) == []


async def test_a_branch_that_cannot_be_looked_up_is_told_of_until_the_stack_is_synced(core, stack):
    await core.change("update stack set branch = 'nowhere', tracked_commit_id = null")
    await heads.first_sync(core.db, ADMIN, core.sources, stack.id)
    assert await told(core) == [("SOURCE_UNREACHABLE", stack.id, "WARNING", None, stack.id, 1)]

    await core.change("update stack set name = 'Renamed'")
    async with core.db.write(ADMIN) as tx:
        renamed = await surgery.reslug(tx, core.vault, stack.id)
    assert await told(core) == [("SOURCE_UNREACHABLE", "renamed", "WARNING", None, "renamed", 1)]

    await core.change("update stack set branch = 'main'")
    head = await heads.look_up(core.db, ADMIN, core.sources, renamed.id)
    async with core.db.write(ADMIN) as tx:
        await heads.sync(tx, renamed.id, head)
    assert await told(core) == []


# -- what moves or goes takes them along


async def test_what_moves_into_another_space_takes_its_notifications_along(core, receiver):
    async with core.db.write(ADMIN) as tx:
        space = await spaces.create(tx, spaces.Wanted(name="Next", parent_id="root"))
        await tx.session.flush()
        wanted = WantedNamed(receiver.url, False, NONE, name="pager", space_id="root")
        webhook = await service.create_named(tx, core.vault, core.outward, wanted)
    await tell(core, webhook.id)
    await tell(core, "another")

    async with core.db.write(ADMIN) as tx:
        wanted = WantedNamed(receiver.url, False, NONE, name="pager", space_id=space.id)
        await service.update_named(tx, core.vault, core.outward, webhook.id, wanted)

    assert [(row[1], row[3]) for row in await told(core)] == sorted(
        [(webhook.id, space.id), ("another", "root")]
    )


async def test_a_stack_that_is_deleted_takes_its_notifications_along(core, stack):
    await tell(core, stack_id=stack.id)

    async with core.db.write(ADMIN) as tx:
        gone = await stack_service.begin_deletion(tx, stack.id)
        await stack_service.delete(tx, gone)

    assert await core.rows("select id from notification") == []


async def test_a_space_that_is_deleted_takes_its_notifications_along(core):
    async with core.db.write(ADMIN) as tx:
        space = await spaces.create(tx, spaces.Wanted(name="Gone", parent_id="root"))
        await tx.session.flush()
    await tell(core, space_id=space.id)

    await core.change("delete from space where id = :id", id=space.id)

    assert await core.rows("select id from notification") == []
