"""The doorbell and peers that break the rules, flood, or fall silent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.subscribe import SubscribePacket
from gantry.infra.broker_line import UNANSWERED_LIMIT
from gantry_protocol import topics

from tests.support.doorbell import (
    House,
    Raw,
    client,
    eventually,
    hears_only_its_own_ring,
    inbox,
    listening,
    outbox,
    running,
)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with running() as house:
        yield house


@pytest.fixture
async def raw(house: House) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.broker.port)
    yield Raw(reader, writer)
    writer.close()


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
        b"\x10\xff\xff\xff\x7f",  # CONNECT, 256 MB of it
        b"\x10\xff\xff\xff\xff\x7f",  # a length of five bytes
        b"\x10\x04\x00\x04MQ",  # cut short
        b"\xc0\x00",  # PINGREQ before CONNECT
        b"\x10\x00",  # nothing inside
    ],
)
async def test_a_peer_that_does_not_introduce_itself_is_hung_up_on(
    house: House, raw: Raw, first: bytes
):
    raw.writer.write(first)

    assert await raw.is_hung_up_on() == b""
    assert house.asked == []


async def test_another_version_of_mqtt_is_refused_by_its_code(house: House, raw: Raw):
    raw.writer.write(b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x00")  # MQTT 5

    assert await raw.is_hung_up_on() == b"\x20\x02\x00\x01"
    assert house.asked == []


@pytest.mark.parametrize(
    "packet",
    [
        b"\x32\xff\xff\xff\x7f",  # PUBLISH, 256 MB of it
        b"\x10\x00",  # a second CONNECT
        b"\x40\x02\x00\x07",  # PUBACK for nothing
        b"\x20\x02\x00\x00",  # CONNACK, which is for the broker to send
        b"\x62\x02\x00\x01",  # PUBREL
        b"\xf0\x00",  # reserved
        b"\x30\x02\x00\xff",  # PUBLISH, cut short inside
        PublishPacket.build(outbox("ada"), b"x", 7, False, 2, False).to_bytes(),
        PublishPacket.build(
            outbox("ada"), b"x" * (topics.MESSAGE_LIMIT + 1), 7, False, 1, False
        ).to_bytes(),
    ],
)
async def test_a_worker_that_breaks_the_rules_is_hung_up_on_and_not_heard(
    house: House, raw: Raw, packet: bytes
):
    await raw.hello("ada")
    async with listening(house, "bob") as bob:
        raw.writer.write(packet)

        assert await raw.is_hung_up_on() == b""
        await eventually(lambda: house.broker.connected == {"bob"})
        await hears_only_its_own_ring(house, bob, "bob")
    assert house.heard == []


async def test_the_largest_message_allowed_is_heard(house: House):
    async with client(house, "ada") as ada:
        await ada.publish(outbox("ada"), b"x" * topics.MESSAGE_LIMIT, qos=1)

    assert [len(message) for _, message in house.heard] == [topics.MESSAGE_LIMIT]


async def test_a_worker_that_floods_is_heard_one_message_at_a_time(house: House, raw: Raw):
    await raw.hello("ada")
    house.open.clear()
    flood = b"".join(
        PublishPacket.build(outbox("ada"), str(n).encode(), n, False, 1, False).to_bytes()
        for n in range(1, 2001)
    )
    raw.writer.write(flood)
    async with listening(house, "bob") as bob:
        await hears_only_its_own_ring(house, bob, "bob")
    assert house.heard == []

    house.open.set()
    expected = b"".join(PubackPacket.build(n).to_bytes() for n in range(1, 2001))
    assert await raw.reader.readexactly(len(expected)) == expected
    assert [int(message) for _, message in house.heard] == list(range(1, 2001))


async def test_a_flood_of_questions_is_answered_one_by_one(house: House, raw: Raw):
    await raw.hello("ada")
    ask = SubscribePacket.build([(inbox("ada"), 1)], 1).to_bytes()
    raw.writer.write((ask + b"\xc0\x00") * 500)

    assert await raw.reader.readexactly(7 * 500) == b"\x90\x03\x00\x01\x01\xd0\x00" * 500
    assert house.broker.connected == {"ada"}


async def test_a_worker_that_never_answers_its_doorbell_is_hung_up_on(house: House, raw: Raw):
    await raw.hello("ada")
    await raw.subscribe("ada")

    for _ in range(UNANSWERED_LIMIT + 1):
        await house.broker.ring("red", "ada", b"anybody home?")

    await eventually(lambda: not house.broker.connected)
    async with listening(house, "ada") as ada:
        await hears_only_its_own_ring(house, ada, "ada")


async def test_a_worker_that_breaks_its_promise_to_keep_alive_is_hung_up_on(house: House, raw: Raw):
    await raw.hello("ada", keep_alive=1)

    assert await raw.is_hung_up_on() == b""
    await eventually(lambda: not house.broker.connected)


async def test_connections_that_end_while_they_are_set_up_leave_nothing_behind(house: House):
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.broker.port)
        with contextlib.suppress(TimeoutError):  # it is gone before it is answered
            async with asyncio.timeout(0):
                await Raw(reader, writer).hello("ada")
        writer.close()

    await eventually(lambda: len(house.asked) == 20 and not house.broker.connected)
    async with listening(house, "ada") as ada:
        await hears_only_its_own_ring(house, ada, "ada")


async def test_of_many_connections_of_one_worker_at_once_exactly_one_stays(house: House):
    peers = [Raw(*await asyncio.open_connection("127.0.0.1", house.broker.port)) for _ in range(10)]
    await asyncio.gather(*(peer.hello("ada") for peer in peers), return_exceptions=True)
    ends = [asyncio.create_task(peer.is_hung_up_on()) for peer in peers]
    await eventually(lambda: sum(end.done() for end in ends) == 9)

    assert house.broker.connected == {"ada"}
    await house.broker.disconnect("ada")
    await asyncio.gather(*ends)
    assert house.broker.connected == frozenset()
