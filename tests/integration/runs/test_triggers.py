"""How runs come to be: of which commit, on whose word, and when nobody may start one."""

from __future__ import annotations

import asyncio
import tarfile
from datetime import timedelta
from io import BytesIO

import pytest
from gantry.domains.people.access import EVERYTHING
from gantry.domains.people.actions import Action
from gantry.domains.runs import decisions, triggers
from gantry.domains.runs.service import NoPool
from gantry.domains.runs.states import Kind, State
from gantry.domains.runs.triggers import CannotRun
from gantry.domains.stacks import heads
from gantry.domains.stacks import service as stack_service
from gantry.domains.stacks.access import StackDisabled, StackLocked
from gantry.domains.stacks.model import Vendor
from gantry.domains.stacks.service import NoSource
from gantry.domains.vcs import repo as vcs_repo
from gantry.domains.vcs import service as vcs
from gantry.domains.vcs.rules import commit_id
from gantry.kernel.errors import Conflict, NotAllowed, NotFound, Unauthenticated, UserError
from gantry.kernel.ids import new_id
from gantry.kernel.tx import ANONYMOUS, Actor
from gantry.ports.objects import Bucket
from gantry.ports.sources import NoSuchRef
from gantry_protocol.words import Phase

from tests.support.given import (
    ADMIN,
    READER,
    STRANGER,
    WRITER,
    everything,
    given_a_run,
    given_a_stack,
    given_a_state,
    given_the_public_pool,
    history,
    run_now,
    stack_now,
    state_of,
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


# -- what a run is made of


async def test_a_run_is_of_the_commit_that_the_stack_tracks(core, stack):
    run = await given_a_run(core, stack, user_metadata=["from a test"])

    now = await run_now(core, run)
    assert now.commit_id == commit_id(core.source.url, core.source.second)
    assert (now.title, now.branch, now.triggered_by) == ("Second", "main", ADMIN.name)
    assert (now.trigger_kind, now.user_metadata) == ("user", ["from a test"])
    assert (now.kind, now.state, now.pool_id) == (Kind.TRACKED, S.READY, stack.pool_id)


async def test_a_run_says_whether_a_person_or_a_program_started_it(core, stack):
    program = Actor("api_key", new_id(), name="api::ci", everywhere=EVERYTHING)
    run = await given_a_run(core, stack)
    await discard(core, run)

    async with core.db.write(program) as tx:
        again = await triggers.retry(tx, core.vault, stack.id, run.id)
        task = await triggers.task(tx, core.vault, stack.id, command="env", skip_init=True)

    assert [(await run_now(core, one)).trigger_kind for one in (run, again, task)] == [
        "user",
        "API key",
        "API key",
    ]


async def test_a_run_can_be_of_another_commit(core, stack):
    run = await given_a_run(core, stack, sha=core.source.first)

    now = await run_now(core, run)
    assert now.commit_id == commit_id(core.source.url, core.source.first)
    assert now.title == "First"
    tracked = (await stack_now(core, stack)).tracked_commit_id
    assert tracked == commit_id(core.source.url, core.source.second)


async def test_a_tracked_run_of_the_tip_makes_the_stack_track_it(core, stack):
    await core.change("update stack set tracked_commit_id = null")
    head = await heads.look_up(core.db, ADMIN, core.sources, stack.id)

    run = await given_a_run(core, stack, head=head)

    assert head.sha == core.source.second
    tracked = (await stack_now(core, stack)).tracked_commit_id
    assert tracked == run.commit_id == commit_id(core.source.url, core.source.second)


async def test_a_preview_of_the_tip_leaves_alone_what_the_stack_tracks(core, stack):
    async with core.db.write(ADMIN) as tx:
        await heads.set_current(tx, stack.id, core.source.first)
    head = await heads.look_up(core.db, ADMIN, core.sources, stack.id)

    run = await given_a_run(core, stack, Kind.PROPOSED, head=head)

    assert run.commit_id == commit_id(core.source.url, core.source.second)
    tracked = (await stack_now(core, stack)).tracked_commit_id
    assert tracked == commit_id(core.source.url, core.source.first)


async def test_a_tip_of_what_was_the_stacks_source_is_not_run(core, stack):
    elsewhere = heads.Head("https://elsewhere.example.com/x.git", "main", core.source.second)
    other = heads.Head(core.source.url, "side", core.source.side)
    for head in (elsewhere, other):
        await refused(
            core,
            Conflict,
            lambda tx, head=head: triggers.trigger(
                tx, core.vault, stack.id, kind=Kind.TRACKED, head=head
            ),
            words="source was changed",
        )


async def test_what_is_secret_in_a_run_is_sealed(core, stack):
    run = await given_a_run(
        core, stack, Kind.PROPOSED, overrides=[("TOKEN", "s3cr3t"), ("EMPTY", "")]
    )

    now = await run_now(core, run)
    plain = core.vault.open(now.overrides_sealed, identity=f"run-overrides:{run.id}")
    assert plain == b'[["TOKEN", "s3cr3t"], ["EMPTY", ""]]'
    assert "s3cr3t" not in str(await everything(core))


async def test_a_stack_without_a_pool_runs_on_the_public_one(core):
    stack = await given_a_stack(core, None)
    await refused(
        core,
        NoPool,
        lambda tx: triggers.trigger(tx, core.vault, stack.id, kind=Kind.TRACKED),
        words="choose a pool",
    )

    public = await given_the_public_pool(core)

    assert (await given_a_run(core, stack)).pool_id == public.id


async def test_a_push_names_nobody(core, stack):
    run = await given_a_run(core, stack, trigger_kind=triggers.PUSH)
    assert (await run_now(core, run)).triggered_by is None


async def test_a_newer_push_ends_the_older_previews_of_its_branch(core, stack, worker):
    waits = await given_a_run(core, stack, Kind.PROPOSED, trigger_kind=triggers.PUSH)
    works = await given_a_run(core, stack, Kind.PROPOSED, trigger_kind=triggers.PUSH)
    by_hand = await given_a_run(core, stack, Kind.PROPOSED)
    # The first push ended the older one; it is `works` that a worker is on.
    assert await state_of(core, waits) is S.DISCARDED
    await worker.take(works)

    newest = await given_a_run(core, stack, Kind.PROPOSED, trigger_kind=triggers.PUSH)

    assert (await worker.beat()).stopping == {works.id}
    assert await state_of(core, by_hand) is S.READY
    assert await state_of(core, newest) is S.READY
    assert (await worker.stop(works, Phase.PREPARE)).state == "STOPPED"


# -- who may


@pytest.mark.parametrize("kind", [Kind.TRACKED, Kind.PROPOSED, Kind.DESTROY, Kind.TASK])
@pytest.mark.parametrize(
    ("actor", "error"), [(READER, NotAllowed), (STRANGER, NotFound), (ANONYMOUS, NotFound)]
)
async def test_only_those_who_may_start_runs(core, stack, kind, actor, error):
    async def start(tx):
        if kind is Kind.TASK:
            await triggers.task(tx, core.vault, stack.id, command="ls", skip_init=False)
        else:
            await triggers.trigger(tx, core.vault, stack.id, kind=kind)

    await refused(core, (error, Unauthenticated), start, by=actor)


@pytest.mark.parametrize(
    ("options", "action"),
    [
        ({"runtime_config": {"runner_image": "x"}}, "RUN_TRIGGER_WITH_CUSTOM_RUNTIME_CONFIG"),
        ({"overrides": [("A", "b")]}, "RUN_PROPOSE_WITH_OVERRIDES"),
    ],
)
async def test_settings_of_ones_own_take_a_right_of_their_own(core, stack, options, action):
    rights = frozenset({Action.SPACE_READ.value, Action.RUN_TRIGGER.value})
    somebody = Actor("user", new_id(), name="admin::x", everywhere=rights)
    await given_a_run(core, stack, Kind.PROPOSED, by=somebody)

    await refused(
        core,
        NotAllowed,
        lambda tx: triggers.trigger(tx, core.vault, stack.id, kind=Kind.PROPOSED, **options),
        by=somebody,
        words=action,
    )


# -- when nobody may


@pytest.mark.parametrize("kind", [Kind.TESTING, Kind.PARSE, Kind.TASK])
async def test_runs_of_other_kinds_are_not_triggered(core, stack, kind):
    await refused(core, CannotRun, lambda tx: triggers.trigger(tx, core.vault, stack.id, kind=kind))


@pytest.mark.parametrize(
    "sha",
    [
        "",
        "main",
        "abc123",
        "A" * 40,
        "g" * 40,
        "1" * 39,
        "1" * 41,
        "1" * 40 + "\n",
        "--upload-pack",
    ],
)
async def test_what_is_no_full_sha_is_refused(core, stack, sha):
    await refused(
        core,
        NoSuchRef,
        lambda tx: triggers.trigger(tx, core.vault, stack.id, kind=Kind.TRACKED, sha=sha),
        words="full commit SHA",
    )


async def test_a_stack_that_does_not_exist_has_no_runs(core, stack):
    await refused(
        core,
        NotFound,
        lambda tx: triggers.trigger(tx, core.vault, "none", kind=Kind.TRACKED),
        words="stack not found",
    )


async def starts(core, stack):
    """Every way to start something on a stack."""
    return {
        "tracked": lambda tx: triggers.trigger(tx, core.vault, stack.id, kind=Kind.TRACKED),
        "proposed": lambda tx: triggers.trigger(tx, core.vault, stack.id, kind=Kind.PROPOSED),
        "destroy": lambda tx: triggers.trigger(tx, core.vault, stack.id, kind=Kind.DESTROY),
        "task": lambda tx: triggers.task(tx, core.vault, stack.id, command="ls", skip_init=False),
        "ticket": lambda tx: triggers.ticket_for_local_workspace(tx, stack.id),
    }


async def test_a_disabled_stack_takes_nothing_new(core, stack):
    old = await given_a_run(core, stack)
    await discard(core, old)
    async with core.db.write(ADMIN) as tx:
        await stack_service.set_disabled(tx, stack.id, disabled=True)

    for start in (await starts(core, stack)).values():
        await refused(core, StackDisabled, start, words="stack is disabled")
    await refused(core, StackDisabled, lambda tx: triggers.retry(tx, core.vault, stack.id, old.id))


async def test_a_locked_stack_takes_only_previews_of_others(core, stack):
    old = await given_a_run(core, stack)
    await discard(core, old)
    async with core.db.write(WRITER) as tx:
        await stack_service.lock(tx, stack.id, note=None)

    for name, start in (await starts(core, stack)).items():
        if name in ("tracked", "destroy", "task"):
            await refused(core, StackLocked, start)
    await refused(core, StackLocked, lambda tx: triggers.retry(tx, core.vault, stack.id, old.id))
    assert await state_of(core, await given_a_run(core, stack, Kind.PROPOSED)) is S.READY


async def test_a_stack_that_is_being_deleted_takes_nothing_new(core, stack):
    await given_a_state(core, stack)
    async with core.db.write(ADMIN) as tx:
        await triggers.delete_stack(tx, core.vault, stack.id, destroy_resources=True)
    for start in (await starts(core, stack)).values():
        await refused(core, Conflict, start, words="being deleted")


async def test_a_deleted_stack_takes_nothing(core, stack):
    old = await given_a_run(core, stack)
    await discard(core, old)
    async with core.db.write(ADMIN) as tx:
        await triggers.delete_stack(tx, core.vault, stack.id, destroy_resources=False)

    for start in (await starts(core, stack)).values():
        await refused(core, NotFound, start, words="stack not found")
    await refused(core, NotFound, lambda tx: triggers.retry(tx, core.vault, stack.id, old.id))


async def test_what_workers_cannot_run_is_refused(core, stack):
    await core.change("update stack set vendor = :vendor", vendor=Vendor.ANSIBLE.value)
    for start in (await starts(core, stack)).values():
        await refused(core, CannotRun, start, words="cannot run ansible stacks")


async def test_a_stack_that_tracks_no_commit_says_why(core, stack):
    await core.change("update stack set tracked_commit_id = null, sync_error = 'no such branch'")
    await refused(
        core,
        Conflict,
        lambda tx: triggers.trigger(tx, core.vault, stack.id, kind=Kind.TRACKED),
        words="tracks no commit: no such branch",
    )


async def test_a_stack_of_a_provider_that_is_not_connected_runs_no_commit(core, pool):
    stack = await given_a_stack(core, pool)
    await core.change("update stack set provider = 'GITHUB'")
    await refused(
        core,
        NoSource,
        lambda tx: triggers.trigger(
            tx, core.vault, stack.id, kind=Kind.TRACKED, sha=core.source.first
        ),
        words="no GITHUB integration",
    )


@pytest.mark.parametrize("command", ["", "  \n", "a\0b", "x" * (16 * 1024 + 1)])
async def test_a_task_needs_a_command_that_can_be_run(core, stack, command):
    await refused(
        core,
        UserError,
        lambda tx: triggers.task(tx, core.vault, stack.id, command=command, skip_init=False),
        words="1 to 16384 bytes and no NUL",
    )


async def test_a_task_keeps_its_command_and_is_named_after_its_first_line(core, stack):
    async with core.db.write(ADMIN) as tx:
        task = await triggers.task(
            tx, core.vault, stack.id, command="  echo 'ü'\nexit 3\n", skip_init=True
        )
    assert (task.command, task.title, task.skip_init) == ("echo 'ü'\nexit 3", "echo 'ü'", True)
    assert (task.kind, task.state) == (Kind.TASK, S.READY)


# -- the source


async def test_a_run_of_a_commit_that_nobody_has_fetched_waits_for_it(core, stack):
    run = await given_a_run(core, stack, sha=core.source.side)
    assert await state_of(core, run) is S.QUEUED
    assert (await run_now(core, run)).title == core.source.side[:8]

    await core.drain()

    now = await run_now(core, run)
    assert (now.state, now.title) == (S.READY, "Aside")
    assert await commit_now(core, core.source.side) == ("STORED", None, "Aside")
    key = f"source/{run.commit_id}.tar.gz"
    archive = BytesIO(await core.objects.get(Bucket.METADATA, key))
    with tarfile.open(fileobj=archive) as tree:
        assert b"value = 3" in tree.extractfile("main.tf").read()


async def test_two_runs_of_one_commit_share_one_fetch(core, pool, stack):
    other = await given_a_stack(core, pool, "Database")
    first = await given_a_run(core, stack, sha=core.source.side)
    second = await given_a_run(core, other, sha=core.source.side)
    third = await given_a_run(core, stack, Kind.PROPOSED, sha=core.source.side)
    assert await jobs(core, "vcs.fetch") == 1

    await core.drain()

    states = [await state_of(core, run) for run in (first, second, third)]
    assert states == [S.READY] * 3
    assert await core.rows("select count(*) from \"commit\" where message = 'Aside'") == [(1,)]


async def test_eight_runs_at_once_of_a_new_commit_want_it_once(core, pool):
    stacks = [await given_a_stack(core, pool, f"Stack {n}") for n in range(8)]
    await asyncio.gather(*(given_a_run(core, one, sha=core.source.side) for one in stacks))
    assert await jobs(core, "vcs.fetch") == 1


async def test_a_commit_that_does_not_exist_fails_its_runs_with_the_reason(core, pool, stack):
    other = await given_a_stack(core, pool, "Database")
    runs = [await given_a_run(core, one, sha=UNKNOWN) for one in (stack, other)]
    behind = await given_a_run(core, stack)

    await core.drain()

    for run in runs:
        now = await run_now(core, run)
        assert now.state is S.FAILED
        assert f"has no commit {UNKNOWN}" in now.failure
        assert await history(core, run) == [S.QUEUED, S.FAILED]
    assert await state_of(core, behind) is S.READY
    assert (await commit_now(core, UNKNOWN))[0] == "FAILED"


async def test_a_commit_that_failed_is_fetched_anew_for_the_next_run(core, stack):
    first = await given_a_run(core, stack, sha=UNKNOWN)
    await core.drain()

    second = await given_a_run(core, stack, sha=UNKNOWN)
    assert await state_of(core, second) is S.QUEUED
    assert (await commit_now(core, UNKNOWN))[:2] == ("WANTED", None)
    await core.drain()

    assert [await state_of(core, run) for run in (first, second)] == [S.FAILED, S.FAILED]


async def test_a_commit_that_failed_just_now_is_wanted_again_by_whoever_did_not_see_it(core, stack):
    run = await given_a_run(core, stack, sha=core.source.side)
    await core.change("delete from procrastinate_jobs")

    async with core.db.write(ADMIN) as tx:
        assert (await vcs_repo.by_ids(tx, [run.commit_id]))[run.commit_id].state == "WANTED"
        # The fetch ends between the look and the wish.
        await core.change("update \"commit\" set state = 'FAILED' where id = :id", id=run.commit_id)
        await vcs.want(tx, repository_url=core.source.url, branch="main", sha=core.source.side)

    assert await jobs(core, "vcs.fetch") == 1
    assert (await commit_now(core, core.source.side))[0] == "WANTED"


async def test_a_tree_that_may_have_expired_is_fetched_again_before_a_start(core, stack):
    await core.change("update \"commit\" set stored_at = now() - interval '25 hours'")

    run = await given_a_run(core, stack)
    assert await state_of(core, run) is S.QUEUED
    await core.drain()

    assert await state_of(core, run) is S.READY
    (age,) = await core.rows(
        'select now() - stored_at from "commit" where id = :id', id=run.commit_id
    )
    assert age[0] < timedelta(minutes=5)


async def test_a_tree_that_expired_while_the_run_waited_is_fetched_again(core, stack):
    holder = await given_a_run(core, stack)
    run = await given_a_run(core, stack)
    await core.change("update \"commit\" set stored_at = now() - interval '25 hours'")

    await discard(core, holder)
    assert await state_of(core, run) is S.QUEUED
    await core.drain()

    assert await state_of(core, run) is S.READY


async def test_a_commit_whose_fetch_was_lost_is_wanted_again(core, stack):
    run = await given_a_run(core, stack, sha=core.source.side)
    await core.change("delete from procrastinate_jobs")
    await core.change("update \"commit\" set wanted_at = now() - interval '1 hour'")

    async with core.db.write(ADMIN) as tx:
        await vcs.reconcile(tx)
    await core.drain()

    assert await state_of(core, run) is S.READY
