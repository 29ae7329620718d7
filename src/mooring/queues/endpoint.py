"""What the AMQP connections of one process share: the platform, limits, who is connected."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import msgspec

from mooring import __version__
from mooring.platform import Platform
from mooring.protocol.amqp import Limits

from .metrics import EndpointMetrics

__all__ = ["Endpoint", "EndpointLimits", "Member"]

_BACKLOG = 512
_HANDSHAKE_S = 15.0
_CHECK_S = 0.5  # how often the rights of open connections are looked at
_DRAIN_S = 2.0
PRODUCT = {"product": "Mooring", "version": __version__, "platform": "Python", "information": "AMQP 0-9-1, consuming"}


class EndpointLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the endpoint allows."""

    max_connections: int = 1_000
    connections_per_key: int = 100
    amqp: Limits = Limits()


class Member(Protocol):
    """What the endpoint asks of a connection."""

    def check(self) -> None:
        """See whether its application may still consume."""

    def stop(self) -> None:
        """End it because the server stops."""

    def abort(self) -> None:
        """Cut it."""


class Endpoint:
    """One for a process; its connections register here."""

    def __init__(
        self,
        platform: Platform,
        limits: EndpointLimits,
        metrics: EndpointMetrics,
        connect: Callable[["Endpoint"], asyncio.Protocol],
    ) -> None:
        self.platform = platform
        self.limits = limits
        self.metrics = metrics
        self._connect = connect
        self._members: set[Member] = set()
        self._of_app: Counter[int] = Counter()
        self._servers: list[asyncio.Server] = []
        self._closing = False
        self._emptied = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def serve(self, listening: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Take connections of a socket that listens already."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: self._connect(self),
            sock=listening,
            backlog=_BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=_HANDSHAKE_S if tls is not None else None,
        )
        self._servers.append(server)
        if self._timer is None:
            self._timer = loop.call_later(_CHECK_S, self._check)

    def admit(self, member: Member) -> bool:
        """Register a new connection; False when there is no room for it."""
        if self._closing or len(self._members) >= self.limits.max_connections:
            self.metrics.refused["full"] += 1
            return False
        self._members.add(member)
        self._emptied.clear()
        self.metrics.accepted += 1
        self.metrics.connections = len(self._members)
        return True

    def leave(self, member: Member) -> None:
        """A connection is gone."""
        self._members.discard(member)
        self.metrics.connections = len(self._members)
        if not self._members:
            self._emptied.set()

    def count_in(self, app_id: int) -> bool:
        """One more connection of an application; False when it has too many."""
        if self._of_app[app_id] >= self.limits.connections_per_key:
            return False
        self._of_app[app_id] += 1
        return True

    def count_out(self, app_id: int) -> None:
        """One less."""
        self._of_app[app_id] -= 1
        if not self._of_app[app_id]:
            del self._of_app[app_id]

    async def close(self) -> None:
        """Take nothing more; end every connection with 320, so that clients connect again."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        for server in self._servers:
            server.close()
        for member in tuple(self._members):
            member.stop()
        if self._members:
            try:
                await asyncio.wait_for(self._emptied.wait(), _DRAIN_S)
            except TimeoutError:
                for member in tuple(self._members):
                    member.abort()

    def _check(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_CHECK_S, self._check)
        for member in tuple(self._members):
            member.check()
