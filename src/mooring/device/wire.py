"""The connection of a device: bytes between the core and a TCP or TLS socket, and its timer.

Everything here runs on the event loop. No task exists while a device only listens, so that thousands fit in a process.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import cast

from mooring.device.clock import Clock, Timer
from mooring.device.core import DeviceCore, State
from mooring.device.events import Told

__all__ = ["Wire"]

_OPENS_WITHIN_S = 15.0  # TCP and TLS together


class Wire:
    """Drives a core; hands what it tells to `tell`, in order, before anything of it is sent."""

    def __init__(
        self, core: DeviceCore, clock: Clock, tls: ssl.SSLContext | None, tell: Callable[[list[Told]], None]
    ) -> None:
        self._core = core
        self._clock = clock
        self._tls = tls
        self._tell = tell
        self._transport: asyncio.Transport | None = None
        self._leaving: asyncio.Transport | None = None  # closed by this side, its end not seen yet
        self._gone = asyncio.Event()  # no socket is left
        self._gone.set()
        self._opening: asyncio.Task[None] | None = None
        self._timer: Timer | None = None
        self._due: float | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def move(self, told: list[Told]) -> None:
        """Do what follows from a call of the core: tell, send, close, open, set the timer."""
        if told:
            self._tell(told)
        data = self._core.data_to_send()
        transport = self._transport
        if transport is not None:
            if data:
                transport.write(data)
            if not self._core.is_connected:
                self._transport, self._leaving = None, transport
                transport.close()
        if self._core.state is State.OPENING and self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())
        self._set_timer()

    async def drained(self) -> None:
        """Wait until the socket takes more."""
        await self._writable.wait()

    async def close(self) -> None:
        """End everything; the core has been stopped."""
        if self._opening is not None:
            self._opening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._opening
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._leaving is not None:
            self._leaving.abort()
        await self._gone.wait()

    def _set_timer(self) -> None:
        due = self._core.next_deadline()
        if due == self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = None if due is None else self._clock.call_at(due, self._on_time)

    def _on_time(self) -> None:
        self._due = self._timer = None
        self.move(self._core.on_time(self._clock.monotonic()))

    async def _open(self) -> None:
        address, told = self._core.address, list[Told]()
        try:
            async with asyncio.timeout(_OPENS_WITHIN_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: _Protocol(self), address.host, address.port, ssl=self._tls
                )
            if self._core.state is State.OPENING:  # never at once again, whatever went wrong
                told = self._core.open_failed(self._clock.monotonic())
        except (OSError, UnicodeError) as error:  # a timeout is an OSError, a name that is none a UnicodeError
            told = self._core.open_failed(self._clock.monotonic(), _cause(error))
        finally:
            self._opening = None
        self.move(told)

    # From the socket

    def made(self, transport: asyncio.Transport) -> None:
        """A connection is there."""
        self._gone.clear()
        if self._core.state is not State.OPENING:
            transport.abort()
            return
        self._transport = transport
        self._writable.set()
        self._core.opened(self._clock.monotonic())
        self.move([])

    def came(self, transport: asyncio.Transport, data: bytes) -> None:
        """Bytes came."""
        if transport is self._transport:
            self.move(self._core.receive_data(data, self._clock.monotonic()))

    def ended(self, transport: asyncio.Transport, error: Exception | None) -> None:
        """A connection is gone."""
        self._gone.set()
        self._leaving = None
        if transport is self._transport:
            self._transport = None
            self._writable.set()
            self.move(self._core.lost(self._clock.monotonic(), _cause(error) if error else ""))

    def may_write(self, allowed: bool) -> None:
        """The socket takes more, or wants a pause."""
        if allowed:
            self._writable.set()
        else:
            self._writable.clear()


class _Protocol(asyncio.Protocol):
    """One connection; a device has another one for each."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asked for with isinstance: the transports of uvloop have no base class.
        self._transport = cast("asyncio.Transport", transport)
        self._wire.made(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._wire.came(self._transport, data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._wire.ended(self._transport, exc)

    def pause_writing(self) -> None:
        self._wire.may_write(False)

    def resume_writing(self) -> None:
        self._wire.may_write(True)


def _cause(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS certificate: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or type(error).__name__
