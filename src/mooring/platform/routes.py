"""Which queues get what: running subscriptions, as one look-up a happening (contract/messages.md section 5).

Built anew whenever queues, subscriptions or products change; what happens to devices only looks up. A queue gets one
copy however many of its subscriptions match.
"""

from collections.abc import Iterable, Mapping

import msgspec

__all__ = ["NOWHERE", "Queue", "Routes", "Subscription", "Targets"]

Queues = tuple[int, ...]
"""Ids of queues."""

_Codes = Mapping[int, Queues]
_NO_CODES: _Codes = {}
_SUSPENDED = 2


class Queue(msgspec.Struct, frozen=True):
    """One queue (messages.md section 7). `status` 0 not started, 1 started, 2 suspended. Times are epoch ms."""

    id: int
    account_id: int
    app_id: int
    name: str
    description: str
    is_free: bool
    status: int
    suspended_at: int | None
    created_at: int
    updated_at: int | None

    @property
    def full_name(self) -> str:
        """As consumers and the OpenAPI write it: `a.{account}.{name}`."""
        return f"a.{self.account_id:012d}.{self.name}"

    @property
    def is_suspended(self) -> bool:
        """Whether nobody consumed it for so long that nothing goes in or out."""
        return self.status == _SUSPENDED

    def is_named(self, name: str) -> bool:
        """Whether a caller means it: by its short name, or its full one with or without zeros before the number."""
        return name in (self.name, self.full_name, f"a.{self.account_id}.{self.name}")


class Subscription(msgspec.Struct, frozen=True):
    """One subscription (messages.md section 8). `level` is product, device, saas or domain; times are epoch ms."""

    id: int
    account_id: int
    app_id: int
    queue_id: int
    name: str
    level: str
    product_id: int | None
    product_key: str | None
    device_id: int | None
    device_key: str | None
    user_domain: str | None
    codes: tuple[int, ...]
    running: bool
    created_at: int
    updated_at: int | None


class Targets(msgspec.Struct, frozen=True):
    """Where what happens to one product goes: by code for all of its devices, and for single devices all of theirs."""

    codes: _Codes
    devices: Mapping[int, _Codes]

    def queues(self, device_id: int, code: int) -> Queues:
        """Queues that get a message of this code about this device."""
        return self.devices.get(device_id, self.codes).get(code, ())

    def wants(self, code: int) -> bool:
        """Whether any device's message of this code goes anywhere."""
        return code in self.codes or any(code in codes for codes in self.devices.values())


NOWHERE = Targets({}, {})


class Routes:
    """All running subscriptions. Immutable: a change makes another one."""

    __slots__ = ("_apps", "_domains", "_products")

    def __init__(
        self, subscriptions: Iterable[Subscription] = (), holders: Mapping[int, int | None] | None = None
    ) -> None:
        """`holders` says which application each product is authorized to; nothing of a product goes to another one."""
        held = holders or {}
        products: dict[int, list[Subscription]] = {}
        apps: dict[int, list[Subscription]] = {}
        domains: dict[str, list[Subscription]] = {}
        for subscription in subscriptions:
            if not subscription.running:
                continue
            if subscription.product_id is not None:
                if held.get(subscription.product_id) == subscription.app_id:
                    products.setdefault(subscription.product_id, []).append(subscription)
            elif subscription.user_domain is not None:
                domains.setdefault(subscription.user_domain, []).append(subscription)
            else:
                apps.setdefault(subscription.app_id, []).append(subscription)
        self._products = {product_id: _targets(some) for product_id, some in products.items()}
        self._apps = {app_id: _codes(some) for app_id, some in apps.items()}
        self._domains = {domain: _codes(some) for domain, some in domains.items()}

    def of_product(self, product_id: int) -> Targets | None:
        """Where messages about the product's devices go; None when nowhere."""
        return self._products.get(product_id)

    def of_app(self, app_id: int, code: int) -> Queues:
        """Queues that get a message of this code at the level of an application."""
        return self._apps.get(app_id, _NO_CODES).get(code, ())

    def of_domain(self, user_domain: str, code: int) -> Queues:
        """Queues that get a message of this code about end users of a domain."""
        return self._domains.get(user_domain, _NO_CODES).get(code, ())


def _targets(subscriptions: Iterable[Subscription]) -> Targets:
    some = list(subscriptions)
    for_all = [one for one in some if one.device_id is None]
    devices = {one.device_id for one in some if one.device_id is not None}
    return Targets(
        _codes(for_all),
        {device_id: _codes([*for_all, *(one for one in some if one.device_id == device_id)]) for device_id in devices},
    )


def _codes(subscriptions: Iterable[Subscription]) -> _Codes:
    found: dict[int, dict[int, None]] = {}
    for subscription in subscriptions:
        for code in subscription.codes:
            found.setdefault(code, {})[subscription.queue_id] = None
    return {code: tuple(queues) for code, queues in found.items()}
