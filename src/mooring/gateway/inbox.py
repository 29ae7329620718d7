"""Messages of one device on their way to the database, and their copies (device-protocol.md section 2.4)."""

from collections.abc import Callable

from mooring.protocol.mqtt import ResendFilter

__all__ = ["Inbox", "Key"]

Key = tuple[int, int]
"""What tells messages apart: the packet id, and the hash of the payload, which of bytes is taken once."""

Answer = Callable[[int, bool], None]
"""Hears the packet id of a message and whether it is committed."""


class Inbox:
    """Stays with the device across its connections: a copy may come on another one than the message.

    `settled` tells of a message that it is committed, or could not be; every copy that came meanwhile hears of it.
    """

    __slots__ = ("_copies", "_filter", "_storing")

    def __init__(self) -> None:
        self._filter = ResendFilter()
        self._storing: set[Key] = set()
        self._copies: dict[Key, list[Answer]] = {}

    def take(self, packet_id: int, payload: bytes, now: float, answer: Answer) -> Key | None:
        """The key of a new message, for `settled`; None for one that came before.

        Such a copy is answered as soon as it is known what became of its message.
        """
        key = packet_id, hash(payload)
        if key in self._storing:  # however long the database takes, longer than the filter remembers even
            self._copies.setdefault(key, []).append(answer)
            return None
        if self._filter.is_known(key, now):
            answer(packet_id, True)
            return None
        self._storing.add(key)
        return key

    def settled(self, key: Key, committed: bool) -> None:
        """A message that was no copy has its outcome. One that is not committed may come again."""
        self._storing.discard(key)
        if not committed:
            self._filter.forget_key(key)
        if self._copies:
            for answer in self._copies.pop(key, ()):
                answer(key[0], committed)
