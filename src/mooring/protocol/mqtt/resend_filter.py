"""Telling a message of QoS 1 from its copies.

Devices send an unconfirmed message again with the same packet id and without DUP (device-protocol.md, section 2.4),
so DUP says nothing. A copy has the packet id and the payload of a message that came a short time ago.

    if resends.is_resend(event.packet_id, event.payload, now):
        acknowledge it with the first one, once that is committed
    else:
        store it; if that fails, `forget` it, so that the next copy counts as the message

One filter serves one device, across its connections.
"""

__all__ = ["ResendFilter"]

# A device sends three times, 2 s apart, and gives up at 6 s; the rest is for slow networks. Longer is dangerous: a
# client that always uses packet id 1 may well report the same value again.
WINDOW_S = 10.0
ROOM = 64  # messages; a device has one in flight, other clients some 20


class ResendFilter:
    """Remembers packet id and payload hash of the last messages, for `window_s` seconds and at most `room` of them."""

    __slots__ = ("_room", "_seen", "_window_s")

    def __init__(self, window_s: float = WINDOW_S, room: int = ROOM) -> None:
        self._window_s = window_s
        self._room = room
        self._seen: dict[tuple[int, int], float] = {}  # oldest first

    def is_resend(self, packet_id: int, payload: bytes, now: float) -> bool:
        """Say whether this message came before, and remember it. The window counts from its first copy."""
        return self.is_known((packet_id, hash(payload)), now)

    def is_known(self, key: tuple[int, int], now: float) -> bool:
        """The same of a packet id and the hash of a payload, for who needs them too."""
        seen = self._seen
        first = seen.get(key)
        if first is not None:
            if now - first <= self._window_s:
                return True
            del seen[key]
        for oldest, first in seen.items():
            if now - first > self._window_s or len(seen) >= self._room:
                del seen[oldest]
            break
        seen[key] = now
        return False

    def forget(self, packet_id: int, payload: bytes) -> None:
        """Let the next copy count as new: this one could not be stored."""
        self.forget_key((packet_id, hash(payload)))

    def forget_key(self, key: tuple[int, int]) -> None:
        """The same of a packet id and the hash of a payload."""
        self._seen.pop(key, None)
