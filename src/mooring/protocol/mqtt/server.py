"""The server's side of one MQTT 3.1.1 connection (device-protocol.md sections 2, 4 and 13)."""

import hashlib
from collections.abc import Sequence
from typing import ClassVar, Final

from mooring.protocol.mqtt import packets
from mooring.protocol.mqtt.encode import PINGRESP, encode
from mooring.protocol.mqtt.errors import (
    InvalidArgument,
    LimitExceeded,
    LocalProtocolError,
    PeerSilent,
    UnexpectedPacket,
)
from mooring.protocol.mqtt.events import (
    ConnectRequested,
    Disconnected,
    Event,
    KeepAliveExpired,
    PingReceived,
    Subscribe,
    Unsubscribe,
)
from mooring.protocol.mqtt.limits import Limits
from mooring.protocol.mqtt.packets import GRANT_REFUSED
from mooring.protocol.mqtt.rate import TokenBucket
from mooring.protocol.mqtt.session import Handler, Session
from mooring.protocol.mqtt.states import SERVER, Command, State

__all__ = ["KEEP_ALIVE_GRACE", "ServerSession"]

KEEP_ALIVE_GRACE: Final = 1.5  # a client may be silent for so many times its keep alive (3.1.2.10 of the standard)

_DEFAULT_LIMITS: Final = Limits()
_OPEN: Final = State.OPEN  # a member of an Enum is not looked up on the hot path


class ServerSession(Session):
    """Serves one client; `session` says how to drive it. `now` is the time of the connection, in seconds."""

    _TABLE = SERVER

    __slots__ = ("_accepting", "_connack", "_connect", "_granting", "_keep_alive_s", "_subscribe", "_subscribed")

    def __init__(self, now: float, limits: Limits = _DEFAULT_LIMITS) -> None:
        super().__init__(limits, TokenBucket(limits.packets_per_s, limits.burst, now), now)
        self._keep_alive_s = 0
        self._connect = b""  # digest of the CONNECT, which holds a password
        self._connack = b""
        self._accepting = False
        self._subscribe: packets.Subscribe | None = None  # the last one
        self._granting: tuple[packets.Subscribe, ...] = ()  # those that wait for an answer
        self._subscribed: frozenset[str] = frozenset()

    def accept(self, now: float, *, session_present: bool = False) -> list[Event]:
        """Let the client in. Return the events of what it sent meanwhile."""
        if not self._step(Command.ACCEPT):
            return []
        self._now = self._heard = now
        self._connack = encode(packets.Connack(0, session_present))
        self._out += self._connack
        self._accepting = True
        events = self._pump() if self._reader.held_bytes else []
        self._accepting = False
        return events

    def refuse(self, return_code: int) -> None:
        """Turn the client away with CONNACK 1 to 5 and end.

        Devices erase their secret on 2 to 5 (section 2.3): never for a cause that can go away.
        """
        if not 1 <= return_code <= 5:
            raise InvalidArgument("a refusal has code 1 to 5")
        if self._step(Command.REFUSE):
            self._out += encode(packets.Connack(return_code))

    def grant(self, packet_id: int, codes: Sequence[int]) -> None:
        """Answer one `Subscribe` event: for each filter the granted QoS, or 128 for no.

        Raises `LocalProtocolError` when no such request waits, or the number of codes is not that of its filters.
        """
        if not self._step(Command.GRANT):
            return
        request = next((asked for asked in self._granting if asked.packet_id == packet_id), None)
        if request is None:
            raise LocalProtocolError(f"no SUBSCRIBE with packet id {packet_id} waits for an answer")
        if len(codes) != len(request.filters):
            raise InvalidArgument(f"SUBSCRIBE has {len(request.filters)} filters, {len(codes)} codes answer it")
        self._out += encode(packets.Suback(packet_id, tuple(codes)))
        at = self._granting.index(request)
        self._granting = self._granting[:at] + self._granting[at + 1 :]
        self._subscribed |= {
            text for (text, _), code in zip(request.filters, codes, strict=True) if code != GRANT_REFUSED
        }

    def publish(self, topic: str, payload: bytes, qos: int, now: float) -> int:
        """Send a message of QoS 0 or 1. Return its packet id, 0 with QoS 0.

        `is_waiting` says whether it has to wait for the window. A QoS 1 message ends in `PublishAcked` or
        `DeliveryUnconfirmed`. QoS 2 is not offered: devices never finish it (section 4).
        Raises `TooManyInFlight`, `SessionEnded` or `InvalidArgument`; nothing is sent then.
        """
        self._step(Command.PUBLISH)
        if qos not in (0, 1):
            raise InvalidArgument("a server publishes with QoS 0 or 1")
        return self._outbound.publish(topic, payload, qos, now, retain=False)

    def _own_deadline(self) -> float | None:
        if self._state is _OPEN:
            return self._heard + self._keep_alive_s * KEEP_ALIVE_GRACE if self._keep_alive_s and self._flowing else None
        return self._begun + self._limits.first_packet_within_s if self._state is State.NEW else None

    def _check_deadlines(self, now: float, events: list[Event]) -> None:
        deadline = self._own_deadline()
        if deadline is None or now < deadline:
            return
        if self._state is State.NEW:
            self._violated(PeerSilent(f"no CONNECT within {self._limits.first_packet_within_s:g} s"), events)
        else:
            self._end(KeepAliveExpired(), events)

    def _on_connect(self, packet: packets.Connect, events: list[Event]) -> None:
        digest = hashlib.sha256(encode(packet)).digest()
        repeated = self._connect != b""
        if repeated and digest != self._connect:
            raise UnexpectedPacket("a second CONNECT, not the first one again")
        if repeated and not self._accepting:
            self._out += self._connack
        self._connect = digest
        self._keep_alive_s = packet.keep_alive_s
        events.append(
            ConnectRequested(
                packet.client_id,
                packet.username,
                packet.password,
                packet.keep_alive_s,
                packet.clean_session,
                packet.will,
                packet.flags,
                repeated,
            )
        )

    def _on_subscribe(self, packet: packets.Subscribe, events: list[Event]) -> None:
        self._check_filters([text for text, _ in packet.filters])
        repeated = packet == self._subscribe
        self._subscribe = packet
        self._granting += (packet,)
        events.append(Subscribe(packet.packet_id, packet.filters, repeated))

    def _check_filters(self, texts: list[str]) -> None:
        limits = self._limits
        if any(len(text) > limits.max_topic_length for text in texts):
            raise LimitExceeded(f"a filter has over {limits.max_topic_length} characters, which is the limit")
        asked = {text for request in self._granting for text, _ in request.filters}
        most = limits.max_subscriptions
        if len(self._granting) >= most or len(self._subscribed | asked.union(texts)) > most:
            raise LimitExceeded(f"over {most} subscriptions, which is the limit")

    def _on_unsubscribe(self, packet: packets.Unsubscribe, events: list[Event]) -> None:
        self._subscribed = self._subscribed.difference(packet.filters)
        self._out += encode(packets.Unsuback(packet.packet_id))
        events.append(Unsubscribe(packet.packet_id, packet.filters))

    def _on_pingreq(self, _packet: packets.Pingreq, events: list[Event]) -> None:
        self._out += PINGRESP
        events.append(PingReceived())

    def _on_disconnect(self, _packet: packets.Disconnect, events: list[Event]) -> None:
        self._end(Disconnected(clean=True), events)

    _HANDLERS: ClassVar[dict[type, Handler]] = {
        packets.Connect: _on_connect,
        packets.Publish: Session._on_publish,
        packets.Puback: Session._on_puback,
        packets.Pubrel: Session._on_pubrel,
        packets.Subscribe: _on_subscribe,
        packets.Unsubscribe: _on_unsubscribe,
        packets.Pingreq: _on_pingreq,
        packets.Disconnect: _on_disconnect,
    }
