"""Waiting for something to appear: how long between two looks, and when to give up."""

import time
from collections.abc import Callable

from mooring.client.errors import TimedOut

_FIRST_S = 0.1
_LONGEST_S = 2.0
_GROWTH = 1.5


class Wait:
    """The pauses between looks for something that should come within `timeout` seconds; `what` says what did not."""

    def __init__(self, timeout: float, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._until = clock() + timeout
        self._timeout = timeout
        self._what = what
        self._clock = clock
        self._next = _FIRST_S

    def pause(self) -> float:
        """Return the seconds to wait before the next look. Raises `TimedOut` when the time is over."""
        left = self._until - self._clock()
        if left <= 0:
            raise TimedOut(f"{self._what} within {self._timeout:g} s", "")
        pause = min(self._next, left)
        self._next = min(self._next * _GROWTH, _LONGEST_S)
        return pause
