"""The device that a path names."""

from typing import NamedTuple

from mooring.platform.entities import Device, Product

from .page import View

__all__ = ["DevicePage", "device_of", "path_of"]


class DevicePage(NamedTuple):
    """A device with its product."""

    device: Device
    product: Product


async def device_of(view: View) -> DevicePage:
    """The device of `product_key` and `device_key` in the path. Raises Missing."""
    device = await view.platform.devices.one(view.account_id, view.path["product_key"], view.path["device_key"])
    return DevicePage(device, view.platform.products.one(view.account_id, view.path["product_key"]))


def path_of(shown: DevicePage) -> dict[str, object]:
    """The parameters of its path."""
    return {"product_key": shown.product.product_key, "device_key": shown.device.device_key}
