"""Gateways and their sub-devices: who hangs on whom, unbinding."""

import msgspec

from .devices import DeviceView, device_of, device_view
from .endpoint import AnyEndpoint, Call, Endpoint, Nothing, Page

__all__ = ["ENDPOINTS"]


class SubDeviceView(DeviceView, frozen=True, kw_only=True):
    """A device that has logged in through the gateway; `is_current` says whether it hangs on it now.

    `linked_at` is when it first logged in there, `last_login_at` when it last did.
    """

    is_current: bool
    linked_at: int
    last_login_at: int


class SubDevices(msgspec.Struct, frozen=True):
    """Sub-devices of a gateway, those that hang on it now first, then newest first."""

    items: tuple[SubDeviceView, ...]
    total: int


class GatewayView(DeviceView, frozen=True, kw_only=True):
    """A gateway that the sub-device has logged in through. `is_current` says whether the sub-device hangs on it now."""

    is_current: bool
    linked_at: int
    last_login_at: int


class Gateways(msgspec.Struct, frozen=True):
    """The gateways of a sub-device: the one that it hangs on now first, then those of later logins."""

    items: tuple[GatewayView, ...]


async def _sub_devices(call: Call, request: Page) -> SubDevices:
    gateway = await device_of(call)
    product = call.platform.products.one(call.account_id, call.path["product_key"])
    found, total = await call.platform.topology.sub_devices(gateway, product, skip=request.offset, rows=request.limit)
    directory = call.platform.directory
    views = tuple(
        SubDeviceView(
            **msgspec.structs.asdict(device_view(sub.device, directory.product(sub.device.product_id))),
            is_current=sub.is_current,
            linked_at=sub.linked_at,
            last_login_at=sub.last_login_at,
        )
        for sub in found
    )
    return SubDevices(views, total)


async def _gateways(call: Call, request: Nothing) -> Gateways:
    links = await call.platform.topology.gateways(await device_of(call))
    directory = call.platform.directory
    return Gateways(
        tuple(
            GatewayView(
                **msgspec.structs.asdict(device_view(link.gateway, directory.product(link.gateway.product_id))),
                is_current=link.is_current,
                linked_at=link.linked_at,
                last_login_at=link.last_login_at,
            )
            for link in links
        )
    )


async def _unbind(call: Call, request: Nothing) -> Nothing:
    await call.platform.topology.unbind(call.actor, call.path["product_key"], call.path["device_key"])
    return Nothing()


_ONE = "/devices/{product_key}/{device_key}"

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET",
        f"{_ONE}/sub-devices",
        "Sub-devices of a gateway, those that hang on it now first",
        _sub_devices,
        Page,
        SubDevices,
        errors=(409,),
    ),
    Endpoint(
        "GET",
        f"{_ONE}/gateways",
        "Gateways of a sub-device, the one that it hangs on now first",
        _gateways,
        Nothing,
        Gateways,
    ),
    Endpoint(
        "DELETE",
        f"{_ONE}/gateway",
        "Unbind a sub-device from its gateway; its session ends",
        _unbind,
        Nothing,
        Nothing,
        status=204,
        errors=(409,),
    ),
)
