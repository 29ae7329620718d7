"""What a test makes in its cloud: products and SaaS applications."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mooring.client import AsyncClient, Client, Retries

if TYPE_CHECKING:
    from mooring.testing.cloud import Cloud

__all__ = ["CloudProduct", "SaasApp"]

_RETRIES = Retries(first_s=0.02)


@dataclass(frozen=True, slots=True)
class CloudProduct:
    """A product of the cloud; `model` is its released thing model as exported, None for a transparent one."""

    product_key: str
    product_secret: str = field(repr=False)
    model: dict[str, Any] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SaasApp:
    """A SaaS application with every service package, authorized for every product that it was given."""

    cloud: "Cloud" = field(repr=False)
    id: int
    access_key: str
    access_secret: str = field(repr=False)

    @property
    def environ(self) -> dict[str, str]:
        """What `Client.from_environment` and the commands need, for systems that are started as processes."""
        return {
            "MOORING_ACCESS_KEY": self.access_key,
            "MOORING_ACCESS_SECRET": self.access_secret,
            "MOORING_BASE_URL": self.cloud.base_url,
            "MOORING_QUEUE_URL": self.cloud.amqp_url,
        }

    def client(self, **options: Any) -> Client:
        """Return a client that blocks, by the clock of the cloud; `options` as of `Client`. Close it."""
        return Client(self.access_key, self.access_secret, **self._options(options))

    def async_client(self, **options: Any) -> AsyncClient:
        """Return a client that awaits, by the clock of the cloud; `options` as of `AsyncClient`. Close it."""
        return AsyncClient(self.access_key, self.access_secret, **self._options(options))

    def queue(self, name: str = "test", *products: CloudProduct, types: Sequence[int] | None = None) -> str:
        """Make a queue that gets all messages of products (those of `types`), and return its full name."""
        return self.cloud.queue(self, name, products, types)

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        cloud = self.cloud
        given = {"base_url": cloud.base_url, "amqp_url": cloud.amqp_url, "clock": cloud.clock, "retries": _RETRIES}
        return {**given, **options}
