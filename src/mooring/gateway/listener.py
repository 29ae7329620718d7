"""The MQTT ports: TCP and TLS."""

import asyncio
import socket
import ssl

from .connection import DeviceConnection
from .gateway import Gateway

__all__ = ["Listener"]

_BACKLOG = 2048
_HANDSHAKE_S = 15.0


class Listener:
    """Serves sockets that listen already. Stops taking connections with `close`; those that are open stay."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._servers: list[asyncio.Server] = []

    async def serve(self, listening: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Take connections of this socket."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: DeviceConnection(self._gateway),
            sock=listening,
            backlog=_BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=_HANDSHAKE_S if tls is not None else None,
        )
        self._servers.append(server)

    def close(self) -> None:
        """Take no more connections."""
        for server in self._servers:
            server.close()
