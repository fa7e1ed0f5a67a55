"""Stacks are made with defaults, changed as asked, seen by whom they are for, and locked by one."""

from __future__ import annotations

import asyncio

import pytest
from gantry.domains.people.access import EVERYTHING
from gantry.domains.people.actions import Action
from gantry.domains.stacks import heads, repo
from gantry.domains.stacks import service as stacks
from gantry.domains.stacks.model import Provider, Vendor
from gantry.domains.stacks.vendors import BadStack, opentofu, terraform
from gantry.domains.vcs.rules import commit_id
from gantry.kernel.errors import Conflict, NotAllowed, NotFound, Unauthenticated
from gantry.kernel.ids import new_id
from gantry.kernel.search import Order, Search
from gantry.kernel.tx import ANONYMOUS, Actor
from gantry.ports.sources import NoSuchRef

from tests.support.given import (
    ADMIN,
    READER,
    STRANGER,
    WRITER,
    everything,
    given_a_pool,
    given_a_stack,
    stack_now,
    wanted,
)


async def create(core, name="Network", *, by=ADMIN, slug=None, manages_state=True, **settings):
    async with core.db.write(by) as tx:
        return await stacks.create(
            tx, wanted(core, name, **settings), manages_state=manages_state, forced_slug=slug
        )


async def update(core, stack, name="Network", *, by=ADMIN, **settings):
    async with core.db.write(by) as tx:
        return await stacks.update(tx, stack.id, wanted(core, name, **settings))


async def refused(core, error, doing, *, by=ADMIN, words=None):
    before = await everything(core)
    with pytest.raises(error, match=words) as raised:
        async with core.db.write(by) as tx:
            await doing(tx)
    assert await everything(core) == before
    return raised.value


async def find(core, *predicates, by=ADMIN, **how):
    async with core.db.read(by) as tx:
        page = await repo.search(tx, Search(predicates=predicates, orders=[Order("name")], **how))
    return [stack.name for stack in page.items]


# -- making


async def test_what_a_client_leaves_out_has_a_default(core):
    stack = await create(core, " Network ")

    now = await stack_now(core, stack)
    assert (now.id, now.name, now.space_id, now.state) == ("network", "Network", "root", "NONE")
    assert (now.vendor, now.vendor_config["workflow_tool"]) == (Vendor.TERRAFORM, "TERRAFORM_FOSS")
    assert now.vendor_config["version"] is None
    assert (now.provider, now.namespace, now.pool_id) == (Provider.GIT, "", None)
    assert (now.labels, now.hooks, now.project_globs) == ([], {}, [])
    assert now.github_action_deploy
    assert now.manages_state
    for off in (
        *("administrative", "autodeploy", "autoretry", "local_preview_enabled", "disabled"),
        *("protect_from_deletion", "well_known_secret_masking", "sensitive_output_upload"),
        "deleting",
    ):
        assert getattr(now, off) is False, off
    assert (now.locked_at, now.deleted_at, now.tracked_commit_id) == (None, None, None)


async def test_without_a_provider_a_stack_is_of_github(core):
    stack = await create(core, provider=None, repository_url=None, namespace="acme")
    assert stack.provider is Provider.GITHUB
    with pytest.raises(stacks.NoSource, match="no GITHUB integration"):
        stacks.remote_url(stack)


async def test_settings_are_kept_as_sent(core):
    pool = await given_a_pool(core)
    hooks = {"before_init": ["a", "b"], "after_run": ["c"], "after_plan": []}
    stack = await create(
        core,
        labels=["b", "a", "b"],
        pool_id=pool.id,
        hooks=hooks,
        project_root="infra/network",
        autodeploy=True,
        description="ünï 🐢",
        runner_image="",
    )

    now = await stack_now(core, stack)
    assert (now.labels, now.pool_id, now.autodeploy) == (["a", "b"], pool.id, True)
    assert now.hooks == {"before_init": ["a", "b"], "after_run": ["c"]}
    assert (now.description, now.runner_image) == ("ünï 🐢", None)


async def test_every_fault_is_listed_at_once(core):
    error = await refused(
        core,
        BadStack,
        lambda tx: stacks.create(
            tx,
            wanted(
                core,
                "🙂"[:0] + "...",
                branch=" ",
                repository="r" * 256,
                project_root="../up",
                repository_url=None,
                hooks={"before_lunch": ["eat"], "before_init": ["a\0b"]},
                faults=["terraform: bad"],
            ),
            manages_state=True,
        ),
    )

    assert error.code == "BAD_STACK"
    assert error.message == (
        "stack has 8 errors: terraform: bad;"
        " branch: must have 1 to 255 printable characters;"
        " repository: must have 1 to 255 printable characters;"
        " name: must contain a letter or a digit;"
        " project root: must be a path inside the repository;"
        " repository URL: raw Git needs the address of the repository;"
        " hooks: there is no before_lunch;"
        " hooks: a command cannot hold a NUL character"
    )


async def test_one_fault_is_counted_as_one(core):
    error = await refused(
        core,
        BadStack,
        lambda tx: stacks.create(tx, wanted(core, branch=""), manages_state=True),
    )
    assert error.message.startswith("stack has 1 error: branch: ")


@pytest.mark.parametrize(
    "bad",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"name": "x" * 256},
        {"name": "---"},
        {"branch": "a\0b"},
        {"repository": ""},
        {"project_root": "/etc"},
        {"project_root": "a/../../b"},
        {"project_root": ".."},
        {"project_root": "a\0b"},
        {"pool_id": "01NOSUCHPOOL00000000000000"},
    ],
    ids=str,
)
async def test_bad_input_makes_and_changes_nothing(core, bad):
    stack = await create(core)
    asked = wanted(core, **{"name": "Network", **bad})
    await refused(core, BadStack, lambda tx: stacks.create(tx, asked, manages_state=True))
    await refused(core, BadStack, lambda tx: stacks.update(tx, stack.id, asked))


@pytest.mark.parametrize(
    ("version", "fine"),
    [
        ("1.5.7", True),
        (">= 1.5, < 2", True),
        ("~> 1.5.0", True),
        ("1.5.x || 1.6.x", True),
        ("v1.2", True),
        ("", True),
        ("1.5,,1.6", False),
        ("latest", False),
        (">= one", False),
        ("1.5; rm", False),
    ],
)
def test_a_version_has_to_be_a_constraint(version, fine):
    for tool, name in ((terraform, "terraform"), (opentofu, "opentofu")):
        faults: list[str] = []
        tool({"version": version}, faults)
        if fine:
            assert faults == []
        else:
            (fault,) = faults
            assert fault.startswith(f"{name}: invalid ")
            assert fault.endswith(f'version constraints: improper constraint: "{version}"')


def test_terraform_with_the_tool_of_opentofu_is_an_opentofu_stack():
    vendor, config = terraform({"workflow_tool": "OPEN_TOFU", "version": "1.8.0"}, [])
    assert vendor is Vendor.OPENTOFU
    assert (config["workflow_tool"], config["version"]) == ("OPENTOFU", "1.8.0")


# -- ids


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("ąśśdasdaććąsadwsd", "assdasdaccasadwsd"),
        ("turtle 🐢", "turtle-emoji-turtle"),
        ("A_b C", "a_b-c"),
    ],
)
async def test_a_stacks_id_is_the_slug_of_its_name(core, name, slug):
    assert (await create(core, name)).id == slug


async def test_a_name_that_is_taken_gets_an_id_of_its_own(core):
    first, second = await create(core), await create(core)
    assert (first.id, second.name) == ("network", "Network")
    assert second.id.startswith("network-")
    assert len(second.id) == len("network-") + 5


async def test_a_name_that_looks_like_a_ulid_gets_a_suffix(core):
    stack = await create(core, "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert stack.id.startswith("01arz3ndektsv4rrffq69g5fav-")


async def test_a_slug_can_be_forced_once(core):
    assert (await create(core, slug="my_slug-1")).id == "my_slug-1"
    await refused(
        core,
        Conflict,
        lambda tx: stacks.create(tx, wanted(core), manages_state=True, forced_slug="my_slug-1"),
        words='stack with slug "my_slug-1" already exists',
    )


@pytest.mark.parametrize("slug", ["Network", "a b", "-a", "a/b", "ü", "01arz3ndektsv4rrffq69g5fav"])
async def test_what_is_no_slug_cannot_be_forced(core, slug):
    await refused(
        core,
        BadStack,
        lambda tx: stacks.create(tx, wanted(core), manages_state=True, forced_slug=slug),
        words="is not a slug",
    )


async def test_renaming_keeps_the_id(core):
    stack = await create(core)
    after = await update(core, stack, "Something else")
    assert (after.id, after.name) == ("network", "Something else")


# -- changing


async def test_an_update_clears_what_it_does_not_name_and_keeps_switches(core):
    stack = await create(
        core, description="x", labels=["a"], autodeploy=True, local_preview_enabled=True
    )

    after = await update(core, stack, autodeploy=None, local_preview_enabled=False)

    assert (after.description, after.labels) == (None, [])
    assert (after.autodeploy, after.local_preview_enabled) == (True, False)


async def test_another_source_is_looked_up_anew(core):
    stack = await given_a_stack(core, None)
    same = await update(core, stack, description="only words")
    assert same.tracked_commit_id == stack.tracked_commit_id

    moved = await update(core, stack, branch="side")

    assert (moved.tracked_commit_id, moved.branch_head_id, moved.synced_at) == (None, None, None)


async def test_another_vendor_keeps_the_state_where_it_is(core):
    stack = await create(core, manages_state=False)
    vendor, config = opentofu({}, [])
    async with core.db.write(ADMIN) as tx:
        after = await stacks.migrate_vendor(tx, stack.id, vendor=vendor, config=config)
    assert (after.vendor, after.migrated_from_terraform) == (Vendor.OPENTOFU, True)
    assert not after.manages_state


# -- the source


async def test_the_tip_of_the_branch_is_tracked(core):
    stack = await create(core)

    head = await heads.look_up(core.db, ADMIN, core.sources, stack.id)
    async with core.db.write(ADMIN) as tx:
        after = await heads.sync(tx, stack.id, head)

    assert after.tracked_commit_id == commit_id(core.source.url, core.source.second)
    assert (after.tracked_commit_set_by, after.sync_error) == (ADMIN.name, None)


async def test_a_branch_that_does_not_exist_is_noted_on_a_new_stack(core):
    stack = await create(core, branch="absent")

    await heads.first_sync(core.db, ADMIN, core.sources, stack.id)
    now = await stack_now(core, stack)
    assert "no branch or tag “absent”" in now.sync_error
    assert now.tracked_commit_id is None

    with pytest.raises(NoSuchRef):
        await heads.look_up(core.db, ADMIN, core.sources, stack.id)


async def test_a_commit_can_be_tracked_by_its_sha(core):
    stack = await given_a_stack(core, None)
    async with core.db.write(WRITER) as tx:
        after = await heads.set_current(tx, stack.id, core.source.first)
    assert after.tracked_commit_id == commit_id(core.source.url, core.source.first)
    assert after.tracked_commit_set_by == WRITER.name
    for bad in ("main", "1" * 39, ""):
        await refused(core, NoSuchRef, lambda tx, bad=bad: heads.set_current(tx, stack.id, bad))


# -- locks


async def lock(core, stack, by=ADMIN, note="busy"):
    async with core.db.write(by) as tx:
        return await stacks.lock(tx, stack.id, note=note)


async def unlock(core, stack, by=ADMIN):
    async with core.db.write(by) as tx:
        return await stacks.unlock(tx, stack.id)


async def test_a_lock_names_its_owner_and_is_let_go(core):
    stack = await create(core)

    locked = await lock(core, stack)
    assert (locked.locked_by, locked.lock_note) == (ADMIN.name, "busy")
    assert locked.locked_at is not None
    after = await unlock(core, stack)

    assert (after.locked_at, after.locked_by, after.lock_note) == (None, None, None)


async def test_a_stack_is_locked_once(core):
    stack = await create(core)
    await lock(core, stack, note="")
    for by in (ADMIN, WRITER):
        await refused(
            core,
            Conflict,
            lambda tx: stacks.lock(tx, stack.id, note=None),
            by=by,
            words="already locked by admin::ada",
        )


async def test_of_eight_who_lock_at_once_one_has_it(core):
    stack = await create(core)
    people = [Actor("user", new_id(), name=f"admin::{n}", everywhere=EVERYTHING) for n in range(8)]

    answers = await asyncio.gather(
        *(lock(core, stack, by) for by in people), return_exceptions=True
    )

    (owner,) = [p for p, a in zip(people, answers, strict=True) if not isinstance(a, Exception)]
    assert all(isinstance(a, Conflict) for a in answers if isinstance(a, Exception))
    assert (await stack_now(core, stack)).locked_by == owner.name


async def test_what_is_not_locked_is_not_unlocked(core):
    stack = await create(core)
    await refused(core, Conflict, lambda tx: stacks.unlock(tx, stack.id), words="is not locked")


async def test_another_unlocks_only_by_force(core):
    stack = await create(core)
    await lock(core, stack)
    gentle = EVERYTHING - {Action.STACK_UNLOCK_FORCE.value}
    other = Actor("user", new_id(), name="admin::x", everywhere=gentle)

    await refused(
        core,
        NotAllowed,
        lambda tx: stacks.unlock(tx, stack.id),
        by=other,
        words="STACK_UNLOCK_FORCE",
    )
    await unlock(core, stack, by=WRITER)
    assert (await stack_now(core, stack)).locked_at is None


async def test_the_lock_of_an_unknown_outcome_is_lifted_by_force_only(core):
    stack = await create(core)
    async with core.db.write(ADMIN) as tx:
        await stacks.lock_for_unknown_outcome(tx, stack.id, note="look first")
    gentle = EVERYTHING - {Action.STACK_UNLOCK_FORCE.value}
    impostor = Actor("user", new_id(), name="admin::system", everywhere=gentle)

    await refused(core, NotAllowed, lambda tx: stacks.unlock(tx, stack.id), by=impostor)
    await unlock(core, stack)
    assert (await stack_now(core, stack)).locked_by is None


# -- who may, who sees


ACTIONS = {
    "update": lambda core, s: lambda tx: stacks.update(tx, s.id, wanted(core)),
    "lock": lambda core, s: lambda tx: stacks.lock(tx, s.id, note=None),
    "unlock": lambda core, s: lambda tx: stacks.unlock(tx, s.id),
    "disable": lambda core, s: lambda tx: stacks.set_disabled(tx, s.id, disabled=True),
    "enable": lambda core, s: lambda tx: stacks.set_disabled(tx, s.id, disabled=False),
    "star": lambda core, s: lambda tx: stacks.star(tx, s.id, star=True),
    "delete": lambda core, s: lambda tx: stacks.begin_deletion(tx, s.id),
    "track": lambda core, s: lambda tx: heads.set_current(tx, s.id, core.source.first),
    "migrate": lambda core, s: (
        lambda tx: stacks.migrate_vendor(tx, s.id, vendor=Vendor.OPENTOFU, config={})
    ),
}


@pytest.mark.parametrize("name", ACTIONS)
async def test_only_those_who_may_touch_a_stack(core, name):
    stack = await create(core)
    act = ACTIONS[name](core, stack)
    await refused(core, NotAllowed, act, by=READER)
    await refused(core, NotFound, act, by=STRANGER, words="stack not found")
    await refused(core, (NotFound, Unauthenticated), act, by=ANONYMOUS)


@pytest.mark.parametrize("actor", [READER, STRANGER, ANONYMOUS], ids=lambda actor: actor.name)
async def test_only_those_who_may_make_stacks(core, actor):
    await refused(
        core,
        (NotAllowed, NotFound, Unauthenticated),
        lambda tx: stacks.create(tx, wanted(core), manages_state=True),
        by=actor,
    )


async def test_stacks_are_seen_in_readable_spaces_and_until_they_are_deleted(core):
    kept, gone = await create(core, "Kept"), await create(core, "Gone")
    async with core.db.write(ADMIN) as tx:
        await stacks.delete(tx, await repo.lock(tx, gone.id))
    read = frozenset({Action.SPACE_READ.value})
    here = Actor("user", new_id(), by_space={"root": read})
    elsewhere = Actor("user", new_id(), by_space={"other": read})

    for actor, seen in ((ADMIN, ["Kept"]), (here, ["Kept"]), (elsewhere, []), (STRANGER, [])):
        assert await find(core, by=actor) == seen
        async with core.db.read(actor) as tx:
            assert [s.name for s in await repo.all_visible(tx)] == seen
            assert len(await repo.by_ids(tx, [kept.id, gone.id])) == len(seen)
            assert sum((await repo.counts_by_state(tx)).values()) == len(seen)


async def test_a_star_is_everybodys_own(core):
    stack = await create(core)
    for _ in range(2):
        async with core.db.write(ADMIN) as tx:
            await stacks.star(tx, stack.id, star=True)

    for actor, starred in ((ADMIN, True), (WRITER, False)):
        async with core.db.read(actor) as tx:
            assert await repo.starred(tx, [stack.id]) == {stack.id: starred}
    async with core.db.write(ADMIN) as tx:
        await stacks.star(tx, stack.id, star=False)
    async with core.db.read(ADMIN) as tx:
        assert await repo.starred(tx, [stack.id]) == {stack.id: False}
