"""Logs are taken once and in order, kept to the byte, and read from any place."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta

import pytest
from gantry.domains.runs import decisions, logbook, logs_repo
from gantry.domains.runs.logbook import READ_AT_MOST, BadLogOffset
from gantry.kernel.errors import NotFound, UserError
from gantry.kernel.tx import SYSTEM
from gantry.ports.objects import Bucket, ObjectMissing
from gantry_protocol.words import Phase

from tests.support.given import (
    ADMIN,
    everything,
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_worker,
    plan_of,
)

PREPARING = 2
"""The version of a run's first state with a log: QUEUED is 0, READY is 1."""


@pytest.fixture
async def worker(core):
    return await given_a_worker(core, await given_a_pool(core))


@pytest.fixture
async def run(core, worker):
    """A run that its worker prepares."""
    run = await given_a_run(core, await given_a_stack(core, worker.pool))
    await worker.take(run)
    return run


async def send(worker, run, *pieces, version=PREPARING):
    """Send pieces one after the other, as they come out of a command."""
    place = 0
    for piece in pieces:
        answer = await worker.log(run, version, place, piece)
        place += len(piece)
        assert (answer.accepted, answer.offset) == (True, place)


async def end(worker, run):
    """The state whose log is tested is over."""
    await worker.done(run, Phase.PREPARE)


async def read(core, run, offset=0, *, version=PREPARING, **how):
    return await logbook.read(core.db, core.objects, run.id, version, offset, **how)


async def lines(core, run, token=None, *, version=PREPARING):
    return await logbook.lines(core.db, core.objects, run.id, version, token)


async def archive(core, run, *, version=PREPARING):
    await logbook.archive(core.db, core.objects, run_id=run.id, state_version=version)


async def log_row(core, run, version=PREPARING):
    async with core.db.read(SYSTEM) as tx:
        return await logs_repo.stream(tx, run.id, version)


async def chunks(core, run):
    return await core.rows(
        "select state_version, run_log_chunk.offset, length(data) from run_log_chunk"
        " where run_id = :run order by 1, 2",
        run=run.id,
    )


async def refused(core, answering, *, accepted, offset, words, full=False):
    before = await everything(core), await core.rows("select t::text from run_log_chunk t")
    answer = await answering
    assert (answer.accepted, answer.full, answer.offset) == (accepted, full, offset)
    assert words in answer.reason
    after = await everything(core), await core.rows("select t::text from run_log_chunk t")
    assert after == before


# -- taking


async def test_what_is_sent_is_kept_in_order(core, worker, run):
    await send(worker, run, b"one\n", b"two\n", b"three")

    piece = await read(core, run)
    assert piece.data == b"one\ntwo\nthree"
    assert (piece.size, piece.over, piece.expired) == (13, False, False)
    assert await chunks(core, run) == [(2, 0, 4), (2, 4, 4), (2, 8, 5)]


async def test_a_chunk_that_is_sent_again_is_kept_once(core, worker, run):
    await send(worker, run, b"one\n", b"two\n")

    for offset, data in ((0, b"one\n"), (4, b"two\n"), (0, b"one\ntwo\n"), (8, b"")):
        await refused(
            core, worker.log(run, PREPARING, offset, data), accepted=True, offset=8, words=""
        )
    assert (await read(core, run)).data == b"one\ntwo\n"


async def test_of_a_chunk_that_overlaps_only_the_new_bytes_are_kept(core, worker, run):
    await send(worker, run, b"abcdef")

    answer = await worker.log(run, PREPARING, 3, b"defghi")

    assert (answer.accepted, answer.offset) == (True, 9)
    assert (await read(core, run)).data == b"abcdefghi"


async def test_a_chunk_after_a_gap_is_not_kept_and_the_answer_says_where_to_go_on(
    core, worker, run
):
    await send(worker, run, b"abc")
    await refused(
        core,
        worker.log(run, PREPARING, 5, b"fgh"),
        accepted=True,
        offset=3,
        words="bytes are missing",
    )


async def test_ten_copies_of_a_chunk_at_once_are_kept_once(core, worker, run):
    answers = await asyncio.gather(*(worker.log(run, PREPARING, 0, b"x" * 100) for _ in range(10)))

    assert {(answer.accepted, answer.offset) for answer in answers} == {(True, 100)}
    assert await chunks(core, run) == [(2, 0, 100)]


async def test_a_phase_that_is_over_takes_no_more(core, worker, run):
    await send(worker, run, b"abc")
    await end(worker, run)

    for offset, data in ((3, b"late"), (0, b"abc")):
        await refused(
            core,
            worker.log(run, PREPARING, offset, data),
            accepted=False,
            offset=3,
            words="the phase is over",
        )
    await send(worker, run, b"next", version=PREPARING + 1)


async def test_a_run_that_ended_takes_no_more(core, worker, run):
    await send(worker, run, b"abc")
    await worker.fail(run, Phase.PREPARE)
    await refused(
        core,
        worker.log(run, PREPARING, 3, b"late"),
        accepted=False,
        offset=3,
        words="no longer yours",
    )


@pytest.mark.parametrize("fence", [0, 2])
async def test_a_stale_fence_writes_nothing(core, worker, run, fence):
    await refused(
        core,
        worker.log(run, PREPARING, 0, b"x", fence=fence),
        accepted=False,
        offset=0,
        words="no longer yours",
    )


async def test_another_worker_writes_nothing(core, worker, run):
    other = await given_a_worker(core, worker.pool)
    await refused(
        core,
        other.log(run, PREPARING, 0, b"x", fence=1),
        accepted=False,
        offset=0,
        words="no longer yours",
    )


@pytest.mark.parametrize("version", [0, 1, 3, 99])
async def test_a_state_without_a_worker_has_no_log(core, worker, run, version):
    await refused(
        core,
        worker.log(run, version, 0, b"x"),
        accepted=False,
        offset=0,
        words="no such log",
    )
    assert await read(core, run, version=version) is None


async def test_a_log_grows_up_to_its_limit_and_no_further(core, worker, run):
    await worker.log(run, PREPARING, 0, b"x" * 90, limit=100)
    assert (await worker.log(run, PREPARING, 90, b"y" * 10, limit=100)).offset == 100
    # Sent again because the answer was lost: nothing new, so no refusal.
    assert (await worker.log(run, PREPARING, 90, b"y" * 10, limit=100)).accepted


async def test_a_log_that_is_too_long_ends_with_a_line_that_says_so(core, worker, run):
    await worker.log(run, PREPARING, 0, b"x" * 90, limit=100)
    answer = await worker.log(run, PREPARING, 90, b"y" * 11, limit=100)

    assert (answer.accepted, answer.full) == (False, True)
    piece = await read(core, run)
    assert piece.data.startswith(b"x" * 90 + b"y" * 10 + b"\n")
    assert b"The log has reached its limit of 100 bytes. The run goes on" in piece.data
    await refused(
        core,
        worker.log(run, PREPARING, 101, b"z", limit=100),
        accepted=False,
        full=True,
        offset=piece.size,
        words="limit of 100 bytes",
    )


# -- reading


async def test_a_log_is_read_from_any_offset_across_the_borders_of_chunks(core, worker, run):
    whole = bytes(range(256))
    await send(worker, run, whole[:1], whole[1:50], whole[50:51], whole[51:200], whole[200:])

    for archived in (False, True):
        for offset in (0, 1, 2, 49, 50, 51, 100, 199, 200, 201, 255, 256):
            for most in (1, 49, 50, 1000):
                piece = await read(core, run, offset, most=most)
                assert piece.data == whole[offset : offset + most]
                assert piece.end == offset + len(piece.data)
                assert piece.size == 256
        if not archived:
            await end(worker, run)
            await archive(core, run)


@pytest.mark.parametrize("offset", [-1, 4, 10**30])
async def test_an_offset_that_the_log_does_not_have_is_refused(core, worker, run, offset):
    await send(worker, run, b"abc")
    with pytest.raises(BadLogOffset, match="The log has 3 bytes"):
        await read(core, run, offset)


async def test_a_log_without_bytes_is_read_too(core, worker, run):
    piece = await read(core, run)
    assert (piece.data, piece.size, piece.over) == (b"", 0, False)
    await end(worker, run)
    await archive(core, run)
    piece = await read(core, run)
    assert (piece.data, piece.size, piece.over) == (b"", 0, True)


async def test_every_line_has_the_time_at_which_it_arrived(core, worker, run):
    await send(worker, run, b"a\n", b"b\n", b"c\n")
    for offset, at in ((0, 1_700_000_000), (2, 1_700_000_060), (4, 1_700_000_120)):
        await core.change(
            "update run_log_chunk set at = to_timestamp(:at) where run_log_chunk.offset = :o",
            at=at,
            o=offset,
        )
    await end(worker, run)
    expected = [("a\n", 1_700_000_000), ("b\n", 1_700_000_060), ("c\n", 1_700_000_120)]

    assert (await lines(core, run)).messages == expected
    await archive(core, run)
    assert (await lines(core, run)).messages == expected
    later = await lines(core, run, base64.urlsafe_b64encode(b'{"o": 2}').decode())
    assert later.messages == expected[1:]


async def test_a_piece_says_when_what_of_it_arrived(core, worker, run):
    await send(worker, run, b"a\n", b"bb\n", b"c\n")
    for offset, at in ((0, 1_700_000_000), (2, 1_700_000_060), (5, 1_700_000_120)):
        await core.change(
            "update run_log_chunk set at = to_timestamp(:at) where run_log_chunk.offset = :o",
            at=at,
            o=offset,
        )
    await end(worker, run)
    whole = [(0, 1_700_000_000_000), (2, 1_700_000_060_000), (5, 1_700_000_120_000)]
    middle = [(3, 1_700_000_060_000)]

    for _ in range(2):
        assert (await read(core, run)).arrivals() == whole
        assert (await read(core, run, 3, most=2)).arrivals() == middle
        assert (await read(core, run, 7)).arrivals() == []
        await archive(core, run)


# -- archiving


async def test_an_archived_log_has_the_same_bytes_and_no_chunks(core, worker, run):
    whole = b"\n".join(b"line %d \xff\x00" % n for n in range(500))
    await send(worker, run, *(whole[n : n + 97] for n in range(0, len(whole), 97)))
    await end(worker, run)

    await archive(core, run)

    assert await core.objects.get(Bucket.RUN_LOGS, f"{run.id}/{PREPARING}") == whole
    assert (await read(core, run)).data == whole
    assert await chunks(core, run) == []


async def test_the_end_of_a_stretch_of_work_archives_its_logs(core, worker, run):
    await send(worker, run, b"preparing\n")
    await end(worker, run)
    await send(worker, run, b"initializing\n", version=PREPARING + 1)
    await worker.fail(run, Phase.INIT)

    await core.drain()

    assert await chunks(core, run) == []
    assert (await read(core, run)).data == b"preparing\n"
    assert (await read(core, run, version=PREPARING + 1)).data == b"initializing\n"


async def test_a_log_that_is_not_over_is_not_archived(core, worker, run):
    await send(worker, run, b"abc")
    await archive(core, run)
    assert (await log_row(core, run)).object_key is None
    assert await chunks(core, run) == [(2, 0, 3)]


async def test_archiving_twice_late_and_at_once_does_no_harm(core, worker, run):
    await send(worker, run, b"abc\n", b"def\n")
    await end(worker, run)

    async with asyncio.timeout(20):
        await asyncio.gather(*(archive(core, run) for _ in range(6)))
    before = await everything(core)
    await archive(core, run)

    assert await everything(core) == before
    assert (await read(core, run)).data == b"abc\ndef\n"


async def test_an_archiver_whose_chunks_are_gone_gives_up(core, worker, run):
    await send(worker, run, b"abc\n")
    await end(worker, run)
    async with core.db.write(SYSTEM) as tx:
        await logs_repo.drop_chunks(tx, run.id, PREPARING)
    before = await everything(core)

    async with asyncio.timeout(20):
        await archive(core, run)

    assert await everything(core) == before
    with pytest.raises(ObjectMissing):
        await core.objects.get(Bucket.RUN_LOGS, f"{run.id}/{PREPARING}")


async def test_a_log_larger_than_a_piece_of_the_archive_is_kept_whole(core, worker, run):
    mebi = 1024 * 1024
    parts = [bytes([n]) * mebi for n in range(6)]
    await send(worker, run, *parts)
    await end(worker, run)

    await archive(core, run)

    assert await core.objects.get(Bucket.RUN_LOGS, f"{run.id}/{PREPARING}") == b"".join(parts)
    assert (await read(core, run, 5 * mebi - 1, most=2)).data == b"\x04\x05"


async def test_forgotten_logs_are_found(core, worker, run):
    await send(worker, run, b"abc")
    await end(worker, run)
    async with core.db.read(SYSTEM) as tx:
        assert await logs_repo.unarchived(tx, 10) == [(run.id, PREPARING)]
        assert await logs_repo.unarchived_of(tx, run.id) == [PREPARING]
    await archive(core, run)
    async with core.db.read(SYSTEM) as tx:
        assert await logs_repo.unarchived(tx, 10) == []


# -- retention


async def ended_long_ago(core, worker, run, days):
    await send(worker, run, b"abc\n")
    await worker.fail(run, Phase.PREPARE)
    await core.drain()
    await core.change(
        "update run set finished_at = now() - make_interval(days => :days)", days=days
    )


async def test_a_log_past_its_retention_is_gone_and_its_run_is_not(core, worker, run):
    await ended_long_ago(core, worker, run, 61)

    await logbook.expire(core.db, core.objects, after=timedelta(days=60))

    row = await log_row(core, run)
    assert (row.expired, row.object_key, row.size) == (True, None, 4)
    with pytest.raises(ObjectMissing):
        await core.objects.get(Bucket.RUN_LOGS, f"{run.id}/{PREPARING}")
    page = await lines(core, run)
    assert (page.messages, page.expired) == ([], True)
    assert page.finished  # or clients would ask for ever
    assert not page.has_more
    before = await everything(core)
    await archive(core, run)
    await logbook.expire(core.db, core.objects, after=timedelta(days=60))
    assert await everything(core) == before


async def test_a_log_within_its_retention_stays(core, worker, run):
    await ended_long_ago(core, worker, run, 59)
    await logbook.expire(core.db, core.objects, after=timedelta(days=60))
    assert (await read(core, run)).data == b"abc\n"


# -- lines, as existing clients read them


async def page_through(core, run):
    """Everything a client gets that follows tokens until it is told that the log is finished."""
    pages, token = [], None
    while True:
        page = await lines(core, run, token)
        pages.append(page)
        if page.finished:
            return pages
        assert page.next_token != token, "no progress"
        token = page.next_token


async def test_a_line_is_given_once_it_is_whole(core, worker, run):
    await send(worker, run, b"one\ntw")

    first = await lines(core, run)
    assert [text for text, _ in first.messages] == ["one\n"]
    assert (first.finished, first.has_more, first.exists) == (False, True, True)
    nothing = await lines(core, run, first.next_token)
    assert (nothing.messages, nothing.finished) == ([], False)
    assert nothing.next_token == first.next_token
    await worker.log(run, PREPARING, 6, b"o\nthree")
    second = await lines(core, run, nothing.next_token)
    assert [text for text, _ in second.messages] == ["two\n"]
    await end(worker, run)
    last = await lines(core, run, second.next_token)
    assert [text for text, _ in last.messages] == ["three"]
    assert (last.finished, last.has_more) == (True, False)


async def test_a_log_is_finished_once_everything_was_given_and_not_before(core, worker, run):
    await send(worker, run, b"one\n")
    assert not (await lines(core, run)).finished
    await end(worker, run)

    page = await lines(core, run)
    assert page.finished
    again = await lines(core, run, page.next_token)
    assert (again.messages, again.finished) == ([], True)


async def test_a_log_without_bytes_is_finished_when_its_state_is_over(core, worker, run):
    assert not (await lines(core, run)).finished
    await end(worker, run)
    page = await lines(core, run)
    assert (page.messages, page.finished, page.exists) == ([], True, True)


async def test_without_a_token_a_log_is_read_from_its_first_line(core, worker, run):
    await send(worker, run, b"one\ntwo\n")
    for token in (None, ""):
        page = await lines(core, run, token)
        assert [text for text, _ in page.messages] == ["one\n", "two\n"]


async def test_characters_that_arrive_in_two_chunks_are_given_whole(core, worker, run):
    text = "zażółć 🐢 gęślą\njaźń"
    data = text.encode()
    await send(worker, run, *(data[n : n + 1] for n in range(len(data))))
    await end(worker, run)

    page = await lines(core, run)
    assert [line for line, _ in page.messages] == ["zażółć 🐢 gęślą\n", "jaźń"]


async def test_a_line_of_a_megabyte_is_given_in_pieces_that_split_no_character(core, worker, run):
    text = "ż🐢" * (1024 * 1024 // 6)
    data = ("first\n" + text + "\nlast\n").encode()
    for start in range(0, len(data), 1_000_000):
        await worker.log(run, PREPARING, start, data[start : start + 1_000_000])

    assert "".join(t for t, _ in (await lines(core, run)).messages) == "first\n"
    await end(worker, run)
    pages = await page_through(core, run)

    joined = "".join(text for page in pages for text, _ in page.messages)
    assert joined == data.decode()
    assert "\ufffd" not in joined
    assert len(pages) >= 3
    assert all(len(t.encode()) <= READ_AT_MOST for page in pages for t, _ in page.messages)


async def test_while_a_long_line_grows_it_is_given_before_it_ends(core, worker, run):
    data = b"x" * (READ_AT_MOST + 1000)
    await worker.log(run, PREPARING, 0, data)

    first = await lines(core, run)
    assert [len(text) for text, _ in first.messages] == [READ_AT_MOST]
    second = await lines(core, run, first.next_token)
    assert second.messages == []


async def test_bytes_that_are_no_text_are_given_as_replacement_characters(core, worker, run):
    await send(worker, run, b"\xff\xfe ok\n\x80" * 3)
    await end(worker, run)
    page = await lines(core, run)
    assert page.messages[0][0] == "\ufffd\ufffd ok\n"
    assert page.finished


async def test_many_pages_give_the_whole_log(core, worker, run):
    data = b"".join(b"%07d %s\n" % (n, b"." * 90) for n in range(12_000))
    for start in range(0, len(data), 700_000):
        await worker.log(run, PREPARING, start, data[start : start + 700_000])
    await end(worker, run)
    await archive(core, run)

    pages = await page_through(core, run)

    assert "".join(t for page in pages for t, _ in page.messages).encode() == data
    assert [page.finished for page in pages] == [False] * (len(pages) - 1) + [True]


def token(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


async def test_a_token_of_somebody_elses_making_is_refused(core, worker, run):
    await send(worker, run, b"abc")
    tokens = [
        "nonsense",
        "%%%",
        "ünï",
        token([]),
        token({}),
        token("o"),
        token({"o": "1"}),
        token({"o": 1.5}),
        token({"o": None}),
        token({"o": True}),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    ]
    for bad in tokens:
        with pytest.raises(UserError, match="token is not one of this server's"):
            await lines(core, run, bad)


async def test_a_token_beyond_the_log_is_refused(core, worker, run):
    await send(worker, run, b"abc")
    for offset in (-1, 4, 10**30):
        with pytest.raises(BadLogOffset):
            await lines(core, run, token({"o": offset}))


# -- which log is meant


async def test_a_state_that_was_met_twice_has_two_logs_and_the_newest_is_meant(core, run, worker):
    await worker.done(run, Phase.PREPARE, Phase.INIT)
    await worker.say(run, plan_of(("null_resource.a", "create"), key=f"{run.id}/w"))
    async with core.db.write(ADMIN) as tx:
        await decisions.replan(tx, run.stack_id, run.id, targets=["null_resource.a"])
    await worker.take(run)
    await worker.done(run, Phase.PREPARE)

    async with core.db.read(SYSTEM) as tx:
        assert await logbook.version_of(tx, run.id, "PLANNING", None) == 8
        assert await logbook.version_of(tx, run.id, "PLANNING", 4) == 4
        for state, version in (("APPLYING", None), ("PLANNING", 5), ("nonsense", None)):
            with pytest.raises(NotFound, match="never in that state"):
                await logbook.version_of(tx, run.id, state, version)
