"""Which device a call means, by keys or by deviceId, and whether the application may see it.

openapi-notes.md section 4: the identifying parameters come first (7), then the product (8), then the operation's other
parameters (9), and only then the device itself (10).
"""

from dataclasses import dataclass

from mooring.platform.entities import Device, Product

from .answers import Failure
from .operation import Call
from .params import whole_number
from .products import authorized_product

__all__ = ["Target", "by_id_or_keys", "by_keys"]


@dataclass(frozen=True, slots=True)
class Target:
    """A device that was asked for; whether it exists is for `found` to say."""

    call: Call
    product: Product | None
    device_key: str
    device: Device | None = None

    async def found(self) -> tuple[Device, Product]:
        """The device and its product. Raises Failure 70130."""
        device = self.device
        if device is None and self.product is not None:
            device = await self.call.platform.devices.find(self.product.id, self.device_key)
        if device is None or self.product is None:
            raise Failure(70130)
        return device, self.product


def by_keys(call: Call, missing: int = 50005) -> Target:
    """`productKey` and `deviceKey`. Raises Failure `missing`, 70089."""
    for name in ("productKey", "deviceKey"):
        if name not in call.params:
            raise Failure(missing, f"{name} missing")
    product = authorized_product(call, call.platform.directory.product_by_key(call.params["productKey"]))
    return Target(call, product, call.params["deviceKey"])


async def by_id_or_keys(call: Call) -> Target:
    """`deviceId`, which wins, or the keys. Raises Failure 50005, 50007, 70089."""
    device_id = whole_number(call.params, "deviceId")
    if device_id is None:
        return by_keys(call, 50007)
    device = await call.platform.devices.by_id(device_id)
    if device is None:
        return Target(call, None, "")
    product = authorized_product(call, call.platform.directory.product(device.product_id))
    return Target(call, product, device.device_key, device)
