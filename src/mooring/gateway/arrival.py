"""A device's way in and out: CONNECT, what it is told first, or why it may not stay (device-protocol.md 2 and 3).

Everything runs in callbacks; only the decision on CONNECT is a task.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType

import structlog

from mooring.platform.connecting import Admitted, Code, How, Turned
from mooring.platform.session import Delivery, Session
from mooring.protocol import commands
from mooring.protocol.commands import Direction, Downlink, ExceptionNotice, Topic
from mooring.protocol.frame import Frame
from mooring.protocol.mqtt import (
    GRANT_REFUSED,
    ConnectRequested,
    DeliveryUnconfirmed,
    PublishAcked,
    PublishSent,
    Subscribe,
    Unsubscribe,
)

from .downlinks import Downlinks, Given
from .envelope import Envelope
from .gateway import Gateway
from .handover import Handover
from .inbox import Inbox
from .refusals import NOTICE_S, SUBSCRIBE_WITHIN_S, note_refusal, words_for
from .stream import Stream
from .topics import LEVELS, subscribed_level, uplink_prefix
from .user_connection import UserConnection
from .watching import shown_frame

__all__ = ["Arrival", "Phase"]

DECIDED_WITHIN_S = 15.0  # from CONNECT; a device gives the connection up by then (section 2.3)

USER_PREFIX = "qu_"  # of the client ids of end users' apps; devices have others

_NO_ROUTES: Mapping[str, Session] = MappingProxyType({})
_SYS = Topic.SYS.value

_log = structlog.get_logger()


class Phase(enum.IntEnum):
    """How far a connection is."""

    DECIDING = 0  # before CONNECT and until it is decided upon
    OPEN = 1
    TURNED = 2  # accepted only to be told why not
    ENDING = 3  # a notice is on its way, then it closes


_DECIDING, _OPEN, _TURNED, _ENDING = Phase


class Arrival(Stream):
    """Lets a client in or turns it away. It is the `DeviceLink` of its session.

    Messages are taken from the topics in `_routes` and from no other; there are some while the phase is OPEN.
    """

    __slots__ = (
        "_envelope",
        "_handover",
        "_inbox",
        "_last_words",
        "_phase",
        "_routes",
        "_session",
        "_turned",
        "_up",
    )

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._phase = _DECIDING
        self._session: Session | None = None
        self._inbox: Inbox | None = None
        self._envelope: Envelope | None = None
        self._up = ""
        self._routes = _NO_ROUTES  # whose message a topic carries
        self._handover: Handover | None = None  # until its secret and key are known to have arrived
        self._turned: Turned | None = None
        self._last_words: int | None = None  # packet id of the notice before the end, 0 with QoS 0

    # For the subclass

    def _is_of_sub_device(self, topic: str) -> bool:
        """Whether a topic filter is that of a sub-device that may be behind this device."""
        raise NotImplementedError

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

    # CONNECT

    def _on_connect(self, event: ConnectRequested) -> None:
        if event.client_id.startswith(USER_PREFIX):
            UserConnection(self, event)
        elif not event.repeated:
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

    # SUBSCRIBE, and what is delivered after it

    def _on_subscribe(self, event: Subscribe) -> None:
        downlinks = self._downlinks
        if downlinks is None or self._closed:
            return
        codes = []
        for text, qos in event.filters:
            level = subscribed_level(downlinks.prefix, text)
            if level is None and self._is_of_sub_device(text):
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
