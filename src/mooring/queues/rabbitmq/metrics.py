"""Figures of the way to RabbitMQ for Prometheus, read when somebody asks."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mooring.platform.forwarder import Forwarder

__all__ = ["ForwarderMetrics"]


class ForwarderMetrics(Collector):
    """The forwarder of this process."""

    def __init__(self, forwarder: Forwarder, registry: CollectorRegistry) -> None:
        self._forwarder = forwarder
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """The present values."""
        seen = self._forwarder
        yield GaugeMetricFamily("mooring_queue_link", "Whether this process forwards messages", int(seen.connected))
        yield GaugeMetricFamily("mooring_queue_backlog", "Messages in memory, not confirmed by RabbitMQ", seen.backlog)
        yield CounterMetricFamily("mooring_queue_forwarded", "Messages that RabbitMQ confirmed", value=seen.forwarded)
        yield CounterMetricFamily("mooring_queue_link_failures", "Links to RabbitMQ that failed", value=seen.failures)
