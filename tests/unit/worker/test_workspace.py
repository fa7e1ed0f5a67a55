"""A workspace that hostile commands have filled: read, written, stored and removed safely."""

import asyncio
import base64
import hashlib
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from gantry_protocol.manifest import MountedFile
from gantry_worker import archive, returned
from gantry_worker.agent import clear_leftovers
from gantry_worker.archive import open_sealed, pack
from gantry_worker.keys import PoolKey
from gantry_worker.removal import remove_tree
from gantry_worker.runtimes import process, sandbox
from gantry_worker.runtimes.choice import Choice
from gantry_worker.unpacking import unpack
from gantry_worker.workspace import PLAN, BadWorkspace, Workspace, write_files

LIMIT = 100


@pytest.fixture
def workspace(tmp_path):
    made = Workspace(tmp_path / "runs" / "mine")
    made.make()
    return made


@pytest.fixture(scope="module")
def key():
    words = ("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    return PoolKey(subprocess.run(words, capture_output=True, check=True, text=True).stdout)


def mounted(path, content=b"mounted"):
    return MountedFile(path=path, content=base64.b64encode(content).decode(), secret=True)


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "secret").write_text("of the host")
    (tmp_path / "link").symlink_to(tmp_path / "secret")

    with pytest.raises(returned.Unfit):
        returned.read(tmp_path, "link", LIMIT)
    assert not returned.exists(tmp_path, "link")


def test_a_link_on_the_way_is_not_followed(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "file").write_text("x")
    (tmp_path / "l").symlink_to("d")

    with pytest.raises(returned.Unfit):
        returned.read(tmp_path, "l/file", LIMIT)
    assert returned.read(tmp_path, "d/file", LIMIT) == b"x"


def test_a_fifo_a_directory_and_a_file_without_end_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "directory").mkdir()
    with (tmp_path / "large").open("wb") as file:
        file.truncate(10 * 1024**4)

    for name in ("fifo", "directory", "large", "../large", "/etc/passwd"):
        with pytest.raises(returned.Unfit):
            returned.read(tmp_path, name, LIMIT)


def test_what_is_not_there_is_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError):
        returned.read(tmp_path, "nothing", LIMIT)


def test_a_file_takes_the_place_of_a_link_and_not_of_its_target(tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "link").symlink_to(tmp_path / "theirs")

    returned.put(tmp_path, "link", b"ours")

    assert (tmp_path / "theirs").read_text() == "theirs"
    assert (tmp_path / "link").read_bytes() == b"ours"
    assert not (tmp_path / "link").is_symlink()


def test_a_mounted_file_replaces_a_link_and_a_fifo(workspace, tmp_path):
    outside = tmp_path / "authorized_keys"
    outside.write_text("theirs")
    (workspace.source / "link").symlink_to(outside)
    os.mkfifo(workspace.source / "fifo")

    write_files(workspace, [mounted("source/link"), mounted("source/fifo")])

    assert outside.read_text() == "theirs"
    assert (workspace.source / "fifo").read_bytes() == b"mounted"
    assert stat.S_IMODE((workspace.source / "link").stat().st_mode) == 0o600


def test_a_link_in_the_place_of_the_source_is_no_project(workspace, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "app").mkdir(parents=True)
    workspace.source.rename(workspace.root / "moved")
    workspace.source.symlink_to(elsewhere)

    for name in ("", "app"):
        with pytest.raises(BadWorkspace, match="leads out"):
            workspace.project(name)


def test_a_mounted_file_does_not_leave_the_workspace_through_a_link(workspace, tmp_path):
    (workspace.source / "out").symlink_to(tmp_path)

    with pytest.raises(BadWorkspace):
        write_files(workspace, [mounted("source/out/file")])

    assert not (tmp_path / "file").exists()


def test_the_plan_is_kept_where_the_run_cannot_change_it(workspace):
    (workspace.back / PLAN).write_bytes(b"the plan")

    digest = workspace.keep_plan()
    (workspace.back / PLAN).write_bytes(b"another")

    assert digest == hashlib.sha256(b"the plan").hexdigest()
    assert workspace.plan.read_bytes() == b"the plan"
    assert not workspace.plan.is_relative_to(workspace.root)


def test_a_plan_that_is_a_link_is_not_kept(workspace, tmp_path):
    (tmp_path / "secret").write_text("of the host")
    (workspace.back / PLAN).symlink_to(tmp_path / "secret")

    with pytest.raises(returned.Unfit):
        workspace.keep_plan()

    assert not workspace.plan.exists()


def test_what_was_left_in_the_way_back_is_forgotten(workspace):
    (workspace.back / "status").mkdir()
    (workspace.back / "status" / "file").write_text("x")

    workspace.clear_back()

    assert list(workspace.back.iterdir()) == []


@pytest.mark.parametrize(
    "choice",
    [Choice("sandbox", True, sandbox.for_run), Choice("process", False, process.for_run)],
    ids=lambda choice: choice.name,
)
async def test_a_stored_workspace_comes_back_with_what_is_the_workers_own_and_without_pipes(
    workspace, key, tmp_path, choice
):
    workspace.plan.write_bytes(b"the plan")
    workspace.masks.write_text('["later"]')
    (workspace.source / ".terraform").mkdir()
    (workspace.source / ".terraform" / "provider").write_text("it")
    (workspace.root / ".gantry").mkdir()
    (workspace.root / ".gantry" / PLAN).write_bytes(b"forged")
    os.mkfifo(workspace.source / "fifo")
    other = Workspace(tmp_path / "runs" / "other")
    other.make()

    pack(workspace, key, "RUN", other.incoming / "it.sealed")
    stored = open_sealed(other.incoming / "it.sealed", key, "RUN", other)
    await unpack(stored, other.root, other, choice, asyncio.Event(), checked=False)

    assert other.plan.read_bytes() == b"the plan"
    assert other.masks.read_text() == '["later"]'
    # Out of the sight of commands: neither ours, nor what would have passed for it.
    assert not (other.root / ".gantry").exists()
    assert (other.source / ".terraform" / "provider").read_text() == "it"
    assert not (other.source / "fifo").exists()


def test_a_file_with_holes_is_too_large_to_be_stored(workspace, key, tmp_path):
    with (workspace.source / "sparse").open("wb") as file:
        file.truncate(archive.MAX_UNPACKED + 1)

    with pytest.raises(BadWorkspace, match="too large"):
        pack(workspace, key, "RUN", tmp_path / "it.sealed")

    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_workspace_goes_whatever_is_in_it_and_links_are_not_followed(workspace, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)
    (outside / "kept").write_text("x")
    (workspace.root / "link").symlink_to(outside)
    locked = workspace.source / "locked"
    (locked / "inner").mkdir(parents=True)
    locked.chmod(0)
    _dig(workspace.source, 1500)

    workspace.remove()

    assert not workspace.root.exists()
    assert not workspace.own.exists()
    assert (outside / "kept").exists()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o500


def _dig(start, depth):
    """Deeper than Python recurses and than a path may be long."""
    at = os.open(start, os.O_DIRECTORY)
    for _ in range(depth):
        os.mkdir("deep", dir_fd=at)
        inner = os.open("deep", os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(at)


@pytest.mark.skipif(os.getuid() != 0, reason="becomes an ordinary user, for whom modes count")
def test_an_ordinary_user_removes_directories_without_modes():
    script = """
import os, sys
from pathlib import Path
from gantry_worker.removal import remove_tree
os.setuid(65534)
place = Path(sys.argv[1]) / "tree"
(place / "a" / "b").mkdir(parents=True)
(place / "a" / "b").chmod(0)
(place / "a").chmod(0)
remove_tree(place)
print(place.exists())
"""
    # pytest's own directories are closed to other users.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        words = [sys.executable, "-c", script, place]
        told = subprocess.run(words, capture_output=True, text=True, check=False)

    assert told.stdout == "False\n", told.stderr


def test_leftovers_of_every_kind_are_cleared(workspace, tmp_path):
    (tmp_path / "runs" / "file").write_text("x")
    (tmp_path / "runs" / "dangling").symlink_to("nothing")

    assert clear_leftovers(tmp_path) == 4

    assert list((tmp_path / "runs").iterdir()) == []


def test_removing_nothing_is_no_mistake(tmp_path):
    remove_tree(tmp_path / "nothing")


def test_links_that_lead_to_themselves_are_no_place_for_anything(tmp_path):
    workspace = Workspace(tmp_path / "run")
    workspace.make()
    (workspace.source / "loop").symlink_to("loop")
    inside = MountedFile(path="source/loop/file", content="eA==")

    with pytest.raises(BadWorkspace, match="in circles"):
        workspace.project("loop")
    with pytest.raises(BadWorkspace, match="in circles"):
        write_files(workspace, [inside])

    assert [path.name for path in workspace.source.iterdir()] == ["loop"]
