"""The one place that decides whether a call is sent again.

A call that cannot have been applied (nothing was sent, or the platform said 429) may be sent again, whatever it does.
One that may have been applied (a cut connection, no answer in time, 5xx) is sent again only when that does no harm, or
when `Retries.writes` asks for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mooring.client._calls import Call
from mooring.client.errors import ApiError, BadAnswer, ConnectionFailed, MooringError, TimedOut

_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a call that failed in passing is sent again, and after how long.

    `attempts` counts those after the first; 0 never tries again. The first pause is about `first_s` seconds, each
    further one twice as long, none longer than `longest_s`; half of each is random. A platform that says how long to
    wait (Retry-After) is obeyed, and not asked again when that is longer than `longest_s`. `writes` sends also commands
    and changes again that may have been carried out already, so that they may happen twice.
    """

    attempts: int = 2
    first_s: float = 0.25
    longest_s: float = 10.0
    writes: bool = False

    def pause(self, call: Call[Any], error: MooringError, done: int, random: Callable[[], float]) -> float | None:
        """Return the seconds until the call is sent again, after `done` attempts to do so; None for never."""
        if done >= self.attempts or not _passes(error):
            return None
        if not (call.safe or self.writes) and _may_be_applied(call, error):
            return None
        told = error.retry_after if isinstance(error, ApiError | BadAnswer) else None
        if told is not None:
            return told if told <= self.longest_s else None
        pause = min(self.first_s * 2.0**done, self.longest_s)
        return pause * (0.5 + random() / 2)


DEFAULT_RETRIES = Retries()


def _passes(error: MooringError) -> bool:
    if isinstance(error, ConnectionFailed | TimedOut):
        return True
    status = error.http_status if isinstance(error, ApiError | BadAnswer) else None
    return status is not None and (status == _TOO_MANY or status >= 500)


def _may_be_applied(call: Call[Any], error: MooringError) -> bool:
    if isinstance(error, ConnectionFailed | TimedOut):
        return error.sent and error.operation == call.operation
    return (
        isinstance(error, ApiError | BadAnswer) and error.http_status != _TOO_MANY and error.operation == call.operation
    )
