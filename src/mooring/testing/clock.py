"""The time of a cloud in a test: it runs as time does, and can be moved on."""

import time
from datetime import UTC, datetime, timedelta

__all__ = ["CloudClock"]


class CloudClock:
    """The machine's clock, and how far the test has moved it on. Clients take it too: called, it gives epoch seconds.

    Tokens, waiting commands, queues and limits go by it; what the platform does once in a while it notices within a
    second. Sockets, keep-alives and pauses between attempts take real time.
    """

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def __call__(self) -> float:
        """Return epoch seconds."""
        return time.time() + self._ahead_s

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000 + round(self._ahead_s * 1000)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic() + self._ahead_s

    def now(self) -> datetime:
        """Return the time as an aware datetime."""
        return datetime.fromtimestamp(self(), UTC)

    def advance(self, by: timedelta | float) -> None:
        """Move the time on, by a timedelta or by seconds. Raises `ValueError` for less than nothing."""
        seconds = by.total_seconds() if isinstance(by, timedelta) else float(by)
        if seconds < 0:
            raise ValueError("time does not go back")
        self._ahead_s += seconds
