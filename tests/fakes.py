"""Time and randomness under the tests' control."""

import hashlib

__all__ = ["FakeClock", "FakeEntropy"]


class FakeClock:
    """A clock that stands until told to move."""

    def __init__(self, now_ms: int = 1_760_000_000_000) -> None:
        self._now_ms = now_ms
        self._monotonic = 1_000.0

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, milliseconds: int) -> None:
        self._now_ms += milliseconds
        self._monotonic += milliseconds / 1000

    def step(self, milliseconds: int) -> None:
        """The wall clock is set; monotonic time goes on as before."""
        self._now_ms += milliseconds


class FakeEntropy:
    """The same bytes in every run."""

    def __init__(self, seed: str = "mooring") -> None:
        self.state = seed.encode()

    def random_bytes(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            self.state = hashlib.sha256(self.state).digest()
            found += self.state
        return found[:count]
