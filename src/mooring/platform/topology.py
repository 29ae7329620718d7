"""Which sub-device hangs on which gateway: looked at, ended, released (domain-rules.md section 5).

A link is made by a login (`sub_devices`) and stays while the sub-device is offline. The current one is that of the last
login; a sub-device that has moved keeps the older ones. Links of a sub-device change one at a time: `changing` is held.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

import msgspec

from mooring.store import Store, Write, WriteRefused
from mooring.store import gateway_links as statements

from . import loading
from . import message_bodies as bodies
from .devices import Devices
from .entities import Device, Product
from .errors import Conflict
from .journal import Entry, Journal
from .ledger import Actor, Ledger
from .sessions import Sessions

__all__ = ["GATEWAY", "NOT_A_GATEWAY", "NO_LINK", "SUB_DEVICE", "Link", "SubDevice", "Topology"]

GATEWAY, SUB_DEVICE = 1, 2
"""Access types of products."""
NOT_A_GATEWAY, NO_LINK = 70020, 70026

_NOT_LOGGED_IN = 10442
_ALL_APPS = -1


class Link(msgspec.Struct, frozen=True):
    """A gateway that a sub-device has logged in at; times are epoch ms."""

    gateway: Device
    is_current: bool
    linked_at: int
    last_login_at: int


class SubDevice(msgspec.Struct, frozen=True):
    """A sub-device that has logged in at a gateway; `resources` are its newest status and module values by name."""

    device: Device
    is_current: bool
    linked_at: int
    last_login_at: int
    resources: dict[str, str]


class Topology:
    """Looks at links and ends them."""

    def __init__(self, ledger: Ledger, devices: Devices, sessions: Sessions, journal: Journal) -> None:
        self._ledger = ledger
        self._store: Store = ledger.store
        self._devices = devices
        self._sessions = sessions
        self._journal = journal
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        devices.on_release.append(self._release)

    @asynccontextmanager
    async def changing(self, client_id: str) -> AsyncIterator[None]:
        """Hold while the link of a sub-device, or its session, is changed. First come, first served."""
        lock = self._locks.setdefault(client_id, asyncio.Lock())
        async with lock:
            yield

    # Looking

    async def gateway_id(self, sub_device: Device) -> int | None:
        """The gateway that a sub-device hangs on, None when there is none."""
        found = await self._store.read(statements.CURRENT, of_sub_device=sub_device.id)
        return found[0].gateway_id if found else None

    async def gateways(self, sub_device: Device) -> list[Link]:
        """The gateways of a sub-device, the current one first, then by their last login, newest first."""
        rows = await self._store.read(statements.GATEWAYS, of_sub_device=sub_device.id)
        return [Link(loading.device(row), row.is_current, row.linked_at, row.last_login_at) for row in rows]

    async def gateway(self, sub_device: Device) -> Device | None:
        """The gateway that a sub-device hangs on, None when there is none."""
        gateway_id = await self.gateway_id(sub_device)
        return None if gateway_id is None else await self._devices.by_id(gateway_id)

    async def sub_devices(
        self, gateway: Device, product: Product, *, app_id: int = _ALL_APPS, skip: int = 0, rows: int = 100
    ) -> tuple[list[SubDevice], int]:
        """At most `rows` of a gateway's sub-devices after the first `skip`, those that hang on it now first, and how
        many there are; of products of one SaaS application, or of all. `product` is the gateway's.

        Raises Conflict (70020) when it is no gateway.
        """
        if product.access_type != GATEWAY:
            message = f"the devices of product {product.product_key} are no gateways"
            raise Conflict("not_a_gateway", message, wire=NOT_A_GATEWAY)
        chosen = {"of_gateway": gateway.id, "of_app": app_id}
        [count] = await self._store.scan(statements.COUNT, **chosen)
        found = await self._store.scan(statements.PAGE, **chosen, rows=rows, skip=skip) if count.rows > skip else []
        return [_sub_device(row) for row in found], count.rows

    # Ending

    async def unbind(self, actor: Actor, product_key: str, device_key: str) -> None:
        """End the link of a sub-device with its gateway, and its session. Raises Missing, Conflict (70026 without)."""
        device = await self._devices.one(actor.account_id, product_key, device_key)
        name = f"{product_key}/{device_key}"
        async with self.changing(device.client_id):
            gateway = await self.gateway(device)
            if gateway is None:
                raise _no_link(device)
            try:
                await self._ledger.commit(
                    actor,
                    "device.unbind_gateway",
                    ("device", name),
                    statements.UNBIND(of_sub_device=device.id).must(f"link of {name}"),
                    detail={"id": device.id, "gateway_id": gateway.id, "gateway": gateway.client_id},
                )
            except WriteRefused:
                raise _no_link(device) from None
            await self._sessions.disconnect(device.id, "unbound from its gateway", _NOT_LOGGED_IN)
        await self._journal.settle()

    def login(self, sub_device: Device, gateway: Device, at_ms: int) -> list[Write]:
        """The writes of a login: this gateway is the current one, unless either was deleted or reset meanwhile."""
        return [
            statements.LEAVE_OTHERS(of_sub_device=sub_device.id, of_gateway=gateway.id),
            statements.JOIN(
                id=self._ledger.ids.next(),
                sub_device_id=sub_device.id,
                gateway_id=gateway.id,
                is_current=True,
                created_at=at_ms,
                last_login_at=at_ms,
                of_sub_device=sub_device.id,
                of_secret=sub_device.device_secret,
                of_gateway=gateway.id,
            ),
        ]

    async def withdraw(self, sub_device: Device, gateway: Device) -> None:
        """De-register a sub-device: its secret is void and its links are gone. Raises StoreError."""
        entry = Entry()
        data = bodies.brief(sub_device.name, sub_device.sn)
        self._ledger.announcer.device_changed(entry.push, sub_device, "LOGOFF", data, gateway=gateway)
        entry.write(statements.WITHDRAW(of_device=sub_device.id, now=self._ledger.later_than(sub_device.updated_at)))
        entry.write(statements.RELEASE_SUB_DEVICE(of_sub_device=sub_device.id))
        await self._journal.commit(entry)

    def _release(self, device: Device) -> None:
        """The device was deleted or reset and its session has ended: what a login under way may still link goes too."""
        entry = Entry()
        entry.write(statements.RELEASE(of_device=device.id))
        self._journal.add(entry)


def _no_link(device: Device) -> Conflict:
    return Conflict("no_gateway", f"device {device.device_key} hangs on no gateway", wire=NO_LINK)


def _sub_device(row: statements.SubDeviceRow) -> SubDevice:
    kept = {} if row.resources is None else msgspec.json.decode(row.resources, type=dict[str, tuple[str, int]])
    resources = {name: value for name, (value, _) in kept.items()}
    return SubDevice(loading.device(row), row.is_current, row.linked_at, row.last_login_at, resources)
