"""Counters of the OpenAPI for Prometheus: calls by operation and code, and how long they took."""

from prometheus_client import CollectorRegistry, Counter, Histogram

__all__ = ["OpenApiMetrics"]

_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class OpenApiMetrics:
    """Label children are looked up once and kept; their number is bounded by operations × codes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "mooring_openapi_calls", "OpenAPI calls answered", ("operation", "code"), registry=registry
        )
        self._seconds = Histogram(
            "mooring_openapi_seconds",
            "Time to answer an OpenAPI call",
            ("operation",),
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self._call_children: dict[tuple[str, int], Counter] = {}
        self._second_children: dict[str, Histogram] = {}

    def observe(self, operation: str, code: int, seconds: float) -> None:
        """One answered call."""
        self.count(operation, code)
        timer = self._second_children.get(operation)
        if timer is None:
            timer = self._second_children[operation] = self._seconds.labels(operation)
        timer.observe(seconds)

    def count(self, operation: str, code: int) -> None:
        """One request that reached no operation, or the counting half of one that did."""
        calls = self._call_children.get((operation, code))
        if calls is None:
            calls = self._call_children[operation, code] = self._calls.labels(operation, str(code))
        calls.inc()
