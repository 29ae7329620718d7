"""Queues and subscriptions (contract/messages.md)."""

from msgspec import field

from mooring.client._reading import Row
from mooring.client.types.common import Moment


class Queue(Row, frozen=True, kw_only=True, rename="camel"):
    """A queue as lists and its creation show it."""

    id: int
    queue_name: str
    """Full name a.{ownerId}.{short name}."""
    queue_desc: str | None = None
    status: int | None = None
    """0 not in use, 1 in use, 2 suspended."""
    is_free: int | None = None
    """1 for the free queue of the application."""
    ent_user_id: int | None = None
    user_id: int | None = None
    create_time_ms: int | None = field(default=None, name="createTime")
    """Creation, epoch ms."""
    update_time_ms: int | None = field(default=None, name="updateTime")
    """Change, epoch ms."""
    metadata: str | None = None
    created_at = Moment("create_time_ms", "When it was created.")
    updated_at = Moment("update_time_ms", "When it last changed.")


class QueueDetail(Row, frozen=True, kw_only=True, rename="camel"):
    """A queue with what waits in it."""

    queue_id: int
    """Named id in the other queue answers."""
    queue_name: str
    queue_desc: str | None = None
    status: int | None = None
    """0 not in use, 1 in use, 2 suspended."""
    msg_num: int | None = None
    """Waiting messages."""
    msg_size: str | None = None
    """Size of the backlog, text."""
    consume_rate: str | None = None
    """Messages per second, text."""
    connect_url: str | None = None
    """AMQP address."""
    create_time_ms: int | None = field(default=None, name="createTime")
    """Epoch ms."""
    update_time_ms: int | None = field(default=None, name="updateTime")
    """Epoch ms."""
    created_at = Moment("create_time_ms", "When it was created.")
    updated_at = Moment("update_time_ms", "When it last changed.")


class SubscriptionRow(Row, frozen=True, kw_only=True, rename="camel"):
    """A subscription as lists show it."""

    subscribe_id: int
    subscribe_name: str | None = None
    queue_id: int | None = None
    """Text here, a number in the detail."""
    queue_name: str | None = None
    status: int | None = None
    """0 stopped, 1 running."""
    subscribe_level: int | None = None
    """1 product, 3 device, 6 SaaS application (other numbers than dataLevel)."""
    project_id: int | None = None
    project_name: str | None = None
    create_time_ms: int | None = field(default=None, name="createTime")
    """Epoch ms."""
    created_at = Moment("create_time_ms", "When it was created.")


class SubscriptionDetail(Row, frozen=True, kw_only=True, rename="camel"):
    """A subscription with what it gets. `types` are the numbers of `msg_type`."""

    subscribe_id: int
    subscribe_name: str | None = None
    data_level: int | None = None
    """1 product, 2 device, 4 enterprise user (used for SaaS subscriptions too), 5 user domain."""
    msg_type: str | None = None
    """Message types joined by commas."""
    queue_id: int | None = None
    queue_name: str | None = None
    user_id: int | None = None
    product_key: str | None = None
    """Product key (PK)."""
    product_name: str | None = None
    """Name of the product."""
    device_key: str | None = None
    """Device key (DK)."""
    device_name: str | None = None
    """Name of the device."""
    end_user_domain: str | None = None
    status: int | None = None
    """0 stopped, 1 running."""
    create_time_ms: int | None = field(default=None, name="createTime")
    """Epoch ms."""
    update_time_ms: int | None = field(default=None, name="updateTime")
    """Epoch ms."""
    created_at = Moment("create_time_ms", "When it was created.")
    updated_at = Moment("update_time_ms", "When it last changed.")
