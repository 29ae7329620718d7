"""Where time, randomness and ids come from. They are passed in, so that tests control them."""

import os
import time
from typing import Protocol

__all__ = ["BASE62", "Clock", "Entropy", "Ids", "SystemClock", "SystemEntropy", "random_text"]

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_EPOCH_MS = 1_704_067_200_000  # 2024-01-01: leaves 69 years below the 53 bits that JSON numbers keep exactly
_SEQUENCE_BITS = 12


class Clock(Protocol):
    """Wall time and monotonic time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""


class Entropy(Protocol):
    """Unpredictable bytes."""

    def random_bytes(self, count: int) -> bytes:
        """`count` bytes."""


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


class SystemEntropy:
    """The operating system's random source."""

    def random_bytes(self, count: int) -> bytes:
        """`count` bytes."""
        return os.urandom(count)


def random_text(entropy: Entropy, alphabet: str, length: int) -> str:
    """`length` characters, each equally likely (bytes past the last whole multiple are drawn again)."""
    limit = 256 - 256 % len(alphabet)
    text = ""
    while len(text) < length:
        text += "".join(alphabet[byte % len(alphabet)] for byte in entropy.random_bytes(length) if byte < limit)
    return text[:length]


class Ids:
    """Numeric ids below 2^53 that grow with time: 41 bits of milliseconds, 12 random bits to keep processes apart."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._last = 0
        self._last_ms = 0

    def next(self, at_ms: int | None = None) -> int:
        """A new id, greater than every one this object gave before. `at_ms` is the time of the clock, when the caller
        has just asked it."""
        now_ms = self._clock.now_ms() if at_ms is None else at_ms
        if now_ms == self._last_ms:
            self._last += 1
            return self._last
        self._last_ms = now_ms
        salt = int.from_bytes(self._entropy.random_bytes(2)) >> (16 - _SEQUENCE_BITS)
        candidate = (now_ms - _EPOCH_MS << _SEQUENCE_BITS) | salt
        self._last = max(candidate, self._last + 1)
        return self._last

    @staticmethod
    def first_of(at_ms: int) -> int:
        """The least id that can have been given at this time (epoch ms): what is older has smaller ids."""
        return max(0, at_ms - _EPOCH_MS) << _SEQUENCE_BITS

    @staticmethod
    def time_of(made: int) -> int:
        """When an id was given, epoch ms."""
        return (made >> _SEQUENCE_BITS) + _EPOCH_MS
