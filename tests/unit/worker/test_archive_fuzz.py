"""Archives as strangers make them: what is taken lies where it should, what is not touches nothing.

Two programs read each archive, ours to judge it and `tar` to unpack it. Where they understood it
differently, something could slip through; so headers here are made byte by byte.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import stat
import tarfile
from pathlib import Path
from typing import Any

from gantry_worker.runtimes.choice import Choice
from gantry_worker.runtimes.process import for_run
from gantry_worker.unpacking import check, unpack
from gantry_worker.workspace import BadWorkspace, Workspace
from hypothesis import event, given
from hypothesis import strategies as st

from tests.support.fuzzing import fuzz

UNISOLATED = Choice("process", False, for_run)
BLOCK = 512

STEPS = st.sampled_from(
    [b"a", b"b", b"c", b"d", b"a", b"b", b"..", b".", b"", b"x" * 120, b"x" * 256, b"\xff", b"-C"]
)
NAMES = st.lists(STEPS, min_size=1, max_size=4).map(b"/".join) | st.sampled_from(
    [b"/a", b"a/", b"./a", b"a//b", b"../outside", b"/", b".", b"", b"a\nb", b"--x=y", b"a\\b"]
)
KINDS = st.sampled_from(
    [*b"0000005522221\x00\x007", *b"346SDMVNXxgLKAZ"]  # the last ones are rarely seen in the wild
).map(lambda number: bytes([number]))
DATA = st.binary(max_size=20) | st.just(b"y" * 700)
PAX_KEYS = st.sampled_from(
    [
        *("path", "linkpath", "size", "mode", "GNU.sparse.major", "GNU.sparse.minor"),
        *(
            "GNU.sparse.name",
            "GNU.sparse.realsize",
            "GNU.sparse.map",
            "GNU.sparse.size",
            "hdrcharset",
        ),
        *("SCHILY.realsize", "SCHILY.xattr.user.x", "comment"),
    ]
)


def header(
    name: bytes,
    kind: bytes = b"0",
    size: int | bytes = 0,
    link: bytes = b"",
    *,
    gnu: bool = False,
    prefix: bytes = b"",
    odd: bool = False,
) -> bytes:
    """One header as POSIX or old GNU tar write it, with a checksum that fits unless `odd`."""
    length = size if isinstance(size, bytes) else b"%011o\0" % size
    magic = b"ustar  \0" if gnu else b"ustar\x0000"
    head = bytearray(BLOCK)
    for at, width, value in (
        (0, 100, name),
        (100, 8, b"0000644\0"),
        (108, 8, b"0000000\0"),
        (116, 8, b"0000000\0"),
        (124, 12, length),
        (136, 12, b"00000000000\0"),
        (156, 1, kind),
        (157, 100, link),
        (257, 8, magic),
        (345, 155, b"" if gnu else prefix),
    ):
        head[at : at + width] = value[:width].ljust(width, b"\0")
    head[148:156] = b" " * 8
    total = sum(head) + (1 if odd else 0)
    head[148:156] = b"%06o\0 " % total
    return bytes(head)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def record(key: bytes, value: bytes) -> bytes:
    """One line of an extended header, which begins with its own length."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length += 1
    return b"%d" % length + rest


GENTLE_STEPS = st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"\xc3\xa9", b"x" * 90])
GENTLE_NAMES = st.lists(GENTLE_STEPS, min_size=1, max_size=3).map(b"/".join)
GENTLE_LINKS = GENTLE_NAMES | st.sampled_from([b"../a", b"../../b", b".", b"a/", b"./c"])
ODD_SIZES = [b"-1", b"\x80" + bytes(10) + b"\x05", b"\xff" * 12, b"77777777777\0", b"  5", b"\0"]
ODD_VALUES = st.sampled_from([b"0", b"1", b"5", b"600", b"-1", b"99999999999", b"BINARY"])


@st.composite
def members(draw: Any, wild: bool) -> bytes:
    """A member with its data, perhaps with a long name or an extended header before it."""

    def now_and_then(one_in: int) -> bool:
        return bool(draw(st.integers(1, one_in)) == one_in)

    names = NAMES if wild else GENTLE_NAMES
    made = b""
    if now_and_then(4):
        if wild:
            keys = draw(st.lists(PAX_KEYS, min_size=1, max_size=3))
            lines = b"".join(record(key.encode(), draw(names | ODD_VALUES)) for key in keys)
        else:
            lines = record(draw(st.sampled_from([b"path", b"linkpath", b"comment"])), draw(names))
        kind = draw(st.sampled_from([b"x", b"x", b"g", b"X"])) if wild else b"x"
        made += header(b"pax", kind, len(lines)) + padded(lines)
    if now_and_then(4):
        name = draw(names) + (draw(st.sampled_from([b"\0", b"", b"\0hidden"])) if wild else b"\0")
        kind = draw(st.sampled_from([b"L", b"K"]))
        made += header(b"././@LongLink", kind, len(name), gnu=True) + padded(name)
    kind = draw(KINDS if wild else st.sampled_from([b"0", b"0", b"0", b"5", b"2", b"1", b"\0"]))
    data = draw(DATA) if wild or kind in b"0\0" else b""
    made += header(
        draw(names),
        kind,
        draw(st.sampled_from(ODD_SIZES)) if wild and now_and_then(6) else len(data),
        draw(NAMES if wild else GENTLE_LINKS) if wild or kind in b"12" else b"",
        gnu=draw(st.booleans()),
        prefix=draw(st.sampled_from([b"..", b"/", b"a"])) if wild and now_and_then(3) else b"",
        odd=wild and now_and_then(20),
    )
    return made + padded(data)


ENDINGS = st.sampled_from([bytes(1024), bytes(1024), bytes(512), b"", bytes(4096), b"more"])


@st.composite
def archives(draw: Any) -> bytes:
    """A tar: mostly one as it should be, with a strange member or a fault now and then."""
    wild = draw(st.lists(st.sampled_from([False] * 7 + [True]), max_size=6))
    raw = b"".join(draw(members(one)) for one in wild)
    raw += draw(ENDINGS) if True in wild else bytes(1024)
    if draw(st.integers(1, 8)) == 8:
        raw = raw[: draw(st.integers(0, len(raw)))]
    if raw and draw(st.integers(1, 8)) == 8:
        at = draw(st.integers(0, len(raw) - 1))
        raw = raw[:at] + bytes([draw(st.integers(0, 255))]) + raw[at + 1 :]
    return raw


@st.composite
def packed(draw: Any) -> bytes:
    """The archive as it travels."""
    data = gzip.compress(draw(archives()), 1)
    if draw(st.integers(1, 20)) == 20:
        data = data[: draw(st.integers(0, len(data)))]
    if draw(st.integers(1, 20)) == 20:
        data += draw(st.sampled_from([b"junk", gzip.compress(draw(archives()), 1)]))
    return data


OWN = {"source", ".home", ".tmp"}
"""Where the tree is to lie, and what a command is given to work in."""


def around(place: Path) -> dict[str, tuple[int, int, bytes]]:
    """All that lies around the tree, with what would change if somebody had touched it."""
    found = {}
    for directory, _, names in os.walk(place):
        if OWN & set(Path(directory).relative_to(place).parts):
            continue
        found[directory] = (0, Path(directory).lstat().st_ino, b"")
        for name in names:
            path = Path(directory) / name
            about = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(about.st_mode) else b""
            found[str(path)] = (about.st_mode, about.st_ino, content)
    return found


def lies_within(tree: Path) -> None:
    """Everything in the tree is a file, a directory, or a link to something below the tree."""
    root = tree.resolve()
    for directory, names, files in os.walk(tree):
        for name in (*names, *files):
            path = Path(directory) / name
            mode = path.lstat().st_mode
            assert stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode), path
            if stat.S_ISLNK(mode):
                assert Path(os.path.realpath(path)).is_relative_to(root), (path, path.readlink())


def told(raw: bytes, workspace: Workspace) -> dict[str, bytes]:
    """What Python's reader says is in the archive: the last content of each file."""
    archive = workspace.incoming / "again.tar"
    archive.write_bytes(raw)
    found: dict[str, bytes] = {}
    with tarfile.open(archive, "r:") as tar:
        for member in tar:
            path = os.path.normpath(member.name)
            if member.isreg():
                content = tar.extractfile(member)
                found[path] = content.read() if content else b""
            elif member.islnk():
                target = os.path.normpath(member.linkname)
                if target in found:
                    found[path] = found[target]
            else:
                found.pop(path, None)
    archive.unlink()
    return found


@fuzz(60)
@given(packed())
async def test_no_archive_touches_what_lies_around_and_what_is_taken_is_what_it_says(
    tmp_path_factory, data
):
    place = tmp_path_factory.mktemp("archive")
    (place / "outside").write_bytes(b"mine")
    workspace = Workspace(place / "run")
    workspace.make()
    (workspace.incoming / "it.tar.gz").write_bytes(data)
    before = around(place)

    try:
        await unpack(
            workspace.incoming / "it.tar.gz",
            workspace.source,
            workspace,
            UNISOLATED,
            asyncio.Event(),
            checked=True,
        )
    except BadWorkspace as refusal:
        event("refused")
        reason = str(refusal)
    else:
        event("taken")
        reason = None

    assert around(place) == before
    lies_within(workspace.source)
    if reason is not None:
        assert reason.startswith("The tree ")
        return
    raw = gzip.decompress(data)
    for path, content in told(raw, workspace).items():
        file = workspace.source / path
        if file.is_file() and not file.is_symlink():
            assert file.read_bytes() == content, path


@fuzz(150)
@given(packed())
def test_any_bytes_are_an_archive_or_refused(tmp_path_factory, data):
    archive = tmp_path_factory.getbasetemp() / "one.tar.gz"
    archive.write_bytes(data)
    try:
        check(archive)
    except BadWorkspace as refusal:
        event(str(refusal)[:40])
