"""What a run is made with: the file of its commit, its own block, the stack and its contexts."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest
from gantry.domains.contexts import config_file
from gantry.domains.contexts import service as elements
from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.domains.runs import configuration_repo, configuring, triggers
from gantry.domains.runs.configuration import IGNORE_FILE
from gantry.domains.runs.states import Kind
from gantry.domains.runs.states import State as S
from gantry.domains.stacks.vendors import BadStack
from gantry.domains.vcs import uploads
from gantry.infra import queue
from gantry.kernel.errors import Conflict
from gantry.kernel.tx import SYSTEM
from gantry.ports.objects import Bucket
from gantry_protocol.words import Phase

from tests.support.git_repository import Repository
from tests.support.given import (
    ADMIN,
    everything,
    given_a_run,
    given_a_stack,
    history,
    manifest_of,
    run_now,
    state_of,
)

FILE = """
version: "2"
stack_defaults:
  runner_image: of-defaults
  environment: {ONLY_IN_DEFAULTS: x}
stacks:
  network:
    project_root: infra
    terraform_version: ">= 1.5"
    before_plan: [echo from the file]
    environment: {REGION: of-file, wo_TOKEN: of-file, TF_VAR_size: 3}
"""


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "code")


async def started(
    core,
    pool,
    repository,
    text,
    kind=Kind.PROPOSED,
    *,
    path=".spacelift/config.yml",
    options=None,
    **settings,
):
    """A run of a commit with that file, of a stack with those settings."""
    files = {"infra/main.tf": ""} | ({path: text} if text is not None else {})
    sha = repository.commit(files)
    stack = await given_a_stack(core, pool, repository_url=repository.url, **settings)
    run = await given_a_run(core, stack, kind, sha=sha, **(options or {}))
    await core.drain()
    return stack, run


async def given(core, stack, run):
    built = await manifest_of(core, stack, await run_now(core, run))
    return built, {one.name: one.value for one in built.environment}


async def taken(core, run):
    async with core.db.read(SYSTEM) as tx:
        return (await configuration_repo.of_runs(tx, [run.id])).get(run.id)


async def put(core, stack, name, value, **more):
    async with core.db.write(ADMIN) as tx:
        await elements.put(
            tx,
            core.vault,
            owner=OwnerKind.STACK,
            owner_id=stack.id,
            element_type=ElementType.ENVIRONMENT_VARIABLE,
            element_id=name,
            value=value,
            **{"write_only": False, "description": None, **more},
        )


async def test_a_run_takes_what_the_file_of_its_commit_says(core, pool, worker, repository):
    stack, run = await started(
        core, pool, repository, FILE, runner_image="own", hooks={"after_plan": ["own"]}
    )
    await put(core, stack, "REGION", "own")
    await worker.take(run)

    built, variables = await given(core, stack, run)

    assert (built.project_root, built.tool.constraint) == ("infra", ">= 1.5")
    assert built.runner_image == "of-defaults"
    assert built.hooks == {"before_plan": ["echo from the file"], "after_plan": ["own"]}
    assert (variables["REGION"], variables["TF_VAR_size"]) == ("of-file", "3")
    assert variables["wo_TOKEN"] == "of-file"
    assert variables["TF_VAR_spacelift_project_root"] == "infra"
    assert "ONLY_IN_DEFAULTS" not in variables


async def test_a_commit_without_a_file_and_a_label_leave_it_at_the_stack(
    core, pool, worker, repository
):
    stack, run = await started(core, pool, repository, FILE, labels=[IGNORE_FILE])
    await worker.take(run)

    built, variables = await given(core, stack, run)

    assert (built.project_root, built.hooks) == ("", {})
    assert "REGION" not in variables
    assert (await taken(core, run))["notes"]


async def test_what_was_settled_stays_with_the_run_whatever_changes(core, pool, worker, repository):
    stack, run = await started(core, pool, repository, FILE)
    await core.change(
        "update stack set project_root = 'later', runner_image = 'later',"
        """ hooks = '{"after_init": ["later"]}'"""
    )
    await worker.take(run)

    async with core.db.read(SYSTEM) as tx:
        changed = await tx.session.get(type(stack), stack.id)
    built, _ = await given(core, changed, run)

    assert (built.project_root, built.runner_image) == ("infra", "of-defaults")
    assert "after_init" not in built.hooks


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stacks: [", "not YAML in line"),
        (
            "stacks:\n  network:\n    before_init: echo\n",
            "stacks.network. `before_init` must be a list",
        ),
        ("#" * 300_000, "larger than 262144 bytes"),
    ],
)
async def test_a_file_that_cannot_be_used_fails_the_run_before_any_worker_sees_it(
    core, pool, repository, text, words
):
    stack, run = await started(core, pool, repository, text)
    behind = await given_a_run(core, stack)

    now = await run_now(core, run)
    assert now.state is S.FAILED
    assert words in now.failure
    assert ".spacelift/config.yml" in now.failure
    assert await history(core, run) == [S.QUEUED, S.FAILED]
    assert await taken(core, run) is None
    assert await state_of(core, behind) is S.READY  # of another commit


async def test_a_link_is_not_followed(core, pool, repository):
    (repository.path / ".gantry").mkdir()
    (repository.path / ".gantry" / "config.yml").symlink_to("/etc/passwd")
    _, run = await started(core, pool, repository, None)

    assert "no plain file" in (await run_now(core, run)).failure


async def test_a_commit_that_an_earlier_release_fetched_is_looked_at_first(core, pool, repository):
    stack, _ = await started(core, pool, repository, FILE)
    await core.change("delete from tree_config")

    run = await given_a_run(core, stack, Kind.PROPOSED, sha=repository.git("rev-parse", "HEAD"))
    assert await state_of(core, run) is S.QUEUED
    await core.drain()

    assert await state_of(core, run) is S.READY
    assert (await taken(core, run))["file"] == ".spacelift/config.yml"


async def test_a_run_that_an_earlier_release_started_is_as_that_release_made_it(
    core, pool, worker, repository
):
    stack, run = await started(core, pool, repository, FILE, project_root="own")
    await core.change("delete from run_configuration")
    await worker.take(run)

    built, variables = await given(core, stack, run)

    assert built.project_root == "own"
    assert "REGION" not in variables


async def at_work(core, release, *, since="now()", silent_on_keys=False):
    await core.change(
        "insert into process (id, kind, host, release, started_at, heard_at)"
        f" values (:id, 'server', 'h', :id, now(), {since})",
        id=release,
    )
    if not silent_on_keys:
        await core.change("insert into process_keys values (:id, 1, 1)", id=release)


async def test_while_an_earlier_release_is_at_work_the_file_is_left_alone_and_the_run_says_so(
    core, pool, worker, repository
):
    await at_work(core, "present")
    await at_work(core, "earlier", silent_on_keys=True)
    stack, run = await started(core, pool, repository, FILE, project_root="own")
    await core.change("delete from process where id = 'earlier'")
    await worker.take(run)

    built, variables = await given(core, stack, run)

    assert (built.project_root, built.hooks) == ("own", {})
    assert "REGION" not in variables
    found = await taken(core, run)
    assert found["file"] is None
    assert "an earlier release" in found["notes"][0]


async def test_a_run_does_not_wait_for_a_look_that_an_earlier_release_would_not_take(
    core, pool, repository
):
    stack, _ = await started(core, pool, repository, FILE)
    await core.change("delete from tree_config")
    await at_work(core, "earlier", silent_on_keys=True)

    run = await given_a_run(core, stack, Kind.PROPOSED, sha=repository.git("rev-parse", "HEAD"))

    assert await state_of(core, run) is S.READY
    assert await core.rows("select state from commit where state = 'WANTED'") == []


async def test_the_file_counts_when_the_last_of_an_earlier_release_fell_silent(
    core, pool, repository
):
    await at_work(core, "present")
    await at_work(core, "earlier", since="now() - interval '2 minutes'", silent_on_keys=True)

    _, run = await started(core, pool, repository, FILE)

    assert (await taken(core, run))["file"] == ".spacelift/config.yml"


async def test_without_a_file_nothing_is_said_of_earlier_releases(core, pool, repository):
    await at_work(core, "earlier", silent_on_keys=True)

    _, run = await started(core, pool, repository, None)

    assert (await taken(core, run))["notes"] == []


@pytest.mark.parametrize("words", ["!!map [a]", "stacks: !!map text"])
async def test_a_tag_that_does_not_fit_fails_the_run(core, pool, repository, words):
    _, run = await started(core, pool, repository, words)

    assert "not YAML in line 1" in (await run_now(core, run)).failure


async def test_a_file_at_which_the_reader_breaks_fails_the_run_and_not_the_fetch(
    core, pool, repository, monkeypatch
):
    def broken(text, **_):
        raise TypeError("nobody thought of that: s3cret")

    monkeypatch.setattr(config_file, "read", broken)
    _, run = await started(core, pool, repository, FILE)

    now = await run_now(core, run)
    assert now.state is S.FAILED
    assert ".spacelift/config.yml" in now.failure
    assert "s3cret" not in now.failure


# -- what is forgotten


async def forget(core):
    async with core.queue.open_async():
        await core.queue.configure_task("house.tidy", queue=queue.ORDINARY_QUEUE).defer_async()
    await core.drain()


async def trees(core):
    return {tree for (tree,) in await core.rows("select tree from tree_config")}


async def test_what_a_commits_file_said_is_forgotten_unless_a_run_is_at_it(
    core, pool, worker, repository
):
    stack, run = await started(core, pool, repository, FILE)
    kept = await trees(core)
    await core.change("update tree_config set read_at = now() - interval '15 days'")

    await forget(core)
    assert await trees(core) == {run.commit_id}

    await worker.take(run)
    await worker.fail(run, Phase.PREPARE)
    await core.change("update tree_config set read_at = now() - interval '13 days'")
    await forget(core)
    assert await trees(core) == {run.commit_id}

    await core.change("update tree_config set read_at = now() - interval '15 days'")
    await forget(core)
    assert await trees(core) == set()
    assert run.commit_id in kept

    again = await given_a_run(core, stack, Kind.PROPOSED, sha=repository.git("rev-parse", "HEAD"))
    await core.drain()
    assert (await taken(core, again))["file"] == ".spacelift/config.yml"


async def test_a_preview_is_tried_again_with_its_file_or_not_at_all(core, pool, worker):
    stack = await given_a_stack(core, pool, local_preview_enabled=True)
    run = await previewed(core, stack)
    await worker.take(run)
    await worker.fail(run, Phase.PREPARE)
    await core.change("update tree_config set read_at = now() - interval '13 days'")
    await forget(core)

    again = await retried(core, stack, run)
    await core.drain()
    assert (await taken(core, again))["file"] == ".spacelift/config.yml"
    ((fresh,),) = await core.rows(
        "select read_at > now() - interval '1 day' from tree_config where tree = :tree",
        tree=run.workspace_upload_key,
    )
    assert fresh

    await worker.take(again)
    await worker.fail(again, Phase.PREPARE)
    await core.change("update tree_config set read_at = now() - interval '15 days'")
    await forget(core)
    before = await everything(core)
    with pytest.raises(Conflict, match="upload it again"):
        await retried(core, stack, again)
    assert await everything(core) == before


async def test_a_runs_own_block_stands_above_the_file_and_its_values_are_sealed(
    core, pool, worker, repository
):
    own = {"environment": {"MINE": "t0p"}, "hooks": {"before_plan": ["mine"]}}
    stack, run = await started(core, pool, repository, FILE, options={"runtime_config": own})
    await worker.take(run)
    await worker.fail(run, Phase.PREPARE)
    async with core.db.write(ADMIN) as tx:
        again = await triggers.retry(tx, core.vault, stack.id, run.id)
    await worker.take(again)

    for one in (run, again):
        built, variables = await given(core, stack, one)
        assert built.hooks == {"before_plan": ["mine"]}
        assert built.project_root == "infra"
        assert variables["MINE"] == "t0p"
        assert "REGION" not in variables  # a map takes the place of the lower one
    assert "t0p" not in str(await core.rows("select row::text from run row"))
    assert "t0p" not in json.dumps(await taken(core, run))


async def test_of_names_that_are_the_same_in_a_phase_the_stronger_source_wins(
    core, pool, worker, repository
):
    stack, run = await started(
        core, pool, repository, "stacks: {network: {environment: {TOKEN: f, wo_KEY: f}}}"
    )
    for name in ("ro_TOKEN", "KEY", "ro_BOTH", "BOTH"):
        await put(core, stack, name, "own")
    await worker.take(run)

    built, _ = await given(core, stack, run)

    order = [one.name for one in built.environment]
    assert order.index("ro_TOKEN") < order.index("TOKEN")
    assert order.index("KEY") < order.index("wo_KEY")
    assert order.index("BOTH") < order.index("ro_BOTH")


async def test_it_is_kept_where_each_thing_came_from_but_no_value(core, pool, repository):
    stack = await given_a_stack(core, pool, repository_url=repository.url)
    await put(core, stack, "REGION", "hidden-1")
    await put(core, stack, "SECRET", "hidden-2", write_only=True)
    sha = repository.commit({".gantry/config.yml": FILE, "infra/main.tf": ""})
    run = await given_a_run(core, stack, sha=sha, overrides=[("SECRET", "hidden-3")])
    await core.drain()

    found = await taken(core, run)

    places = {one["name"]: (one["source"], len(one["instead_of"])) for one in found["elements"]}
    assert places == {
        "REGION": ("FILE", 1),
        "SECRET": ("RUN", 1),
        "TF_VAR_size": ("FILE", 0),
        "wo_TOKEN": ("FILE", 0),
    }
    assert (found["file"], found["version"]) == (".gantry/config.yml", 2)
    assert "hidden" not in json.dumps(found)
    assert "of-file" not in json.dumps(found)


# -- uploaded trees


def packed(files, mode="w:gz"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            if content is None:
                entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
                tar.addfile(entry)
                continue
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


async def uploaded(core, data):
    await core.objects.put(Bucket.USER_UPLOADED_WORKSPACES, "local/x.tar.gz", data)
    return await configuring.of_upload(core.objects, "local/x.tar.gz")


async def previewed(core, stack, file=None, overrides=()):
    file = file or await uploaded(core, packed({".spacelift/config.yml": FILE.encode()}))
    async with core.db.write(ADMIN) as tx:
        place = await triggers.ticket_for_local_workspace(tx, stack.id)
    async with core.db.write(ADMIN) as tx:
        return await triggers.propose_local(
            tx, core.vault, stack.id, workspace_id=place.id, overrides=overrides, file=file
        )


async def retried(core, stack, run):
    async with core.db.write(ADMIN) as tx:
        return await triggers.retry(tx, core.vault, stack.id, run.id)


async def test_a_local_preview_takes_the_file_of_the_uploaded_tree(core, pool, worker):
    stack = await given_a_stack(core, pool, local_preview_enabled=True)
    file = await uploaded(core, packed({"main.tf": b"", "./.spacelift/config.yml": FILE.encode()}))
    run = await previewed(core, stack, file, overrides=[("REGION", "mine")])
    await worker.take(run)

    built, variables = await given(core, stack, run)

    assert built.project_root == "infra"
    assert (variables["REGION"], variables["TF_VAR_size"]) == ("mine", "3")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", {}),
        (b"no archive", {}),
        (packed({"main.tf": b"x"})[:-20], {}),
        (packed({"main.tf": b"x"}), {}),
        (gzip.compress(b"\0" * 100), {}),
    ],
)
async def test_an_upload_without_a_file_says_nothing(core, data, found):
    assert await uploaded(core, data) == found


async def test_an_upload_is_looked_into_within_bounds(core, monkeypatch):
    link = await uploaded(core, packed({".gantry/config.yml": None}))
    long = await uploaded(core, packed({".gantry/config.yml": b"#" * 300_000}))
    monkeypatch.setattr(uploads, "MAX_UNPACKED", 1000)
    bomb = await uploaded(core, packed({"zeros": b"\0" * 100_000}))
    monkeypatch.setattr(uploads, "MAX_LOOKED_AT", 10)
    large = await uploaded(core, packed({"main.tf": b"x"}))

    assert "no plain file" in link["fault"]
    assert "no plain file" in long["fault"]
    assert "too large" in bomb["note"]
    assert "too large" in large["note"]


def header(kind, size, name="x"):
    """The 512 bytes before something of an archive."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.size = kind, size
    return entry.tobuf(tarfile.GNU_FORMAT)


def before_a_file(*pieces):
    return gzip.compress(b"".join(pieces) + packed({".gantry/config.yml": b"{}"}, "w:"))


def with_map_of_holes(blocks):
    """An old GNU header of a file with holes, and so many more blocks of its map."""
    first = bytearray(header(tarfile.GNUTYPE_SPARSE, 0))
    first[482] = 1  # more follows
    first[148:156] = b" " * 8
    first[148:156] = b"%06o\0 " % sum(first)
    more = bytearray(512)
    more[504] = 1
    return bytes(first) + bytes(more) * blocks


LARGE = uploads.MAX_ENTRY_HEADER + 1


@pytest.mark.parametrize(
    "pieces",
    [
        *([header(kind, LARGE), b"x" * LARGE] for kind in (b"L", b"K", b"x", b"g", b"X")),
        [header(b"L", 512), b"x" * 512] * 2000,
        [with_map_of_holes(2000)],
    ],
    ids=["name", "link", "pax", "pax of all", "solaris", "row of names", "holes"],
)
async def test_a_header_that_would_be_read_as_a_whole_is_not_read(core, pieces):
    assert "too large" in (await uploaded(core, before_a_file(*pieces)))["note"]


async def test_names_that_are_long_are_no_trouble(core):
    name = "d/" * 400 + "x"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        entry = tarfile.TarInfo(name).tobuf(form)

        found = await uploaded(core, before_a_file(entry))

        assert found["path"] == ".gantry/config.yml"
        assert "fault" not in found


async def test_an_upload_of_very_many_files_is_not_searched_to_its_end(core, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_ENTRIES", 10)

    fits = await uploaded(core, packed({str(n): b"" for n in range(10)}))
    many = await uploaded(core, packed({str(n): b"" for n in range(11)}))

    assert fits == {}
    assert "too large" in many["note"]


# -- a part of the source


async def test_a_worker_is_told_which_part_of_the_source_to_unpack(core, pool, worker, repository):
    text = 'version: "2"\nstacks: {network: {git_sparse_checkout_paths: [modules/a, README]}}'
    stack, run = await started(core, pool, repository, text, sparse_checkout_paths=["own"])
    await worker.take(run)

    built, _ = await given(core, stack, run)

    assert built.sparse_paths == ["modules/a", "README"]
    assert (await taken(core, run))["settings"]["git_sparse_checkout_paths"]["source"] == "FILE"


@pytest.mark.parametrize("text", ["git_sparse_checkout_paths: []", None])
async def test_an_empty_list_leaves_it_at_the_stacks_own_paths(
    core, pool, worker, repository, text
):
    file = text and f'version: "2"\nstack_defaults: {{{text}}}'
    stack, run = await started(core, pool, repository, file, sparse_checkout_paths=["own", "too"])
    await worker.take(run)

    built, _ = await given(core, stack, run)

    assert built.sparse_paths == ["own", "too"]


@pytest.mark.parametrize("path", ["/etc", "../up", "a/../../b", "mod*", "[ab]", ".", "-x", "a\\b"])
async def test_paths_that_are_no_plain_ones_are_refused(core, pool, repository, path):
    text = f"stack_defaults: {{git_sparse_checkout_paths: ['{path}']}}"
    _, run = await started(core, pool, repository, text)

    assert "is not a plain path" in (await run_now(core, run)).failure
    with pytest.raises(BadStack, match=r"sparse checkout: .* is not a plain path"):
        await given_a_stack(core, pool, "Other", sparse_checkout_paths=[path])
    assert await core.rows("select id from stack") == [("network",)]
