"""MQTT over WebSocket at `/ws/v2`: subprotocol `mqtt`, binary messages, cut anywhere (MQTT 3.1.1, section 6)."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from .connection import DeviceConnection
from .gateway import Gateway
from .stream import Stream

__all__ = ["MAX_UNSENT", "WebSocketDoor"]

MAX_UNSENT = 64 * 1024  # bytes that the peer has not taken; then nothing more is given until it has
_SUBPROTOCOL = "mqtt"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _WebSocketWire:
    """What a transport is to a connection, over the `send` of ASGI."""

    def __init__(self, connection: Stream) -> None:
        self.connection = connection
        self._unsent = bytearray()
        self._changed = asyncio.Event()
        self._closing = False
        self._blocked = False
        self.readable = asyncio.Event()
        self.readable.set()
        self.gone = asyncio.Event()

    def write(self, data: bytes) -> None:
        self._unsent += data
        self._changed.set()
        if len(self._unsent) > MAX_UNSENT and not self._blocked:
            self._blocked = True
            self.connection.pause_writing()

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True
        self._changed.set()

    def abort(self) -> None:
        self._unsent.clear()
        self.close()
        self.gone.set()

    def pause_reading(self) -> None:
        self.readable.clear()

    def resume_reading(self) -> None:
        self.readable.set()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.connection = cast("Stream", protocol)

    async def pump(self, send: Send) -> None:
        """Send until the connection is closed and everything is sent."""
        while self._unsent or not self._closing:
            if not self._unsent:
                self._changed.clear()
                await self._changed.wait()
                continue
            data = bytes(self._unsent)
            self._unsent.clear()
            await send({"type": "websocket.send", "bytes": data})
            if self._blocked and not self._closing:
                self._blocked = False
                self.connection.resume_writing()
        await send({"type": "websocket.close", "code": 1000})


class WebSocketDoor:
    """An ASGI application for scopes of the type `websocket`."""

    def __init__(self, gateway: Gateway, client_address: Callable[[Scope], str | None]) -> None:
        self._gateway = gateway
        self._client_address = client_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket until it is closed."""
        await receive()  # websocket.connect
        if _SUBPROTOCOL not in scope.get("subprotocols", ()):
            await send({"type": "websocket.close", "code": 1002, "reason": "the subprotocol is mqtt"})
            return
        await send({"type": "websocket.accept", "subprotocol": _SUBPROTOCOL})
        connection = DeviceConnection(self._gateway)
        wire = _WebSocketWire(connection)
        secure = scope.get("scheme") == "wss"
        tasks = {asyncio.ensure_future(work) for work in (self._read(wire, receive), wire.pump(send), wire.gone.wait())}
        try:
            connection.start(wire, self._client_address(scope) or "", secure=secure)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            wire.connection.connection_lost(None)

    async def _read(self, wire: _WebSocketWire, receive: Receive) -> None:
        while True:
            await wire.readable.wait()
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            data = message.get("bytes")
            if data is None:
                wire.connection.close("a WebSocket message is not binary")
                return
            wire.connection.data_received(data)
