"""The device's side of one MQTT 3.1.1 connection (device-protocol.md sections 2 and 4)."""

from collections.abc import Sequence
from math import inf
from typing import ClassVar, Final

from mooring.protocol.mqtt import packets
from mooring.protocol.mqtt.encode import PINGREQ, encode
from mooring.protocol.mqtt.errors import PeerSilent, TooManyInFlight, UnexpectedPacket
from mooring.protocol.mqtt.events import (
    ConnectAccepted,
    ConnectRefused,
    Event,
    KeepAliveExpired,
    Subscribed,
    Unsubscribed,
)
from mooring.protocol.mqtt.limits import Limits
from mooring.protocol.mqtt.packets import Connect
from mooring.protocol.mqtt.rate import TokenBucket
from mooring.protocol.mqtt.session import Handler, Session
from mooring.protocol.mqtt.states import CLIENT, Command, State

__all__ = ["PING_AFTER", "ClientSession"]

# PINGREQ goes out after this part of the keep alive without anything sent. The server waits for 1.5 times the whole.
PING_AFTER: Final = 0.75

_DEFAULT_LIMITS: Final = Limits()


class ClientSession(Session):
    """Speaks to one server; `session` says how to drive it. The rate of the server is not limited."""

    _TABLE = CLIENT

    __slots__ = ("_keep_alive_s", "_pinged", "_sent")

    def __init__(self, now: float, limits: Limits = _DEFAULT_LIMITS) -> None:
        super().__init__(limits, TokenBucket(inf, inf, now), now)
        self._keep_alive_s = 0
        self._sent = now  # when this side last sent anything with a time
        self._pinged: float | None = None  # since when PINGRESP is owed

    def connect(self, connect: Connect, now: float) -> None:
        """Send CONNECT. A password without a user name is the devices' form, flags 42 hex.

        The answer is `ConnectAccepted` or `ConnectRefused`. Raises `InvalidArgument`.
        """
        packet = encode(connect)
        self._step(Command.CONNECT)
        self._out += packet
        self._keep_alive_s = connect.keep_alive_s
        self._begun = self._sent = now

    def subscribe(self, filters: Sequence[tuple[str, int]], now: float) -> int:
        """Ask for topic filters, each with a QoS. Return the packet id that `Subscribed` will name.

        Raises `TooManyInFlight` when too many requests wait for their answers, or `InvalidArgument`.
        """
        self._step(Command.SUBSCRIBE)
        return self._request(packets.Subscribe(self._new_id(), tuple(filters)), now)

    def unsubscribe(self, filters: Sequence[str], now: float) -> int:
        """Give up topic filters. Return the packet id that `Unsubscribed` will name. Raises like `subscribe`."""
        self._step(Command.UNSUBSCRIBE)
        return self._request(packets.Unsubscribe(self._new_id(), tuple(filters)), now)

    def publish(self, topic: str, payload: bytes, qos: int, now: float, *, retain: bool = False) -> int:
        """Send a message of QoS 0, 1 or 2. Return its packet id, 0 with QoS 0.

        `is_waiting` says whether it has to wait for the window. A message of QoS 1 or 2 ends in `PublishAcked` or
        `DeliveryUnconfirmed`. Raises `TooManyInFlight`, `SessionEnded` or `InvalidArgument`; nothing is sent then.
        """
        self._step(Command.PUBLISH)
        packet_id = self._outbound.publish(topic, payload, qos, now, retain=retain)
        self._sent = now
        return packet_id

    def ping(self, now: float) -> None:
        """Send PINGREQ before it is due, to see whether the server is there."""
        self._step(Command.PING)
        self._out += PINGREQ
        self._sent = now
        if self._pinged is None:
            self._pinged = now

    def disconnect(self) -> list[Event]:
        """Send DISCONNECT and end. Return what is unconfirmed."""
        events: list[Event] = []
        if self._step(Command.DISCONNECT):
            self._out += encode(packets.Disconnect())
            self._outbound.give_up_all(events)
        return events

    def _new_id(self) -> int:
        if len(self._outbound.requests) >= self._limits.max_subscriptions:
            raise TooManyInFlight(f"{self._limits.max_subscriptions} requests wait for their answers")
        return self._outbound.next_id()

    def _request(self, packet: packets.Subscribe | packets.Unsubscribe, now: float) -> int:
        self._out += encode(packet)
        self._outbound.request(type(packet), packet.packet_id)
        self._sent = now
        return packet.packet_id

    def _own_deadline(self) -> float | None:
        if self._state is State.CONNECTING:
            return self._begun + self._limits.first_packet_within_s
        if self._state is not State.OPEN:
            return None
        if self._pinged is None:
            return self._sent + self._keep_alive_s * PING_AFTER if self._keep_alive_s else None
        # Whatever comes shows that the server is there; nothing can show it while reading waits.
        return max(self._pinged, self._heard) + self._limits.ping_answer_within_s if self._flowing else None

    def _check_deadlines(self, now: float, events: list[Event]) -> None:
        deadline = self._own_deadline()
        if deadline is None or now < deadline:
            return
        if self._state is State.CONNECTING:
            self._violated(PeerSilent(f"no CONNACK within {self._limits.first_packet_within_s:g} s"), events)
        elif self._pinged is None:
            self.ping(now)
        else:
            self._end(KeepAliveExpired(), events)

    def _on_connack(self, packet: packets.Connack, events: list[Event]) -> None:
        if packet.return_code:
            self._end(ConnectRefused(packet.return_code), events)
        else:
            events.append(ConnectAccepted(packet.session_present))

    def _on_pubrec(self, packet: packets.Pubrec, _events: list[Event]) -> None:
        self._outbound.received(packet.packet_id, self._now)

    def _on_pubcomp(self, packet: packets.Pubcomp, events: list[Event]) -> None:
        self._outbound.completed(packet.packet_id, self._now, events)

    def _on_suback(self, packet: packets.Suback, events: list[Event]) -> None:
        self._answered(packets.Subscribe, packet.packet_id)
        events.append(Subscribed(packet.packet_id, packet.codes))

    def _on_unsuback(self, packet: packets.Unsuback, events: list[Event]) -> None:
        self._answered(packets.Unsubscribe, packet.packet_id)
        events.append(Unsubscribed(packet.packet_id))

    def _answered(self, kind: type, packet_id: int) -> None:
        if self._outbound.requests.pop(packet_id, None) is not kind:
            raise UnexpectedPacket("an answer to a request that nobody made")

    def _on_pingresp(self, _packet: packets.Pingresp, _events: list[Event]) -> None:
        self._pinged = None

    _HANDLERS: ClassVar[dict[type, Handler]] = {
        packets.Connack: _on_connack,
        packets.Publish: Session._on_publish,
        packets.Puback: Session._on_puback,
        packets.Pubrec: _on_pubrec,
        packets.Pubrel: Session._on_pubrel,
        packets.Pubcomp: _on_pubcomp,
        packets.Suback: _on_suback,
        packets.Unsuback: _on_unsuback,
        packets.Pingresp: _on_pingresp,
    }
