"""A connection to RabbitMQ with one channel: login, frames, heartbeats, its end.

Made for two purposes only, publishing with confirms (`publisher`) and reading one queue (`losses`). General clients
await several things for each message; publishing through one took seven times as long.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from pamqp import body, commands, frame, header, heartbeat
from pamqp.base import Frame
from pamqp.exceptions import PAMQPException

from mooring import __version__
from mooring.platform.broker_access import VIRTUAL_HOST
from mooring.platform.queue_broker import BrokerUnavailable

from .address import Address

__all__ = ["CHANNEL", "Wire", "connected"]

CHANNEL = 1
_GREETING = b"AMQP\x00\x00\x09\x01"
_HEAD = 7  # bytes before the payload of a frame: type, channel, size
_HEARTBEAT_S = 20
_CONNECT_S = 10.0
_LARGEST_FRAME = 131_072

_W = TypeVar("_W", bound="Wire")

_Frame = Frame | header.ContentHeader | body.ContentBody


class Wire(asyncio.Protocol):
    """Bytes to frames and back. What it is for is said by `on_frame` and `on_end`."""

    def __init__(self) -> None:
        self.lost: str | None = None
        self.blocked = False  # RabbitMQ takes no messages, for it lacks memory or disk
        self.full = False  # the socket is
        self.frame_max = _LARGEST_FRAME
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._answers: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._open = False
        self._heard = False
        self._silent = 0
        self._timer: asyncio.TimerHandle | None = None

    # For those who use it

    def on_frame(self, found: _Frame) -> None:
        """A frame of the channel that nobody waits for."""

    def on_change(self) -> None:
        """`blocked`, `full` or `lost` is another one."""

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if self._transport is not None:
            self._transport.write(data)

    def send(self, *methods: Frame, channel: int = CHANNEL) -> None:
        """Send methods."""
        self.write(b"".join(frame.marshal(method, channel) for method in methods))

    async def call(self, method: Frame, *, channel: int = CHANNEL) -> Frame:
        """Send a method and wait for its answer. Raises BrokerUnavailable."""
        self.send(method, channel=channel)
        return await self._answer()

    def fail(self, reason: str) -> None:
        """End it at once."""
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End it in order."""
        if self._transport is not None and self.lost is None:
            self.send(commands.Connection.Close(200, "done", 0, 0), channel=0)
            self._transport.close()
        self._end("closed")

    # Opening

    async def log_in(self, address: Address) -> None:
        """Open connection and channel. Raises BrokerUnavailable."""
        self.write(_GREETING)
        await self._answer()
        properties: dict[str, Any] = {
            "product": "Mooring",
            "version": __version__,
            "capabilities": {"publisher_confirms": True, "connection.blocked": True, "basic.nack": True},
        }
        secret = f"\0{address.user}\0{address.password}"
        tune = await self.call(commands.Connection.StartOk(properties, "PLAIN", secret, "en_US"), channel=0)
        if not isinstance(tune, commands.Connection.Tune):
            raise BrokerUnavailable(f"RabbitMQ answered a login with {tune.name}")
        self.frame_max = min(tune.frame_max or _LARGEST_FRAME, _LARGEST_FRAME)
        self.send(commands.Connection.TuneOk(tune.channel_max, self.frame_max, _HEARTBEAT_S), channel=0)
        await self.call(commands.Connection.Open(VIRTUAL_HOST), channel=0)
        await self.call(commands.Channel.Open())
        self._open = True
        self._timer = asyncio.get_running_loop().call_later(_HEARTBEAT_S / 2, self._beat)

    async def _answer(self) -> Frame:
        found = await self._answers.get() if self.lost is None else None
        if found is None:
            raise BrokerUnavailable(self.lost or "RabbitMQ closed the connection")
        return found

    def _beat(self) -> None:
        self._silent = 0 if self._heard else self._silent + 1
        self._heard = False
        if self._silent >= 4:  # two intervals
            self.fail("RabbitMQ fell silent")
            return
        self.write(heartbeat.Heartbeat().marshal())
        self._timer = asyncio.get_running_loop().call_later(_HEARTBEAT_S / 2, self._beat)

    # The transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._heard = True
        self._received += data
        try:
            for found in self._frames():
                self._take(found)
        except PAMQPException as error:
            self.fail(f"RabbitMQ sent what is no AMQP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        self._end("RabbitMQ closed the connection" if exc is None else f"connection to RabbitMQ lost: {exc}")

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self.full = True

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self.full = False
        self.on_change()

    def _frames(self) -> Sequence[_Frame]:
        received, start = self._received, 0
        found: list[_Frame] = []
        while len(received) - start > _HEAD:
            end = start + _HEAD + int.from_bytes(received[start + 3 : start + 7]) + 1
            if len(received) < end:
                break
            _, _, one = frame.unmarshal(bytes(received[start:end]))
            start = end
            if isinstance(one, Frame | header.ContentHeader | body.ContentBody):
                found.append(one)
        del received[:start]
        return found

    def _take(self, found: _Frame) -> None:
        if isinstance(found, commands.Connection.Close | commands.Channel.Close):
            self.fail(f"RabbitMQ: {found.reply_code} {found.reply_text}")
        elif isinstance(found, commands.Connection.Blocked | commands.Connection.Unblocked):
            self.blocked = isinstance(found, commands.Connection.Blocked)
            self.on_change()
        elif isinstance(found, Frame) and (not self._open or found.name.endswith("Ok")):
            self._answers.put_nowait(found)
        else:
            self.on_frame(found)

    def _end(self, reason: str) -> None:
        if self.lost is not None:
            return
        self.lost = reason
        if self._timer is not None:
            self._timer.cancel()
        self._answers.put_nowait(None)
        self.on_change()


async def connected(wire: _W, address: Address) -> _W:
    """The wire, open. Raises BrokerUnavailable."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_CONNECT_S):
            tls = ssl.create_default_context() if address.tls else None
            await loop.create_connection(lambda: wire, address.host, address.port, ssl=tls)
            await wire.log_in(address)
    except (OSError, TimeoutError) as error:
        wire.fail("not connected")
        where = f"{address.host}:{address.port}"
        reason = str(error) or type(error).__name__
        raise BrokerUnavailable(f"cannot connect to RabbitMQ at {where}: {reason}") from None
    except BaseException:
        wire.fail("not connected")
        raise
    return wire
