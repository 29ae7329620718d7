"""/v2/devicemgr, the operations that change the list of devices: create, update, delete, one by one or in batches.

All or nothing, and no `data` in the answer (openapi-notes.md sections 6 and 13, domain-rules.md sections 3 and 4). The
rules are those of `platform.devices`; here members get their names, and faults the names of the wire.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from mooring.platform import Invalid, PlatformError
from mooring.platform.devices import DeviceChanges, NewDevice
from mooring.platform.entities import Product

from . import answers
from .answers import Failure
from .operation import Call, Operation
from .params import Body
from .products import authorized_product

__all__ = ["OPERATIONS"]

_UNKNOWN_PRODUCT, _NO_PERMISSION = 70017, 70089
_NAMES = {"device_key": "deviceKey", "auth_mode": "authMode", "fingerprint": "fingerPrint", "name": "deviceName"}
_WORDS = re.compile(rf"\b({'|'.join(_NAMES)})\b")
_AUTH_MODES = -(2**31), 2**31 - 1  # which of them exist is a rule of the platform


async def _create(call: Call) -> bytes:
    body = call.body
    product, [device_key] = _product(call, body, [body])
    with _wire_names():
        await call.platform.devices.add(call.actor, product.product_key, _new(device_key, body))
    return answers.done()


async def _create_batch(call: Call) -> bytes:
    body = call.body
    devices = body.objects("devices")
    product, keys = _product(call, body, devices)
    new = [_new(key, device) for key, device in zip(keys, devices, strict=True)]
    with _wire_names():
        await call.platform.devices.add_many(call.actor, product.product_key, new)
    return answers.done()


async def _update(call: Call) -> bytes:
    body = call.body
    product, [device_key] = _product(call, body, [body])
    with _wire_names():
        await call.platform.devices.update(call.actor, product.product_key, device_key, _changes(body))
    return answers.done()


async def _update_batch(call: Call) -> bytes:
    body = call.body
    devices = body.objects("devices")
    product, keys = _product(call, body, devices)
    changes = [(key, _changes(device)) for key, device in zip(keys, devices, strict=True)]
    with _wire_names():
        await call.platform.devices.update_many(call.actor, product.product_key, changes)
    return answers.done()


async def _delete(call: Call) -> bytes:
    body = call.body
    product, [device_key] = _product(call, body, [body])
    with _wire_names():
        await call.platform.devices.delete(call.actor, product.product_key, device_key)
    return answers.done()


def _product(call: Call, body: Body, devices: Sequence[Body]) -> tuple[Product, list[str]]:
    """The product, and the keys of the devices. Raises Failure 50007 for what identifies them, 70089."""
    product_key = body.text("productKey")
    if product_key is None:
        raise Failure(50007, "productKey missing")
    if not devices:
        raise Failure(50007, "devices missing")
    keys = [_key(device) for device in devices]
    return authorized_product(call, call.platform.directory.product_by_key(product_key)), keys


def _key(device: Body) -> str:
    found = device.text("deviceKey")
    if found is None:
        raise Failure(50007, f"{device.place}deviceKey missing")
    return found


def _new(device_key: str, body: Body) -> NewDevice:
    low, high = _AUTH_MODES
    return NewDevice(
        device_key=device_key,
        name=body.text("deviceName"),
        sn=body.text("sn"),
        auth_mode=body.integer("authMode", low=low, high=high) or 0,
        fingerprint=body.text("fingerPrint"),
    )


def _changes(body: Body) -> DeviceChanges:
    name, sn = body.text("deviceName"), body.text("sn")
    return DeviceChanges(msgspec.UNSET if name is None else name, msgspec.UNSET if sn is None else sn)


@contextmanager
def _wire_names() -> Iterator[None]:
    """Turns what the platform refuses into a failure that names the member as the wire does."""
    try:
        yield
    except PlatformError as error:
        code = error.wire or (50005 if isinstance(error, Invalid) else 50000)
        if code == _UNKNOWN_PRODUCT:  # deleted since; an unknown product answers as a foreign one does
            raise Failure(_NO_PERMISSION) from None
        place, _, _ = (error.field or "").rpartition(".")
        named = isinstance(error, Invalid)  # other messages name devices, whose keys may look like a member
        detail = _WORDS.sub(lambda word: _NAMES[word[0]], error.message) if named else error.message
        raise Failure(code, f"{place}: {detail}" if place else detail) from None


_BASE = "/v2/devicemgr/r3/openapi/device"

OPERATIONS = (
    Operation("deviceCreate", "POST", f"{_BASE}/create", "device", _create),
    Operation("deviceCreateBatch", "POST", f"{_BASE}/createBatch", "device", _create_batch),
    Operation("deviceUpdate", "POST", f"{_BASE}/update", "device", _update),
    Operation("deviceUpdateBatch", "POST", f"{_BASE}/updateBatch", "device", _update_batch),
    Operation("deviceDelete", "POST", f"{_BASE}/delete", "device", _delete),
)
