"""What the connections of one process share: the platform, limits, who is connected, one flush for many answers."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any, Protocol

import msgspec
import structlog

from mooring.platform import Platform
from mooring.platform.command_delivery import CONFIRM_WITHIN_S
from mooring.protocol.mqtt import Limits, Resends

from .inbox import Inbox
from .metrics import GatewayMetrics
from .users import Users

__all__ = ["Gateway", "GatewayLimits", "Member"]

MAX_UNPROVEN = 4_096  # connections that nobody has proved to be a device's yet
INBOX_KEPT_S = 10.0  # after the connection, for copies; as long as a resend filter remembers
MAX_SUBSCRIPTIONS = 1_024  # of an app that watches its user's devices; a device has one
DRAIN_S = 2.0  # for closing connections at shutdown

_log = structlog.get_logger()


class GatewayLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway allows. `uplinks_per_s` is of one device; above it reading from the device waits."""

    max_connections: int = 10_000
    uplinks_per_s: float | None = None


class Member(Protocol):
    """What the gateway asks of a connection."""

    def flush(self) -> None:
        """Send what has gathered."""

    def hold(self) -> None:
        """Read nothing more."""

    def close(self, reason: str, notice: int | None = None) -> None:
        """End the connection."""

    def abort(self) -> None:
        """End it without sending what is left."""


class Gateway:
    """One for a process; its connections register here."""

    def __init__(self, platform: Platform, limits: GatewayLimits, metrics: GatewayMetrics) -> None:
        self.platform = platform
        self.limits = limits
        self.metrics = metrics
        rate = limits.uplinks_per_s
        # TCP repeats what is lost on the way. A command that counts as failed must not arrive later by our doing.
        self.mqtt_limits = Limits(
            resends=Resends(CONFIRM_WITHIN_S, sends=1),
            max_subscriptions=MAX_SUBSCRIPTIONS,
            packets_per_s=inf if rate is None else rate,
            burst=2**53 if rate is None else max(20, round(2 * rate)),
        )
        self.users = Users()
        platform.directory.on_change.append(self.users.on_change)
        self.unproven = 0
        self.closing = False
        self._members: set[Member] = set()
        self._gathering: list[Member] = []
        self._inboxes: dict[int, Inbox] = {}
        self._left: dict[int, float] = {}  # devices that left, and until when their inboxes are kept
        self._tasks: set[asyncio.Task[None]] = set()
        self._emptied: asyncio.Event | None = None

    # Connections

    def admit(self, member: Member) -> bool:
        """Register a new connection; False when there is no room for it."""
        if self.closing or len(self._members) >= self.limits.max_connections or self.unproven >= MAX_UNPROVEN:
            self.metrics.refused["full"] += 1
            return False
        self._members.add(member)
        self.unproven += 1
        self.metrics.accepted += 1
        self.metrics.connections = len(self._members)
        return True

    def replace(self, before: Member, after: Member) -> None:
        """Another object serves a connection from now on."""
        self._members.discard(before)
        self._members.add(after)

    def proven(self) -> None:
        """A connection has been decided upon, or ended before."""
        self.unproven -= 1

    def leave(self, member: Member) -> None:
        """A connection is gone."""
        self._members.discard(member)
        self.metrics.connections = len(self._members)
        if self._emptied is not None and not self._members:
            self._emptied.set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the one thing of a connection that has to wait: the decision on its CONNECT."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def gather(self, member: Member) -> None:
        """Flush a connection when this turn of the loop is over: a commit answers many messages of one device."""
        if not self._gathering:
            asyncio.get_running_loop().call_soon(self._flush)
        self._gathering.append(member)

    def _flush(self) -> None:
        gathered, self._gathering = self._gathering, []
        for member in gathered:
            member.flush()

    # Inboxes

    def inbox(self, device_id: int) -> Inbox:
        """The inbox of a device that connects."""
        self._left.pop(device_id, None)
        inbox = self._inboxes.get(device_id)
        if inbox is None:
            inbox = self._inboxes[device_id] = Inbox()
        return inbox

    def keep_inbox(self, device_id: int, now: float) -> None:
        """The device has left; copies of its messages may still come on its next connection."""
        self._left.pop(device_id, None)
        self._left[device_id] = now + INBOX_KEPT_S
        while self._left:
            oldest, until = next(iter(self._left.items()))
            if until > now:
                return
            del self._left[oldest], self._inboxes[oldest]

    # The end

    async def close(self) -> None:
        """Take nothing more, answer what is committed, close every connection."""
        self.closing = True
        self._each(lambda member: member.hold())
        await self.platform.journal.settle()
        self._flush()
        self._emptied = asyncio.Event()
        self._each(lambda member: member.close("the server stops"))
        if not await self._empties_within(DRAIN_S):
            self._each(lambda member: member.abort())
            await self._empties_within(DRAIN_S)
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _empties_within(self, seconds: float) -> bool:
        if self._members and self._emptied is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), seconds)
        return not self._members

    def _each(self, act: Callable[[Member], None]) -> None:
        for member in tuple(self._members):
            act(member)
