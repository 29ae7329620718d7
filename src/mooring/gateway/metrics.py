"""Counters of the gateway for Prometheus. Plain numbers on the hot path; they are read when somebody asks."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mooring.platform import Platform

__all__ = ["GatewayMetrics"]


class GatewayMetrics(Collector):
    """Connections, messages and refusals of this process."""

    def __init__(self, platform: Platform, registry: CollectorRegistry | None = None) -> None:
        self._platform = platform
        self.connections = 0
        self.accepted = 0  # connections ever
        self.uplinks = 0
        self.copies = 0
        self.unstored = 0
        self.held_back = 0
        self.user_messages = 0
        self.user_messages_lost = 0
        self.refused: Counter[str] = Counter()
        if registry is not None:
            registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """The present values."""
        platform = self._platform
        yield GaugeMetricFamily("mooring_online_devices", "Devices that are online", platform.sessions.count)
        yield GaugeMetricFamily("mooring_mqtt_connections", "Open MQTT connections", self.connections)
        yield GaugeMetricFamily(
            "mooring_journal_backlog", "Messages and state changes that wait for a commit", platform.journal.backlog
        )
        yield CounterMetricFamily("mooring_mqtt_accepted", "MQTT connections taken", value=self.accepted)
        yield CounterMetricFamily("mooring_uplinks", "Messages received from devices", value=self.uplinks)
        yield CounterMetricFamily(
            "mooring_uplink_copies", "Messages that were copies of earlier ones", value=self.copies
        )
        yield CounterMetricFamily(
            "mooring_uplinks_unstored",
            "Messages not acknowledged because they could not be stored",
            value=self.unstored,
        )
        yield CounterMetricFamily(
            "mooring_uplinks_held_back", "Times that a device was held back for its rate", value=self.held_back
        )
        yield CounterMetricFamily("mooring_user_messages", "Messages to apps of end users", value=self.user_messages)
        yield CounterMetricFamily(
            "mooring_user_messages_lost",
            "Messages that apps of end users were too slow for",
            value=self.user_messages_lost,
        )
        refused = CounterMetricFamily("mooring_mqtt_refused", "MQTT connections refused", labels=("code",))
        for code, count in sorted(self.refused.items()):
            refused.add_metric((code,), count)
        yield refused
