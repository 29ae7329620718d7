"""One connection of a device: what its MQTT session says, and what the platform says (device-protocol.md 2 to 5).

Everything runs in callbacks; only the decision on CONNECT is a task. A message is acknowledged when the journal says
that it is committed, never before. `_on_publish` is the hot path of the server.
"""

import enum
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

import structlog

from mooring.platform.connecting import Admitted, Code, How, Turned
from mooring.platform.session import Delivery, Session
from mooring.protocol import commands
from mooring.protocol.commands import Direction, Downlink, ExceptionNotice, Topic
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

from .downlinks import Downlinks, Given
from .envelope import Envelope, Unreadable
from .gateway import Gateway
from .handover import Handover
from .inbox import Inbox
from .refusals import NOTICE_S, SUBSCRIBE_WITHIN_S, note_refusal, words_for
from .stream import Stream
from .subdevices import Branch, Keys, client_of, keys_of, not_logged_in, packet_id_of
from .topics import LEVELS, subscribed_level, uplink_prefix
from .watching import shown_frame

__all__ = ["DeviceConnection"]

DECIDED_WITHIN_S = 15.0  # from CONNECT; a device gives the connection up by then (section 2.3)
RATE_NOTICE_EVERY_S = 10.0
STORED_WITHIN_S = 10.0  # a message that could not be stored must come again, else the connection is closed

_NO_ROUTES: Mapping[str, Session] = MappingProxyType({})

_RATE_LIMITED, _TOO_OFTEN = 10428, 61007  # to the device, and for people (domain-rules.md section 8)
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
        "_branches",
        "_envelope",
        "_handover",
        "_inbox",
        "_last_words",
        "_phase",
        "_rate_told_at",
        "_routes",
        "_session",
        "_turned",
        "_unstored",
        "_up",
    )

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._phase = _DECIDING
        self._branches: dict[str, Branch] | None = None  # of a gateway, by the client ids of its sub-devices
        self._session: Session | None = None
        self._inbox: Inbox | None = None
        self._envelope: Envelope | None = None
        self._up = ""
        self._routes = _NO_ROUTES  # whose message a topic carries
        self._handover: Handover | None = None  # until its secret and key are known to have arrived
        self._turned: Turned | None = None
        self._last_words: int | None = None  # packet id of the notice before the end, 0 with QoS 0
        self._rate_told_at: float | None = None
        self._unstored: set[int] | None = None  # packet ids of messages that are to come again

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
            given = self._say(ExceptionNotice(notice))
            if given is not None and given.packet_id:
                self._last_words = given.packet_id
                self._phase = _ENDING
                self._routes = _NO_ROUTES
                self._end_by(NOTICE_S)
                self._after()
                return
        self._finish(reason)

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

    def _on_connect(self, event: ConnectRequested) -> None:
        if not event.repeated:
            self._end_by(DECIDED_WITHIN_S)
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
        self._end_at = None
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
        self._routes = {f"{self._up}{level}": session for level in LEVELS}
        self._handover = Handover.of(admitted)
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
            if level is None and self._is_sub_device(client_of(text, "1")):
                codes.append(min(qos, 1))  # changes nothing: downlinks follow the login
            elif level is None:
                codes.append(GRANT_REFUSED)
                self._note(f"may not subscribe to {text[:200]!r}: only {downlinks.prefix}+ is the device's own")
            else:
                granted = min(qos, 1)
                codes.append(granted)
                downlinks.subscribe(level, granted)
        self._mqtt.grant(event.packet_id, codes)
        if self._turned is not None:
            if self._last_words is None:
                words, stays_s = words_for(self._turned)
                given = self._say(words)
                self._last_words = given.packet_id if given is not None else 0
                self._end_by(stays_s)
        else:
            self._hand_over()
            downlinks.release(self._loop.time())
        self._arm()

    def _on_unsubscribe(self, event: Unsubscribe) -> None:
        if self._downlinks is not None:
            for text in event.filters:
                level = subscribed_level(self._downlinks.prefix, text)
                if level is not None:
                    self._downlinks.unsubscribe(level)

    def _hand_over(self) -> None:
        """Deliver secret and session key, in clear text, as the first thing after SUBACK (section 3)."""
        handover, downlinks = self._handover, self._downlinks
        if handover is None or handover.given is not None or downlinks is None or not downlinks.reaches(_SYS):
            return
        given = self._say(handover.words)
        if given is not None:
            handover.sent(given)
            if handover.session_key is not None:
                self._envelope = downlinks.envelope = Envelope(handover.session_key)

    def _hand_over_again(self, handover: Handover, session: Session) -> None:
        downlinks = self._downlinks
        if handover.may_repeat and handover.given is not None and downlinks is not None:
            given = downlinks.repeat(handover.given, self._loop.time())
            if given is not None:
                handover.sent(given)
                self._note("the secret or session key was not confirmed and is sent again")
                return
        # A device that waits for its secret waits for ever. On a new connection it asks for it again.
        if handover.session_key is not None or not session.has_spoken:
            self._finish("the device did not confirm its secret or session key")

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
            if inbox.is_copy(event.packet_id, payload, self._loop.time(), self._answer):
                gateway.metrics.copies += 1
                return
            done = partial(self._settled, inbox, event.packet_id, payload)
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

    def _settled(self, inbox: Inbox, packet_id: int, payload: bytes, error: Exception | None) -> None:
        """The journal's answer to one message of QoS 1 or 2."""
        inbox.settled(packet_id, payload, committed=error is None)
        if error is not None:
            self._gateway.metrics.unstored += 1
        self._answer(packet_id, error is None)

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
            if inbox.is_copy(event.packet_id, event.payload, self._loop.time(), self._answer):
                return
            done = partial(self._settled, inbox, event.packet_id, event.payload)
        reason = f"a message of the sub-device {' '.join(keys)}, which is not logged in through this gateway"
        self._note(reason)
        self._say(not_logged_in(keys, packet_id_of(event.payload)))
        self._gateway.platform.uplinks.malformed(session, event.payload, reason, done)

    def _is_sub_device(self, connected_as: str | None) -> bool:
        session = self._session
        if connected_as is None or session is None:
            return False
        return keys_of(self._gateway.platform.directory, session.device, connected_as) is not None

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
        handover = self._handover
        if event.packet_id == self._last_words and self._phase in (_TURNED, _ENDING):
            if self._turned is None or self._turned.how is How.NOTICE:
                self._finish("the notice was confirmed")
        elif handover is not None and handover.is_on(event.packet_id):
            handover.confirmed = True
            if handover.secret is None:
                self._handover = None
        elif self._downlinks is not None:
            self._downlinks.acked(event.packet_id)

    def _on_unconfirmed(self, event: DeliveryUnconfirmed) -> None:
        handover = self._handover
        if handover is not None and handover.is_on(event.packet_id):
            if self._session is not None and not self._closed:
                self._hand_over_again(handover, self._session)
        elif self._downlinks is not None:
            self._downlinks.unconfirmed(event.packet_id, event.sends)

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

    def _say(self, words: Downlink) -> Given | None:
        """Send a command of the gateway's own; None when it is not on its way."""
        packet_id = self._session.next_packet_id() if self._session is not None else 1
        return self._send(commands.encode(words, packet_id), 1, None)

    def _send(self, frame: Frame, qos: int, delivery: Delivery | None) -> Given | None:
        downlinks = self._downlinks
        given = downlinks.send(frame, qos, delivery, self._loop.time()) if downlinks is not None else None
        if given is None:
            return None
        if self._session is not None and self._gateway.platform.trace.watched(self._session.device.id):
            qos = int(given.packet_id > 0)
            self._tell("frame", **shown_frame(Direction.DOWN, given.topic, qos, given.payload, given.clear, frame))
        return given

    # The end

    def _too_late(self) -> str:
        if self._turned is not None:
            return self._turned.reason
        if self._unstored is not None:
            return "messages could not be stored and did not come again"
        return "the connection was ended" if self._phase == _ENDING else "CONNECT could not be decided upon in time"

    def _leave(self, reason: str) -> None:
        session, self._session = self._session, None
        self._routes = _NO_ROUTES
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
