"""New devices before they are written: whether they may be, with which row, secret and message.

A deleted device keeps its row; when its key is added again, the same row lives on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from mooring.protocol.credentials import client_id
from mooring.store import Vault, Write
from mooring.store import device_list as statements
from mooring.store import devices as device_statements
from mooring.store.queue_messages import MessageRow

from . import loading
from . import message_bodies as bodies
from .device_input import STATIC, NewDevice
from .entities import Device, Product
from .errors import Conflict, Missing
from .ledger import Ledger
from .secret import Secret
from .sources import Entropy

__all__ = ["DevicePlans", "Planned", "in_turns", "missing"]

_SECRET_BYTES = 16
_LOOK_UPS = 50  # at a time
_R = TypeVar("_R")
_T = TypeVar("_T")


class Planned(msgspec.Struct):
    """A device to write; `secret` is that of a static one."""

    write: Write
    secret: Secret | None
    device: Device


class DevicePlans:
    """Makes plans; the names and numbers in them are checked already."""

    def __init__(self, ledger: Ledger, vault: Vault, entropy: Entropy) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._vault = vault
        self._entropy = entropy

    async def make(self, product: Product, new: Sequence[NewDevice], *, virtual: bool = False) -> list[Planned]:
        """What is to be written for each. Raises Conflict (70062 for a DeviceKey in use, 50005 for an SN)."""
        rows = await in_turns(
            new,
            lambda device: self._store.read(statements.ANY, of_product=product.id, of_key=device.device_key),
        )
        free = [device.device_key for device, row in zip(new, rows, strict=True) if not row]
        for key, owner in zip(free, await in_turns(free, lambda key: self._owner(product, key)), strict=True):
            if owner is not None and (owner.product_id, owner.device_key) == (product.id, key):
                raise _KeyTaken(product, key)  # between the two look-ups
            if owner is not None:
                raise _client_id_taken(product, key)
        planned = []
        for device, known in zip(new, rows, strict=True):
            if known and known[0].deleted_at is None:
                raise _KeyTaken(product, device.device_key)
            planned.append(self._one(product, device, known[0] if known else None, virtual=virtual))
        await self._check_serial_numbers(product, new)
        return planned

    def _one(
        self, product: Product, new: NewDevice, known: device_statements.DeviceRow | None, *, virtual: bool
    ) -> Planned:
        device_id = known.id if known is not None else self._ledger.ids.next()
        secret = self.new_secret() if new.auth_mode == STATIC else None
        sealed = self.sealed(device_id, secret)
        name = new.name or new.device_key
        now = self._ledger.clock.now_ms()
        if known is not None:
            revive = statements.REVIVE(
                of_device=device_id,
                new_name=name,
                new_sn=new.sn,
                new_auth_mode=new.auth_mode,
                new_secret=sealed,
                new_fingerprint=new.fingerprint,
                new_is_virtual=virtual,
                now=now,
            )
            device = loading.device(msgspec.structs.replace(known, name=name, sn=new.sn))
            return Planned(revive.must(f"device {new.device_key}"), secret, device)
        row = device_statements.DeviceRow(
            id=device_id,
            product_id=product.id,
            device_key=new.device_key,
            client_id=client_id(product.product_key, new.device_key),
            name=name,
            sn=new.sn,
            auth_mode=new.auth_mode,
            device_secret=sealed,
            secret_confirmed=False,
            fingerprint=new.fingerprint,
            enabled=True,
            is_verified=False,
            is_virtual=virtual,
            online=False,
            created_at=now,
            updated_at=None,
            activated_at=None,
            first_conn_at=None,
            last_conn_at=None,
            last_offline_at=None,
            deleted_at=None,
        )
        return Planned(statements.ADD.of(row), secret, loading.device(row))

    def messages(self, planned: Sequence[Planned]) -> list[MessageRow]:
        """What tells queues of it (META_EVENT/DEVICE ADD)."""
        messages: list[MessageRow] = []
        for plan in planned:
            data = bodies.brief(plan.device.name, plan.device.sn)
            self._ledger.announcer.device_changed(messages.append, plan.device, "ADD", data)
        return messages

    async def _check_serial_numbers(self, product: Product, new: Sequence[NewDevice]) -> None:
        given = [device.sn for device in new if device.sn is not None]
        taken = await in_turns(
            given, lambda sn: self._store.read(statements.SERIAL_NUMBER, of_product=product.id, of_sn=sn)
        )
        for sn, rows in zip(given, taken, strict=True):
            if rows:
                raise Conflict("sn_taken", f"SN {sn} is that of device {rows[0].device_key}", field="sn", wire=50005)

    async def _owner(self, product: Product, device_key: str) -> statements.KeyRow | None:
        wanted = client_id(product.product_key, device_key)
        found = await self._store.read(statements.CLIENT_ID_OWNER, of_client_id=wanted)
        return found[0] if found else None

    async def clash(self, product: Product, device_key: str) -> Exception:
        """Why a device that was just written is not there."""
        if await self._owner(product, device_key) is not None:
            return _client_id_taken(product, device_key)
        return missing(product.product_key, device_key)

    def new_secret(self) -> Secret:
        """A DeviceSecret."""
        return Secret(self._entropy.random_bytes(_SECRET_BYTES).hex())

    def sealed(self, device_id: int, secret: Secret | None) -> bytes | None:
        """A DeviceSecret as it is kept."""
        if secret is None:
            return None
        return self._vault.seal(secret.reveal(), loading.device_context(device_id))


async def in_turns(items: Sequence[_T], ask: Callable[[_T], Awaitable[_R]]) -> list[_R]:
    """Many look-ups, a bounded number at a time."""
    found: list[_R] = []
    for start in range(0, len(items), _LOOK_UPS):
        found += await asyncio.gather(*(ask(item) for item in items[start : start + _LOOK_UPS]))
    return found


class _KeyTaken(Conflict):
    """The product has a device of this key."""

    def __init__(self, product: Product, device_key: str) -> None:
        message = f"product {product.product_key} has a device {device_key} already"
        super().__init__("device_key_taken", message, field="device_key", wire=70062)


def missing(product_key: str, device_key: str) -> Missing:
    """There is no such device."""
    return Missing("no_such_device", f"there is no device {device_key!r} in product {product_key}", wire=70130)


def _client_id_taken(product: Product, device_key: str) -> Conflict:
    message = (
        f"ProductKey {product.product_key} and DeviceKey {device_key} make the client id of a device of another product"
    )
    return Conflict("client_id_taken", message, field="device_key", wire=70062)
