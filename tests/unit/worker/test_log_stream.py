"""The log arrives complete and in order, whatever happens between the worker and the server."""

import asyncio
import hashlib
from datetime import timedelta

import pytest
from gantry_worker.logs import LogBroken, LogStream
from gantry_worker.masking import Masker

NO_TIME = timedelta(0)
HOURS = timedelta(hours=3)  # longer than any test: what waits for it would hang


class Server:
    """Keeps a log as the control plane does: what it has already is not taken twice."""

    def __init__(self):
        self.log = bytearray()
        self.calls = []
        self.open = asyncio.Event()
        self.open.set()
        self.before_keeping = []  # exceptions for the next calls, raised instead of keeping
        self.after_keeping = []  # exceptions for the next calls, raised instead of answering
        self.at_most = None  # bytes that it takes of one chunk

    async def send(self, offset, data):
        self.calls.append((offset, data))
        await self.open.wait()
        if self.before_keeping:
            raise self.before_keeping.pop()
        assert offset <= len(self.log), "a gap"
        new = data[len(self.log) - offset :]
        self.log += new if self.at_most is None else new[: self.at_most]
        if self.after_keeping:
            raise self.after_keeping.pop()
        return len(self.log)


@pytest.fixture
def server():
    return Server()


def stream_to(send, *secrets, **options):
    options = {"flush_every": NO_TIME, "first_retry": NO_TIME, **options}
    return LogStream(send, masker=Masker(secrets), **options)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_what_was_written_arrives_byte_for_byte(server):
    stream = stream_to(server.send, chunk=1000)
    written = bytes(range(256)) * 40

    for at in range(0, len(written), 37):
        await stream.write(written[at : at + 37])
    size, digest = await stream.close()

    assert bytes(server.log) == written
    assert (size, digest) == (len(written), hashlib.sha256(written).hexdigest())
    assert max(len(data) for _, data in server.calls) <= 1000


async def test_a_log_without_output_is_empty_and_needs_no_call(server):
    stream = stream_to(server.send)

    await stream.write(b"")

    assert await stream.close() == (0, hashlib.sha256(b"").hexdigest())
    assert server.calls == []


async def test_the_server_gets_the_masked_text_and_its_digest_only(server):
    stream = stream_to(server.send, "hunter2")

    await stream.write(b"the password is hunt")
    await until(lambda: server.log == b"the password is ")
    await stream.write(b"er2, not hunt")
    size, digest = await stream.close()

    assert bytes(server.log) == b"the password is *****, not hunt"
    assert (size, digest) == (len(server.log), hashlib.sha256(server.log).hexdigest())


async def test_the_first_output_is_sent_at_once_and_the_next_is_gathered(server):
    stream = stream_to(server.send, flush_every=HOURS)

    await stream.write(b"Initializing")
    await until(lambda: server.log == b"Initializing")
    await stream.write(b" the")
    await stream.write(b" backend")
    await asyncio.sleep(0.05)

    assert len(server.calls) == 1
    await stream.close()
    assert server.calls[1:] == [(12, b" the backend")]


async def test_a_whole_chunk_does_not_wait(server):
    stream = stream_to(server.send, flush_every=HOURS, chunk=10)
    await stream.write(b"first")
    await until(lambda: server.log == b"first")

    await stream.write(b"0123456789")

    await until(lambda: server.log == b"first0123456789")
    await stream.close()


async def test_a_writer_waits_while_the_server_takes_nothing(server):
    server.open.clear()
    stream = stream_to(server.send, buffer_limit=100)

    await stream.write(b"x" * 99)
    writing = asyncio.create_task(stream.write(b"y"))
    await asyncio.sleep(0.05)
    assert not writing.done()

    server.open.set()
    await writing
    assert await stream.close() == (100, hashlib.sha256(b"x" * 99 + b"y").hexdigest())


async def test_a_chunk_is_sent_until_it_arrives(server):
    server.before_keeping = [ConnectionError("refused")] * 5
    stream = stream_to(server.send)

    await stream.write(b"Plan: 1 to add")
    await stream.close()

    assert bytes(server.log) == b"Plan: 1 to add"
    assert server.calls == [(0, b"Plan: 1 to add")] * 6


async def test_a_chunk_whose_answer_was_lost_is_not_kept_twice(server):
    server.after_keeping = [ConnectionResetError()]
    stream = stream_to(server.send)

    await stream.write(b"abc")
    await until(lambda: len(server.calls) > 1)
    await stream.write(b"def")
    await stream.close()

    assert bytes(server.log) == b"abcdef"


async def test_after_a_lost_answer_the_server_may_have_more_than_is_sent_again():
    answers = [ConnectionResetError(), 3, 6, 8]
    calls = []

    async def send(offset, data):
        calls.append((offset, data))
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    stream = stream_to(send, chunk=6)
    await stream.write(b"abcdefgh")
    await stream.close()

    assert calls == [(0, b"abcdef"), (0, b"abcdef"), (3, b"defgh"), (6, b"gh")]


async def test_a_server_that_takes_a_part_gets_the_rest(server):
    server.at_most = 4
    stream = stream_to(server.send)

    await stream.write(b"Apply complete!")
    await stream.close()

    assert bytes(server.log) == b"Apply complete!"
    assert [offset for offset, _ in server.calls] == [0, 4, 8, 12]


async def test_a_server_that_takes_nothing_is_asked_again():
    answers = [0, 0, 3]

    async def send(offset, data):
        return answers.pop(0)

    stream = stream_to(send)
    await stream.write(b"abc")
    assert (await stream.close())[0] == 3
    assert answers == []


@pytest.mark.parametrize("answer", [2, 7, -1])
async def test_a_count_that_cannot_be_true_breaks_the_stream(server, answer):
    async def send(offset, data):
        await server.send(offset, data)
        return 3 if offset == 0 else answer

    stream = stream_to(send)
    await stream.write(b"abc")
    await until(lambda: server.log == b"abc")
    await stream.write(b"def")

    with pytest.raises(LogBroken, match=rf"has {answer} bytes"):
        await stream.close()
    with pytest.raises(LogBroken):
        await stream.close()
    assert bytes(server.log) == b"abcdef"


async def test_what_else_the_server_refuses_is_told_to_the_writer_even_a_waiting_one(server):
    class NoLongerYours(Exception): ...

    server.open.clear()
    server.before_keeping = [NoLongerYours()]
    stream = stream_to(server.send, buffer_limit=3)
    writing = asyncio.create_task(stream.write(b"abc"))
    await until(lambda: server.calls)

    server.open.set()

    with pytest.raises(NoLongerYours):
        await writing
    with pytest.raises(NoLongerYours):
        await stream.write(b"d")
    with pytest.raises(NoLongerYours):
        await stream.close()
    assert len(server.calls) == 1
    assert server.log == b""


async def test_a_closed_log_takes_no_more(server):
    stream = stream_to(server.send)
    await stream.write(b"abc")
    first = await stream.close()

    with pytest.raises(RuntimeError):
        await stream.write(b"d")

    assert await stream.close() == first
    assert bytes(server.log) == b"abc"


async def test_an_abandoned_log_is_not_sent_any_further(server):
    server.before_keeping = [ConnectionError("away")] * 1000
    stream = stream_to(server.send, first_retry=HOURS, buffer_limit=3)
    writing = asyncio.create_task(stream.write(b"abc"))
    await until(lambda: server.calls)

    await stream.abandon()

    with pytest.raises(RuntimeError, match="abandoned"):
        await writing
    with pytest.raises(RuntimeError, match="abandoned"):
        await stream.close()
    assert len(server.calls) == 1
    assert server.log == b""
