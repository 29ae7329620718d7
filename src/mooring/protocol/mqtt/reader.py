"""Packets out of a stream of bytes, however it is cut.

- A header is judged as soon as it is there, before its body is buffered: first byte by first byte, what may come
  now and how long it may be.
- Bytes are copied a fixed number of times, however small the pieces: an incomplete packet is collected and looked
  at again when it can be complete.
- Between two calls nothing of a finished packet is kept.
"""

from functools import lru_cache
from typing import Final

import msgspec

from mooring.protocol.mqtt import packets
from mooring.protocol.mqtt.decode import FIRST_BYTES, LENGTHS, decode_body
from mooring.protocol.mqtt.errors import LimitExceeded, MalformedPacket, RemoteProtocolError, UnexpectedPacket
from mooring.protocol.mqtt.limits import Limits
from mooring.protocol.mqtt.packets import Packet

__all__ = ["Bounds", "PacketReader", "bounds"]

_KINDS: Final = {first: kind for kind, firsts in FIRST_BYTES.items() for first in firsts}
_LENGTH_BYTES = 4  # of the remaining length, at most


class Bounds(msgspec.Struct, frozen=True):
    """What may come in one state of a session: for each first byte the fewest and most bytes behind the header.

    `highest` is -1 where a first byte may not come at all. `when` names the state for reasons.
    """

    when: str
    lowest: tuple[int, ...]
    highest: tuple[int, ...]


@lru_cache(maxsize=64)  # one entry for each state and each `Limits` of a process
def bounds(when: str, kinds: frozenset[type], limits: Limits) -> Bounds:
    """Return the bounds of a state that takes packets of these kinds."""
    lowest, highest = [0] * 256, [-1] * 256
    for kind in kinds:
        guard = limits.max_connect_bytes if kind is packets.Connect else limits.max_packet_bytes
        for first in FIRST_BYTES[kind]:
            lowest[first] = LENGTHS[kind][0]
            highest[first] = min(LENGTHS[kind][1], guard)
    return Bounds(when, tuple(lowest), tuple(highest))


class PacketReader:
    """Collects bytes and hands out packets. `bounds` may be changed between two packets."""

    __slots__ = ("_data", "_needed", "_start", "_tail", "bounds")

    def __init__(self, first_bounds: Bounds) -> None:
        self.bounds = first_bounds
        self._data = b""  # being read, from `_start` on
        self._start = 0
        self._tail = bytearray()  # waiting, behind `_data`; one of the two is empty whenever bytes are fed
        self._needed = 0  # so many bytes the tail must have before another look can find a packet

    @property
    def is_empty(self) -> bool:
        """Whether no byte waits here, and what is received next begins a packet."""
        return not self._data and not self._tail

    @property
    def held_bytes(self) -> int:
        """How many bytes wait here."""
        return len(self._data) - self._start + len(self._tail)

    def feed(self, data: bytes) -> None:
        """Take what was received, in any pieces."""
        if self._start < len(self._data):
            self._wait(0)
        if self._tail:
            self._tail += data
        else:
            self._data, self._start = data, 0

    def next_packet(self) -> Packet | None:
        """Return the next complete packet, None when more bytes are needed for one.

        Raises `RemoteProtocolError` for bytes that are no packet, or none that may come now.
        """
        if self._tail:
            if len(self._tail) < self._needed:
                return None
            self._data, self._start = bytes(self._tail), 0
            self._tail.clear()
        data, start = self._data, self._start
        if start == len(data):
            self._data, self._start = b"", 0
            return None
        body = start + 2
        if body > len(data):
            self._wait_for_length()
            return None
        first, length = data[start], data[start + 1]
        if length > 127:
            length, body = _long_length(data, start)
            if not body:
                self._wait_for_length()
                return None
        bounds = self.bounds
        if not bounds.lowest[first] <= length <= bounds.highest[first]:
            raise self._refusal(first, length)
        end = body + length
        if end > len(data):
            self._wait(end - start)
            return None
        self._start = end
        return decode_body(first, data, body, end)

    def clear(self) -> None:
        """Forget everything that waits."""
        self._data, self._start = b"", 0
        self._tail.clear()

    def _wait_for_length(self) -> None:
        have = len(self._data) - self._start
        if self.bounds.highest[self._data[self._start]] < 0:
            raise self._refusal(self._data[self._start], -1)
        if have > _LENGTH_BYTES:
            raise MalformedPacket("a remaining length of more than four bytes")
        self._wait(have + 1)

    def _wait(self, needed: int) -> None:
        self._tail += memoryview(self._data)[self._start :]
        self._data, self._start, self._needed = b"", 0, needed

    def _refusal(self, first: int, length: int) -> RemoteProtocolError:
        kind = _KINDS.get(first)
        if kind is None:
            return MalformedPacket(f"no packet begins with {first:02x}")
        name = kind.__name__.upper()
        if self.bounds.highest[first] < 0:
            return UnexpectedPacket(f"{name} has no place {self.bounds.when}")
        fewest, most = LENGTHS[kind]
        if not fewest <= length <= most:
            return MalformedPacket(f"{name} can not have {length} bytes")
        return LimitExceeded(f"{name} has {length} bytes, the limit is {self.bounds.highest[first]}")


def _long_length(data: bytes, start: int) -> tuple[int, int]:
    """Return the remaining length in two to four bytes and where the body begins; 0 for that when bytes are missing."""
    length = 0
    for at, byte in enumerate(data[start + 1 : start + 1 + _LENGTH_BYTES]):
        length |= (byte & 127) << 7 * at
        if byte < 128:
            return length, start + 2 + at
    return length, 0
