"""Messages to the peer, from `publish` until they are confirmed or given up (4.3 and 4.4 of the standard).

At most `window` of QoS 1 and 2 are on their way, `room` more wait in order. One that is not confirmed is sent
again by time; the standard asks for that only after a reconnect, which these sessions do not have. Given up is
not forgotten: a confirmation that comes late is still evidence.
"""

from mooring.protocol.mqtt import encode
from mooring.protocol.mqtt.errors import TooManyInFlight, UnexpectedPacket
from mooring.protocol.mqtt.events import DeliveryUnconfirmed, Event, PublishAcked, PublishSent
from mooring.protocol.mqtt.limits import Limits

__all__ = ["Outbound"]

_LAST_ID = 0xFFFF


class _Flight:
    """One message on its way: the packet to send again, and when."""

    __slots__ = ("due", "packet", "qos", "released", "sends")

    def __init__(self, packet: bytes, qos: int, due: float) -> None:
        self.packet = packet
        self.qos = qos
        self.due = due
        self.sends = 1
        self.released = False  # QoS 2: PUBREC came, PUBREL is what is sent now


class Outbound:
    """Packet ids, window, queue and resends of one session. What is to be sent is appended to `out`."""

    __slots__ = ("_flying", "_given_up", "_last_id", "_limits", "_out", "_waiting", "requests")

    def __init__(self, limits: Limits, out: bytearray) -> None:
        self.requests: dict[int, type] = {}  # packet ids of our own SUBSCRIBE and UNSUBSCRIBE, until they are answered
        self._limits = limits
        self._out = out
        self._last_id = 0
        self._flying: dict[int, _Flight] = {}  # in the order of `due`: each resend moves to the end
        self._waiting: dict[int, tuple[bytes, int]] = {}
        self._given_up: dict[int, None] = {}  # the last ones only, as many as the window has places

    @property
    def due(self) -> float | None:
        """When the next resend is due, in seconds."""
        return next(iter(self._flying.values())).due if self._flying else None

    def is_waiting(self, packet_id: int) -> bool:
        """Say whether a message still waits for the window."""
        return packet_id in self._waiting

    def publish(self, topic: str, payload: bytes, qos: int, now: float, *, retain: bool) -> int:
        """Send a message, or let it wait. Return its packet id, 0 with QoS 0."""
        if len(self._out) > self._limits.max_held_bytes:
            raise TooManyInFlight(f"over {self._limits.max_held_bytes} bytes wait for data_to_send")
        if not qos:
            self._out += encode.publish(topic, payload, retain=retain)
            return 0
        fits = len(self._flying) < self._limits.max_in_flight
        if not fits and len(self._waiting) >= self._limits.max_waiting:
            raise TooManyInFlight(f"{self._limits.max_in_flight} in flight and {self._limits.max_waiting} waiting")
        packet_id = self.next_id()
        packet = encode.publish(topic, payload, qos, packet_id, retain=retain)
        if fits:
            self._fly(packet_id, packet, qos, now)
        else:
            self._waiting[packet_id] = packet, qos
        self._last_id = packet_id
        return packet_id

    def next_id(self) -> int:
        """Return the next packet id that nothing uses. Ids go round, so that none comes again soon."""
        packet_id = self._last_id
        while True:
            packet_id = packet_id % _LAST_ID + 1
            if packet_id not in self._flying and packet_id not in self._waiting and packet_id not in self.requests:
                return packet_id

    def request(self, kind: type, packet_id: int) -> None:
        """Remember that a request with this new id will be answered."""
        self.requests[packet_id] = kind
        self._last_id = packet_id

    def acked(self, packet_id: int, now: float, events: list[Event]) -> None:
        """Take PUBACK."""
        flight = self._flying.get(packet_id)
        if flight is not None and flight.qos != 1:
            raise UnexpectedPacket("PUBACK for a message of QoS 2")
        self._confirmed(packet_id, now, events)

    def received(self, packet_id: int, now: float) -> None:
        """Take PUBREC and answer PUBREL, also for an id that is long free: the peer can not know."""
        flight = self._flying.get(packet_id)
        if flight is not None and flight.qos != 2:
            raise UnexpectedPacket("PUBREC for a message of QoS 1")
        release = encode.pubrel(packet_id)
        self._out += release
        if flight is not None and not flight.released:
            flight.packet, flight.released, flight.sends = release, True, 1
            self._postpone(packet_id, flight, now)

    def completed(self, packet_id: int, now: float, events: list[Event]) -> None:
        """Take PUBCOMP."""
        flight = self._flying.get(packet_id)
        if flight is not None and not flight.released:
            raise UnexpectedPacket("PUBCOMP before PUBREL")
        self._confirmed(packet_id, now, events)

    def resend(self, now: float, events: list[Event]) -> None:
        """Send again what is due, give up what was sent often enough."""
        resends = self._limits.resends
        while self._flying:
            packet_id, flight = next(iter(self._flying.items()))
            if flight.due > now:
                return
            if flight.sends >= resends.sends:
                self._give_up(packet_id, flight.sends, events)
                self._advance(now, events)
                continue
            if resends.dup and flight.sends == 1 and not flight.released:
                flight.packet = bytes((flight.packet[0] | 8,)) + flight.packet[1:]
            self._out += flight.packet
            flight.sends += 1
            self._postpone(packet_id, flight, now)

    def give_up_all(self, events: list[Event]) -> None:
        """Report everything that is unconfirmed, oldest first: the connection is over."""
        for packet_id, flight in self._flying.items():
            events.append(DeliveryUnconfirmed(packet_id, flight.sends))
        events.extend(DeliveryUnconfirmed(packet_id, 0) for packet_id in self._waiting)
        self._flying.clear()
        self._waiting.clear()
        self.requests.clear()

    def _fly(self, packet_id: int, packet: bytes, qos: int, now: float) -> None:
        self._given_up.pop(packet_id, None)
        self._flying[packet_id] = _Flight(packet, qos, now + self._limits.resends.after_s)
        self._out += packet

    def _postpone(self, packet_id: int, flight: _Flight, now: float) -> None:
        flight.due = now + self._limits.resends.after_s
        self._flying[packet_id] = self._flying.pop(packet_id)

    def _confirmed(self, packet_id: int, now: float, events: list[Event]) -> None:
        if self._flying.pop(packet_id, None) is not None:
            events.append(PublishAcked(packet_id))
            self._advance(now, events)
        elif packet_id in self._given_up:
            del self._given_up[packet_id]
            events.append(PublishAcked(packet_id))

    def _give_up(self, packet_id: int, sends: int, events: list[Event]) -> None:
        del self._flying[packet_id]
        if len(self._given_up) >= self._limits.max_in_flight:
            del self._given_up[next(iter(self._given_up))]
        self._given_up[packet_id] = None
        events.append(DeliveryUnconfirmed(packet_id, sends))

    def _advance(self, now: float, events: list[Event]) -> None:
        if self._waiting:
            packet_id = next(iter(self._waiting))
            packet, qos = self._waiting.pop(packet_id)
            self._fly(packet_id, packet, qos, now)
            events.append(PublishSent(packet_id))
