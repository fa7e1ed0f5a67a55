"""Looking through a stack's states: by whom that may be done, and what is never given away."""

from __future__ import annotations

import gzip
import json

import pytest
from gantry.domains.people.access import EVERYTHING
from gantry.domains.people.actions import Action
from gantry.domains.stacks import service as stack_service
from gantry.domains.tfstate import compare, history, repo, surgery, unsaved
from gantry.domains.tfstate import service as states
from gantry.domains.tfstate.rules import HIDDEN, BadState, StateConflict
from gantry.kernel.errors import Conflict, NotAllowed, NotFound, TooLarge
from gantry.kernel.paging import BadCursor
from gantry.kernel.search import Search
from gantry.kernel.tx import SYSTEM, Actor

from tests.support.given import (
    ADMIN,
    READER,
    STRANGER,
    everything,
    given_a_run,
    given_a_stack,
    write_state,
)

NO_READER_OF_STATES = Actor(
    "user", "bo", name="idp::bo", everywhere=EVERYTHING - {Action.STACK_STATE_READ.value}
)
SECRET = "S3cr3t-in-a-state"
MOST = 1024 * 1024


def body(serial, *values, lineage="l", secret=SECRET, **more):
    """A state with one resource for each value, each with a secret besides."""
    marked = [[{"type": "get_attr", "value": "password"}]]
    document = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": serial,
        "lineage": lineage,
        "outputs": {"key": {"value": secret, "type": "string", "sensitive": True}},
        "resources": [
            {
                "mode": "managed",
                "type": "null_resource",
                "name": f"r{number:03}",
                "provider": 'provider["null"]',
                "instances": [
                    {
                        "attributes": {"id": value, "password": secret},
                        "sensitive_attributes": marked,
                    }
                ],
            }
            for number, value in enumerate(values)
        ],
        **more,
    }
    return json.dumps(document).encode()


async def look(core, stack, by=ADMIN, **asked):
    async with core.db.read(by) as tx:
        return await history.look(tx, stack.id, Search(**asked))


async def versions(core, stack):
    """The stack's states by serial."""
    async with core.db.read(SYSTEM) as tx:
        return {one.serial: one for one in await repo.history(tx, stack.id, 100)}


async def differ(core, stack, old, new, by=ADMIN, **narrowed):
    return await history.compare_versions(
        *(core.db, core.vault, core.objects, by, stack.id),
        before=old,
        after=new,
        narrowed=history.Narrowed(**narrowed),
    )


async def check(core, stack, data, by=ADMIN):
    return await history.check_import(
        core.db, core.vault, core.objects, by, stack.id, data, history.Narrowed()
    )


async def import_it(core, stack, data, by=ADMIN):
    await surgery.import_state(
        core.db, core.vault, core.objects, by, stack.id, data, only_next=True
    )


async def keep_unsaved(core, stack, run_id, data):
    packed = await unsaved.read(core.vault, run_id, gzip.compress(data))
    async with core.db.write(SYSTEM) as tx:
        await unsaved.keep(tx, stack.id, run_id, packed)


async def import_unsaved(core, stack, run_id, by=ADMIN, most=MOST):
    await surgery.import_unsaved(core.db, core.vault, core.objects, by, stack.id, run_id, most=most)


async def discard(core, stack, run_id, by=ADMIN):
    async with core.db.write(by) as tx:
        await surgery.discard_unsaved(tx, stack.id, run_id)


async def lock(core, stack, by=ADMIN):
    async with core.db.write(by) as tx:
        await stack_service.lock(tx, stack.id, note=None)


async def refused(core, error, doing, words=None):
    before = await everything(core), await core.rows("select run_id from unsaved_state")
    with pytest.raises(error, match=words):
        await doing
    assert (await everything(core), await core.rows("select run_id from unsaved_state")) == before


# -- the list


async def test_states_are_listed_newest_first_with_what_they_hold(core, stack):
    run = await given_a_run(core, stack)
    await write_state(core, stack, body(1, "a"), writer=states.Writer("", run.id))
    await write_state(core, stack, body(4, "a", "b"))

    found = await look(core, stack)

    assert [(v.serial, v.resource_count, v.terraform_version) for v in found.page.items] == [
        (4, 2, "1.11.4"),
        (1, 1, "1.11.4"),
    ]
    assert found.current.id == found.page.items[0].id
    assert found.page.items[1].run_id == run.id
    assert (found.total, found.lock, found.unsaved) == (2, None, [])
    assert (found.compare_refusal, found.surgery_refusal) == (None, None)
    assert "External state access" in found.download_refusal


async def test_states_come_in_pages(core, stack):
    for serial in range(1, 6):
        await write_state(core, stack, body(serial))

    first = await look(core, stack, first=2)
    second = await look(core, stack, first=2, after=first.page.cursors[-1])

    assert [v.serial for v in first.page.items] == [5, 4]
    assert [v.serial for v in second.page.items] == [3, 2]
    assert first.page.has_next
    assert second.current.serial == 5


async def test_the_states_of_another_stack_are_not_listed(core, pool, stack):
    other = await given_a_stack(core, pool, "Database")
    await write_state(core, other, body(1, "theirs", lineage="theirs"))
    await keep_unsaved(core, other, "01JTHEIRS", body(2, lineage="theirs"))

    found = await look(core, stack)

    assert (found.page.items, found.total, found.unsaved) == ([], 0, [])


async def test_a_reader_sees_the_list_and_why_there_is_no_more(core, stack):
    await write_state(core, stack, body(1))

    found = await look(core, stack, by=READER)

    assert found.total == 1
    for why in (found.compare_refusal, found.download_refusal, found.surgery_refusal):
        assert "unauthorized" in why
    await refused(core, NotFound, look(core, stack, by=STRANGER))


async def test_a_runs_token_does_not_see_the_list(core, stack):
    as_run = Actor("run", "r", name="run", everywhere=EVERYTHING)
    await refused(core, NotAllowed, look(core, stack, by=as_run))


async def test_who_holds_the_state_is_listed(core, stack):
    run = await given_a_run(core, stack)
    async with core.db.write(SYSTEM) as tx:
        await states.lock(tx, stack.id, {"ID": "x", "Who": "root@worker"}, run_id=run.id)

    found = await look(core, stack)

    assert (found.lock.run_id, found.lock.info["Who"]) == (run.id, "root@worker")


# -- comparing


async def test_two_states_are_compared_and_what_is_secret_stays_here(core, stack):
    await write_state(core, stack, body(1, "a", "b"))
    await write_state(core, stack, body(2, "a", "c", "d", secret=f"{SECRET}-2"))
    by_serial = await versions(core, stack)

    found = await differ(core, stack, by_serial[1].id, by_serial[2].id)

    assert (found.added, found.removed, found.changed, found.same) == (1, 0, 3, 0)
    by_address = {one.address: one for one in found.page.items}
    changed = {a.path: (a.before, a.after) for a in by_address["null_resource.r001"].attributes}
    assert changed == {"id": ('"b"', '"c"'), "password": (HIDDEN, HIDDEN)}
    assert SECRET not in repr(found)


async def test_the_first_state_is_compared_with_nothing(core, stack):
    await write_state(core, stack, body(1, "a"))
    (only,) = (await versions(core, stack)).values()

    found = await differ(core, stack, None, only.id)

    assert {(one.address, one.kind) for one in found.page.items} == {
        ("null_resource.r000", compare.Kind.ADDED),
        ("output.key", compare.Kind.ADDED),
    }
    assert SECRET not in repr(found)


async def test_differences_come_in_pages_and_can_be_narrowed(core, stack):
    await write_state(core, stack, body(1, *"abcdef"))
    await write_state(core, stack, body(2, *"abcxyz", "new"))
    old, new = (one.id for _, one in sorted((await versions(core, stack)).items()))

    seen, cursor = [], None
    while True:
        page = (await differ(core, stack, old, new, first=3, after=cursor)).page
        seen += [one.address for one in page.items]
        if not page.has_next:
            break
        cursor = page.cursors[-1]
    added = await differ(core, stack, old, new, kinds=[compare.Kind.ADDED])
    named = await differ(core, stack, old, new, text="R004")

    assert seen == [f"null_resource.r{n:03}" for n in (3, 4, 5, 6)]
    assert [one.address for one in added.page.items] == ["null_resource.r006"]
    assert [one.address for one in named.page.items] == ["null_resource.r004"]
    assert (named.found, named.changed, named.same) == (1, 3, 4)
    await refused(core, BadCursor, differ(core, stack, old, new, after="nonsense"))


async def test_a_page_ends_where_it_would_be_too_large(core, stack, monkeypatch):
    monkeypatch.setattr(compare, "MAX_TEXT_SHOWN", 150)
    await write_state(core, stack, body(1, *(f"{n}" * 60 for n in range(5))))
    (only,) = (await versions(core, stack)).values()

    page = (await differ(core, stack, None, only.id)).page

    assert len(page.items) == 2
    assert page.has_next


async def test_comparing_takes_the_right_to_read_states(core, pool, stack):
    await write_state(core, stack, body(1, "a"))
    (only,) = (await versions(core, stack)).values()
    other = await given_a_stack(core, pool, "Database")

    for actor, error in (
        (READER, NotAllowed),
        (NO_READER_OF_STATES, NotAllowed),
        (STRANGER, NotFound),
    ):
        await refused(core, error, differ(core, stack, None, only.id, by=actor))
        await refused(core, error, check(core, stack, body(2), by=actor))
    await refused(core, NotFound, differ(core, other, None, only.id))


# -- before and while importing


async def test_a_file_is_looked_at_before_it_is_imported(core, stack):
    await write_state(core, stack, body(3, "a", "b"))
    before = await everything(core)

    found = await check(core, stack, body(4, "a"))

    assert (found.head.serial, found.head.resources, found.refusal) == (4, 1, None)
    assert [(one.address, one.kind) for one in found.comparison.page.items] == [
        ("null_resource.r001", compare.Kind.REMOVED)
    ]
    assert SECRET not in repr(found.comparison)
    assert await everything(core) == before


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (body(9, lineage="other"), "another lineage"),
        (body(2), "behind the stored serial 3"),
        (body(3, "else"), "serial 3 is stored already"),
        (body(3, "a"), "current state already"),
    ],
)
async def test_what_is_not_the_next_state_is_refused_with_a_sentence(core, stack, data, words):
    await write_state(core, stack, body(3, "a"))
    await lock(core, stack)

    found = await check(core, stack, data)

    assert words in found.refusal.message
    await refused(core, Conflict, import_it(core, stack, data), words)


async def test_the_next_state_is_imported(core, stack):
    await write_state(core, stack, body(3, "a"))
    await lock(core, stack)

    await import_it(core, stack, body(4, "b"))

    newest = (await look(core, stack)).current
    assert (newest.imported, newest.resource_count, newest.serial) == (True, 1, 5)


async def test_no_state_is_no_import(core, stack):
    await lock(core, stack)
    await refused(core, BadState, check(core, stack, b"{}"))
    await refused(core, BadState, import_it(core, stack, b"{}"))


# -- states that no backend took


async def test_what_a_run_left_is_listed_compared_and_made_the_stacks_own(core, stack):
    run = await given_a_run(core, stack)
    await write_state(core, stack, body(1, "a"))
    await keep_unsaved(core, stack, run.id, body(2, "a", "made"))
    await core.change("update run set finished_at = now(), state = 'FAILED'")

    (left,) = (await look(core, stack)).unsaved
    found = await history.compare_unsaved(
        *(core.db, core.vault, core.objects, ADMIN, stack.id, run.id),
        most=MOST,
        narrowed=history.Narrowed(),
    )
    await lock(core, stack)
    await import_unsaved(core, stack, run.id)

    assert (left.run_id, left.serial) == (run.id, 2)
    assert [one.address for one in found.page.items] == ["null_resource.r001"]
    after = await look(core, stack)
    assert (after.current.imported, after.current.resource_count, after.unsaved) == (True, 2, [])


async def test_what_a_run_left_is_kept_when_it_may_not_follow_or_the_right_is_missing(
    core, pool, stack
):
    await write_state(core, stack, body(5, "a"))
    await keep_unsaved(core, stack, "01JBEHIND", body(2, "b"))
    other = await given_a_stack(core, pool, "Database")

    await refused(core, Conflict, import_unsaved(core, stack, "01JBEHIND"), "Lock the stack")
    await lock(core, stack)
    await lock(core, other)
    await refused(core, StateConflict, import_unsaved(core, stack, "01JBEHIND"), "behind")
    await refused(core, TooLarge, import_unsaved(core, stack, "01JBEHIND", most=10), "export")
    for act in (import_unsaved, discard):
        await refused(core, NotFound, act(core, other, "01JBEHIND"))
        await refused(core, NotFound, act(core, stack, "01JNONE"))
        await refused(core, NotAllowed, act(core, stack, "01JBEHIND", by=READER))
        await refused(core, NotFound, act(core, stack, "01JBEHIND", by=STRANGER))


async def test_what_a_run_left_can_be_discarded(core, stack):
    await keep_unsaved(core, stack, "01JLEFT", body(2, "b"))

    await discard(core, stack, "01JLEFT")

    assert (await look(core, stack)).unsaved == []
