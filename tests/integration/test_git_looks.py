"""What a repository has is told without bringing more of it than that takes."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from gantry.infra.git import GitSources
from gantry.infra.git_looks import MAX_BRANCH_BYTES, DirectoryList, RefList
from gantry.ports.sources import BadRepository, NoSuchRef, RepositoryUnreachable

from tests.support.git_repository import Repository

ABSENT = "1" * 40


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "source")


@pytest.fixture
def given(tmp_path):
    """Makes sources whose scratch space has to be empty in the end."""

    def make(**changes):
        settings = {"allow_file": True, "allow_private": False, "timeout": timedelta(seconds=30)}
        return GitSources(scratch=tmp_path / "scratch", **settings, **changes)

    yield make
    assert not list((tmp_path / "scratch").glob("*"))


@pytest.fixture
def sources(given):
    return given()


async def test_branches_are_told_with_the_default_and_the_tip_of_the_one_asked_for(
    sources, repository
):
    first = repository.commit({"main.tf": "1"})
    repository.git("branch", "feature/été", first)
    second = repository.commit({"main.tf": "2"})

    refs = await sources.refs(repository.url, "feature/été")
    assert (refs.branches, refs.complete) == (("feature/été", "main"), True)
    assert (refs.default, refs.sha) == ("main", first)
    assert (await sources.refs(repository.url, "main")).sha == second
    assert (await sources.refs(repository.url, "été")).sha is None
    assert (await sources.refs(repository.url, None)).sha is None


async def test_a_tag_counts_where_no_branch_has_the_name(sources, repository):
    first = repository.commit({"main.tf": "1"})
    repository.git("tag", "-a", "v1", "-m", "first")
    repository.git("tag", "main")
    second = repository.commit({"main.tf": "2"})

    assert (await sources.refs(repository.url, "v1")).sha == first
    assert (await sources.refs(repository.url, "main")).sha == second


async def test_a_repository_without_commits_has_no_branches(sources, repository):
    refs = await sources.refs(repository.url, "main")

    assert (refs.branches, refs.sha) == ((), None)


async def test_what_cannot_be_read_is_refused_as_for_the_head(sources, repository, tmp_path):
    sha = repository.commit({"main.tf": "1"})

    with pytest.raises(RepositoryUnreachable, match="no repository at"):
        await sources.refs(f"file://{tmp_path}/none", "main")
    with pytest.raises(BadRepository):
        await sources.refs("https://127.0.0.1/x", "main")
    for branch in ("--upload-pack=x", "refs/*", "a..b"):
        with pytest.raises(BadRepository):
            await sources.refs(repository.url, branch)
        with pytest.raises(BadRepository):
            await sources.tree(repository.url, sha, branch=branch)
    with pytest.raises(NoSuchRef):
        await sources.tree(repository.url, ABSENT, branch="main")


async def test_directories_are_told_with_whose_code_is_in_them(sources, repository):
    repository.write(
        {
            "main.tf": "1",
            "a/b/x.tf.json": "{}",
            "only/y.tofu": "",
            "docs/read.md": "",
        }
    )
    (repository.path / "link").symlink_to("a")
    sha = repository.commit()

    tree = await sources.tree(repository.url, sha, branch="main")

    assert tree.directories == {"", "a", "a/b", "only", "docs"}
    assert (tree.terraform, tree.opentofu) == ({"", "a/b"}, {"", "a/b", "only"})
    assert (tree.links, tree.complete) == ({"link"}, True)


@pytest.mark.parametrize("leaves_out", [True, False])
async def test_files_are_left_out_where_the_server_can_do_that(given, repository, leaves_out):
    repository.git("config", "uploadpack.allowFilter", str(leaves_out).lower())
    sha = repository.commit({"main.tf": "1", "large/it": os.urandom(200_000)})
    sources = given(max_bytes=100_000)

    if leaves_out:
        tree = await sources.tree(repository.url, sha, branch="main")
        assert tree.directories == {"", "large"}
    else:
        with pytest.raises(BadRepository, match="too large"):
            await sources.tree(repository.url, sha, branch="main")


def test_of_endless_lists_so_much_is_kept_and_the_asked_for_is_found():
    listed = RefList("z")
    name = "b" * 200
    for n in range(MAX_BRANCH_BYTES // 200 + 5):
        listed(f"{ABSENT}\trefs/heads/{name}{n}\n".encode())
    listed(f"{'2' * 40}\trefs/he".encode())
    listed(b"ads/z\n" + b"x" * 100_000)

    refs = listed.found()
    assert (refs.complete, refs.sha) == (False, "2" * 40)
    assert sum(map(len, refs.branches)) <= MAX_BRANCH_BYTES


def test_of_endless_directories_so_many_are_kept():
    listed = DirectoryList()
    for n in range(20_000):
        listed(f"100644 {'d' * 100}{n}/main.tf\0".encode())

    tree = listed.found()
    assert not tree.complete
    assert tree.terraform < tree.directories
