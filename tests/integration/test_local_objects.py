"""What the directory promises beyond the port: streams, and no half objects whatever happens."""

from __future__ import annotations

import asyncio
import hashlib
import os
from datetime import timedelta

import pytest
from gantry.infra.local_objects import CHUNK
from gantry.infra.object_probe import probe
from gantry.kernel.errors import TooLarge
from gantry.ports.objects import Bucket, ObjectMissing, StorageDown

from tests.support.object_stores import Clock, local_at

LOGS = Bucket.RUN_LOGS


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "objects"


@pytest.fixture
def objects(root, clock):
    return local_at(root, "http://127.0.0.1:1", clock)


def files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


async def chunks(*parts, then=None):
    for part in parts:
        yield part
    if then is not None:
        raise then


async def test_a_stream_in_comes_out_as_a_stream_of_small_pieces(objects):
    pieces = [os.urandom(300_000) for _ in range(10)]

    assert await objects.write_stream(LOGS, "a/b", chunks(*pieces), limit=3_000_000) == 3_000_000

    stream = objects.open_stream(LOGS, "a/b")
    assert stream.size == 3_000_000
    digest = hashlib.sha256()
    async for piece in stream:
        assert len(piece) <= CHUNK
        digest.update(piece)
    assert digest.digest() == hashlib.sha256(b"".join(pieces)).digest()


@pytest.mark.parametrize(("start", "rest"), [(0, b"0123"), (3, b"3"), (4, b""), (9, b"")])
async def test_a_stream_starts_where_it_is_told(objects, start, rest):
    await objects.put(LOGS, "a", b"0123")

    stream = objects.open_stream(LOGS, "a", start)

    assert stream.size == 4
    assert b"".join([piece async for piece in stream]) == rest


async def test_an_object_replaced_while_it_is_read_is_read_as_it_was(objects):
    await objects.put(LOGS, "a", b"old" * CHUNK)
    stream = objects.open_stream(LOGS, "a")
    first = await anext(stream)

    await objects.put(LOGS, "a", b"new")

    assert first + b"".join([piece async for piece in stream]) == b"old" * CHUNK


async def test_a_stream_that_nobody_reads_to_its_end_can_be_let_go(objects):
    await objects.put(LOGS, "a", b"x" * (2 * CHUNK))
    stream = objects.open_stream(LOGS, "a")
    await anext(stream)

    await stream.aclose()

    assert [piece async for piece in stream] == []


async def test_there_is_no_stream_of_what_is_missing(objects):
    await objects.put(LOGS, "a/b", b"x")

    for key in ("c", "a", "a/b/c"):
        with pytest.raises(ObjectMissing):
            objects.open_stream(LOGS, key)
        with pytest.raises(ObjectMissing):
            await objects.get(LOGS, key)
        assert await objects.size(LOGS, key) is None
        await objects.delete(LOGS, key)
    assert await objects.get(LOGS, "a/b") == b"x"


async def test_an_empty_stream_is_an_empty_object(objects, root):
    assert await objects.write_stream(LOGS, "a", chunks(), limit=0) == 0

    assert files(root) == ["run-logs/a"]


async def test_a_stream_over_the_limit_is_refused_and_leaves_nothing(objects, root):
    await objects.put(LOGS, "old", b"kept")
    for key in ("new", "old"):
        with pytest.raises(TooLarge):
            await objects.write_stream(LOGS, key, chunks(b"1234", b"5678"), limit=7)

    assert await objects.write_stream(LOGS, "fits", chunks(b"1234", b"567"), limit=7) == 7
    assert await objects.get(LOGS, "old") == b"kept"
    assert files(root) == ["run-logs/fits", "run-logs/old"]


async def test_a_stream_that_breaks_off_leaves_nothing(objects, root):
    await objects.put(LOGS, "old", b"kept")

    for key in ("new", "old"):
        with pytest.raises(ConnectionResetError):
            await objects.write_stream(
                LOGS, key, chunks(b"half", then=ConnectionResetError()), limit=99
            )

    assert await objects.get(LOGS, "old") == b"kept"
    assert files(root) == ["run-logs/old"]


async def test_a_stream_that_is_cancelled_leaves_nothing(objects, root):
    under_way = asyncio.Event()

    async def slowly():
        yield b"half"
        under_way.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(objects.write_stream(LOGS, "new", slowly(), limit=99))
    await under_way.wait()
    assert files(root)[0].startswith(".incoming/")
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert files(root) == []


async def test_whatever_the_moment_of_cancelling_no_half_object_is_left(objects, root):
    for turns in range(40):
        task = asyncio.create_task(
            objects.write_stream(LOGS, "new", chunks(b"1" * 9999, b"2" * 9999), limit=99999)
        )
        for _ in range(turns):
            await asyncio.sleep(0.0001 * (turns % 7))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert files(root) in ([], ["run-logs/new"])
        assert await objects.size(LOGS, "new") in (None, 19998)
        await objects.delete(LOGS, "new")


async def test_deleting_takes_the_emptied_directories_along(objects, root):
    await objects.put(LOGS, "a/b/c", b"x")
    await objects.put(LOGS, "a/d", b"y")

    await objects.delete(LOGS, "a/b/c")

    assert not (root / "run-logs/a/b").exists()
    assert await objects.get(LOGS, "a/d") == b"y"
    await objects.delete(LOGS, "a/d")
    assert list((root / "run-logs").iterdir()) == []


async def test_putting_and_deleting_in_one_directory_do_not_disturb_each_other(objects):
    async def come_and_go(n):
        for _ in range(10):
            await objects.put(LOGS, f"a/b/{n}", b"x")
            await objects.delete(LOGS, f"a/b/{n}")
        await objects.put(LOGS, f"a/b/{n}", b"stays")

    await asyncio.gather(*(come_and_go(n) for n in range(4)))

    assert [await objects.get(LOGS, f"a/b/{n}") for n in range(4)] == [b"stays"] * 4


async def test_objects_are_for_the_owner_of_the_process_only(objects, root):
    await objects.put(LOGS, "a/b", b"x")

    modes = {path.stat().st_mode & 0o077 for path in (root, *root.rglob("*"))}

    assert modes == {0}


async def test_a_bucket_that_is_not_ours_is_refused(objects, root):
    with pytest.raises(ValueError, match="not a valid Bucket"):
        await objects.write_stream("../elsewhere", "a", chunks(b"x"), limit=9)
    with pytest.raises(ValueError, match="not a key"):
        await objects.write_stream(LOGS, "../a", chunks(b"x"), limit=9)
    with pytest.raises(ValueError, match="not a key"):
        objects.open_stream(LOGS, "../a")

    assert files(root.parent) == []


async def test_what_a_killed_process_left_is_forgotten_after_a_day(objects, root, clock):
    await objects.put(LOGS, "a", b"x")
    (root / ".incoming" / "left").write_bytes(b"half")

    assert await objects.tidy() == 0
    clock.ahead = timedelta(days=2)
    assert await objects.tidy() == 1

    assert files(root) == ["run-logs/a"]


async def test_each_bucket_keeps_what_it_has_as_long_as_it_is_meant_to(objects, root, clock):
    for bucket in Bucket:
        await objects.put(bucket, "some/key", b"x")

    clock.ahead = timedelta(days=1, hours=1)
    assert await objects.tidy() == 2
    clock.ahead = timedelta(days=400)
    await objects.tidy()

    kept = [Bucket.MODULES, Bucket.RUN_LOGS, Bucket.STATES, Bucket.WORKSPACE]
    assert files(root) == [f"{bucket}/some/key" for bucket in kept]


async def test_a_disk_that_refuses_is_storage_that_is_down(objects, root):
    root.parent.mkdir(exist_ok=True)
    root.write_text("a file where the directory should be")

    with pytest.raises(StorageDown):
        await objects.put(LOGS, "a", b"x")
    with pytest.raises(StorageDown):
        await objects.write_stream(LOGS, "a", chunks(b"x"), limit=9)


async def test_the_probe_says_which_step_failed_and_leaves_nothing(objects, root):
    with pytest.raises(StorageDown) as down:
        await probe(objects, LOGS)

    assert "signed PUT failed: ConnectError" in down.value.detail
    assert "signature" not in down.value.detail
    assert files(root) == []
