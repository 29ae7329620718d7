"""One connection of a device: what its MQTT session says, and what the platform says (device-protocol.md 2 to 5).

Everything runs in callbacks; only the decision on CONNECT is a task. A message is acknowledged when the journal says
that it is committed, never before. `_on_publish` is the hot path of the server.
"""

import enum
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

import structlog

from mooring.platform.connecting import Admitted, Code, How, Turned
from mooring.platform.session import Delivery, Session
from mooring.protocol import commands
from mooring.protocol.commands import DeviceConfiguration, Direction, Downlink, ExceptionNotice, Topic
from mooring.protocol.frame import Frame, FrameError, decode
from mooring.protocol.mqtt import (
    GRANT_REFUSED,
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

from .downlinks import Downlinks
from .envelope import Envelope, NotEncrypted
from .gateway import Gateway
from .inbox import Inbox
from .refusals import NOTICE_S, SUBSCRIBE_WITHIN_S, note_refusal, words_for
from .stream import Stream
from .topics import LEVELS, subscribed_level, uplink_prefix
from .watching import shown_frame

__all__ = ["DeviceConnection"]

RATE_NOTICE_EVERY_S = 10.0
MAX_UNSTORED = 64  # messages of a connection that could not be stored; then it is closed

_RATE_LIMITED = 10428
_SYS = Topic.SYS.value

_log = structlog.get_logger()


class _Phase(enum.IntEnum):
    DECIDING = 0  # before CONNECT and until it is decided upon
    OPEN = 1
    TURNED = 2  # accepted only to be told why not
    ENDING = 3  # a notice is on its way, then it closes


_DECIDING, _OPEN, _TURNED, _ENDING = _Phase


class DeviceConnection(Stream):
    """Serves one client. It is the `DeviceLink` of its session."""

    __slots__ = (
        "_configuration",
        "_envelope",
        "_inbox",
        "_last_words",
        "_phase",
        "_rate_told_at",
        "_secret_out",
        "_session",
        "_turned",
        "_unstored",
        "_up",
    )

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._phase = _DECIDING
        self._session: Session | None = None
        self._inbox: Inbox | None = None
        self._envelope: Envelope | None = None
        self._up = ""
        self._configuration: DeviceConfiguration | None = None  # to be sent after SUBSCRIBE
        self._secret_out = False  # a secret was delivered, and nothing came since
        self._turned: Turned | None = None
        self._last_words = 0  # packet id of the notice before the end
        self._rate_told_at: float | None = None
        self._unstored = 0

    # DeviceLink

    def send(self, frame: Frame, qos: int, delivery: Delivery | None = None) -> None:
        """Send one frame on the topic of its command. Never raises; what goes wrong is `lost`."""
        if self._downlinks is None or self._closed or self._phase >= _TURNED:
            if delivery is not None:
                delivery.lost("the connection has ended")
            return
        self._send(frame, qos, delivery)
        self._after()
        self._arm()

    def close(self, reason: str, notice: int | None = None) -> None:
        """End the connection; with `notice` after an exception notice (00A3) of this code."""
        if self._closed or self._phase == _ENDING:
            return
        if notice is not None and self._session is not None:
            self._last_words = self._say(ExceptionNotice(notice))
            if self._last_words:
                self._phase = _ENDING
                self._end_by(NOTICE_S)
                self._after()
                return
        self._finish(reason)

    # Events of the MQTT session

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            if type(event) is PublishReceived:
                self._on_publish(event)
            else:
                handler = self._HANDLERS.get(type(event))
                if handler is not None:
                    handler(self, event)

    def _on_connect(self, event: ConnectRequested) -> None:
        if not event.repeated:
            self._gateway.spawn(self._decide(event))

    async def _decide(self, event: ConnectRequested) -> None:
        platform = self._gateway.platform
        client_id = event.client_id
        self._up = uplink_prefix(client_id)
        self._downlinks = Downlinks(self._mqtt, client_id)
        session: Session | None = None
        verdict: Admitted | Turned
        try:
            verdict = await platform.connecting.decide(
                client_id, event.password, self._certificate, address=self._address, secure=self._secure
            )
            if isinstance(verdict, Admitted) and not self._closed:
                session = await platform.sessions.open(verdict.device, self, self._address)
        except Exception as error:  # whatever it was, the device must get an answer
            _log.error("cannot open a session", client_id=client_id, error=repr(error))
            verdict = Turned(Code.INNER_SERVICE, How.NOTICE, "the database does not answer")
        if self._closed:
            if session is not None:
                platform.sessions.end(session)
            return
        self._prove()
        if isinstance(verdict, Turned):
            self._turn(verdict, client_id)
        elif session is not None:
            self._open(verdict, session)
        self._after()
        self._arm()

    def _open(self, admitted: Admitted, session: Session) -> None:
        self._phase = _OPEN
        self._session = session
        self._inbox = self._gateway.inbox(session.device.id)
        if admitted.secret_to_deliver is not None or admitted.session_key is not None:
            self._configuration = DeviceConfiguration(
                device_secret=admitted.secret_to_deliver, session_key=admitted.session_key
            )
        self._tell("connect", note=f"by {admitted.step.value} from {self._address}")
        self._take(self._mqtt.accept(self._loop.time()))

    def _turn(self, turned: Turned, client_id: str) -> None:
        self._turned = turned
        note_refusal(self._gateway, turned, client_id, self._address)
        if turned.how is How.CLOSE:
            self._finish(turned.reason)
            return
        self._phase = _TURNED
        self._end_by(SUBSCRIBE_WITHIN_S)
        self._take(self._mqtt.accept(self._loop.time()))

    def _on_subscribe(self, event: Subscribe) -> None:
        downlinks = self._downlinks
        if downlinks is None or self._closed:
            return
        codes = []
        for text, qos in event.filters:
            level = subscribed_level(downlinks.prefix, text)
            if level is None:
                codes.append(GRANT_REFUSED)
                self._note(f"may not subscribe to {text[:200]!r}: only {downlinks.prefix}+ is the device's own")
            else:
                granted = min(qos, 1)
                codes.append(granted)
                downlinks.subscribe(level, granted)
        self._mqtt.grant(event.packet_id, codes)
        if self._turned is not None:
            if not self._last_words:
                words, stays_s = words_for(self._turned)
                self._last_words = self._say(words)
                self._end_by(stays_s)
        else:
            self._configure()
            downlinks.release(self._loop.time())
        self._arm()

    def _on_unsubscribe(self, event: Unsubscribe) -> None:
        if self._downlinks is not None:
            for text in event.filters:
                level = subscribed_level(self._downlinks.prefix, text)
                if level is not None:
                    self._downlinks.unsubscribe(level)

    def _configure(self) -> None:
        """Deliver secret and session key, in clear text, as the first thing after SUBACK (section 3)."""
        configuration, downlinks = self._configuration, self._downlinks
        if configuration is None or downlinks is None or not downlinks.reaches(_SYS):
            return
        if self._say(configuration):
            self._configuration = None
            self._secret_out = configuration.device_secret is not None
            if configuration.session_key is not None:
                self._envelope = downlinks.envelope = Envelope(configuration.session_key)

    def _on_publish(self, event: PublishReceived) -> None:
        session = self._session
        if session is None or self._phase != _OPEN:
            # Before SUBSCRIBE this is a client that will never hear why it is refused; afterwards it may be early data.
            if self._phase == _TURNED and not self._last_words and self._turned is not None:
                self._finish(self._turned.reason)
            return
        topic = event.topic
        if not (topic.startswith(self._up) and topic[len(self._up) :] in LEVELS):
            self._forbid(event)
            return
        gateway = self._gateway
        payload = event.payload
        done: Callable[[Exception | None], None] | None = None
        inbox = self._inbox
        if event.qos == 1 and inbox is not None:
            if inbox.is_copy(event.packet_id, payload, self._loop.time(), self._acknowledge):
                gateway.metrics.copies += 1
                return
            done = partial(self._stored, inbox, event.packet_id, payload)
        elif event.qos:
            done = partial(self._stored, None, event.packet_id, payload)
        gateway.metrics.uplinks += 1
        session.has_spoken = True
        if self._secret_out:
            self._secret_out = False
            gateway.platform.connecting.secret_arrived(session)
        clear = payload
        try:
            if self._envelope is None:
                frame = decode(payload)
            else:
                frame, clear = self._envelope.open(payload)
        except (FrameError, NotEncrypted) as error:
            reason = f"the message is no frame: {error}" if isinstance(error, FrameError) else f"the message {error}"
            self._tell("malformed", direction="up", topic=topic, qos=event.qos, hex=payload.hex(), note=reason)
            gateway.platform.uplinks.malformed(session, payload, reason, done)
            return
        if gateway.platform.trace.watched(session.device.id):
            self._tell("frame", **shown_frame(Direction.UP, topic, event.qos, payload, clear, frame))
        gateway.platform.uplinks.receive(session, frame, event.qos, done)

    def _stored(self, inbox: Inbox | None, packet_id: int, payload: bytes, error: Exception | None) -> None:
        """The journal's answer to one message of QoS 1 (with an inbox) or 2."""
        if inbox is not None:
            inbox.settled(packet_id, payload, committed=error is None)
        if error is None:
            self._acknowledge(packet_id)
            return
        self._gateway.metrics.unstored += 1
        self._unstored += 1
        self._note(f"message {packet_id} is not acknowledged: it could not be stored")
        if self._unstored >= MAX_UNSTORED:
            self._finish("too many messages could not be stored")

    def _acknowledge(self, packet_id: int) -> None:
        if self._closed:
            return
        self._mqtt.acknowledge(packet_id)
        if self._session is not None and self._gateway.platform.trace.watched(self._session.device.id):
            self._tell("ack", direction="down", packet_id=packet_id)
        self._flush_soon()

    def _forbid(self, event: PublishReceived) -> None:
        reason = f"may not publish to {event.topic[:200]!r}: only {self._up}sys, bus and ota are the device's own"
        self._note(reason)
        _log.info("device published to a topic that is not its own", topic=event.topic[:200], own=self._up)
        self._finish(reason)

    def _on_sent(self, event: PublishSent) -> None:
        if self._downlinks is not None:
            self._downlinks.sent(event.packet_id)

    def _on_acked(self, event: PublishAcked) -> None:
        self._tell("ack", direction="up", packet_id=event.packet_id)
        if event.packet_id == self._last_words and self._phase in (_TURNED, _ENDING):
            if self._turned is None or self._turned.how is How.NOTICE:
                self._finish("the notice was confirmed")
        elif self._downlinks is not None:
            self._downlinks.acked(event.packet_id)

    def _on_unconfirmed(self, event: DeliveryUnconfirmed) -> None:
        if self._downlinks is not None:
            self._downlinks.unconfirmed(event.packet_id, event.sends)

    def _on_rate(self, event: RateExceeded) -> None:
        self._gateway.metrics.held_back += 1
        now = self._loop.time()
        if self._rate_told_at is None or now - self._rate_told_at >= RATE_NOTICE_EVERY_S:
            self._rate_told_at = now
            self._note("sends faster than device_uplinks_per_s allows and is held back")
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
        ConnectRequested: _on_connect,
        Subscribe: _on_subscribe,
        Unsubscribe: _on_unsubscribe,
        PublishSent: _on_sent,
        PublishAcked: _on_acked,
        DeliveryUnconfirmed: _on_unconfirmed,
        RateExceeded: _on_rate,
        Disconnected: _on_gone,
        KeepAliveExpired: _on_silent,
        ProtocolViolated: _on_violation,
    }

    # Sending

    def _say(self, words: Downlink) -> int:
        """Send a command of the gateway's own; its MQTT packet id, 0 when it is not on its way or unconfirmable."""
        packet_id = self._session.next_packet_id() if self._session is not None else 1
        return self._send(commands.encode(words, packet_id), 1, None)

    def _send(self, frame: Frame, qos: int, delivery: Delivery | None) -> int:
        downlinks = self._downlinks
        given = downlinks.send(frame, qos, delivery, self._loop.time()) if downlinks is not None else None
        if given is None:
            return 0
        if self._session is not None and self._gateway.platform.trace.watched(self._session.device.id):
            qos = int(given.packet_id > 0)
            self._tell("frame", **shown_frame(Direction.DOWN, given.topic, qos, given.payload, given.clear, frame))
        return given.packet_id

    # The end

    def _too_late(self) -> str:
        return self._turned.reason if self._turned is not None else "the connection was ended"

    def _leave(self, reason: str) -> None:
        session, self._session = self._session, None
        if self._downlinks is not None:
            self._downlinks.end(reason)
        if session is not None:
            self._gateway.keep_inbox(session.device.id, self._loop.time())
            self._gateway.platform.sessions.end(session)
            self._gateway.platform.trace.tell(session.device.id, "disconnect", note=reason)
            _log.debug("device disconnected", device=session.device.id, reason=reason)

    # For those who watch

    def _note(self, text: str) -> None:
        self._tell("note", direction="up", note=text)

    def _tell(self, kind: str, **members: object) -> None:
        if self._session is not None:
            self._gateway.platform.trace.tell(self._session.device.id, kind, **members)
