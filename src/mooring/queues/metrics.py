"""Counters of the AMQP endpoint for Prometheus. Plain numbers on the hot path; they are read when somebody asks."""

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["EndpointMetrics"]


class EndpointMetrics(Collector):
    """Connections, deliveries and refusals of this process; `invalid` counts messages that broke their schema."""

    def __init__(self, registry: CollectorRegistry | None = None, invalid: Mapping[str, int] | None = None) -> None:
        self._invalid = {} if invalid is None else invalid
        self.connections = 0
        self.accepted = 0  # connections ever
        self.delivered = 0
        self.acknowledged = 0
        self.refused: Counter[str] = Counter()
        if registry is not None:
            registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """The present values."""
        yield GaugeMetricFamily("mooring_amqp_connections", "Open AMQP connections", self.connections)
        yield CounterMetricFamily("mooring_amqp_accepted", "AMQP connections taken", value=self.accepted)
        yield CounterMetricFamily("mooring_amqp_delivered", "Messages handed to consumers", value=self.delivered)
        yield CounterMetricFamily("mooring_amqp_acknowledged", "Messages acknowledged", value=self.acknowledged)
        refused = CounterMetricFamily("mooring_amqp_refused", "AMQP connections refused", labels=("reason",))
        for reason, count in sorted(self.refused.items()):
            refused.add_metric((reason,), count)
        yield refused
        broken = CounterMetricFamily(
            "mooring_messages_invalid", "Messages not queued because they break their schema", labels=("type",)
        )
        for kind, count in sorted(self._invalid.items()):
            broken.add_metric((kind,), count)
        yield broken
