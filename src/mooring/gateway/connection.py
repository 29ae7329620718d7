"""One connection of a device: what it sends, and what sub-devices send through it (device-protocol.md 2.4, 4, 5 and 8).

A message is acknowledged when the journal says that it is committed, never before. `_on_publish` is the hot path of
the server.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

import structlog

from mooring.platform.session import Delivery, Session
from mooring.protocol.commands import Direction, ExceptionNotice
from mooring.protocol.frame import Frame, FrameError, decode
from mooring.protocol.mqtt import (
    ConnectRequested,
    DeliveryUnconfirmed,
    Disconnected,
    Event,
    KeepAliveExpired,
    ProtocolViolated,
    PublishAcked,
    PublishReceived,
    PublishSent,
    RateExceeded,
    Subscribe,
    Unsubscribe,
)

from .arrival import Arrival, Phase
from .envelope import Unreadable
from .gateway import Gateway
from .handover import Handover
from .inbox import Inbox, Key
from .subdevices import Branch, Keys, client_of, keys_of, not_logged_in, packet_id_of
from .watching import shown_frame

__all__ = ["DeviceConnection"]

RATE_NOTICE_EVERY_S = 10.0
STORED_WITHIN_S = 10.0  # a message that could not be stored must come again, else the connection is closed

_RATE_LIMITED, _TOO_OFTEN = 10428, 61007  # to the device, and for people (domain-rules.md section 8)

_OPEN, _TURNED = Phase.OPEN, Phase.TURNED

_log = structlog.get_logger()


class DeviceConnection(Arrival):
    """Serves one client."""

    __slots__ = ("_branches", "_rate_told_at", "_unstored")

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._branches: dict[str, Branch] | None = None  # of a gateway, by the client ids of its sub-devices
        self._rate_told_at: float | None = None
        self._unstored: set[int] | None = None  # packet ids of messages that are to come again

    # GatewayLink, and Trunk of its branches

    @property
    def is_secure(self) -> bool:
        """Whether the connection is TLS."""
        return self._secure

    def branch(self, product_key: str, device_key: str, session_key: bytes | None) -> Branch:
        """A place for a sub-device on this connection."""
        branch = Branch(self, product_key, device_key, session_key)
        if self._branches is None:
            self._branches = {}
        self._branches[branch.client_id] = branch
        return branch

    def inbox_of(self, device_id: int) -> Inbox:
        """The inbox of a sub-device."""
        return self._gateway.inbox(device_id)

    def send_for(self, branch: Branch, frame: Frame, qos: int, delivery: Delivery | None) -> None:
        """Send a frame on the topics of a sub-device."""
        downlinks, session = self._downlinks, branch.session
        if downlinks is None or session is None or self._closed or self._phase >= _TURNED:
            if delivery is not None:
                delivery.lost("the connection has ended")
            return
        given = downlinks.send_for(branch, frame, qos, delivery, self._loop.time())
        if given is not None and self._gateway.platform.trace.watched(session.device.id):
            members = shown_frame(Direction.DOWN, given.topic, min(qos, 1), given.payload, given.clear, frame)
            self._gateway.platform.trace.tell(session.device.id, "frame", **members)
        self._after()
        self._arm()

    def cut(self, branch: Branch, notice: int | None) -> None:
        """A sub-device has left."""
        if self._branches is not None and self._branches.get(branch.client_id) is branch:
            del self._branches[branch.client_id]
        if branch.session is not None:
            self._gateway.keep_inbox(branch.session.device.id, self._loop.time())
        if notice is not None and self._phase == _OPEN and not self._closed:
            self._say(ExceptionNotice(notice, None, *branch.keys))
            self._after()
            self._arm()

    # Events of the MQTT session

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            if type(event) is PublishReceived:
                self._on_publish(event)
            else:
                handler = self._HANDLERS.get(type(event))
                if handler is not None:
                    handler(self, event)

    # Uplinks

    def _on_publish(self, event: PublishReceived) -> None:
        session = self._routes.get(event.topic)
        inbox, envelope = self._inbox, self._envelope
        if session is None:
            branch = self._on_stray(event)
            if branch is None or branch.session is None:
                return
            session, inbox, envelope = branch.session, branch.inbox, branch.envelope
        gateway = self._gateway
        payload = event.payload
        done: Callable[[Exception | None], None] | None = None
        if event.qos and inbox is not None:
            key = inbox.take(event.packet_id, payload, self._loop.time(), self._answer)
            if key is None:
                gateway.metrics.copies += 1
                return
            done = partial(self._settled, inbox, key)
        gateway.metrics.uplinks += 1
        session.has_spoken = True
        if self._handover is not None and self._handover.confirmed:
            self._handed_over(self._handover)
        clear = payload
        trace = gateway.platform.trace
        try:
            if envelope is None:
                frame = decode(payload)
            else:
                frame, clear = envelope.open(payload)
        except (FrameError, Unreadable) as error:
            reason = f"the message is no frame: {error}" if isinstance(error, FrameError) else f"the message {error}"
            members = {"direction": "up", "topic": event.topic, "qos": event.qos, "hex": payload.hex(), "note": reason}
            trace.tell(session.device.id, "malformed", **members)
            gateway.platform.uplinks.malformed(session, payload, reason, done)
            return
        if trace.watched(session.device.id):
            members = shown_frame(Direction.UP, event.topic, event.qos, payload, clear, frame)
            trace.tell(session.device.id, "frame", **members)
        gateway.platform.uplinks.receive(session, frame, event.qos, done)

    def _settled(self, inbox: Inbox, key: Key, error: Exception | None) -> None:
        """The journal's answer to one message of QoS 1 or 2."""
        inbox.settled(key, error is None)
        if error is not None:
            self._gateway.metrics.unstored += 1
        self._answer(key[0], error is None)

    def _answer(self, packet_id: int, committed: bool) -> None:
        """Acknowledge a message; one that is not committed is left without an answer, and may come again."""
        if self._closed:
            return
        if committed:
            self._mqtt.acknowledge(packet_id)
            if self._session is not None and self._gateway.platform.trace.watched(self._session.device.id):
                self._tell("ack", direction="down", packet_id=packet_id)
        else:
            self._mqtt.forget(packet_id)
            self._note(f"message {packet_id} is not acknowledged: it could not be stored")
        if self._unstored is not None or not committed:
            self._wait_for_copy(packet_id, committed)
        if not self._gathered:
            self._flush_soon()

    def _wait_for_copy(self, packet_id: int, committed: bool) -> None:
        """Devices send again what is not acknowledged. Other clients do so on a new connection only, and some wait for
        ever when too much is open: they must lose this one."""
        waiting = self._unstored or set()
        if committed:
            waiting.discard(packet_id)
        else:
            waiting.add(packet_id)
        self._unstored = waiting or None
        if self._phase == _OPEN:
            if self._unstored is None:
                self._end_at = None
            elif self._end_at is None:
                self._end_by(STORED_WITHIN_S)

    def _handed_over(self, handover: Handover) -> None:
        self._handover = None
        if handover.secret is not None and self._session is not None:
            self._gateway.platform.connecting.secret_arrived(self._session)

    def _on_stray(self, event: PublishReceived) -> Branch | None:
        """A message that is not from a topic of the device itself; the sub-device that it is from, when it is logged in
        here. Else what there was to do is done."""
        if self._closed:
            return None
        session = self._session
        if self._phase == _OPEN and session is not None:
            connected_as = client_of(event.topic, "2")
            branch = (self._branches or {}).get(connected_as or "")
            if branch is not None and branch.session is not None:
                return branch
            keys = None
            if connected_as is not None:
                keys = keys_of(self._gateway.platform.directory, session.device, connected_as)
            if keys is None:
                self._forbid(event)
            else:
                self._refuse(event, session, keys)
        elif self._turned is not None and self._last_words is None:
            # Before SUBSCRIBE this is a client that will never hear why it is refused; afterwards it may be early data.
            self._finish(self._turned.reason)
        return None

    def _refuse(self, event: PublishReceived, session: Session, keys: Keys) -> None:
        """A message of a sub-device that is not logged in through this gateway."""
        done: Callable[[Exception | None], None] | None = None
        inbox = self._inbox
        if event.qos and inbox is not None:
            key = inbox.take(event.packet_id, event.payload, self._loop.time(), self._answer)
            if key is None:
                return
            done = partial(self._settled, inbox, key)
        reason = f"a message of the sub-device {' '.join(keys)}, which is not logged in through this gateway"
        self._note(reason)
        self._say(not_logged_in(keys, packet_id_of(event.payload)))
        self._gateway.platform.uplinks.malformed(session, event.payload, reason, done)

    def _is_of_sub_device(self, topic: str) -> bool:
        connected_as, session = client_of(topic, "1"), self._session
        if connected_as is None or session is None:
            return False
        return keys_of(self._gateway.platform.directory, session.device, connected_as) is not None

    def _forbid(self, event: PublishReceived) -> None:
        reason = f"may not publish to {event.topic[:200]!r}: only {self._up}sys, bus and ota are the device's own"
        self._note(reason)
        _log.info("device published to a topic that is not its own", topic=event.topic[:200], own=self._up)
        self._finish(reason)

    def _on_rate(self, event: RateExceeded) -> None:
        self._gateway.metrics.held_back += 1
        now = self._loop.time()
        if self._rate_told_at is None or now - self._rate_told_at >= RATE_NOTICE_EVERY_S:
            self._rate_told_at = now
            text = f"sends faster than device_uplinks_per_s = {self._gateway.limits.uplinks_per_s:g} and is held back"
            self._note(f"{_TOO_OFTEN}: {text}")
            _log.info("device sends too often", code=_TOO_OFTEN, up=self._up, address=self._address)
            if self._phase == _OPEN:
                self._say(ExceptionNotice(_RATE_LIMITED))

    def _on_gone(self, event: Disconnected) -> None:
        self._finish("the device disconnected" if event.clean else "the connection was lost")

    def _on_silent(self, _event: KeepAliveExpired) -> None:
        self._finish("nothing came for 1.5 times the keep alive")

    def _on_violation(self, event: ProtocolViolated) -> None:
        self._note(event.reason)
        _log.info("connection broke the MQTT protocol", reason=event.reason, address=self._address)
        self._finish(event.reason)

    _HANDLERS: ClassVar[Mapping[type, Callable[[Any, Any], None]]] = {
        ConnectRequested: Arrival._on_connect,
        Subscribe: Arrival._on_subscribe,
        Unsubscribe: Arrival._on_unsubscribe,
        PublishSent: Arrival._on_sent,
        PublishAcked: Arrival._on_acked,
        DeliveryUnconfirmed: Arrival._on_unconfirmed,
        RateExceeded: _on_rate,
        Disconnected: _on_gone,
        KeepAliveExpired: _on_silent,
        ProtocolViolated: _on_violation,
    }

    def _too_late(self) -> str:
        if self._unstored is not None and self._phase == _OPEN:
            return "messages could not be stored and did not come again"
        return super()._too_late()
