"""Who is told of each exchange with the platform: the log, the hooks of the user, and OpenTelemetry when it is
installed.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from mooring.client._answers import Answer
from mooring.client._calls import Call
from mooring.client.errors import MooringError

_log = logging.getLogger("mooring.client")
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it; a call that is sent again, and each login, is an exchange of its own.

    `operation` is the name in the contract, `started_at` epoch seconds, `seconds` how long it took. `http_status` and
    `request_id` are those of the answer, None without one; `error` is why there was none. It holds no secret.
    """

    operation: str
    method: str
    path: str
    started_at: float
    seconds: float
    http_status: int | None
    request_id: str | None
    error: MooringError | None


Hook: TypeAlias = Callable[[Exchange], None]
"""Is called after each exchange, where the call was made; what it raises is logged and goes no further."""


class Observer:
    """Tells of exchanges. `begin` gives what `end` wants back."""

    def __init__(self, hooks: Sequence[Hook]) -> None:
        self._hooks = tuple(hooks)
        self._tracer = _tracer()
        self.active = bool(self._hooks) or self._tracer is not None

    def begin(self) -> float:
        """Return the moment before a request is sent."""
        return time.perf_counter()

    def end(self, call: Call[Any], begun: float, outcome: Answer | MooringError) -> None:
        """Tell of one exchange."""
        seconds = time.perf_counter() - begun
        answer, error = (outcome, None) if isinstance(outcome, Answer) else (None, outcome)
        if _log.isEnabledFor(logging.DEBUG):
            result = answer.http_status if answer else type(error).__name__
            _log.debug("%s: %s in %.0f ms", call.operation, result, seconds * 1000)
        if not self.active:
            return
        exchange = Exchange(
            operation=call.operation,
            method=call.method,
            path=call.path.partition("?")[0],
            started_at=time.time() - seconds,
            seconds=seconds,
            http_status=answer.http_status if answer else None,
            request_id=answer.request_id if answer else None,
            error=error,
        )
        for hook in self._hooks:
            try:
                hook(exchange)
            except Exception:
                _log.exception("a hook failed")
        if self._tracer is not None:
            _span(self._tracer, exchange)


@cache
def _tracer() -> Any:
    """Return the tracer of OpenTelemetry, None when it is not installed."""
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace.get_tracer("mooring.client")


def _span(tracer: Any, exchange: Exchange) -> None:
    from opentelemetry.trace import SpanKind, Status, StatusCode

    begun = int(exchange.started_at * _NS)
    attributes = {
        "mooring.operation": exchange.operation,
        "http.request.method": exchange.method,
        "url.path": exchange.path,
        "http.response.status_code": exchange.http_status,
        "mooring.request_id": exchange.request_id,
    }
    known = {name: value for name, value in attributes.items() if value is not None}
    span = tracer.start_span(exchange.operation, kind=SpanKind.CLIENT, attributes=known, start_time=begun)
    if exchange.error is not None:
        span.set_status(Status(StatusCode.ERROR, type(exchange.error).__name__))
    span.end(end_time=begun + int(exchange.seconds * _NS))
