"""Runs that follow from others: retried, promoted, previewed locally, or deleting their stack."""

from __future__ import annotations

import asyncio

import pytest
from gantry.domains.contexts import service as elements
from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.domains.runs import decisions, repo, triggers, waiting
from gantry.domains.runs.states import Kind, State
from gantry.domains.stacks import heads
from gantry.domains.stacks import service as stack_service
from gantry.domains.tfstate import repo as tfstate
from gantry.domains.vcs.rules import commit_id
from gantry.kernel.errors import Conflict, NotAllowed, NotFound
from gantry.kernel.ids import new_id
from gantry.kernel.search import Search
from gantry_protocol.calls import Applied
from gantry_protocol.words import Phase

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    READER,
    STRANGER,
    WRITER,
    everything,
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_state,
    given_a_task,
    history,
    plan_of,
    run_now,
    stack_now,
    state_of,
    sweep,
)

S = State
UNKNOWN = "1" * 40


async def refused(core, error, starting, *, by=ADMIN, words=None):
    """Nothing changes, and starting raises."""
    before = await everything(core)
    with pytest.raises(error, match=words) as raised:
        async with core.db.write(by) as tx:
            await starting(tx)
    assert await everything(core) == before
    return raised.value


async def discard(core, run):
    async with core.db.write(ADMIN) as tx:
        await decisions.discard(tx, run.stack_id, run.id, note=None)


async def jobs(core, name):
    found = await core.rows(
        "select count(*) from procrastinate_jobs where task_name = :name", name=name
    )
    return found[0][0]


async def commit_now(core, sha, url=None):
    (row,) = await core.rows(
        'select state, error, message from "commit" where id = :id',
        id=commit_id(url or core.source.url, sha),
    )
    return row


async def starts(core, stack):
    """Every way to start something on a stack."""
    return {
        "tracked": lambda tx: triggers.trigger(tx, core.vault, stack.id, kind=Kind.TRACKED),
        "proposed": lambda tx: triggers.trigger(tx, core.vault, stack.id, kind=Kind.PROPOSED),
        "destroy": lambda tx: triggers.trigger(tx, core.vault, stack.id, kind=Kind.DESTROY),
        "task": lambda tx: triggers.task(tx, core.vault, stack.id, command="ls", skip_init=False),
        "ticket": lambda tx: triggers.ticket_for_local_workspace(tx, stack.id),
    }


# -- again


async def test_a_run_that_ended_is_retried_with_todays_settings(core, pool, stack, worker):
    old = await given_a_run(core, stack, sha=core.source.first)
    await worker.take(old)
    await worker.fail(old, Phase.PREPARE)
    other = await given_a_pool(core, "others", key=1)
    await core.change("update stack set pool_id = :pool, autodeploy = true", pool=other.id)

    async with core.db.write(WRITER) as tx:
        new = await triggers.retry(tx, core.vault, stack.id, old.id)

    assert (new.retry_of, new.commit_id, new.title) == (old.id, old.commit_id, "First")
    assert (new.pool_id, new.autodeploy, new.triggered_by) == (other.id, True, WRITER.name)
    assert (new.kind, new.state) == (Kind.TRACKED, S.READY)
    assert (await run_now(core, old)).state is S.FAILED


async def test_a_task_is_retried_with_its_command(core, stack):
    old = await given_a_task(core, stack, skip_init=True)
    await discard(core, old)
    async with core.db.write(ADMIN) as tx:
        new = await triggers.retry(tx, core.vault, stack.id, old.id)
    assert (new.kind, new.command, new.skip_init) == (Kind.TASK, "terraform state list", True)


async def test_what_has_not_ended_is_not_retried(core, stack, worker):
    run = await given_a_run(core, stack)
    again = lambda tx: triggers.retry(tx, core.vault, stack.id, run.id)  # noqa: E731
    await refused(core, Conflict, again, words="that has ended")
    await worker.plan(run, ONE_CHANGE)
    await refused(core, Conflict, again, words="that has ended")
    await refused(core, NotAllowed, again, by=READER)
    await refused(core, NotFound, again, by=STRANGER)


# -- promote


async def test_a_preview_is_promoted_to_a_tracked_run_of_its_commit(core, stack, worker):
    async with core.db.write(ADMIN) as tx:
        await heads.set_current(tx, stack.id, core.source.first)
    preview = await given_a_run(core, stack, Kind.PROPOSED, sha=core.source.second)
    await worker.plan(preview, ONE_CHANGE)

    async with core.db.write(WRITER) as tx:
        run = await triggers.promote(tx, core.vault, stack.id, preview.id)

    assert (run.kind, run.commit_id, run.title) == (Kind.TRACKED, preview.commit_id, "Second")
    after = await stack_now(core, stack)
    assert (after.tracked_commit_id, after.tracked_commit_set_by) == (
        preview.commit_id,
        WRITER.name,
    )


async def test_a_promotion_does_not_take_the_stack_back_to_an_older_commit(core, stack):
    preview = await given_a_run(core, stack, Kind.PROPOSED, sha=core.source.first)

    async def attempt(tx):
        await triggers.promote(tx, core.vault, stack.id, preview.id)

    await core.change(
        "update commit set authored_at = authored_at - interval '1 day' where sha = :sha",
        sha=core.source.first,
    )

    await refused(core, Conflict, attempt, words="older than the one that the stack tracks")

    await core.change("update stack set github_action_deploy = false")
    await refused(core, Conflict, attempt, words="switched off")


async def test_only_a_preview_of_a_newer_commit_is_promoted(core, stack, worker):
    tracked = await given_a_run(core, stack)
    preview = await given_a_run(core, stack, Kind.PROPOSED)

    await refused(
        core,
        Conflict,
        lambda tx: triggers.promote(tx, core.vault, stack.id, tracked.id),
        words="Only a proposed run",
    )
    await refused(
        core,
        Conflict,
        lambda tx: triggers.promote(tx, core.vault, stack.id, preview.id),
        words="tracks this commit already",
    )
    await refused(
        core,
        NotAllowed,
        lambda tx: triggers.promote(tx, core.vault, stack.id, preview.id),
        by=READER,
    )


# -- local previews


async def upload(core, stack, by=ADMIN):
    async with core.db.write(by) as tx:
        return await triggers.ticket_for_local_workspace(tx, stack.id)


def propose(core, stack, workspace, **more):
    return lambda tx: triggers.propose_local(
        tx, core.vault, stack.id, workspace_id=workspace, overrides=[], **more
    )


@pytest.fixture
async def previewable(core, pool):
    return await given_a_stack(core, pool, "Previews", local_preview_enabled=True)


async def test_an_upload_is_good_for_one_run(core, previewable):
    workspace = await upload(core, previewable)
    async with core.db.write(ADMIN) as tx:
        run = await propose(core, previewable, workspace.id)(tx)

    assert (run.kind, run.commit_id, run.state) == (Kind.PROPOSED, None, S.READY)
    assert run.workspace_upload_key == workspace.object_key
    await refused(
        core, Conflict, propose(core, previewable, workspace.id), words="was used already"
    )
    await refused(
        core,
        Conflict,
        lambda tx: triggers.promote(tx, core.vault, previewable.id, run.id),
        words="of a commit",
    )


async def test_of_eight_who_use_an_upload_at_once_one_has_a_run(core, previewable):
    workspace = await upload(core, previewable)

    async def attempt():
        async with core.db.write(ADMIN) as tx:
            return await propose(core, previewable, workspace.id)(tx)

    answers = await asyncio.gather(*(attempt() for _ in range(8)), return_exceptions=True)

    assert sum(isinstance(answer, Conflict) for answer in answers) == 7
    assert await core.rows("select count(*) from run") == [(1,)]


async def test_nobody_uses_the_upload_of_another_or_for_another_stack(core, pool, previewable):
    workspace = await upload(core, previewable)
    other = await given_a_stack(core, pool, "Other", local_preview_enabled=True)

    await refused(core, NotFound, propose(core, previewable, workspace.id), by=WRITER)
    await refused(core, NotFound, propose(core, other, workspace.id))
    await refused(core, NotFound, propose(core, previewable, new_id()))
    await refused(core, NotAllowed, propose(core, previewable, workspace.id), by=READER)


async def test_local_previews_have_to_be_switched_on(core, stack):
    await refused(
        core,
        Conflict,
        lambda tx: triggers.ticket_for_local_workspace(tx, stack.id),
        words="switched off",
    )


# -- deleting a stack


async def delete(core, stack, *, destroy, by=ADMIN):
    async with core.db.write(by) as tx:
        return await triggers.delete_stack(tx, core.vault, stack.id, destroy_resources=destroy)


async def holder(core, stack):
    async with core.db.read(ADMIN) as tx:
        return await repo.holder(tx, stack.id)


async def test_a_stack_is_deleted_at_once_when_its_resources_stay(core, stack, worker):
    preview = await given_a_run(core, stack, Kind.PROPOSED)
    busy = await given_a_run(core, stack, Kind.PROPOSED)
    await worker.claim()  # the older one
    preview, busy = busy, preview

    deleted = await delete(core, stack, destroy=False)

    assert deleted.deleted_at is not None
    assert not deleted.deleting
    assert await state_of(core, preview) is S.DISCARDED
    assert (await worker.beat()).stopping == {busy.id}
    assert (await worker.stop(busy, Phase.PREPARE)).state == "STOPPED"
    assert await history(core, preview) == [S.QUEUED, S.READY, S.DISCARDED]


async def test_a_stacks_resources_are_destroyed_before_it_is_deleted(core, stack, worker):
    await given_a_state(core, stack)
    deleting = await delete(core, stack, destroy=True)
    assert (deleting.deleting, deleting.deleted_at) == (True, None)
    run = await holder(core, stack)
    assert (run.kind, run.deletes_stack, run.autodeploy) == (Kind.DESTROY, True, True)

    assert (await worker.plan(run, ("null_resource.a", "delete"))).phase is Phase.DESTROY
    await worker.say(run, Applied(phase=Phase.DESTROY, wrapped_up=True))

    after = await stack_now(core, stack)
    assert (after.deleting, after.deleted_at is not None) == (False, True)
    with pytest.raises(NotFound):
        async with core.db.read(ADMIN) as tx:
            await stack_service.check_may_read(tx, stack.id)


async def test_a_stack_without_resources_is_deleted_after_its_plan(core, stack, worker):
    await given_a_state(core, stack)
    await delete(core, stack, destroy=True)
    run = await holder(core, stack)
    assert (await worker.plan(run)).state == "FINISHED"
    assert (await stack_now(core, stack)).deleted_at is not None


async def test_a_stack_whose_resources_could_not_be_destroyed_stays(core, stack, worker):
    await given_a_state(core, stack)
    await delete(core, stack, destroy=True)
    run = await holder(core, stack)
    await worker.plan(run, ("null_resource.a", "delete"))

    await worker.fail(run, Phase.DESTROY)

    after = await stack_now(core, stack)
    assert (after.deleting, after.deleted_at) == (False, None)
    assert await state_of(core, await given_a_run(core, stack)) is S.READY


async def test_a_stack_whose_deletion_was_discarded_stays(core, stack):
    await given_a_state(core, stack)
    await delete(core, stack, destroy=True)
    run = await holder(core, stack)
    await discard(core, run)
    assert not (await stack_now(core, stack)).deleting


async def test_a_deletion_whose_source_cannot_be_had_is_given_up(core, stack):
    await given_a_state(core, stack)
    async with core.db.write(ADMIN) as tx:
        await heads.set_current(tx, stack.id, UNKNOWN)
    await delete(core, stack, destroy=True)

    await core.drain()

    after = await stack_now(core, stack)
    assert (after.deleting, after.deleted_at) == (False, None)


async def test_what_waited_on_a_stack_that_is_deleted_never_starts(core, stack, worker):
    await given_a_state(core, stack)
    waits = await given_a_run(core, stack, sha=core.source.side)  # its source is on its way
    preview = await given_a_run(core, stack, Kind.PROPOSED, sha=core.source.side)

    await delete(core, stack, destroy=True)
    run = await holder(core, stack)
    await core.drain()
    await sweep(core)
    assert (await worker.plan(run)).state == "FINISHED"
    await core.drain()
    await sweep(core)

    for one in (waits, preview):
        assert await state_of(core, one) is S.DISCARDED
        assert S.READY not in await history(core, one)
    assert await worker.claim() is None


@pytest.mark.parametrize("destroy", [True, False])
async def test_a_stack_that_a_run_holds_or_that_is_protected_is_not_deleted(core, stack, destroy):
    async def attempt(tx):
        await triggers.delete_stack(tx, core.vault, stack.id, destroy_resources=destroy)

    run = await given_a_run(core, stack)
    await refused(core, Conflict, attempt, words=f"Run {run.id} holds the stack")
    await discard(core, run)
    await core.change("update stack set protect_from_deletion = true")
    await refused(core, Conflict, attempt, words="stack is protected from deletion")
    await core.change("update stack set protect_from_deletion = false")
    await refused(core, NotAllowed, attempt, by=READER)
    await refused(core, NotFound, attempt, by=STRANGER)


async def test_asking_twice_for_a_deletion_starts_one_run(core, stack):
    await given_a_state(core, stack)
    first = await delete(core, stack, destroy=True)
    second = await delete(core, stack, destroy=True)
    assert (first.deleting, second.deleting) == (True, True)
    assert await core.rows("select count(*) from run") == [(1,)]


async def test_a_stack_that_never_made_anything_is_deleted_at_once(core, stack):
    await core.change("update stack set tracked_commit_id = null, disabled = true")
    deleted = await delete(core, stack, destroy=True)
    assert deleted.deleted_at is not None
    assert await core.rows("select count(*) from run") == [(0,)]


async def test_what_a_state_kept_elsewhere_holds_is_not_taken_for_nothing(core, pool):
    stack = await given_a_stack(core, pool, "Elsewhere", manages_state=False)
    assert (await delete(core, stack, destroy=True)).deleting


async def test_a_new_stack_gets_the_id_of_a_deleted_one_and_nothing_else(core, pool, stack, worker):
    old = await given_a_run(core, stack)
    await worker.plan(old)
    await given_a_state(core, stack)
    async with core.db.write(ADMIN) as tx:
        await elements.put(
            tx,
            core.vault,
            owner=OwnerKind.STACK,
            owner_id=stack.id,
            element_type=ElementType.ENVIRONMENT_VARIABLE,
            element_id="TOKEN",
            value="of the old stack",
            write_only=True,
            description=None,
        )
    deleted = await delete(core, stack, destroy=False)
    assert deleted.id == stack.id

    again = await given_a_stack(core, pool)

    assert again.id == stack.id
    assert await core.rows("select count(*) from config_element") == [(0,)]
    async with core.db.read(ADMIN) as tx:
        assert await repo.page_of_stack(tx, again.id, (Kind.TRACKED,), None) == []
        assert await tfstate.current(tx, again.id) is None
        assert (await repo.search(tx, Search())).items == []
    assert await state_of(core, old) is S.FINISHED  # history stays


async def test_the_wait_of_a_deletion_can_be_explained(core, stack):
    await given_a_state(core, stack)
    await delete(core, stack, destroy=True)
    run = await holder(core, stack)
    async with core.db.read(ADMIN) as tx:
        words = (await waiting.explanations(tx, [run.id]))[run.id]
    assert words == "waits for a worker: none of pool builders is connected"


async def test_a_plan_report_of_a_deletion_goes_on_though_the_stack_is_locked(core, stack, worker):
    await given_a_state(core, stack)
    async with core.db.write(ADMIN) as tx:
        await stack_service.lock(tx, stack.id, note=None)
    await delete(core, stack, destroy=True)
    run = await holder(core, stack)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)

    verdict = await worker.say(run, plan_of(ONE_CHANGE))

    assert verdict.state == "DESTROYING"
