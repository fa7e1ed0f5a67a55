"""The doorbell: who may connect, what they may say and hear, and starting and stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiomqtt
import pytest
from aiomqtt.exceptions import MqttConnectError
from amqtt.mqtt.publish import PublishPacket
from gantry.infra.broker import Admission, CannotListen
from gantry_protocol import topics

from tests.support.doorbell import (
    House,
    Raw,
    build,
    client,
    eventually,
    hears_only_its_own_ring,
    inbox,
    listening,
    next_message,
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


# ---------------------------------------------------------------- ringing


async def test_a_ring_reaches_the_worker_it_is_for_and_nobody_else(house: House):
    async with listening(house, "ada") as ada, listening(house, "bob") as bob:
        await house.broker.ring("red", "ada", b"there is a run")

        assert await next_message(ada) == b"there is a run"
        await hears_only_its_own_ring(house, bob, "bob")


async def test_rings_arrive_in_the_order_in_which_they_were_rung(house: House):
    async with listening(house, "ada") as ada:
        for number in range(20):
            await house.broker.ring("red", "ada", str(number).encode())

        assert [int(await next_message(ada)) for _ in range(20)] == list(range(20))


async def test_ringing_for_somebody_who_is_not_there_does_nothing(house: House):
    await house.broker.ring("red", "ada", b"hello?")

    async with listening(house, "ada") as ada:
        await hears_only_its_own_ring(house, ada, "ada")


async def test_a_ring_for_the_right_worker_in_the_wrong_pool_is_not_delivered(house: House):
    async with listening(house, "ada") as ada:
        await house.broker.ring("blue", "ada", b"wrong pool")

        await hears_only_its_own_ring(house, ada, "ada")


async def test_a_worker_that_stopped_listening_is_not_rung_until_it_listens_again(house: House):
    async with listening(house, "ada") as ada:
        await ada.unsubscribe(inbox("ada"))
        await house.broker.ring("red", "ada", b"missed")

        await ada.subscribe(inbox("ada"), qos=1)
        await hears_only_its_own_ring(house, ada, "ada")


async def test_a_ring_above_the_limit_is_refused_before_it_is_sent(house: House):
    async with listening(house, "ada") as ada:
        with pytest.raises(ValueError, match="above the limit"):
            await house.broker.ring("red", "ada", b"x" * (topics.MESSAGE_LIMIT + 1))
        await hears_only_its_own_ring(house, ada, "ada")

        await house.broker.ring("red", "ada", b"x" * topics.MESSAGE_LIMIT)
        assert len(await next_message(ada)) == topics.MESSAGE_LIMIT


# ---------------------------------------------------------------- coming in


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ada", "wrong"),
        ("ada", "proof of bob"),
        ("ada", ""),
        ("ada", None),
        ("", "proof of "),
        (None, None),
    ],
)
async def test_a_connection_without_a_good_proof_is_refused(house: House, username, password):
    with pytest.raises(MqttConnectError):
        async with client(house, "ada", username=username, password=password):
            pass
    assert house.broker.connected == frozenset()


async def test_when_nobody_can_be_asked_the_connection_is_refused(house: House):
    with pytest.raises(MqttConnectError):
        async with client(house, "nobody", password="proof of nobody"):  # admit raises KeyError
            pass
    assert house.broker.connected == frozenset()


async def test_a_refused_connection_in_a_workers_name_leaves_that_worker_alone(house: House):
    async with listening(house, "ada") as ada:
        for clean in (True, False):
            with pytest.raises(MqttConnectError):
                async with client(
                    house, "ada", password="wrong", identifier="ada", clean_session=clean
                ):
                    pass

        assert house.broker.connected == {"ada"}
        await hears_only_its_own_ring(house, ada, "ada")


async def test_the_newest_connection_of_a_worker_replaces_the_older_one(house: House):
    async with listening(house, "ada") as old, listening(house, "ada") as new:
        with pytest.raises(aiomqtt.MqttError):
            await next_message(old)

        assert house.broker.connected == {"ada"}
        await hears_only_its_own_ring(house, new, "ada")
    await eventually(lambda: not house.broker.connected)


async def test_a_worker_that_leaves_is_no_longer_connected(house: House):
    async with listening(house, "ada"), listening(house, "cyd"):
        assert house.broker.connected == {"ada", "cyd"}
    await eventually(lambda: not house.broker.connected)


async def test_a_worker_can_be_sent_away_while_others_stay(house: House):
    async with listening(house, "ada") as ada, listening(house, "bob") as bob:
        await house.broker.disconnect("ada")

        assert house.broker.connected == {"bob"}
        with pytest.raises(aiomqtt.MqttError):
            await next_message(ada)
        await hears_only_its_own_ring(house, bob, "bob")


async def test_connections_above_the_limit_are_turned_away():
    async with running(max_connections=1) as house, listening(house, "ada") as ada:
        with pytest.raises(aiomqtt.MqttError):
            async with client(house, "bob", timeout=0.5):
                pass

        assert house.broker.connected == {"ada"}
        await hears_only_its_own_ring(house, ada, "ada")


# ---------------------------------------------------------------- what may be subscribed to


@pytest.mark.parametrize(
    "topic",
    [
        "gantry/readonly/red/bob",
        "gantry/writeonly/red/bob",
        "gantry/writeonly/red/ada",
        "gantry/readonly/blue/ada",
        "gantry/readonly/red/+",
        "gantry/readonly/+/ada",
        "gantry/readonly/red/ada/#",
        "gantry/#",
        "#",
        "+/readonly/red/ada",
        "$SYS/#",
        "$share/group/gantry/readonly/red/ada",
        "gantry/readonly/red/ada/",
    ],
)
async def test_a_subscription_to_anything_but_ones_own_topic_is_refused(house: House, topic: str):
    async with client(house, "ada") as ada, listening(house, "bob") as bob:
        assert [code.value for code in await ada.subscribe(topic, qos=1)] == [0x80]

        await house.broker.ring("red", "bob", b"for bob")
        await house.broker.ring("red", "ada", b"ada does not listen")
        assert await next_message(bob) == b"for bob"
        await ada.subscribe(inbox("ada"), qos=1)
        await hears_only_its_own_ring(house, ada, "ada")


async def test_of_several_subscriptions_only_ones_own_is_granted(house: House):
    async with client(house, "ada") as ada:
        codes = await ada.subscribe([(inbox("bob"), 1), (inbox("ada"), 2), ("#", 1)])

        assert [code.value for code in codes] == [0x80, 1, 0x80]
        await hears_only_its_own_ring(house, ada, "ada")


# ---------------------------------------------------------------- what may be published


async def test_what_a_worker_says_on_its_own_topic_is_heard_with_its_name(house: House):
    async with client(house, "ada") as ada, client(house, "cyd") as cyd:
        await ada.publish(outbox("ada"), b"one", qos=1)
        await cyd.publish(outbox("cyd"), b"two", qos=1)
        await ada.publish(outbox("ada"), b"", qos=0)
        await eventually(lambda: len(house.heard) == 3)

    assert house.heard == [
        (Admission("red", "ada"), b"one"),
        (Admission("blue", "cyd"), b"two"),
        (Admission("red", "ada"), b""),
    ]


@pytest.mark.parametrize(
    "topic",
    ["gantry/readonly/red/bob", "gantry/writeonly/red/bob", "gantry/readonly/red/ada", "$SYS/x"],
)
async def test_a_message_on_any_other_topic_reaches_nobody_and_ends_the_connection(
    house: House, topic: str
):
    async with listening(house, "bob") as bob, listening(house, "ada") as ada:
        await ada.publish(topic, b"you are mine", qos=0)
        with pytest.raises(aiomqtt.MqttError):
            await next_message(ada)

        await eventually(lambda: house.broker.connected == {"bob"})
        await hears_only_its_own_ring(house, bob, "bob")
    assert house.heard == []


async def test_a_last_will_reaches_nobody(house: House):
    async with listening(house, "bob") as bob:
        for topic in (inbox("bob"), outbox("ada")):
            will = aiomqtt.Will(topic, b"my last will", qos=1, retain=True)
            async with client(house, "ada", will=will):
                await house.broker.disconnect("ada")
        await bob.subscribe(inbox("bob"), qos=1)

        await hears_only_its_own_ring(house, bob, "bob")
    assert house.heard == []


async def test_nothing_is_retained(house: House):
    async with listening(house, "ada") as ada:
        await ada.publish(outbox("ada"), b"keep this", qos=1, retain=True)
        assert house.heard == [(Admission("red", "ada"), b"keep this")]

    async with listening(house, "ada") as ada:
        await hears_only_its_own_ring(house, ada, "ada")
    assert len(house.heard) == 1


async def test_a_session_is_not_kept_for_a_worker_that_asks_for_it(house: House):
    settings = {"identifier": "ada", "clean_session": False}
    async with client(house, "ada", **settings) as ada:
        await ada.subscribe(inbox("ada"), qos=1)
    await eventually(lambda: not house.broker.connected)
    await house.broker.ring("red", "ada", b"while away")

    async with client(house, "ada", **settings) as ada:
        await house.broker.ring("red", "ada", b"before it listens")
        await ada.subscribe(inbox("ada"), qos=1)
        await hears_only_its_own_ring(house, ada, "ada")


async def test_a_message_that_cannot_be_dealt_with_does_not_cost_the_connection(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    async def fail(admission: Admission, message: bytes) -> None:
        raise RuntimeError("the database is away")

    async with listening(house, "ada") as ada:
        with monkeypatch.context() as patch:
            patch.setattr(house, "hear", fail)
            await ada.publish(outbox("ada"), b"lost", qos=1)
        await ada.publish(outbox("ada"), b"kept", qos=1)

        assert house.heard == [(Admission("red", "ada"), b"kept")]
        await hears_only_its_own_ring(house, ada, "ada")


# ---------------------------------------------------------------- starting and stopping


async def test_a_port_that_is_taken_is_named(house: House):
    second = build(port=house.broker.port)

    with pytest.raises(CannotListen, match=f"port {house.broker.port} because the port is taken"):
        await second.broker.start()
    async with listening(house, "ada") as ada:
        await hears_only_its_own_ring(house, ada, "ada")


async def test_stopping_ends_every_connection_even_of_those_at_the_door(house: House, raw: Raw):
    async with listening(house, "ada") as ada, listening(house, "bob") as bob:
        await house.broker.stop()

        assert house.broker.connected == frozenset()
        for mqtt in (ada, bob):
            with pytest.raises(aiomqtt.MqttError):
                await next_message(mqtt)
        assert await raw.is_hung_up_on() == b""
        await house.broker.ring("red", "ada", b"nobody rings any more")


async def test_stopping_does_not_wait_for_a_message_that_is_being_dealt_with(
    house: House, raw: Raw, monkeypatch: pytest.MonkeyPatch
):
    events: list[str] = []

    async def hear(admission: Admission, message: bytes) -> None:
        events.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            events.append("given up")

    monkeypatch.setattr(house, "hear", hear)
    await raw.hello("ada")
    raw.writer.write(PublishPacket.build(outbox("ada"), b"x", None, False, 0, False).to_bytes())
    await eventually(lambda: events == ["begun"])

    await house.broker.stop()
    assert events == ["begun", "given up"]


async def test_a_broker_can_be_started_again():
    house = build()
    for _ in range(2):
        await house.broker.start()
        async with listening(house, "ada") as ada:
            await hears_only_its_own_ring(house, ada, "ada")
        await house.broker.stop()
        await house.broker.stop()
