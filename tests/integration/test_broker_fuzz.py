"""Whatever comes in on the broker's port: it is hung up on, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from amqtt.mqtt.connect import ConnectPacket, ConnectPayload, ConnectVariableHeader
from gantry.infra.broker_line import LIMITS
from hypothesis import given
from hypothesis import strategies as st

from tests.support.doorbell import (
    hears_only_its_own_ring,
    inbox,
    listening,
    outbox,
    running,
)
from tests.support.fuzzing import fuzz


def length(size: int) -> bytes:
    """The remaining length of a packet: seven bits a byte."""
    out = bytearray()
    while True:
        size, digit = divmod(size, 128)
        out.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(out)


def text(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def hello() -> bytes:
    header = ConnectVariableHeader(keep_alive=60)
    header.username_flag = header.password_flag = header.clean_session_flag = True
    payload = ConnectPayload("x", username="bob", password="proof of bob")
    return bytes(ConnectPacket(variable_header=header, payload=payload).to_bytes())


TOPICS = st.sampled_from(
    [
        *(topic("bob").encode() for topic in (inbox, outbox)),
        *(topic("ada").encode() for topic in (inbox, outbox)),
        *(b"#", b"+/+", b"", b"$SYS/#", b"\0", b"\xff\xfe", "é".encode(), b"/" * 40),
    ]
)
WORDS = st.one_of(
    TOPICS.map(text),
    st.sampled_from([b"\0\0", b"\0\x01", b"\xff\xff", b"\0", b"\x01", b"\x02", b"\x03"]),
    text(b"MQTT") and st.sampled_from([text(b"MQTT") + b"\x04", text(b"MQIsdp") + b"\x03"]),
    st.binary(max_size=8),
)


@st.composite
def packets(draw: Any) -> bytes:
    """One packet: of any kind, with a length that fits or not."""
    kind = draw(st.sampled_from([*LIMITS, *range(16)]))
    body = b"".join(draw(st.lists(WORDS, max_size=5)))
    said = length(len(body))
    if draw(st.integers(0, 7)) == 0:
        said = draw(st.sampled_from([b"\xff\xff\xff\x7f", b"\xff" * 5, b"\x80\x00", b"\x7f"]))
    return bytes([kind << 4 | draw(st.sampled_from([0, 2, 0, 2, *range(16)]))]) + said + body


STREAM = st.lists(packets() | st.binary(max_size=12) | st.just(hello()), max_size=6).map(b"".join)


@fuzz(25)
@given(st.lists(st.tuples(st.booleans(), STREAM), min_size=1, max_size=6))
async def test_whatever_strangers_and_workers_send_the_others_are_heard(streams):
    async with running() as house, listening(house, "ada") as ada:

        async def send(introduced: bool, stream: bytes) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", house.broker.port)
            with contextlib.suppress(OSError):
                writer.write((hello() if introduced else b"") + stream)
                writer.write_eof()
                async with asyncio.timeout(10):
                    await reader.read()
            writer.close()

        async with asyncio.TaskGroup() as tasks:
            for introduced, stream in streams:
                tasks.create_task(send(introduced, stream))

        await hears_only_its_own_ring(house, ada, "ada")
        assert {who.worker_id for who, _ in house.heard} <= {"bob"}
