"""Products (openapi-notes.md section 7)."""

from typing import Any

from msgspec import field

from mooring.client._reading import Row
from mooring.client.types.common import Moment


class Product(Row, frozen=True, kw_only=True, rename="camel"):
    """A product that the application is authorized for."""

    product_key: str
    """Product key (PK)."""
    product_name: str | None = None
    access_type: int | None = None
    """0 directly connected, 1 gateway, 2 gateway sub-device."""
    connect_platform: int | None = None
    """0 this platform, 1 China Telecom AEP."""
    data_format: int | None = field(default=None, name="dataFmt")
    """0 transparent or custom payload, 3 thing model (TSL)."""
    network: str | None = field(default=None, name="netWay")
    """Network: "1" Wi-Fi, "2" cellular, "3" NB-IoT, "5" Bluetooth."""
    logo_url: str | None = field(default=None, name="logoPath")
    create_time_ms: int | None = field(default=None, name="createTime")
    """Creation, epoch ms."""
    update_time_ms: int | None = field(default=None, name="updateTime")
    """Last change, epoch ms; None when it never was."""
    product_config: Any = None
    """Switches of the product, in its detail only."""
    created_at = Moment("create_time_ms", "When it was created.")
    updated_at = Moment("update_time_ms", "When it last changed; None when it never was.")
