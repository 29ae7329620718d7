"""The virtual device of a product: a person acts as the device."""

from typing import Any

import msgspec

from mooring.platform.virtual_devices import Pushed, VirtualDevice

from .devices import DeviceView, device_view
from .endpoint import AnyEndpoint, Call, Endpoint, Nothing

__all__ = ["ENDPOINTS"]


class VirtualDeviceView(msgspec.Struct, frozen=True):
    """The device, and the codes of the services that it answers by itself."""

    device: DeviceView
    answers: tuple[str, ...]


class Properties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values of properties by code."""

    values: dict[str, Any]


class Occurrence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event or the answer to a service: its code and its outputs by code."""

    code: str
    outputs: dict[str, Any] = {}


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each call of a service is answered with, after how many seconds (0 to 300)."""

    outputs: dict[str, Any] = {}
    delay_s: float = 0


def _key(call: Call) -> str:
    return call.path["product_key"]


def _view(call: Call, found: VirtualDevice) -> VirtualDeviceView:
    product = call.platform.products.one(call.account_id, _key(call))
    return VirtualDeviceView(device_view(found.device, product), found.answers)


async def _show_virtual_device(call: Call, request: Nothing) -> VirtualDeviceView:
    return _view(call, await call.platform.virtual_devices.one(call.account_id, _key(call)))


async def _create_virtual_device(call: Call, request: Nothing) -> VirtualDeviceView:
    return _view(call, await call.platform.virtual_devices.create(call.actor, _key(call)))


async def _delete_virtual_device(call: Call, request: Nothing) -> Nothing:
    await call.platform.virtual_devices.delete(call.actor, _key(call))
    return Nothing()


async def _connect_virtual_device(call: Call, request: Nothing) -> VirtualDeviceView:
    return _view(call, await call.platform.virtual_devices.go_online(call.actor, _key(call)))


async def _connect_through_gateway(call: Call, request: Nothing) -> VirtualDeviceView:
    gateway = call.path["gateway_product_key"]
    found = await call.platform.virtual_devices.go_online(call.actor, _key(call), gateway_product_key=gateway)
    return _view(call, found)


async def _disconnect_virtual_device(call: Call, request: Nothing) -> VirtualDeviceView:
    return _view(call, await call.platform.virtual_devices.go_offline(call.actor, _key(call)))


async def _push_properties(call: Call, request: Properties) -> Pushed:
    return await call.platform.virtual_devices.push_properties(call.actor, _key(call), request.values)


async def _push_event(call: Call, request: Occurrence) -> Pushed:
    return await call.platform.virtual_devices.push_event(call.actor, _key(call), request.code, request.outputs)


async def _push_service_answer(call: Call, request: Occurrence) -> Pushed:
    return await call.platform.virtual_devices.push_answer(call.actor, _key(call), request.code, request.outputs)


async def _set_service_answer(call: Call, request: Answer) -> VirtualDeviceView:
    found = await call.platform.virtual_devices.set_answer(
        call.actor, _key(call), call.path["code"], request.outputs, request.delay_s
    )
    return _view(call, found)


_ONE = "/products/{product_key}/virtual-device"
_BUSY = (409,)

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", _ONE, "The virtual device of a product", _show_virtual_device, Nothing, VirtualDeviceView),
    Endpoint("POST", _ONE, "Create it", _create_virtual_device, Nothing, VirtualDeviceView, status=201, errors=_BUSY),
    Endpoint(
        "DELETE",
        _ONE,
        "Delete it; its history stays",
        _delete_virtual_device,
        Nothing,
        Nothing,
        status=204,
        errors=_BUSY,
    ),
    Endpoint(
        "POST",
        f"{_ONE}/online",
        "Connect it, unless it is a sub-device",
        _connect_virtual_device,
        Nothing,
        VirtualDeviceView,
        errors=(409, 422),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/online/{{gateway_product_key}}",
        "Connect a sub-device through the virtual gateway of a product, which is online",
        _connect_through_gateway,
        Nothing,
        VirtualDeviceView,
        errors=(409, 422),
    ),
    Endpoint(
        "POST", f"{_ONE}/offline", "Disconnect it", _disconnect_virtual_device, Nothing, VirtualDeviceView, errors=_BUSY
    ),
    Endpoint("POST", f"{_ONE}/properties", "Report properties", _push_properties, Properties, Pushed, errors=_BUSY),
    Endpoint("POST", f"{_ONE}/events", "Raise an event", _push_event, Occurrence, Pushed, errors=_BUSY),
    Endpoint(
        "POST",
        f"{_ONE}/service-answers",
        "Answer a service now",
        _push_service_answer,
        Occurrence,
        Pushed,
        errors=_BUSY,
    ),
    Endpoint(
        "PUT",
        f"{_ONE}/service-answers/{{code}}",
        "Answer each call of a service, until the device goes offline",
        _set_service_answer,
        Answer,
        VirtualDeviceView,
        errors=_BUSY,
    ),
)
