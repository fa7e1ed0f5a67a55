"""Archives of strangers: what is refused before anything is unpacked."""

import asyncio
import gzip
import io
import tarfile

import pytest
from gantry_worker import unpacking
from gantry_worker.runtimes.choice import Choice
from gantry_worker.runtimes.process import for_run
from gantry_worker.unpacking import check, unpack
from gantry_worker.workspace import BadWorkspace, Workspace

UNISOLATED = Choice("process", False, for_run)


def plain(name, data=b"x"):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    return member, data


def of_type(name, kind, target=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def link(name, target):
    return of_type(name, tarfile.SYMTYPE, target)


def hard(name, target):
    return of_type(name, tarfile.LNKTYPE, target)


def tree(path, *members, behind=b""):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, data in members:
            tar.addfile(member, io.BytesIO(data))
    path.write_bytes(gzip.compress(raw.getvalue() + behind))
    return path


HOSTILE = {
    "absolute": [plain("/etc/cron.d/x")],
    "upwards": [plain("a/../../x")],
    "link to the root": [link("a", "/etc")],
    "link upwards": [link("a/b", "../../x")],
    "link up after down": [link("d/s", "../.."), link("t", "d/s/../../..")],
    "below a link": [of_type("d", tarfile.DIRTYPE), link("l", "d"), plain("l/x")],
    "in place of a link": [link("l", "x"), plain("l")],
    "a link in place of a directory": [of_type("d", tarfile.DIRTYPE), link("d", "x")],
    "hard link out": [hard("h", "../x")],
    "hard link through a link": [link("l", "d"), hard("h", "l/x")],
    "device": [of_type("d", tarfile.CHRTYPE)],
    "fifo": [of_type("f", tarfile.FIFOTYPE)],
    "long component": [plain("x" * 256)],
    "long name": [plain("/".join(["x" * 200] * 21))],
    "large header": [plain("x/" * 1_000_000 + "y")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_tree_that_could_do_harm_is_refused_and_nothing_is_unpacked(members, tmp_path):
    workspace = Workspace(tmp_path / "run")
    workspace.make()
    archive = tree(workspace.incoming / "it.tar.gz", plain("fine"), *members)

    with pytest.raises(BadWorkspace):
        await unpack(
            archive, workspace.source, workspace, UNISOLATED, asyncio.Event(), checked=True
        )

    assert list(workspace.source.iterdir()) == []


def test_links_within_the_tree_are_taken(tmp_path):
    check(tree(tmp_path / "t", plain("a/b/c"), link("a/b/up", "../../a"), link("l", "a/b/c")))


def test_a_tree_that_goes_on_behind_its_end_is_refused(tmp_path):
    with pytest.raises(BadWorkspace, match="behind its end"):
        check(tree(tmp_path / "t", plain("a"), behind=b"more" * 200))


def test_a_tree_that_unpacks_to_too_much_is_refused_without_being_read_whole(tmp_path, monkeypatch):
    archive = tree(tmp_path / "t", plain("zeros", bytes(4 * 1024 * 1024)))
    monkeypatch.setattr(unpacking, "MAX_UNPACKED", 1024 * 1024)

    with pytest.raises(BadWorkspace, match="too large"):
        check(archive)


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "t").write_bytes(b"<html>")

    with pytest.raises(BadWorkspace):
        check(tmp_path / "t")
