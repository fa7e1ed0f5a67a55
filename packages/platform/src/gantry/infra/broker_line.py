"""One worker's MQTT connection: everything it says is checked here before amqtt reads it.

amqtt 0.12 speaks the protocol but trusts the speaker: it ends an older session of the same
name before it asks for the password, broadcasts last wills without asking whether their topic
is allowed, buffers whatever arrives, believes a packet of 256 MB, and never notices that a
peer is gone. So amqtt never touches the socket. `read_hello` takes the first packet, and a
`Line` hands amqtt an introduction of our own instead, then one checked packet at a time.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog
from amqtt.adapters import BufferReader, ReaderAdapter, WriterAdapter
from amqtt.errors import AMQTTError, MQTTError, NoDataError, ProtocolHandlerError
from amqtt.mqtt.connack import (
    BAD_USERNAME_PASSWORD,
    NOT_AUTHORIZED,
    UNACCEPTABLE_PROTOCOL_VERSION,
    ConnackPacket,
)
from amqtt.mqtt.connect import ConnectPacket, ConnectPayload, ConnectVariableHeader
from amqtt.mqtt.constants import QOS_1
from amqtt.mqtt.packet import (
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBLISH,
    SUBACK,
    SUBSCRIBE,
    UNSUBACK,
    UNSUBSCRIBE,
    MQTTFixedHeader,
)
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.publish import PublishPacket
from gantry_protocol.topics import MESSAGE_LIMIT

LIMITS = {
    CONNECT: 16 * 1024,  # a proof is a JWT of about 1 KiB, and headers need not be ours
    PUBLISH: MESSAGE_LIMIT + 1024,  # the message, its topic and its number
    SUBSCRIBE: 4096,  # one topic of about 100 bytes
    UNSUBSCRIBE: 4096,
    PUBACK: 2,  # the number it acknowledges
    PINGREQ: 0,
    DISCONNECT: 0,
}
"""The packets a worker may send, and the most bytes each may have after its fixed header."""

ANSWERS = {SUBSCRIBE: SUBACK, UNSUBSCRIBE: UNSUBACK, PINGREQ: PINGRESP}
MQTT_3_1_1 = 4  # protocol level, MQTT 3.1.1 section 3.1.2.2

SILENCE_LIMIT = 15 * 60.0
"""Seconds without a packet before a worker that asked for no keep-alive counts as gone."""
WRITE_SECONDS = 10.0
"""How long a worker may leave its incoming messages unread before it counts as gone."""
HEARD_SECONDS = 4.0
"""How long one message may take to be dealt with; amqtt gives up on the acknowledgement of a
ring, which may wait behind it, after five."""
UNANSWERED_LIMIT = 32
"""Rings under way at once. A worker reads each within milliseconds; one that is this far behind
is better off asking for everything again."""

log = structlog.get_logger()


class Unwelcome(Exception):
    """A first packet that earns a refusal. `code` is the CONNACK return code for it."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Forbidden(Exception):
    """A packet that no worker may send; the connection ends."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A control packet as it was framed; see MQTT 3.1.1 section 2."""

    kind: int
    flags: int
    body: bytes

    def to_bytes(self) -> bytes:
        """The packet as it travels."""
        return MQTTFixedHeader(self.kind, self.flags, len(self.body)).to_bytes() + self.body


@dataclass(frozen=True, slots=True)
class Hello:
    """Who wants in. A client id, a last will and a wish for a kept session are not looked at."""

    username: str
    password: str = field(repr=False)
    keep_alive: int  # seconds; 0 is none


async def read_packet(reader: asyncio.StreamReader) -> Packet:
    """The next packet, never more than its limit in memory.

    Raises Forbidden, IncompleteReadError at the end of the stream, and OSError.
    """
    first = (await reader.readexactly(1))[0]
    kind, flags = first >> 4, first & 0x0F
    length = 0
    for shift in (0, 7, 14, 21):  # at most four bytes of seven bits, section 2.2.3
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        if not byte & 0x80:
            break
    else:
        raise Forbidden("the length of the packet is malformed")
    if length > LIMITS.get(kind, -1):
        raise Forbidden(f"a packet of kind {kind} with {length} bytes is not accepted")
    return Packet(kind, flags, await reader.readexactly(length))


async def read_hello(reader: asyncio.StreamReader) -> Hello:
    """The first packet of a connection. Raises Unwelcome, Forbidden, and as `read_packet`."""
    packet = await read_packet(reader)
    if packet.kind != CONNECT:
        raise Forbidden("the first packet is not CONNECT")
    try:
        connect = await ConnectPacket.from_stream(BufferReader(packet.to_bytes()))
    except (AMQTTError, MQTTError, NoDataError):
        raise Forbidden("the CONNECT packet is malformed") from None
    if connect.proto_name != "MQTT" or connect.proto_level != MQTT_3_1_1:
        raise Unwelcome(UNACCEPTABLE_PROTOCOL_VERSION, "it does not speak MQTT 3.1.1")
    if not connect.username:
        raise Unwelcome(NOT_AUTHORIZED, "it gives no name")
    if not connect.password:
        raise Unwelcome(BAD_USERNAME_PASSWORD, "it gives no proof")
    return Hello(connect.username, connect.password, connect.keep_alive)


def refusal(code: int) -> bytes:
    """The CONNACK packet that turns a connection away."""
    return ConnackPacket.build(0, code).to_bytes()


def introduction(key: str, name: str) -> bytes:
    """The CONNECT packet that amqtt sees: no will, no kept session, no password, a unique id."""
    header = ConnectVariableHeader()
    header.username_flag = header.clean_session_flag = True
    payload = ConnectPayload(client_id=key, username=name)
    return ConnectPacket(variable_header=header, payload=payload).to_bytes()


@dataclass(eq=False)
class Line(ReaderAdapter, WriterAdapter):
    """The connection of an admitted worker, as amqtt reads from and writes to it.

    A packet is read when amqtt has answered the one before, so a worker that floods fills its
    own socket and nothing of ours. What a worker publishes is heard here and goes no further.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    key: str  # unique among all connections ever
    worker_id: str
    readonly: str
    writeonly: str
    keep_alive: int
    hear: Callable[[bytes], Awaitable[None]]
    task: asyncio.Task[Any]

    qos: int | None = None
    """What the worker subscribed with; None while it does not listen."""

    def __post_init__(self) -> None:
        self.over = asyncio.get_running_loop().create_future()  # done when nothing more is read
        self._passed = introduction(self.key, self.worker_id)
        self._last = False  # no packet follows the one that has passed
        self._awaits: int | None = None
        self._answered = asyncio.Event()
        self._answered.set()
        self._rings: set[asyncio.Task[Any]] = set()
        # One and a half times what the worker promised: MQTT 3.1.1 section 3.1.2.10.
        self._silence = min(1.5 * self.keep_alive or SILENCE_LIMIT, SILENCE_LIMIT)

    async def read(self, n: int = -1) -> bytes:
        """At most `n` bytes of a checked packet; nothing when the connection is over."""
        if not self._passed and not self._last:
            self._passed = await self._next()
        end = n if n >= 0 else len(self._passed)
        chunk, self._passed = self._passed[:end], self._passed[end:]
        return chunk

    async def _next(self) -> bytes:
        try:
            while True:
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._answered.wait()
                async with asyncio.timeout(self._silence):
                    packet = await read_packet(self.reader)
                if packet.kind != PUBLISH:
                    return self._let_pass(packet)
                await self._publish(packet)
        except Forbidden as breach:
            log.warning("worker connection closed for what it sent", reason=str(breach))
        except TimeoutError:
            log.info("worker connection closed because it fell silent")
        except (asyncio.IncompleteReadError, OSError) as cause:
            log.debug("worker hung up", reason=type(cause).__name__)
        self._end()
        return b""

    def _end(self) -> None:
        self._last = True
        if not self.over.done():
            self.over.set_result(None)

    def _let_pass(self, packet: Packet) -> bytes:
        if packet.kind == CONNECT:
            raise Forbidden("a second CONNECT")
        if packet.kind == PUBACK and not self._rings:
            raise Forbidden("an acknowledgement of nothing")
        if packet.kind == UNSUBSCRIBE:
            self.qos = None  # there is only one topic it can mean
        if packet.kind == DISCONNECT:
            self._last = True
        if packet.kind in ANSWERS:
            self._awaits = ANSWERS[packet.kind]
            self._answered.clear()
        return packet.to_bytes()

    async def _publish(self, packet: Packet) -> None:
        try:
            publish = await PublishPacket.from_stream(BufferReader(packet.to_bytes()))
        except (AMQTTError, MQTTError, NoDataError):
            raise Forbidden("a malformed PUBLISH") from None
        if publish.topic_name != self.writeonly:
            raise Forbidden("a message on a topic that is not its own")
        if publish.qos not in (0, QOS_1):
            raise Forbidden("a quality of service above 1")
        message = publish.data or b""
        if len(message) > MESSAGE_LIMIT:
            raise Forbidden("a message above the limit")
        try:
            async with asyncio.timeout(HEARD_SECONDS):
                await self.hear(message)
        except Exception:  # whatever it is, it must not cost the worker its connection
            log.exception("worker message lost because it could not be dealt with")
        if publish.packet_id is not None:
            self.write(PubackPacket.build(publish.packet_id).to_bytes())
            await self.drain()
        # Reading what is buffered already does not wait: let the others have their turn.
        await asyncio.sleep(0)

    def feed_eof(self) -> None:
        """The socket tells of its own end."""

    def write(self, data: bytes) -> None:
        """Send one whole packet."""
        if data[0] >> 4 == self._awaits:
            self._awaits = None
            self._answered.set()
        if not self.writer.is_closing():
            self.writer.write(data)

    async def drain(self) -> None:
        """Wait until the worker has read enough. Raises OSError when it does not."""
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self.writer.drain()
        except TimeoutError:
            self.abort()
            raise ConnectionAbortedError("the worker does not read") from None

    def get_peer_info(self) -> tuple[str, int]:
        """Address and port, for amqtt's log."""
        host, port, *_ = self.writer.get_extra_info("peername") or ("unknown", 0)
        return host, port

    def get_ssl_info(self) -> ssl.SSLObject | None:
        """Nothing: nobody is recognised by a client certificate."""
        return None

    async def close(self) -> None:
        """Hang up after what was written; does not wait for the other side."""
        self._end()
        self.writer.close()

    def abort(self) -> None:
        """Hang up at once, whatever is still to be sent."""
        self._end()
        self.writer.transport.abort()

    def ring(self, delivery: Coroutine[Any, Any, Any]) -> None:
        """Start a delivery; when it is not acknowledged, hang up, so that the worker asks anew."""
        if len(self._rings) >= UNANSWERED_LIMIT:
            delivery.close()
            log.warning("worker connection closed because it does not answer its doorbell")
            self.abort()
            return
        task = asyncio.create_task(self._deliver(delivery))
        self._rings.add(task)
        task.add_done_callback(self._rings.discard)

    async def _deliver(self, delivery: Coroutine[Any, Any, Any]) -> None:
        try:
            await delivery
        except (AMQTTError, ProtocolHandlerError, OSError) as cause:
            log.info("ring not acknowledged", worker_id=self.worker_id, reason=str(cause))
            self.abort()
