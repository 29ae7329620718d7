"""Live traces: every frame of a device as it happens, for those who watch. Costs one look-up when nobody does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from .sources import Clock

__all__ = ["TooManyWatchers", "Trace", "TraceEvent"]

MAX_WATCHERS = 100  # of one process
MAX_WAITING = 1_000  # events that a slow watcher may be behind before it loses the oldest


class TraceEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened on a device's connection.

    `kind` is connect, refuse, disconnect, frame, malformed, ack or note; `direction` up or down; `hex` the MQTT
    payload as it travelled, `clear` the frame inside it when that was encrypted, `decoded` the command and its values.
    """

    at: int
    kind: str
    direction: str = ""
    topic: str = ""
    qos: int | None = None
    packet_id: int | None = None
    cmd: str = ""
    hex: str = ""
    clear: str = ""
    decoded: object = None
    note: str = ""
    lost: int = 0


class TooManyWatchers(Exception):
    """The process has `MAX_WATCHERS` traces open."""


class _Watcher:
    __slots__ = ("lost", "queue")

    def __init__(self) -> None:
        self.queue: asyncio.Queue[TraceEvent | None] = asyncio.Queue(MAX_WAITING)
        self.lost = 0

    def take(self, event: TraceEvent | None) -> None:
        """None is the end."""
        if self.queue.full():
            self.queue.get_nowait()
            self.lost += 1
        self.queue.put_nowait(event)


class Trace:
    """Hands events of a device to its watchers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watchers: dict[int, list[_Watcher]] = {}
        self._open = 0
        self._closed = False

    def watched(self, device_id: int) -> bool:
        """Whether anybody looks; ask before an event is put together."""
        return device_id in self._watchers

    def tell(self, device_id: int, kind: str, **members: object) -> None:
        """Hand one event, whose members are those of `TraceEvent`, to whoever watches the device."""
        watchers = self._watchers.get(device_id)
        if watchers and not self._closed:
            event = msgspec.convert({"at": self._clock.now_ms(), "kind": kind, **members}, TraceEvent)
            for watcher in watchers:
                watcher.take(event)

    @asynccontextmanager
    async def watch(self, device_id: int) -> AsyncIterator[AsyncIterator[TraceEvent]]:
        """Events of the device from now on, until `close`. `lost` says how many were dropped before one. Raises
        TooManyWatchers."""
        if self._open >= MAX_WATCHERS:
            raise TooManyWatchers(f"{MAX_WATCHERS} traces are open, which is the limit")
        watcher = _Watcher()
        self._open += 1
        self._watchers.setdefault(device_id, []).append(watcher)
        if self._closed:
            watcher.take(None)
        try:
            yield _events(watcher)
        finally:
            self._open -= 1
            self._watchers[device_id].remove(watcher)
            if not self._watchers[device_id]:
                del self._watchers[device_id]

    def close(self) -> None:
        """End every trace, open or to come, because the process stops."""
        self._closed = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.take(None)


async def _events(watcher: _Watcher) -> AsyncIterator[TraceEvent]:
    while (event := await watcher.queue.get()) is not None:
        lost, watcher.lost = watcher.lost, 0
        yield msgspec.structs.replace(event, lost=lost) if lost else event
