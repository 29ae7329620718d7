"""How fast a peer may send: a token bucket over time that is passed in."""

from math import inf

__all__ = ["TokenBucket"]

_ENDLESS = 2**53  # tokens that nobody can use up
_ROUNDING = 1e-6  # tokens; a debt that small must not outlast the time that `until` promised


class TokenBucket:
    """Allows `burst` at once and `per_s` each second in the long run; may be overdrawn, which delays what follows."""

    __slots__ = ("_burst", "_filled_at", "_per_s", "is_endless", "tokens")

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self.tokens = burst
        self._per_s = per_s
        self._burst = burst
        self._filled_at = now
        self.is_endless = per_s == inf and burst >= _ENDLESS  # there is no need to fill it

    @property
    def until(self) -> float:
        """When an overdrawn bucket is level again, in seconds."""
        return self._filled_at - self.tokens / self._per_s

    def fill(self, now: float) -> None:
        """Add what the time since the last call allows."""
        passed = now - self._filled_at
        if passed > 0:
            tokens = self.tokens + passed * self._per_s
            self._filled_at = now
            if tokens > self._burst:
                tokens = self._burst
            elif -_ROUNDING < tokens < 0:
                tokens = 0.0
            self.tokens = tokens
