"""Commits come out of real repositories whole, and nothing in a repository is run on the way."""

from __future__ import annotations

import os
import subprocess
import tarfile
from datetime import UTC, datetime, timedelta

import pytest
from gantry.infra.git import GitSources
from gantry.ports.sources import BadRepository, NoSuchRef, RepositoryUnreachable

from tests.support.git_repository import Repository, files_in

ABSENT = "1" * 40


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "source")


@pytest.fixture
def sources(tmp_path):
    made = _sources(tmp_path)
    yield made
    assert not list((tmp_path / "scratch").glob("*"))


def _sources(tmp_path, **changes):
    given = {
        "allow_file": True,
        "allow_private": False,
        "scratch": tmp_path / "scratch",
        "timeout": timedelta(seconds=30),
    }
    return GitSources(**(given | changes))


@pytest.fixture
def archive(tmp_path):
    """Where the archive goes: a directory in which nothing else may appear."""
    place = tmp_path / "out"
    place.mkdir()
    yield place / "source.tar.gz"
    assert {entry.name for entry in place.iterdir()} <= {"source.tar.gz"}


# ---------------------------------------------------------------- finding the head


async def test_the_head_is_the_tip_of_exactly_that_branch(sources, repository):
    first = repository.commit({"main.tf": "1"})
    second = repository.commit({"main.tf": "2"})
    repository.git("branch", "feature/x", first)
    repository.git("update-ref", "refs/heads/other/refs/heads/main", first)
    repository.git("update-ref", "refs/heads/été", first)

    assert await sources.head(repository.url, "main") == second
    assert await sources.head(repository.url, "feature/x") == first
    assert await sources.head(repository.url, "été") == first
    with pytest.raises(NoSuchRef):
        await sources.head(repository.url, "x")


async def test_a_tag_stands_for_its_commit_unless_a_branch_has_the_name(sources, repository):
    first = repository.commit({"main.tf": "1"})
    repository.git("tag", "-a", "v1", "-m", "first")
    repository.git("tag", "light")
    repository.git("tag", "main")
    second = repository.commit({"main.tf": "2"})

    assert await sources.head(repository.url, "v1") == first
    assert await sources.head(repository.url, "light") == first
    assert await sources.head(repository.url, "main") == second


async def test_a_missing_branch_is_named(sources, repository):
    with pytest.raises(NoSuchRef, match="no branch or tag “main”"):  # no commit at all yet
        await sources.head(repository.url, "main")
    repository.commit()

    with pytest.raises(NoSuchRef, match="no branch or tag “gone/away”"):
        await sources.head(repository.url, "gone/away")


async def test_a_missing_repository_is_unreachable(sources, tmp_path, archive):
    with pytest.raises(RepositoryUnreachable, match="no repository at") as refused:
        await sources.head(f"file://{tmp_path}/none", "main")
    assert "does not appear to be a git repository" in refused.value.detail

    with pytest.raises(RepositoryUnreachable, match="no repository at"):
        await sources.fetch(f"file://{tmp_path}/none", ABSENT, archive, branch="main")
    assert not archive.exists()


async def test_percent_signs_in_a_path_are_read_as_git_reads_them(sources, tmp_path):
    sha = Repository(tmp_path / "a b").commit()

    assert await sources.head(f"file://{tmp_path}/a%20b", "main") == sha


async def test_repositories_of_other_owners_can_be_read(sources, repository, archive):
    sha = repository.commit({"main.tf": "1"})
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    for path in (repository.path, *repository.path.rglob("*")):
        os.chown(path, 12345, 12345)

    assert await sources.head(repository.url, "main") == sha
    assert (await sources.fetch(repository.url, sha, archive, branch="main")).sha == sha


# ---------------------------------------------------------------- fetching a commit


async def test_a_commit_is_fetched_with_what_it_says_of_itself(sources, repository, archive):
    sha = repository.commit({"main.tf": "resource", "modules/a/x.tf": b"\0\xff"}, "Add a\n\nWhy\n")

    info = await sources.fetch(repository.url, sha, archive, branch="main")

    assert info.sha == sha
    assert info.message == "Add a\n\nWhy"
    assert info.author_name == "Ada Vale"
    assert info.authored_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert files_in(archive) == {"main.tf": b"resource", "modules/a/x.tf": b"\0\xff"}


async def test_a_commit_that_is_no_longer_the_tip_is_fetched_alone(sources, repository, archive):
    old = repository.commit({"main.tf": "old"})
    repository.commit({"main.tf": "new"})
    orphan = repository.commit({"main.tf": "orphan"})
    repository.git("reset", "--hard", "--quiet", "HEAD~1")

    for sha, text in ((old, b"old"), (orphan, b"orphan")):
        assert (await sources.fetch(repository.url, sha, archive, branch="main")).sha == sha
        assert files_in(archive) == {"main.tf": text}


async def test_a_branch_that_is_gone_does_not_matter_where_commits_are_served(
    sources, repository, archive
):
    sha = repository.commit({"main.tf": "1"})

    assert (await sources.fetch(repository.url, sha, archive, branch="gone")).sha == sha


async def test_the_same_commit_gives_the_same_bytes(sources, repository, archive):
    sha = repository.commit({f"{n}.tf": str(n) * 999 for n in range(50)})
    await sources.fetch(repository.url, sha, archive, branch="main")
    first = archive.read_bytes()

    await sources.fetch(repository.url, sha, archive, branch="main")

    assert archive.read_bytes() == first


async def test_a_commit_without_files_is_refused(sources, repository, archive):
    sha = repository.commit()

    with pytest.raises(BadRepository, match="holds no files"):
        await sources.fetch(repository.url, sha, archive, branch="main")

    assert not archive.exists()


async def test_a_repository_with_sha256_works_too(sources, tmp_path, archive):
    repository = Repository(tmp_path / "modern", "--object-format=sha256")
    sha = repository.commit({"main.tf": "1"})

    assert len(sha) == 64
    assert await sources.head(repository.url, "main") == sha
    assert (await sources.fetch(repository.url, sha, archive, branch="main")).sha == sha
    assert files_in(archive) == {"main.tf": b"1"}


async def test_what_is_not_a_commit_there_is_refused_and_leaves_nothing(
    sources, repository, archive
):
    repository.commit({"main.tf": "1"})
    repository.git("tag", "-a", "v1", "-m", "first")
    for sha in (
        ABSENT,
        "1" * 64,
        repository.git("rev-parse", "v1"),
        repository.git("rev-parse", "HEAD^{tree}"),
        repository.git("rev-parse", "HEAD:main.tf"),
    ):
        with pytest.raises(NoSuchRef, match=sha):
            await sources.fetch(repository.url, sha, archive, branch="main")

    assert not archive.exists()


async def test_a_failure_leaves_the_archive_that_was_there(sources, repository, archive):
    repository.commit()
    archive.write_bytes(b"before")

    with pytest.raises(NoSuchRef):
        await sources.fetch(repository.url, ABSENT, archive, branch="main")

    assert archive.read_bytes() == b"before"


async def test_an_archive_that_cannot_be_put_in_place_is_not_left_beside_it(
    sources, repository, archive
):
    sha = repository.commit({"main.tf": "1"})
    archive.mkdir()

    with pytest.raises(IsADirectoryError):
        await sources.fetch(repository.url, sha, archive, branch="main")

    assert not list(archive.iterdir())


# ---------------------------------------------------------------- what commits may say


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("Größe ändern 🚀\n\nzweite Zeile\n\n\tdritte", "Зоя 雪"),
        ("", "x"),
        ("%H %an $(id) `id` \x1b[31m <script>", 'O\'Hara "Q" %x00'),
        ("fatal: not our ref", "error: x"),
    ],
)
async def test_messages_and_names_arrive_as_they_were_written(
    sources, repository, archive, message, name
):
    sha = repository.commit({"main.tf": "1"}, message, GIT_AUTHOR_NAME=name)

    info = await sources.fetch(repository.url, sha, archive, branch="main")

    assert (info.message, info.author_name) == (message, name)


async def test_other_encodings_become_utf8(sources, repository, archive):
    latin = ("-c", "i18n.commitEncoding=ISO-8859-1")
    said = repository.commit({"main.tf": "1"}, "Größe".encode("latin-1"), *latin)
    tree = repository.git("rev-parse", "HEAD^{tree}")
    lied = repository.commit_tree(tree, message=b"Gr\xf6\xdfe")

    assert (await sources.fetch(repository.url, said, archive, branch="main")).message == "Größe"
    message = (await sources.fetch(repository.url, lied, archive, branch="main")).message
    assert message == "Gr\ufffd\ufffde"


@pytest.mark.parametrize("at", [b"99999999999999 +0000", b"-5 +0000", b"junk", b""])
async def test_impossible_times_do_not_stop_a_commit(sources, repository, archive, at):
    repository.commit({"main.tf": "1"})
    sha = repository.commit_tree(repository.git("rev-parse", "HEAD^{tree}"), at=at)

    info = await sources.fetch(repository.url, sha, archive, branch="main")

    assert info.authored_at == datetime.fromtimestamp(0, UTC)
    assert files_in(archive) == {"main.tf": b"1"}


async def test_a_message_is_cut_and_an_absurd_one_refused(sources, repository, archive):
    long = repository.commit({"main.tf": "1"}, "x" * 100_000)
    absurd = repository.commit({"main.tf": "1"}, "x" * 2_000_000)

    info = await sources.fetch(repository.url, long, archive, branch="main")
    assert info.message == "x" * 65536
    archive.unlink()
    with pytest.raises(BadRepository, match="more about this commit"):
        await sources.fetch(repository.url, absurd, archive, branch="main")

    assert not archive.exists()


# ---------------------------------------------------------------- what repositories may hold


async def test_attributes_neither_run_nor_change_nor_hide_anything(
    sources, repository, archive, tmp_path
):
    attributes = (
        "[attr]sneaky export-subst export-ignore\n"
        "*.tf sneaky ident filter=evil diff=evil working-tree-encoding=UTF-16\n"
        "hidden export-ignore\n"
        "secret/ export-ignore\n"
        "*.bat text eol=crlf\n"
        "*.lfs filter=lfs\n"
    )
    given = {
        "main.tf": "$Format:%H%n%(trailers)$ $Id$\n",
        "hidden": "h",
        "secret/a": "a",
        "run.bat": "one\n",
        "x.lfs": "version https://git-lfs.github.com/spec/v1\n",
    }
    repository.commit(given)
    blob = repository.object("blob", attributes.encode())
    repository.git("update-index", "--add", "--cacheinfo", f"100644,{blob},.gitattributes")
    sha = repository.commit_tree(repository.git("write-tree"))
    marker = tmp_path / "ran"
    for setting in ("filter.evil.smudge", "filter.evil.clean", "filter.evil.process",
                    "filter.lfs.process", "diff.evil.textconv", "tar.tar.gz.command"):  # fmt: skip
        repository.git("config", setting, f"touch {marker}; cat")

    await sources.fetch(repository.url, sha, archive, branch="main")

    assert files_in(archive) == {
        **{name: text.encode() for name, text in given.items()},
        ".gitattributes": attributes.encode(),
        "run.bat": b"one\r\n",  # line endings alone are as in a checkout
    }
    assert not marker.exists()


async def test_hooks_and_commands_in_a_repositorys_configuration_are_not_run(
    sources, repository, archive, tmp_path
):
    sha = repository.commit({"main.tf": "1"})
    marker = tmp_path / "ran"
    command = tmp_path / "command"
    command.write_text(f"#!/bin/sh\ntouch {marker}\nexit 1\n")
    command.chmod(0o755)
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "core.gitProxy",
                 "core.alternateRefsCommand", "uploadpack.packObjectsHook", "gpg.program",
                 "credential.helper"):  # fmt: skip
        repository.git("config", name, str(command))
    repository.git("config", "extensions.partialClone", "origin")
    repository.git("config", "core.repositoryFormatVersion", "1")
    repository.git("config", "remote.origin.url", f"ext::{command}")
    repository.git("config", "remote.origin.uploadpack", str(command))
    for hook in ("post-checkout", "reference-transaction", "post-update", "pre-auto-gc",
                 "upload-pack", "fsmonitor-watchman"):  # fmt: skip
        (repository.path / ".git/hooks" / hook).write_text(command.read_text())
        (repository.path / ".git/hooks" / hook).chmod(0o755)

    assert await sources.head(repository.url, "main") == sha
    await sources.fetch(repository.url, sha, archive, branch="main")
    with pytest.raises(NoSuchRef):
        await sources.fetch(repository.url, ABSENT, archive, branch="main")

    assert files_in(archive) == {"main.tf": b"1"}
    assert not marker.exists()


async def test_symlinks_stay_symlinks_and_modes_are_plain(sources, repository, archive):
    repository.write({"run.sh": "#!/bin/sh\n", "dir/main.tf": "1"})
    (repository.path / "run.sh").chmod(0o777)
    (repository.path / "up").symlink_to("../../../etc/passwd")
    (repository.path / "root").symlink_to("/etc")
    (repository.path / "down").symlink_to("dir/main.tf")
    sha = repository.commit()

    await sources.fetch(repository.url, sha, archive, branch="main")

    with tarfile.open(archive) as tar:
        links = {entry.name: entry.linkname for entry in tar if entry.issym()}
        modes = {entry.name: entry.mode for entry in tar if not entry.issym()}
        owners = {(entry.uid, entry.gid) for entry in tar}
    assert links == {"up": "../../../etc/passwd", "root": "/etc", "down": "dir/main.tf"}
    assert modes == {"dir": 0o755, "dir/main.tf": 0o644, "run.sh": 0o755}
    assert owners == {(0, 0)}


async def test_submodules_are_empty_directories(sources, repository, archive, tmp_path):
    marker = tmp_path / "ran"
    repository.write({".gitmodules": f'[submodule "m"]\npath = m\nurl = ext::touch {marker}\n'})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{ABSENT},m")
    repository.git("add", ".gitmodules")
    sha = repository.commit_tree(repository.git("write-tree"))

    await sources.fetch(repository.url, sha, archive, branch="main")

    with tarfile.open(archive) as tar:
        assert tar.getmember("m").isdir()
    assert not marker.exists()


@pytest.mark.parametrize(
    "path", [b"..", b"../x", b"/etc/x", b"a/../../x", b".", b"a//b", b".git", b".GIT", b"x" * 5000]
)
async def test_paths_that_lead_elsewhere_are_refused(sources, repository, archive, path):
    blob = repository.object("blob", b"payload")
    tree = repository.object("tree", b"100644 %s\0" % path + bytes.fromhex(blob))
    outer = repository.object("tree", b"40000 sub\0" + bytes.fromhex(tree))

    for root in (tree, outer):
        sha = repository.commit_tree(root)
        with pytest.raises(BadRepository, match="holds a path"):
            await sources.fetch(repository.url, sha, archive, branch="main")

    assert not archive.exists()


# ---------------------------------------------------------------- how much is taken


async def test_a_tree_above_the_limit_is_refused_although_it_packs_well(
    tmp_path, repository, archive
):
    fits = repository.commit({"a": b"\0" * 900_000})
    large = repository.commit({"b": b"\0" * 900_000})
    sources = _sources(tmp_path, max_bytes=2**20)

    await sources.fetch(repository.url, fits, archive, branch="main")
    archive.unlink()
    with pytest.raises(BadRepository, match="files take more than 1 MiB"):
        await sources.fetch(repository.url, large, archive, branch="main")

    assert not archive.exists()
    assert not list((tmp_path / "scratch").iterdir())


async def test_a_tree_that_unfolds_without_end_is_refused_early(sources, repository, archive):
    inner = repository.object("blob", b"x")
    mode = b"100644"
    for _ in range(12):  # a million million files in twelve small objects
        inner = repository.object(
            "tree", b"".join(mode + b" %d\0" % n + bytes.fromhex(inner) for n in range(10))
        )
        mode = b"40000"
    sha = repository.commit_tree(inner)

    with pytest.raises(BadRepository, match="files take more than 512 MiB"):
        await sources.fetch(repository.url, sha, archive, branch="main")

    assert not archive.exists()


async def test_a_download_above_the_limit_is_refused(tmp_path, repository, archive):
    sha = repository.commit({"noise": os.urandom(3 * 2**20)})
    sources = _sources(tmp_path, max_bytes=2 * 2**20)

    with pytest.raises(BadRepository, match="receive more than 2 MiB"):
        await sources.fetch(repository.url, sha, archive, branch="main")

    assert not archive.exists()
    assert not list((tmp_path / "scratch").iterdir())


# ---------------------------------------------------------------- what surrounds the server


async def test_the_servers_own_surroundings_have_no_say(
    sources, repository, archive, tmp_path, monkeypatch
):
    sha = repository.commit({"main.tf": "1"})
    elsewhere = tmp_path / "elsewhere"
    home = tmp_path / "home"
    home.mkdir()
    lines = f'[url "file://{elsewhere}/"]\n\tinsteadOf = file://\n[core]\n\thooksPath = {home}\n'
    (home / ".gitconfig").write_text(lines)
    Repository(tmp_path / "scratch").write({".git/config": lines})  # scratch lies in a repository
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_DIR": str(elsewhere),
        "GIT_CONFIG_PARAMETERS": "'core.bare=junk",
        "GIT_OBJECT_DIRECTORY": str(elsewhere),
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_ALLOW_PROTOCOL": "https",
        "https_proxy": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)

    try:
        assert await sources.head(repository.url, "main") == sha
        await sources.fetch(repository.url, sha, archive, branch="main")
    finally:
        subprocess.run(["rm", "-r", tmp_path / "scratch" / ".git"], check=True)

    assert files_in(archive) == {"main.tf": b"1"}
    assert not (tmp_path / "trace").exists()
