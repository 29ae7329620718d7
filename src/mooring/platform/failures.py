"""Refused attempts to connect, so that devices in a fast loop and guessers cost little (device-protocol.md 13, rule 9).

Counted by client id and address together, because anybody can send somebody else's client id, and by address alone.
Many devices may share an address, so those that were let in from it before are heard whatever their neighbours do.
"""

from .sources import Clock

__all__ = ["Failures"]

MAX_OF_CLIENT = 10  # refusals that one client id at one address has
MAX_OF_ADDRESS = 300  # of clients that were not let in before
PERIOD_S = 300.0
ROOM = 20_000  # clients and addresses that are remembered, and clients that were let in

_Key = tuple[str, str]


class Failures:
    """Counts within a period from the first failure; the longest known give way when there are too many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: dict[_Key, tuple[int, float]] = {}  # count and end of the period, in the order of the end
        self._known: dict[_Key, None] = {}  # let in before, the longest ago first

    def too_many(self, client_id: str, address: str) -> bool:
        """Whether the next attempt is not to be looked at."""
        key = client_id, address
        if self._count(key) >= MAX_OF_CLIENT:
            return True
        return key not in self._known and self._count(("", address)) >= MAX_OF_ADDRESS

    def add(self, client_id: str, address: str) -> None:
        """One more was refused."""
        now = self._clock.monotonic()
        for key in ((client_id, address), ("", address)):
            count, until = self._counts.get(key, (0, 0.0))
            if until <= now:
                self._counts.pop(key, None)
                self._make_room(now)
                count, until = 0, now + PERIOD_S
            self._counts[key] = count + 1, until

    def forget(self, client_id: str, address: str) -> None:
        """The client was let in."""
        key = client_id, address
        self._counts.pop(key, None)
        self._known.pop(key, None)
        if len(self._known) >= ROOM:
            del self._known[next(iter(self._known))]
        self._known[key] = None

    def _count(self, key: _Key) -> int:
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > self._clock.monotonic() else 0

    def _make_room(self, now: float) -> None:
        while self._counts:
            oldest = next(iter(self._counts))
            if len(self._counts) < ROOM and self._counts[oldest][1] > now:
                return
            del self._counts[oldest]
