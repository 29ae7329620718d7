"""Counters of the OpenAPI for Prometheus: calls by operation and code, and how long they took.

Plain numbers on the hot path; they are read when somebody asks.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["OpenApiMetrics"]

_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_NAMES = (*(str(bound) for bound in _BUCKETS_S), "+Inf")


class _Times:
    """How long the calls of one operation took."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * len(_NAMES)
        self.total_s = 0.0


class OpenApiMetrics(Collector):
    """Their number is bounded by operations × codes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls: dict[tuple[str, int], int] = {}
        self._times: dict[str, _Times] = {}
        registry.register(self)

    def observe(self, operation: str, code: int, seconds: float) -> None:
        """One answered call."""
        self.count(operation, code)
        times = self._times.get(operation)
        if times is None:
            times = self._times[operation] = _Times()
        times.counts[bisect_left(_BUCKETS_S, seconds)] += 1
        times.total_s += seconds

    def count(self, operation: str, code: int) -> None:
        """One request that reached no operation, or the counting half of one that did."""
        key = (operation, code)
        self._calls[key] = self._calls.get(key, 0) + 1

    def collect(self) -> Iterator[Metric]:
        """The present values."""
        calls = CounterMetricFamily("mooring_openapi_calls", "OpenAPI calls answered", labels=("operation", "code"))
        for (operation, code), count in self._calls.items():
            calls.add_metric((operation, str(code)), count)
        yield calls
        seconds = HistogramMetricFamily(
            "mooring_openapi_seconds", "Time to answer an OpenAPI call", labels=("operation",)
        )
        for operation, times in self._times.items():
            buckets = list(zip(_NAMES, accumulate(times.counts), strict=True))
            seconds.add_metric((operation,), buckets, times.total_s)
        yield seconds
