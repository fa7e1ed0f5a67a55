"""What a run is made with: the file of its commit, its own block, the stack and its contexts."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest
from gantry.domains.contexts import service as elements
from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.domains.runs import configuration_repo, configuring, triggers
from gantry.domains.runs.configuration import IGNORE_FILE
from gantry.domains.runs.states import Kind
from gantry.domains.runs.states import State as S
from gantry.domains.vcs import uploads
from gantry.kernel.tx import SYSTEM
from gantry.ports.objects import Bucket
from gantry_protocol.words import Phase

from tests.support.git_repository import Repository
from tests.support.given import (
    ADMIN,
    given_a_run,
    given_a_stack,
    given_a_worker,
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


@pytest.fixture
async def worker(core, pool):
    return await given_a_worker(core, pool)


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


async def test_a_local_preview_takes_the_file_of_the_uploaded_tree(core, pool, worker):
    stack = await given_a_stack(core, pool, local_preview_enabled=True)
    file = await uploaded(core, packed({"main.tf": b"", "./.spacelift/config.yml": FILE.encode()}))
    async with core.db.write(ADMIN) as tx:
        place = await triggers.ticket_for_local_workspace(tx, stack.id)
    async with core.db.write(ADMIN) as tx:
        run = await triggers.propose_local(
            tx,
            core.vault,
            stack.id,
            workspace_id=place.id,
            overrides=[("REGION", "mine")],
            file=file,
        )
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
