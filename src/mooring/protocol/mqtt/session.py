"""What both roles share: bytes in, events out, commands in, bytes out.

A role adds its table, a handler for each packet that the table takes, and its deadlines. How to drive a session:

- pass received bytes to `receive_data`, and call `receive_eof` when the connection broke or was closed;
- call `on_time` when `next_deadline` has come;
- after every call of anything, send `data_to_send` and ask `next_deadline` again;
- stop reading from the connection while `wants_data` is false;
- close the connection when `is_over` and everything is sent.

`now` is seconds of one monotonic clock everywhere.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, ClassVar, Final

from mooring.protocol.mqtt import packets
from mooring.protocol.mqtt.errors import LimitExceeded, LocalProtocolError, RemoteProtocolError, SessionEnded
from mooring.protocol.mqtt.events import (
    Disconnected,
    Event,
    ProtocolViolated,
    RateExceeded,
)
from mooring.protocol.mqtt.express import MAX_TOPICS, publishes, topic_key
from mooring.protocol.mqtt.inbound import Inbound
from mooring.protocol.mqtt.limits import Limits
from mooring.protocol.mqtt.outbound import Outbound
from mooring.protocol.mqtt.rate import TokenBucket
from mooring.protocol.mqtt.reader import PacketReader, bounds
from mooring.protocol.mqtt.states import Command, Row, State

__all__ = ["Handler", "Session"]

# On the hot path a member of an Enum is not looked up: that takes 0.1 µs in Python 3.11.
_ACKNOWLEDGE: Final = Command.ACKNOWLEDGE
_ENDED: Final = State.ENDED
_OPEN: Final = State.OPEN

Handler = Callable[[Any, Any, list[Event]], None]


class Session:
    """One connection, seen from one side; use `ServerSession` or `ClientSession`."""

    _TABLE: ClassVar[Mapping[State, Row]]
    _HANDLERS: ClassVar[Mapping[type, Handler]]

    __slots__ = (
        "_begun",
        "_bucket",
        "_flowing",
        "_heard",
        "_inbound",
        "_limits",
        "_now",
        "_out",
        "_outbound",
        "_overrun",
        "_reader",
        "_row",
        "_state",
        "_topics",
    )

    def __init__(self, limits: Limits, bucket: TokenBucket, now: float) -> None:
        self._limits = limits
        self._bucket = bucket
        self._now = now
        self._begun = now  # since when the peer owes its first packet
        self._heard = now  # when it last sent anything, or was let send again
        self._out = bytearray()
        self._inbound = Inbound(limits.max_unacknowledged)
        self._outbound = Outbound(limits, self._out)
        self._topics: dict[bytes, str] = {}  # of messages of QoS 1 that came, for `publishes`
        self._overrun = False  # the rate was exceeded, and what was held back since is not all read
        self._state = State.NEW
        self._row = self._TABLE[State.NEW]
        self._reader = PacketReader(bounds(State.NEW.value, frozenset(self._row.packets), limits))
        self._flowing = self._may_flow()  # packets are read

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._state

    @property
    def is_over(self) -> bool:
        """Say whether the connection is to be closed once everything is sent."""
        return self._state is State.ENDED

    @property
    def wants_data(self) -> bool:
        """Say whether the connection should be read. False holds the peer back, it is not an error."""
        return self._flowing

    @property
    def is_calm(self) -> bool:
        """Say whether there is nothing to send and the connection should be read."""
        return self._flowing and not self._out

    def is_waiting(self, packet_id: int) -> bool:
        """Say whether a published message still waits for the window; `PublishSent` will tell when it is written."""
        return self._outbound.is_waiting(packet_id)

    def data_to_send(self) -> bytes:
        """Return the bytes to send, and forget them."""
        if not self._out:
            return b""
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take bytes of the peer, in any pieces. Nothing is taken after the end."""
        if self._state is _ENDED or not data:
            return []
        if self._flowing and self._bucket.is_endless:
            self._now = now
        else:
            self._resume(now)
        events: list[Event] = []
        taken = 0
        if self._flowing and self._topics and self._reader.is_empty and self._inbound.is_plain:
            taken = self._take_run(data, events)
        if taken < len(data):
            self._reader.feed(data[taken:])
            if self._flowing:
                events += self._pump()
        if not self._flowing or len(self._out) > self._limits.max_held_bytes:
            self._check_room(events)
        return events

    def receive_eof(self) -> list[Event]:
        """Take that the connection is gone. What came before and was held back in an open session still counts."""
        events: list[Event] = []
        held = -1
        self._bucket.tokens = inf
        while self._state is State.OPEN and self._reader.held_bytes != held:
            held, self._flowing = self._reader.held_bytes, True
            events += self._pump()
        if not self.is_over:
            self._end(Disconnected(clean=False), events)
        return events

    def on_time(self, now: float) -> list[Event]:
        """Do what is due, and take up again what was held back."""
        if self._state is State.ENDED:
            return []
        self._resume(now)
        events = self._pump() if self._flowing and self._reader.held_bytes else []
        if self._state is State.OPEN:
            self._outbound.resend(now, events)
        if not self.is_over:
            self._check_deadlines(now, events)
        return events

    def next_deadline(self) -> float | None:
        """Return when to call `on_time` (a time that has passed means at once), None when there is no need."""
        if self._state is _ENDED:
            return None
        first = self._own_deadline()
        resend = self._outbound.due
        if resend is not None and (first is None or resend < first):
            first = resend
        if not self._flowing and self._row.packets:
            if self._may_flow():
                return self._now
            if self._bucket.tokens < 0:
                level = self._bucket.until
                return level if first is None or level < first else first
        return first

    def acknowledge(self, packet_id: int) -> None:
        """Answer a received message of QoS 1 or 2: the application has it in safety. Once for each report.

        Raises `LocalProtocolError` when no message with this id waits for it.
        """
        # In an open session there is always a place for it.
        if self._state is _OPEN or self._step(_ACKNOWLEDGE):
            self._out += self._inbound.acknowledge(packet_id)

    def forget(self, packet_id: int) -> None:
        """Leave a received message of QoS 1 or 2 without an answer: the application could not bring it into safety. Its
        next copy is reported like a new message.

        Raises `LocalProtocolError` when no message with this id waits to be acknowledged.
        """
        if self._step(_ACKNOWLEDGE):
            self._inbound.forget(packet_id)

    def excuse(self, now: float) -> None:
        """Take that the connection was not read up to now: the silence since was not the peer's."""
        self._heard = now

    def close(self) -> list[Event]:
        """End the session from this side. Return what is unconfirmed; everything received later is ignored."""
        self._step(Command.CLOSE)
        events: list[Event] = []
        self._outbound.give_up_all(events)
        return events

    # For the roles

    def _own_deadline(self) -> float | None:
        """Return when the role wants `_check_deadlines` to be called."""
        raise NotImplementedError

    def _check_deadlines(self, now: float, events: list[Event]) -> None:
        raise NotImplementedError

    def _step(self, command: Command) -> bool:
        """Do what the table says about a command. Return whether anybody is there to hear of it."""
        before = self._state
        state = self._row.commands.get(command)
        if state is None:
            error = SessionEnded if before is State.ENDED else LocalProtocolError
            raise error(f"{command} has no place {before.value}")
        if state is not before:
            self._enter(state)
        return before is not _ENDED

    def _enter(self, state: State) -> None:
        self._state = state
        self._row = self._TABLE[state]
        self._reader.bounds = bounds(state.value, frozenset(self._row.packets), self._limits)
        if state is State.ENDED:
            self._reader.clear()
        self._flowing = self._may_flow()

    def _end(self, last: Event, events: list[Event]) -> None:
        if self._state is not State.ENDED:
            self._enter(State.ENDED)
        self._outbound.give_up_all(events)
        events.append(last)

    def _violated(self, error: RemoteProtocolError, events: list[Event]) -> None:
        self._out += error.answer
        self._end(ProtocolViolated(error.reason, type(error)), events)

    # Reading, and waiting with it (rule 6)

    def _may_flow(self) -> bool:
        return (
            bool(self._row.packets)
            and self._bucket.tokens >= 0
            and self._inbound.unacknowledged < self._limits.max_unacknowledged
        )

    def _resume(self, now: float) -> None:
        self._now = now
        if not self._bucket.is_endless:
            self._bucket.fill(now)
        if not self._flowing and self._may_flow():
            self._flowing = True
            self._heard = now

    def _take_run(self, data: bytes, events: list[Event]) -> int:
        """Take what `publishes` takes, as `_pump` would. Return where it stopped."""
        inbound, bucket, limits = self._inbound, self._bucket, self._limits
        # The last one that there is room for stops the flow; it goes the general way.
        room: float = limits.max_unacknowledged - 1 - inbound.unacknowledged
        if bucket.tokens < room:
            room = bucket.tokens
        run, taken = publishes(data, self._topics, room, limits.max_packet_bytes)
        if run:
            inbound.at_least_once_each(run)
            events += run
            bucket.tokens -= len(run)
            self._heard = self._now
        return taken

    def _pump(self) -> list[Event]:
        events: list[Event] = []
        self._heard = self._now
        reader, bucket, handlers = self._reader, self._bucket, self._HANDLERS
        try:
            while self._flowing:
                packet = reader.next_packet()
                if packet is None:
                    self._overrun = False
                    break
                kind = type(packet)
                state = self._row.packets[kind]
                if state is not self._state:
                    self._enter(state)
                handlers[kind](self, packet, events)
                bucket.tokens -= 1
                if bucket.tokens < 0 and self._state is not State.ENDED:
                    self._flowing = False
                    if not self._overrun:
                        self._overrun = True
                        events.append(RateExceeded(bucket.until))
        except RemoteProtocolError as error:
            self._violated(error, events)
        return events

    def _check_room(self, events: list[Event]) -> None:
        limits = self._limits
        early = self._state is State.CONNECTING and not self._row.packets
        room = limits.max_early_bytes if early else limits.max_held_bytes
        if self._reader.held_bytes > room:
            self._violated(LimitExceeded(f"over {room} bytes came while reading waits, which is the limit"), events)
        elif len(self._out) > limits.max_held_bytes and self._state is not State.ENDED:
            reason = f"over {limits.max_held_bytes} bytes of answers are not read, which is the limit"
            self._violated(LimitExceeded(reason), events)

    # Packets that mean the same to both roles

    def _on_publish(self, packet: packets.Publish, events: list[Event]) -> None:
        if len(packet.topic) > self._limits.max_topic_length:
            raise LimitExceeded(f"a topic has over {self._limits.max_topic_length} characters, which is the limit")
        if packet.qos == 1:
            self._inbound.at_least_once(packet)
            if len(self._topics) < MAX_TOPICS:
                self._topics[topic_key(packet.topic)] = packet.topic
        elif packet.qos:
            fresh, answer = self._inbound.exactly_once(packet)
            self._out += answer
            if not fresh:
                return
        if self._inbound.unacknowledged >= self._limits.max_unacknowledged:
            self._flowing = False
        events.append(packet)  # it is a PublishReceived

    def _on_puback(self, packet: packets.Puback, events: list[Event]) -> None:
        self._outbound.acked(packet.packet_id, self._now, events)

    def _on_pubrel(self, packet: packets.Pubrel, _events: list[Event]) -> None:
        self._out += self._inbound.release(packet.packet_id)
