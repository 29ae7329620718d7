"""Messages of one device on their way to the database, and their copies (device-protocol.md section 2.4)."""

from collections.abc import Callable

from mooring.protocol.mqtt import ResendFilter

__all__ = ["Inbox"]

Answer = Callable[[int, bool], None]
"""Hears the packet id of a message and whether it is committed."""


class Inbox:
    """Stays with the device across its connections: a copy may come on another one than the message.

    `settled` tells of a message that it is committed, or could not be; every copy that came meanwhile hears of it.
    """

    __slots__ = ("_copies", "_filter", "_storing")

    def __init__(self) -> None:
        self._filter = ResendFilter()
        self._storing: set[tuple[int, int]] = set()
        self._copies: dict[tuple[int, int], list[Answer]] = {}

    def is_copy(self, packet_id: int, payload: bytes, now: float, answer: Answer) -> bool:
        """Whether the message came before. A copy is answered as soon as it is known what became of its message."""
        key = packet_id, hash(payload)  # of bytes it is taken once
        if key in self._storing:  # however long the database takes, longer than the filter remembers even
            self._copies.setdefault(key, []).append(answer)
            return True
        if self._filter.is_resend(packet_id, payload, now):
            answer(packet_id, True)
            return True
        self._storing.add(key)
        return False

    def settled(self, packet_id: int, payload: bytes, *, committed: bool) -> None:
        """A message that was no copy has its outcome. One that is not committed may come again."""
        key = packet_id, hash(payload)
        self._storing.discard(key)
        if not committed:
            self._filter.forget(packet_id, payload)
        if self._copies:
            for answer in self._copies.pop(key, ()):
                answer(packet_id, committed)
