"""What only one process does at a time, however many share a database.

The holder renews its lease; others watch and take it when it has not been renewed for `TAKEN_AFTER_S` by their own
clocks. The holder stops before that, by its own: `held` turns false when a renewal is late.
"""

from mooring.store import Store, StoreUnavailable, WriteRefused
from mooring.store import leases as statements

from .sources import Clock, Entropy

__all__ = ["RENEW_S", "Lease"]

RENEW_S = 1.0
_HELD_S = 6.0
TAKEN_AFTER_S = 10.0
_HOLDER_BYTES = 6


class Lease:
    """Call `renew` every `RENEW_S` seconds. Where nobody else writes to the database it is always held."""

    def __init__(self, store: Store, clock: Clock, entropy: Entropy, name: str) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._holder = int.from_bytes(entropy.random_bytes(_HOLDER_BYTES)) | 1
        self._seen = (-1, 0)  # holder and turn that were read last
        self._seen_at = 0.0
        self._renewed_at: float | None = None
        self._aside_until = float("-inf")

    @property
    def held(self) -> bool:
        """Whether this process may do it now."""
        if not self._store.shared:
            return True
        return self._renewed_at is not None and self._clock.monotonic() - self._renewed_at < _HELD_S

    async def renew(self) -> None:
        """Renew it, or take it when it is free. Raises StoreUnavailable."""
        if not self._store.shared:
            return
        started = self._clock.monotonic()
        found = await self._store.read(statements.ONE, of_name=self._name)
        holder, turn = (found[0].holder, found[0].turn) if found else (0, 0)
        if holder != self._holder:
            self._renewed_at = None
            if (holder, turn) != self._seen:
                self._seen, self._seen_at = (holder, turn), started
            if started < self._aside_until or (holder and started - self._seen_at < TAKEN_AFTER_S):
                return
        if await self._take(self._holder, turn):
            self._renewed_at = started

    async def leave(self, aside_s: float = 0.0) -> None:
        """Let the next one take it at once, and do not take it oneself for a while."""
        self._aside_until = self._clock.monotonic() + aside_s
        if not self._store.shared or self._renewed_at is None:
            return
        self._renewed_at = None
        try:
            for row in await self._store.read(statements.ONE, of_name=self._name):
                if row.holder == self._holder:
                    await self._take(0, row.turn)
        except StoreUnavailable:
            return  # the others wait until it is late

    async def _take(self, holder: int, turn: int) -> bool:
        write = statements.TAKE(of_name=self._name, new_holder=holder, new_turn=turn + 1, seen_turn=turn)
        try:
            await self._store.write(write.must(self._name))
        except WriteRefused:
            return False
        return True
