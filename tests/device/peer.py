"""The cloud's end on real sockets: `CloudPeer` behind a listening port, for any number of devices."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any, Self

from device.cloud_peer import CloudPeer
from mooring.protocol.commands import Downlink, Uplink

__all__ = ["SocketCloud", "until"]

_PATIENCE_S = 20.0


async def until(condition: Callable[[], Any]) -> Any:
    """Wait until something is true, at most as long as a busy machine may take; return it."""
    async with asyncio.timeout(_PATIENCE_S):
        while not (found := condition()):  # noqa: ASYNC110 - what is waited for happens in a peer
            await asyncio.sleep(0.005)
    return found


class SocketCloud:
    """Listens on a free port. `make` gives the peer of each connection; the last one of each client id counts."""

    def __init__(self, make: Callable[[], CloudPeer] = CloudPeer, *, tls: ssl.SSLContext | None = None) -> None:
        self._make = make
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._writers: dict[CloudPeer, asyncio.StreamWriter] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.peers: list[CloudPeer] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()
        await asyncio.gather(*self._tasks)
        await self._server.wait_closed()

    def peer(self, client_id: str | None = None) -> CloudPeer:
        """The newest connection."""
        return next(peer for peer in reversed(self.peers) if client_id in (None, peer.client_id))

    def send(self, value: Downlink, client_id: str | None = None) -> int:
        """Send a command to a device; returns its packet id."""
        peer = self.peer(client_id)
        packet_id = peer.send(value, self._now())
        self._flush(peer)
        return packet_id

    def drop(self) -> None:
        """Close every connection."""
        for writer in self._writers.values():
            writer.close()

    def sent(self, kind: type[Uplink]) -> list[Any]:
        """What devices sent of a kind."""
        return [uplink for peer in self.peers for uplink in peer.uplinks if type(uplink) is kind]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        peer = self._make()
        self.peers.append(peer)
        self._writers[peer] = writer
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while not peer.session.is_over and (data := await reader.read(65536)):
                peer.receive(data, self._now())
                self._flush(peer)
        self._writers.pop(peer, None)
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
        self._tasks.discard(task)

    def _flush(self, peer: CloudPeer) -> None:
        data = peer.session.data_to_send()
        if data and peer in self._writers:
            self._writers[peer].write(data)

    @staticmethod
    def _now() -> float:
        return 0.0  # these peers do nothing by time
