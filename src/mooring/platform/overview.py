"""The state of an account at one glance: devices, messages a minute, API calls, queues, and what needs attention.

Messages are counted by the process that takes them, once every `SAMPLE_S`, and kept for an hour in memory. Figures that
the database has to count are remembered for a few seconds, so that many lookers cost no more than one.
"""

import asyncio
from collections import deque

import msgspec

from .api_statistics import ApiStatistics
from .devices import Devices, DeviceSummary
from .entities import App, Product
from .products import Products
from .queue_engine import QueueState
from .queues import QueueDetail, Queues
from .routes import Queue
from .saas_apps import SaasApps
from .sources import Clock
from .uplink import Uplinks

__all__ = ["AppCalls", "Attention", "Overview", "QueueBacklog", "Sample", "Summary"]

SAMPLE_S = 10.0
_KEPT_SAMPLES = 360
_REMEMBERED_S = 3.0
_DAY_MS = 86_400_000
_NEARLY_FULL = 0.8
_MAX_ATTENTION = 20


class Sample(msgspec.Struct, frozen=True):
    """Messages of devices that came in the `SAMPLE_S` seconds before `at` (epoch ms), as a rate per minute."""

    at: int
    per_minute: float


class AppCalls(msgspec.Struct, frozen=True):
    """OpenAPI calls of a SaaS application in the last 24 hours."""

    app_id: int
    name: str
    calls: int
    failures: int


class QueueBacklog(msgspec.Struct, frozen=True):
    """A queue with what waits in it; `oldest_at` is epoch ms."""

    queue_id: int
    name: str
    waiting: int
    bytes_waiting: int
    consumers: int
    oldest_at: int | None


class Attention(msgspec.Struct, frozen=True):
    """Something somebody should look at. `code` is queue_full, queue_suspended, queue_unread, messages_lost, app_off,
    app_without_packages or product_without_model; `kind`, `id` and `name` say of what."""

    code: str
    kind: str
    id: str
    name: str


class Summary(msgspec.Struct, frozen=True):
    """Everything at one glance."""

    devices: DeviceSummary
    messages: tuple[Sample, ...]
    apps: tuple[AppCalls, ...]
    queues: tuple[QueueBacklog, ...]
    attention: tuple[Attention, ...]


class Overview:
    """Reads; `sample` is called every `SAMPLE_S`."""

    def __init__(
        self,
        products: Products,
        devices: Devices,
        saas_apps: SaasApps,
        queues: Queues,
        uplinks: Uplinks,
        statistics: ApiStatistics,
        clock: Clock,
        *,
        queue_bytes: int,
    ) -> None:
        self._products = products
        self._devices = devices
        self._saas_apps = saas_apps
        self._queues = queues
        self._uplinks = uplinks
        self._statistics = statistics
        self._clock = clock
        self._queue_bytes = queue_bytes
        self._counted = 0
        self._sampled_at = clock.monotonic()
        self._samples: deque[Sample] = deque(maxlen=_KEPT_SAMPLES)
        self._reading = asyncio.Lock()  # whoever comes meanwhile gets what the first one read
        self._remembered: dict[int, tuple[float, Summary]] = {}

    def sample(self) -> None:
        """Note how many messages came since the last time."""
        now, counted = self._clock.monotonic(), self._uplinks.received
        passed = max(now - self._sampled_at, 0.001)
        self._samples.append(Sample(self._clock.now_ms(), round((counted - self._counted) * 60 / passed, 1)))
        self._sampled_at, self._counted = now, counted

    async def of(self, account_id: int) -> Summary:
        """The account's state. Raises StoreUnavailable."""
        async with self._reading:
            known = self._remembered.get(account_id)
            now = self._clock.monotonic()
            if known is None or now - known[0] >= _REMEMBERED_S:
                known = self._remembered[account_id] = now, await self._read(account_id)
        return msgspec.structs.replace(known[1], messages=tuple(self._samples))

    async def _read(self, account_id: int) -> Summary:
        queues = [await self._queues.detail(account_id, queue.id) for queue in self._queues.all(account_id)]
        apps = self._saas_apps.all(account_id)
        return Summary(
            devices=await self._devices.summary(account_id),
            messages=(),
            apps=tuple([await self._calls(app) for app in apps]),
            queues=tuple(_backlog(detail.queue, detail.state) for detail in queues),
            attention=self._attention(apps, self._products.all(account_id), queues),
        )

    async def _calls(self, app: App) -> AppCalls:
        operations, _ = await self._statistics.of_app(app.id, since=self._clock.now_ms() - _DAY_MS)
        calls, failures = sum(entry.calls for entry in operations), sum(entry.failures for entry in operations)
        return AppCalls(app.id, app.name, calls, failures)

    def _attention(self, apps: list[App], products: list[Product], queues: list[QueueDetail]) -> tuple[Attention, ...]:
        found = []
        for entry in queues:
            queue = entry.queue
            found += [Attention(code, "queue", str(queue.id), queue.name) for code in self._of_queue(entry)]
        for app in apps:
            code = "app_off" if not (app.enabled and app.api_access) else "" if app.packages else "app_without_packages"
            if code:
                found.append(Attention(code, "app", str(app.id), app.name))
        found += [
            Attention("product_without_model", "product", product.product_key, product.name)
            for product in products
            if product.data_fmt == 3 and product.model is None
        ]
        return tuple(found[:_MAX_ATTENTION])

    def _of_queue(self, detail: QueueDetail) -> list[str]:
        state = detail.state
        found = []
        if detail.queue.is_suspended:
            found.append("queue_suspended")
        if state.bytes_waiting > self._queue_bytes * _NEARLY_FULL:
            found.append("queue_full")
        if detail.expired or detail.overflowed:
            found.append("messages_lost")
        if state.waiting and not state.consumers and not detail.queue.is_suspended:
            found.append("queue_unread")
        return found


def _backlog(queue: Queue, state: QueueState) -> QueueBacklog:
    return QueueBacklog(queue.id, queue.name, state.waiting, state.bytes_waiting, state.consumers, state.oldest_at)
