"""The least that a worker's end of an MQTT line can be (MQTT 3.1.1): a thousand of the workers' own
would measure this process, and not the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gantry_protocol.endpoint import parse_endpoint

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ = 1, 2, 3, 4, 8, 9, 12
KEEP_ALIVE = 30
"""Seconds, as workers have it."""


class NotLetIn(Exception):
    """The broker said no, or something that this program does not know."""


async def hang(
    endpoint: str,
    *,
    name: str,
    user: str,
    password: str,
    topic: str,
    hung: Callable[[], None],
    rung: Callable[[], None],
) -> None:
    """Connect and listen until cancelled. `hung` is called once that is done, `rung` for each ring.

    Raises NotLetIn, OSError, asyncio.IncompleteReadError.
    """
    host, port, _ = parse_endpoint(endpoint)
    reader, writer = await asyncio.open_connection(host, port)
    signs = asyncio.create_task(_signs_of_life(writer))
    try:
        flags = bytes([0b1100_0010])  # user, password, clean session
        head = _text("MQTT") + b"\x04" + flags + KEEP_ALIVE.to_bytes(2, "big")
        writer.write(_packet(CONNECT << 4, head + _text(name) + _text(user) + _text(password)))
        kind, body = await _read(reader)
        if kind >> 4 != CONNACK or body[1] != 0:
            raise NotLetIn(f"{name}: {kind:#x} {body.hex()}")
        writer.write(_packet(SUBSCRIBE << 4 | 2, b"\x00\x01" + _text(topic) + b"\x01"))
        kind, body = await _read(reader)
        if kind >> 4 != SUBACK or body[2] > 1:
            raise NotLetIn(f"{name}: {kind:#x} {body.hex()}")
        hung()
        while True:
            kind, body = await _read(reader)
            if kind >> 4 == PUBLISH:
                after_topic = 2 + int.from_bytes(body[:2], "big")
                writer.write(_packet(PUBACK << 4, body[after_topic : after_topic + 2]))
                rung()
    finally:
        signs.cancel()
        writer.close()


async def _signs_of_life(writer: asyncio.StreamWriter) -> None:
    while True:
        await asyncio.sleep(KEEP_ALIVE * 0.8)
        writer.write(_packet(PINGREQ << 4, b""))


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length, shift = 0, 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 127) << shift
        shift += 7
        if digit < 128:
            return kind, await reader.readexactly(length)


def _packet(kind: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        rest, digit = rest >> 7, rest & 127
        length += bytes([digit | (128 if rest else 0)])
        if not rest:
            return bytes([kind]) + length + body


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data
