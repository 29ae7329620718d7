"""An MQTT session over a transport: bytes both ways, back-pressure, one timer, the end.

Everything runs in callbacks. What the packets mean is the subclass's: it takes events and says when the session ends.
After each call from outside `_after` sends what there is and decides whether to read on.
"""

import asyncio
import socket
from collections.abc import Iterable
from typing import Protocol, cast

from mooring.platform.certificates import PeerCertificate
from mooring.protocol.mqtt import Event, ServerSession

from .downlinks import Downlinks
from .gateway import Gateway

__all__ = ["Stream", "Wire"]

CLOSE_S = 5.0  # for the peer to take what is left, then the connection is cut

# Finds dead peers that have no keep alive, in two minutes.
TCP_PROBE_AFTER_S = 60
TCP_PROBE_EVERY_S = 15
TCP_PROBES = 4


class Wire(Protocol):
    """What a connection needs of its transport; asyncio's have it."""

    def write(self, data: bytes, /) -> None:
        """Send."""

    def is_closing(self) -> bool:
        """Whether it is closed, or will be when everything is sent."""

    def close(self) -> None:
        """Close when everything is sent."""

    def abort(self) -> None:
        """Close at once."""

    def pause_reading(self) -> None:
        """Hand over nothing for now."""

    def resume_reading(self) -> None:
        """Go on."""

    def set_protocol(self, protocol: asyncio.BaseProtocol, /) -> None:
        """Tell everything to another one from now on."""


class Stream(asyncio.Protocol):
    """Moves the bytes of one client. It is the `Member` of its gateway."""

    __slots__ = (
        "_address",
        "_blocked",
        "_certificate",
        "_closed",
        "_downlinks",
        "_end_at",
        "_gateway",
        "_gathered",
        "_held",
        "_loop",
        "_mqtt",
        "_paused",
        "_registered",
        "_secure",
        "_timer",
        "_timer_at",
        "_unproven",
        "_waits_for_room",
        "_wire",
    )

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._loop = asyncio.get_running_loop()
        self._mqtt = ServerSession(self._loop.time(), gateway.mqtt_limits)
        self._address = ""
        self._secure = False
        self._certificate: PeerCertificate | None = None
        self._wire: Wire | None = None
        self._downlinks: Downlinks | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._end_at: float | None = None
        self._closed = False  # nothing more is heard; what is left may still be sent
        self._paused = False
        self._held = False  # reading stopped for good
        self._blocked = False  # the socket takes nothing more for now
        self._gathered = False
        self._waits_for_room = False
        self._registered = False
        self._unproven = False

    # For the subclass

    def _take(self, events: Iterable[Event]) -> None:
        """Do what the events of the MQTT session ask for."""
        raise NotImplementedError

    def _leave(self, reason: str) -> None:
        """The connection is over: let go of what it stood for. May be called twice."""
        raise NotImplementedError

    def _too_late(self) -> str:
        """Why the time that `_end_by` gave ends the connection."""
        raise NotImplementedError

    # The transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A TCP or TLS connection was accepted."""
        address = transport.get_extra_info("peername")
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family in (socket.AF_INET, socket.AF_INET6):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, TCP_PROBE_AFTER_S)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, TCP_PROBE_EVERY_S)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, TCP_PROBES)
        tls = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        certificate = PeerCertificate(der) if der else None
        self.start(
            cast("asyncio.Transport", transport),
            address[0] if address else "",
            secure=tls is not None,
            certificate=certificate,
        )

    def start(self, wire: Wire, address: str, *, secure: bool, certificate: PeerCertificate | None = None) -> None:
        """Begin to serve the peer behind a wire."""
        self._wire = wire
        if not self._gateway.admit(self):
            self._closed = True
            wire.abort()
            return
        self._registered = self._unproven = True
        self._address = address
        self._secure = secure
        self._certificate = certificate
        self._arm()

    def take_over(self, before: "Stream") -> None:
        """Serve the peer of another connection from now on; that one is over without anybody hearing of it."""
        self._mqtt, self._wire = before._mqtt, before._wire
        self._address, self._secure, self._certificate = before._address, before._secure, before._certificate
        self._paused, self._held, self._blocked = before._paused, before._held, before._blocked
        self._registered, self._unproven = before._registered, before._unproven
        before._registered = before._unproven = False
        before._wire = None
        before._closed = True
        if before._timer is not None:
            before._timer.cancel()
            before._timer = None
        self._gateway.replace(before, self)
        if self._wire is not None:
            self._wire.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        mqtt = self._mqtt
        events = mqtt.receive_data(data, self._loop.time())
        if events:
            self._take(events)
        # Messages that wait for their commit leave nothing to do: this is every uplink.
        if self._paused or not mqtt.is_calm or not self._gateway.platform.journal.has_room:
            self._after()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone. What came before and was held back still counts."""
        self._wire = None
        if not self._closed:
            self._take(self._mqtt.receive_eof())
        self._closed = True
        self._leave("the connection was lost")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._prove()
        if self._registered:
            self._registered = False
            self._gateway.leave(self)

    def pause_writing(self) -> None:
        """The peer reads too slowly."""
        self._blocked = True
        self._after()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._blocked = False
        self._after()

    # Member of the gateway

    def flush(self) -> None:
        """Send what has gathered, and take up reading where too many messages waited for their commit."""
        self._gathered = False
        if not self._paused:  # nothing that is sent stops reading
            self._drain()
            return
        if not self._closed:
            self._take(self._mqtt.on_time(self._loop.time()))
        self._after()

    def hold(self) -> None:
        """Read nothing more, because the server stops."""
        self._held = True
        self._after()

    def close(self, reason: str, notice: int | None = None) -> None:
        """End the connection."""
        self._finish(reason)

    def abort(self) -> None:
        """End without sending what is left."""
        self._finish("the server stops")
        if self._wire is not None:
            self._wire.abort()

    def _prove(self) -> None:
        """The connection is decided upon, or over: it counts no more among those that nobody knows."""
        if self._unproven:
            self._unproven = False
            self._gateway.proven()

    # Sending and reading

    def _after(self) -> None:
        """To be called after everything: sends, decides whether to read, ends."""
        wire = self._wire
        if wire is None:
            return
        self._drain()
        if self._closed:
            return
        if self._mqtt.wants_data and not self._blocked and not self._held and self._has_room():
            if self._paused and not wire.is_closing():
                self._paused = False
                wire.resume_reading()
        else:
            if not self._paused and not wire.is_closing():
                self._paused = True
                wire.pause_reading()
            self._arm()

    def _drain(self) -> None:
        wire = self._wire
        if wire is None or self._blocked:
            return
        data = self._mqtt.data_to_send()
        if data:
            wire.write(data)
        if self._downlinks is not None:
            self._downlinks.flushed()

    def _flush_soon(self) -> None:
        """Send at the end of this turn of the loop: a commit answers many messages."""
        if not self._gathered:
            self._gathered = True
            self._gateway.gather(self)

    def _has_room(self) -> bool:
        journal = self._gateway.platform.journal
        if journal.has_room:
            return True
        if not self._waits_for_room:
            self._waits_for_room = True
            journal.when_room(self._on_room)
        return False

    def _on_room(self) -> None:
        self._waits_for_room = False
        self._mqtt.excuse(self._loop.time())
        self._after()

    # Time

    def _end_by(self, seconds: float) -> None:
        """End the connection when so much time has passed."""
        self._end_at = self._loop.time() + seconds
        self._arm()

    def _arm(self) -> None:
        """See that the one timer goes off early enough; too early does no harm."""
        deadline = self._mqtt.next_deadline()
        if self._end_at is not None and (deadline is None or self._end_at < deadline):
            deadline = self._end_at
        if deadline is None or (self._timer is not None and self._timer_at <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._loop.call_at(deadline, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        now = self._loop.time()
        if self._end_at is not None and now >= self._end_at:
            self._end_at = None
            if not self._closed:
                self._finish(self._too_late())
            elif self._wire is not None:
                self._wire.abort()
            return
        if self._waits_for_room:  # pings may be among what is not read
            self._mqtt.excuse(now)
        self._take(self._mqtt.on_time(now))
        self._after()
        self._arm()

    # The end

    def _finish(self, reason: str) -> None:
        """Send what is left, close, let go of everything."""
        if self._closed:
            return
        self._closed = True
        self._take(self._mqtt.close())
        self._after()
        self._leave(reason)
        if self._wire is not None:
            self._wire.close()
            self._end_by(CLOSE_S)
