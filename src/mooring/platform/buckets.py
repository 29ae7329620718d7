"""Token buckets: how often something may happen, for many who do it. Nothing here waits."""

from .sources import Clock

__all__ = ["Buckets"]

_ROUNDING_S = 1e-6  # sums of intervals are not exact
_TIDY_ABOVE = 10_000  # buckets that are kept without looking whether they are full again


class Buckets:
    """One bucket for each key, which holds what may happen within a second and refills at `per_s`."""

    def __init__(self, per_s: float, clock: Clock) -> None:
        self._clock = clock
        self._interval = 1 / per_s
        self._slack = max(0.0, 1.0 - self._interval) + _ROUNDING_S
        self._due: dict[int, float] = {}  # when the bucket would be full again
        self._tidy_above = _TIDY_ABOVE

    def take(self, key: int) -> float:
        """0.0 when one was taken, else the seconds until there is one again; nothing is taken then."""
        now = self._clock.monotonic()
        due = self._due.get(key, now)
        if due - now > self._slack:
            return due - now - self._slack
        self._due[key] = (max(now, due)) + self._interval
        if len(self._due) > self._tidy_above:
            self._tidy(now)
        return 0.0

    def _tidy(self, now: float) -> None:
        """Full buckets are as good as none."""
        self._due = {key: due for key, due in self._due.items() if due > now}
        self._tidy_above = max(_TIDY_ABOVE, 2 * len(self._due))
