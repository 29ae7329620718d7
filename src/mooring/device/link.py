"""The MQTT session as the device SDK 2.9.0 runs it (device-protocol.md sections 2.3 and 2.4).

Differs from a plain client session in what it does by time: CONNECT and SUBSCRIBE are repeated before they are given
up, and pings have a rhythm of their own. A server may answer a repeated question twice, so a second CONNACK or SUBACK
is no violation here.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from mooring.protocol.mqtt import (
    DEVICE_RESENDS,
    ClientSession,
    Connect,
    Event,
    KeepAliveExpired,
    Limits,
    State,
    packets,
)
from mooring.protocol.mqtt.encode import encode
from mooring.protocol.mqtt.errors import PeerSilent
from mooring.protocol.mqtt.session import Handler
from mooring.protocol.mqtt.states import CLIENT, Row

__all__ = ["DEVICE_LIMITS", "DeviceSession", "sent_keep_alive"]

DEVICE_LIMITS: Final = Limits(max_in_flight=1, max_waiting=100, resends=DEVICE_RESENDS)

_ASKED_AFTER_S = 5.0
_ASKS = 3
_GIVEN_UP_AFTER_S = 15.0
_PING_MARGIN_S = 20  # seconds a ping comes before the keep alive ends
_SECOND_PING_AFTER_S = 5.0
_SILENT_AFTER_S = 10.0

_OPEN = CLIENT[State.OPEN]


def sent_keep_alive(keep_alive_s: int) -> int:
    """Return the keep alive that goes out: 20 s or less are sent as 21, which leaves a second to ping after."""
    return max(keep_alive_s, _PING_MARGIN_S + 1)


class DeviceSession(ClientSession):
    """One connection of a device. `keep_alive_s` of its CONNECT is above 20."""

    _TABLE: ClassVar[dict[State, Row]] = {
        **CLIENT,
        State.OPEN: Row(packets={**_OPEN.packets, packets.Connack: State.OPEN}, commands=_OPEN.commands),
    }

    __slots__ = ("_asked_at", "_asks", "_first_ping", "_let_in", "_ping_at", "_question", "_second_ping", "_topic_id")

    def __init__(self, now: float, limits: Limits = DEVICE_LIMITS) -> None:
        super().__init__(now, limits)
        self._question: bytes | None = None  # CONNECT or SUBSCRIBE, until it is answered
        self._asked_at = now
        self._asks = 0
        self._let_in = False
        self._topic_id = 0  # of SUBSCRIBE
        self._ping_at = now  # when the next first ping is due
        self._first_ping: float | None = None  # since when PINGRESP is owed
        self._second_ping = False

    def connect(self, connect: Connect, now: float) -> None:
        """Send CONNECT, as `ClientSession.connect`."""
        super().connect(connect, now)
        self._ask(encode(connect), now)

    def subscribe(self, filters: Sequence[tuple[str, int]], now: float) -> int:
        """Ask for topic filters, as `ClientSession.subscribe`; one such question at a time."""
        self._topic_id = super().subscribe(filters, now)
        self._ask(encode(packets.Subscribe(self._topic_id, tuple(filters))), now)
        return self._topic_id

    def _ask(self, question: bytes, now: float) -> None:
        self._question, self._asked_at, self._asks = question, now, 1

    def _own_deadline(self) -> float | None:
        if self._state not in (State.CONNECTING, State.OPEN):
            return None
        if self._question is not None:
            again = self._asks * _ASKED_AFTER_S if self._asks < _ASKS else _GIVEN_UP_AFTER_S
            return self._asked_at + again
        if self._first_ping is None:
            return self._ping_at
        return self._first_ping + (_SILENT_AFTER_S if self._second_ping else _SECOND_PING_AFTER_S)

    def _check_deadlines(self, now: float, events: list[Event]) -> None:
        deadline = self._own_deadline()
        if deadline is None or now < deadline:
            return
        if self._question is not None:
            self._ask_again(self._question, events)
        elif self._second_ping:
            self._end(KeepAliveExpired(), events)
        else:
            self._second_ping = self._first_ping is not None
            self._first_ping = now if self._first_ping is None else self._first_ping
            self.ping(now)

    def _ask_again(self, question: bytes, events: list[Event]) -> None:
        if self._asks < _ASKS:
            self._asks += 1
            self._out += question
            return
        answer = "SUBACK" if self._let_in else "CONNACK"
        self._violated(PeerSilent(f"no {answer} within {_GIVEN_UP_AFTER_S:g} s"), events)

    def _on_connack(self, packet: packets.Connack, events: list[Event]) -> None:
        if self._let_in:
            return  # it answers a repeated CONNECT
        self._question = None
        super()._on_connack(packet, events)
        self._let_in = not packet.return_code
        self._ping_at = self._now + (self._keep_alive_s - _PING_MARGIN_S) / 2

    def _on_suback(self, packet: packets.Suback, events: list[Event]) -> None:
        if packet.packet_id == self._topic_id and self._question is None:
            return  # it answers a repeated SUBSCRIBE
        super()._on_suback(packet, events)
        self._question = None

    def _on_pingresp(self, packet: packets.Pingresp, events: list[Event]) -> None:
        super()._on_pingresp(packet, events)
        self._first_ping, self._second_ping = None, False
        self._ping_at = self._now + self._keep_alive_s - _PING_MARGIN_S

    _HANDLERS: ClassVar[dict[type, Handler]] = {
        **ClientSession._HANDLERS,
        packets.Connack: _on_connack,
        packets.Suback: _on_suback,
        packets.Pingresp: _on_pingresp,
    }
