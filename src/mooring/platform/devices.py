"""Devices: adding, finding, changing, deleting, secrets (domain-rules.md sections 3 and 4).

Rows are read from the database, not from the directory: there may be millions. A deleted device keeps its row; when
its key is added or registers again, the same row lives on, and with it its history.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from mooring.store import UniqueViolation, Vault, Write, WriteRefused
from mooring.store import device_list as statements
from mooring.store import devices as device_statements
from mooring.store import gateway_links as link_statements
from mooring.store import logs as log_statements
from mooring.store import queues as queue_statements
from mooring.store.queue_messages import MessageRow

from . import loading
from . import message_bodies as bodies
from .announcer import Keyed
from .device_endings import Release
from .device_input import (
    MAX_PAGE,
    STATIC,
    DeviceChanges,
    DeviceFilter,
    NewDevice,
    apply_changes,
    check_changes,
    check_distinct,
    check_new,
    skip_of,
)
from .device_lists import DeviceLists
from .device_plans import DevicePlans, in_turns, missing
from .entities import Device, Product
from .errors import Conflict, Invalid, LimitReached
from .journal import Entry, Journal
from .ledger import Actor, Ledger
from .products import Products
from .secret import Secret
from .session import Session
from .sources import Entropy

__all__ = [
    "MAX_BATCH",
    "MAX_PAGE",
    "Connections",
    "DeviceChanges",
    "DeviceFilter",
    "DeviceSummary",
    "Devices",
    "NewDevice",
    "Registered",
]

MAX_BATCH = 500  # devices of one call
RESET_EVENT = 6

_DISABLED = 10430  # device-protocol.md 2.3: a disabled device keeps its secret and comes back after ten minutes
_HTTP = 3  # protocol of a product
_SUB_DEVICE = 2  # access_type; what a sub-device speaks is between it and its gateway
_ATTEMPTS = 4  # at a change that somebody else was faster with


class Registered(msgspec.Struct, frozen=True):
    """A device just added; `secret` is that of a static one, in clear this once."""

    device: Device
    secret: Secret | None


class DeviceSummary(msgspec.Struct, frozen=True):
    """How many devices a product has; all but `virtual` count real ones."""

    real: int
    virtual: int
    online: int
    activated: int


class Connections(Protocol):
    """What is asked of the sessions of devices."""

    def of(self, device_id: int) -> Session | None:
        """The device's session while it is online."""

    def all(self) -> Iterable[Session]:
        """Every session."""

    async def disconnect(self, device_id: int, reason: str, notice: int | None = None) -> None:
        """End it, when there is one."""


class Devices:
    """What people, applications and devices themselves do with the list of devices.

    `on_delete` listeners hear of each deleted device, `on_release` listeners of each deleted or reset one whose links
    with gateways or sub-devices are gone; its session has ended then, and none has begun. `releases` answer what else
    ends when a device is deleted or reset; it is committed with that.
    """

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        entropy: Entropy,
        products: Products,
        sessions: Connections,
        journal: Journal,
    ) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._vault = vault
        self._plans = DevicePlans(ledger, vault, entropy)
        self._products = products
        self._sessions = sessions
        self._journal = journal
        self._lists = DeviceLists(ledger.store, ledger.clock)
        self.on_delete: list[Callable[[Device], None]] = []
        self.on_release: list[Callable[[Device], None]] = []
        self.releases: list[Release] = []
        products.on_delete.append(self._disconnect_all)

    # Finding

    async def find(self, product_id: int, device_key: str) -> Device | None:
        """A device by product and key. Raises StoreUnavailable."""
        found = await self._store.read(device_statements.BY_KEY, of_product=product_id, of_key=device_key)
        return loading.device(found[0]) if found else None

    async def by_id(self, device_id: int) -> Device | None:
        """A device by its id."""
        found = await self._store.read(device_statements.BY_ID, device_id=device_id)
        return loading.device(found[0]) if found else None

    async def by_client_id(self, connected_as: str) -> Device | None:
        """A device by the client id it connects with."""
        found = await self._store.read(device_statements.BY_CLIENT_ID, of_client_id=connected_as)
        return loading.device(found[0]) if found else None

    async def one(self, account_id: int, product_key: str, device_key: str) -> Device:
        """A device of the account. Raises Missing (70017 for the product, 70130 for the device)."""
        product = self._products.one(account_id, product_key)
        device = await self.find(product.id, device_key)
        if device is None:
            raise missing(product_key, device_key)
        return device

    async def page(
        self, product: Product, chosen: DeviceFilter | None = None, number: int = 1, size: int = 10
    ) -> tuple[list[Device], int]:
        """Page `number` of a product's devices, newest first, and how many there are. Raises Invalid."""
        return await self.some(product, chosen, skip=skip_of(number, size), rows=size)

    async def some(
        self, scope: Product | int, chosen: DeviceFilter | None = None, *, skip: int = 0, rows: int = 100
    ) -> tuple[list[Device], int]:
        """At most `rows` devices of a product or of a whole account (its id) after the first `skip`, and how many
        there are in all."""
        return await self._lists.some(scope, chosen or DeviceFilter(), skip=skip, rows=rows)

    async def summary(self, scope: Product | int) -> DeviceSummary:
        """How many devices a product, or a whole account (its id), has."""
        if isinstance(scope, Product):
            [row] = await self._store.scan(statements.SUMMARY, of_product=scope.id)
        else:
            [row] = await self._store.scan(statements.ACCOUNT_SUMMARY, of_account=scope)
        return DeviceSummary(row.real, row.virtual, row.online, row.activated)

    # Adding

    async def ensure_registered(self, product: Product, device_key: str) -> Device:
        """The device of this key; one that is not there, or is deleted, is added as a dynamic one. Not audited: the
        device does it. Raises Invalid for the key and Conflict for a client id that is another device's."""
        device = await self.find(product.id, device_key)
        if device is not None:
            return device
        # Somebody else may add it meanwhile, which is as good.
        with contextlib.suppress(Conflict, UniqueViolation, WriteRefused):
            [planned] = await self._plans.make(product, [check_new(NewDevice(device_key), None)])
            entry = Entry()
            entry.write(planned.write)
            for message in self._plans.messages([planned]):
                entry.push(message)
            await self._journal.commit_alone(entry)
            self._lists.forget(product.id)
        device = await self.find(product.id, device_key)
        if device is None:
            raise await self._plans.clash(product, device_key)
        return device

    async def add(self, actor: Actor, product_key: str, new: NewDevice) -> Registered:
        """Add one device. Raises Missing, Invalid, Conflict (70062 for a DeviceKey in use)."""
        [added] = await self.add_many(actor, product_key, [new])
        return added

    async def add_many(self, actor: Actor, product_key: str, new: Sequence[NewDevice]) -> list[Registered]:
        """Add up to `MAX_BATCH` devices, all or none; `field` of an error names the one at fault, `devices[3].sn`.

        Raises Missing, Invalid, LimitReached, Conflict (70062 for a DeviceKey in use or given twice).
        """
        product = self._products.one(actor.account_id, product_key)
        return await self._add(actor, product, new, virtual=False)

    async def add_virtual(self, actor: Actor, product: Product, device_key: str, name: str) -> Device:
        """Add the device that a person acts as; only `VirtualDevices` does."""
        [added] = await self._add(actor, product, [NewDevice(device_key, name)], virtual=True)
        return added.device

    async def _add(
        self, actor: Actor, product: Product, new: Sequence[NewDevice], *, virtual: bool
    ) -> list[Registered]:
        if not new:
            raise Invalid("empty_batch", "no device is given", field="devices", wire=50005)
        if len(new) > MAX_BATCH:
            message = f"{len(new)} devices are given; one call takes {MAX_BATCH}"
            raise LimitReached("batch_limit", message, field="devices", wire=50005)
        single = len(new) == 1
        checked = [check_new(device, None if single else index) for index, device in enumerate(new)]
        by_http = product.protocol == _HTTP and product.access_type != _SUB_DEVICE
        if by_http and any(device.auth_mode == STATIC for device in checked):
            raise Invalid("auth_mode", "devices of an HTTP product cannot be static", field="auth_mode", wire=50005)
        check_distinct(checked)
        planned = await self._plans.make(product, checked, virtual=virtual)
        keys = [device.device_key for device in checked]
        try:
            await self._ledger.commit(
                actor,
                "device.create" if single else "device.create_batch",
                ("device", f"{product.product_key}/{keys[0]}") if single else ("product", product.product_key),
                # In one order everywhere, so that two batches do not wait for each other.
                *(plan.write for _, plan in sorted(zip(keys, planned, strict=True), key=lambda pair: pair[0])),
                detail={"auth_mode": checked[0].auth_mode, **({} if single else {"device_keys": keys})},
                messages=self._plans.messages(planned),
            )
        except UniqueViolation as error:
            raise _taken(error) from None
        except WriteRefused:
            self._products.one(actor.account_id, product.product_key)  # unless it was deleted meanwhile
            raise Conflict("device_key_taken", "a DeviceKey is in use", field="device_key", wire=70062) from None
        self._lists.forget(product.id)
        found = await in_turns(keys, lambda key: self.find(product.id, key))
        return [
            Registered(device, plan.secret)
            for device, plan in zip(found, planned, strict=True)
            if device is not None  # unless deleted again since
        ]

    # Changing

    async def update(self, actor: Actor, product_key: str, device_key: str, changes: DeviceChanges) -> Device:
        """Change name and SN. Raises Missing, Invalid (50005 for an update without members), Conflict."""
        [device] = await self.update_many(actor, product_key, [(device_key, changes)])
        return device

    async def update_many(
        self, actor: Actor, product_key: str, changes: Sequence[tuple[str, DeviceChanges]]
    ) -> list[Device]:
        """Change up to `MAX_BATCH` devices by their keys, all or none. Raises as `update`, and LimitReached."""
        product = self._products.one(actor.account_id, product_key)
        if not changes:
            raise Invalid("empty_batch", "no device is given", field="devices", wire=50005)
        if len(changes) > MAX_BATCH:
            message = f"{len(changes)} devices are given; one call takes {MAX_BATCH}"
            raise LimitReached("batch_limit", message, field="devices", wire=50005)
        wanted = check_changes(changes)
        for attempt in range(_ATTEMPTS):
            try:
                await self._write_changes(actor, product, wanted)
            except WriteRefused:
                # Somebody else changed one of them since it was read: what is wanted now goes on top of that.
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                break
        return await in_turns(list(wanted), lambda key: self._refreshed(product, key))

    async def _write_changes(self, actor: Actor, product: Product, wanted: Mapping[str, DeviceChanges]) -> None:
        key = product.product_key
        devices = await in_turns(list(wanted), lambda device_key: self.one(actor.account_id, key, device_key))
        changed = [apply_changes(device, wanted[device.device_key]) for device in devices]
        # Numbers that are taken away go first, so that another device of the batch may have them.
        updates = [
            statements.UPDATE(
                of_device=before.id,
                seen_updated_at=before.updated_at,
                new_name=after.name,
                new_sn=after.sn,
                now=self._ledger.later_than(before.updated_at),
            ).must(f"device {before.device_key}")
            for before, after in sorted(zip(devices, changed, strict=True), key=lambda pair: pair[1].sn is not None)
        ]
        messages: list[MessageRow] = []
        for before, after in zip(devices, changed, strict=True):
            data = bodies.changes(before, after)
            if data:
                gateway = await self._gateway(before)
                self._ledger.announcer.device_changed(messages.append, after, "UPDATE", data, gateway=gateway)
        single = len(devices) == 1
        try:
            await self._ledger.commit(
                actor,
                "device.update" if single else "device.update_batch",
                ("device", f"{key}/{devices[0].device_key}") if single else ("product", key),
                *updates,
                detail={device_key: msgspec.to_builtins(change) for device_key, change in wanted.items()},
                messages=messages,
            )
        except UniqueViolation as error:
            raise _taken(error) from None

    async def enable(self, actor: Actor, product_key: str, device_key: str) -> Device:
        """Let the device connect again. Raises Missing, Conflict when it may already."""
        return await self._switch(actor, product_key, device_key, enabled=True)

    async def disable(self, actor: Actor, product_key: str, device_key: str) -> Device:
        """Keep the device out: its session ends, commands to it are refused. Raises Missing, Conflict."""
        return await self._switch(actor, product_key, device_key, enabled=False)

    async def _switch(self, actor: Actor, product_key: str, device_key: str, *, enabled: bool) -> Device:
        device = await self.one(actor.account_id, product_key, device_key)
        word = "enabled" if enabled else "disabled"
        if device.enabled == enabled:
            raise Conflict("nothing_to_change", f"device {device_key} is {word} already")
        write = statements.SET_ENABLED(
            of_device=device.id, new_enabled=enabled, now=self._ledger.later_than(device.updated_at)
        )
        await self._commit(actor, f"device.{word.removesuffix('d')}", product_key, device, write)
        if not enabled:
            await self._disconnect(device, "disabled", _DISABLED)
        return await self._refreshed(self._products.one(actor.account_id, product_key), device_key)

    async def delete(self, actor: Actor, product_key: str, device_key: str) -> None:
        """Delete a device, online or not: its session ends, subscriptions to it stop, its history stays. Raises
        Missing."""
        device = await self.one(actor.account_id, product_key, device_key)
        write = statements.DELETE(of_device=device.id, now=self._ledger.clock.now_ms())
        detail: dict[str, object] = {"id": device.id, "name": device.name, "sn": device.sn}
        try:
            await self._end(actor, "device.delete", product_key, device, write, detail)
        except WriteRefused:
            raise missing(product_key, device_key) from None
        self._lists.forget(device.product_id)
        await self._disconnect(device, "deleted", released=True)
        for listener in self.on_delete:
            listener(device)

    async def _disconnect_all(self, product: Product) -> None:
        """Also those that connected while the product was being deleted: one that comes later finds its row gone."""
        for session in self._sessions.all():
            if session.device.product_id == product.id:
                await self._sessions.disconnect(session.device.id, "product deleted")

    # Secrets

    async def show_secret(self, actor: Actor, product_key: str, device_key: str) -> Secret | None:
        """The DeviceSecret, None when it has none; that it was shown is audited. Raises Missing."""
        device = await self.one(actor.account_id, product_key, device_key)
        await self._commit(actor, "device.show_secret", product_key, device)
        return self.secret_of(device)

    def secret_of(self, device: Device) -> Secret | None:
        """The DeviceSecret opened, for checking what the device sends. Raises SecretKeyError."""
        if device.device_secret is None:
            return None
        return Secret(self._vault.open(device.device_secret, loading.device_context(device.id)))

    async def reset(self, actor: Actor, product_key: str, device_key: str) -> Registered:
        """Forget DeviceSecret, fingerprint and links with gateways or sub-devices, and end the session: the device must
        authenticate again; a static one gets a new secret. Raises Missing, Conflict (70071 for a virtual device)."""
        device = await self.one(actor.account_id, product_key, device_key)
        if device.is_virtual:
            raise Conflict("virtual_device", "a virtual device does not authenticate", wire=70071)
        secret = self._plans.new_secret() if device.auth_mode == STATIC else None
        write = statements.RESET(
            of_device=device.id,
            new_secret=self._plans.sealed(device.id, secret),
            now=self._ledger.later_than(device.updated_at),
        )
        await self._end(actor, "device.reset_secret", product_key, device, write, {"id": device.id})
        await self._journal.commit(self._reset_event(device))
        await self._disconnect(device, "reset", released=True)
        product = self._products.one(actor.account_id, product_key)
        return Registered(await self._refreshed(product, device_key), secret)

    def _reset_event(self, device: Device) -> Entry:
        entry = Entry()
        row = log_statements.EventRow(
            id=self._ledger.ids.next(),
            device_id=device.id,
            type=RESET_EVENT,
            ab_id=None,
            code="reset",
            name="Reset",
            output=None,
            packet_id=None,
            remark=None,
            created_at=self._ledger.clock.now_ms(),
        )
        entry.add(log_statements.ADD_EVENT, msgspec.structs.astuple(row))
        return entry

    async def _end(
        self,
        actor: Actor,
        action: str,
        product_key: str,
        device: Device,
        write: Write,
        detail: Mapping[str, object],
    ) -> None:
        """Commit a reset or a deletion with all that ends by it; once more when that changed meanwhile."""
        guard = f"device {device.device_key}"
        reset = action != "device.delete"
        stops = () if reset else self._stops(device)
        gateway = await self._gateway(device)
        for attempt in range(_ATTEMPTS):
            ending = [await release(device, reset=reset) for release in self.releases]
            messages = [message for released in ending for message in released.messages]
            what, data = ("RESET", None) if reset else ("DELETE", bodies.brief(device.name, device.sn))
            self._ledger.announcer.device_changed(messages.append, device, what, data, gateway=gateway)
            try:
                await self._ledger.commit(
                    actor,
                    action,
                    ("device", f"{product_key}/{device.device_key}"),
                    # First what others that change the same take first: two that wait for each other would both fail.
                    *(more for released in ending for more in released.writes),
                    write.must(guard),
                    link_statements.RELEASE(of_device=device.id),
                    *stops,
                    changed=[
                        *(entity for released in ending for entity in released.changed),
                        *([("queue", device.id)] if stops else ()),
                    ],
                    detail=detail,
                    messages=messages,
                )
            except WriteRefused as error:
                if error.guard == guard or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    async def _commit(
        self,
        actor: Actor,
        action: str,
        product_key: str,
        device: Device,
        write: Write | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        writes = () if write is None else (write.must(f"device {device.device_key}"),)
        await self._ledger.commit(
            actor, action, ("device", f"{product_key}/{device.device_key}"), *writes, detail=detail or {"id": device.id}
        )

    async def _gateway(self, device: Device) -> Keyed | None:
        """The gateway that a sub-device hangs on."""
        product = self._ledger.directory.product(device.product_id)
        if product is None or product.access_type != _SUB_DEVICE:
            return None
        found = await self._store.read(link_statements.CURRENT, of_sub_device=device.id)
        return found[0] if found else None

    def _stops(self, device: Device) -> Sequence[Write]:
        """What stops the subscriptions to a device; hardly any device has one."""
        product = self._ledger.directory.product(device.product_id)
        subscriptions = self._ledger.directory.subscriptions(product.account_id) if product is not None else ()
        if not any(one.device_id == device.id for one in subscriptions):
            return ()
        return queue_statements.stop_device(device.id, self._ledger.clock.now_ms())

    async def _disconnect(
        self, device: Device, reason: str, notice: int | None = None, *, released: bool = False
    ) -> None:
        await self._sessions.disconnect(device.id, reason, notice)
        for listener in self.on_release if released else ():
            listener(device)
        await self._journal.settle()  # so that it is shown offline

    async def _refreshed(self, product: Product, device_key: str) -> Device:
        """The device as it is now; its session sees it so too."""
        device = await self.find(product.id, device_key)
        if device is None:
            raise missing(product.product_key, device_key)
        session = self._sessions.of(device.id)
        if session is not None:
            session.device = device
        return device


def _taken(error: UniqueViolation) -> Conflict:
    if "sn" in error.columns:
        return Conflict("sn_taken", "an SN is that of another device of the product", field="sn", wire=50005)
    return Conflict("device_key_taken", "a DeviceKey is in use", field="device_key", wire=70062)
