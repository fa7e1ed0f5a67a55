"""A broker with workers of two pools, for tests of the doorbell."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
from amqtt.mqtt.connect import ConnectPacket, ConnectPayload, ConnectVariableHeader
from amqtt.mqtt.subscribe import SubscribePacket
from gantry.infra.broker import Admission, Broker
from gantry_protocol import topics

POOLS = {"ada": "red", "bob": "red", "cyd": "blue"}


@dataclass
class House:
    """A broker and everything that reached it."""

    broker: Broker = field(init=False)
    heard: list[tuple[Admission, bytes]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def admit(self, username: str, password: str) -> Admission | None:
        self.asked.append(password)
        if not password.startswith(f"proof of {username}"):
            return None
        return Admission(POOLS[username], username)

    async def hear(self, admission: Admission, message: bytes) -> None:
        await self.open.wait()
        self.heard.append((admission, message))


def build(port: int = 0, tls: ssl.SSLContext | None = None, max_connections: int = 50) -> House:
    house = House()
    house.broker = Broker(
        namespace="gantry",
        host="127.0.0.1",
        port=port,
        admit=lambda username, password: house.admit(username, password),
        heard=lambda admission, message: house.hear(admission, message),
        tls=tls,
        max_connections=max_connections,
    )
    house.open.set()
    return house


@contextlib.asynccontextmanager
async def running(**options: Any) -> AsyncIterator[House]:
    """A house whose broker is started, and stopped afterwards."""
    house = build(**options)
    await house.broker.start()
    try:
        yield house
    finally:
        await house.broker.stop()


def client(house: House, worker: str, **options: object) -> aiomqtt.Client:
    settings = {"username": worker, "password": f"proof of {worker}", "timeout": 2} | options
    return aiomqtt.Client("127.0.0.1", house.broker.port, **settings)


def inbox(worker: str) -> str:
    return topics.readonly("gantry", POOLS[worker], worker)


def outbox(worker: str) -> str:
    return topics.writeonly("gantry", POOLS[worker], worker)


@contextlib.asynccontextmanager
async def listening(house: House, worker: str) -> AsyncIterator[aiomqtt.Client]:
    async with client(house, worker) as mqtt:
        await mqtt.subscribe(inbox(worker), qos=1)
        yield mqtt


async def next_message(mqtt: aiomqtt.Client) -> bytes:
    async with asyncio.timeout(5):
        return bytes((await anext(mqtt.messages)).payload)


async def eventually(fact: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not fact():
            await asyncio.sleep(0.01)


async def hears_only_its_own_ring(house: House, mqtt: aiomqtt.Client, worker: str) -> None:
    """Whatever was sent before would have arrived before this ring, on the same connection."""
    await house.broker.ring(POOLS[worker], worker, b"the bell works")
    assert await next_message(mqtt) == b"the bell works"
    assert len(mqtt.messages) == 0


class Raw:
    """A peer that sends whatever it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def hello(self, worker: str, *, keep_alive: int = 0) -> None:
        header = ConnectVariableHeader(keep_alive=keep_alive)
        header.username_flag = header.password_flag = header.clean_session_flag = True
        payload = ConnectPayload("x", username=worker, password=f"proof of {worker}")
        self.writer.write(ConnectPacket(variable_header=header, payload=payload).to_bytes())
        assert await self.reader.readexactly(4) == b"\x20\x02\x00\x00"

    async def subscribe(self, worker: str) -> None:
        self.writer.write(SubscribePacket.build([(inbox(worker), 1)], 1).to_bytes())
        assert await self.reader.readexactly(5) == b"\x90\x03\x00\x01\x01"

    async def is_hung_up_on(self) -> bytes:
        """What it was sent before the end."""
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read()
        return b""
