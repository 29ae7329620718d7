"""Devices, and gateways with their sub-devices."""

from collections.abc import Sequence

from mooring.client import _operations as operations
from mooring.client._async.paging import AsyncPageList
from mooring.client._async.service import AsyncService
from mooring.client._inputs import DeviceChange, NewDevice, change_members, new_device_members
from mooring.client.types import Device, DeviceResource, Gateway, Location, SubDevice


class AsyncDevices(AsyncService):
    """Devices of products. Contract: prefixes `devicemgr` and `deviceshadow`.

    All but `list` raise `NotFound` for a device that does not exist and `PermissionDenied` for a foreign product.
    """

    def list(
        self,
        product_key: str,
        *,
        device_key: str | None = None,
        online: bool | None = None,
        activated: bool | None = None,
        page_size: int = 100,
    ) -> AsyncPageList[Device]:
        """Return the devices of a product, newest first; nothing is sent before `async for` or `.page()`.

        `device_key`, `online` and `activated` narrow the list; `page_size` is rows per request, 1 to 1000.
        """
        members = {
            "productKey": product_key,
            "deviceKey": device_key,
            "deviceStatus": None if online is None else int(online),
            "activeStatus": None if activated is None else int(activated),
        }
        return self._pages(operations.DEVICE_LIST, members, page_size)

    async def detail(self, product_key: str, device_key: str) -> Device:
        """Return one device."""
        return await self._run(operations.DEVICE_DETAIL({"productKey": product_key, "deviceKey": device_key}))

    async def resource(self, product_key: str, device_key: str) -> DeviceResource | None:
        """Return what the module of a device reported about itself last; None when it never did."""
        query = {"productKey": product_key, "deviceKey": device_key, "language": self._language}
        return await self._run(operations.DEVICE_RESOURCE(query))

    async def location(
        self, product_key: str | None = None, device_key: str | None = None, *, device_id: int | None = None
    ) -> Location | None:
        """Return the newest position of a device, named by its keys or by its id; None when there is none."""
        query = {
            "productKey": product_key,
            "deviceKey": device_key,
            "deviceId": device_id,
            "language": self._language,
        }
        return await self._run(operations.DEVICE_LOCATION(query))

    async def create(
        self,
        product_key: str,
        device_key: str,
        *,
        name: str | None = None,
        sn: str | None = None,
        auth_mode: int | None = None,
        fingerprint: str | None = None,
        psk: str | None = None,
    ) -> None:
        """Add a device. `auth_mode` is 0 dynamic (the default), 1 static, 2 X.509; `fingerprint` is that of the
        certificate, SHA-1 in 40 hex digits. Raises `Conflict` when the DeviceKey is taken.
        """
        device = NewDevice(device_key, name=name, sn=sn, auth_mode=auth_mode, fingerprint=fingerprint, psk=psk)
        await self._run(operations.DEVICE_CREATE(body={"productKey": product_key, **new_device_members(device)}))

    async def create_many(self, product_key: str, devices: Sequence[NewDevice]) -> None:
        """Add 1 to 500 devices, all or none."""
        body = {"productKey": product_key, "devices": [new_device_members(device) for device in devices]}
        await self._run(operations.DEVICE_CREATE_BATCH(body=body))

    async def update(
        self, product_key: str, device_key: str, *, name: str | None = None, sn: str | None = None
    ) -> None:
        """Change the name or the serial number of a device; what is None stays."""
        members = change_members(DeviceChange(device_key, name=name, sn=sn))
        await self._run(operations.DEVICE_UPDATE(body={"productKey": product_key, **members}))

    async def update_many(self, product_key: str, devices: Sequence[DeviceChange]) -> None:
        """Change 1 to 500 devices, all or none."""
        body = {"productKey": product_key, "devices": [change_members(device) for device in devices]}
        await self._run(operations.DEVICE_UPDATE_BATCH(body=body))

    async def delete(self, product_key: str, device_key: str) -> None:
        """Remove a device; its logs stay on the platform."""
        await self._run(operations.DEVICE_DELETE(body={"productKey": product_key, "deviceKey": device_key}))


class AsyncGateways(AsyncService):
    """Gateways and the sub-devices behind them. Contract: prefix `devicemgr`."""

    def sub_devices(
        self,
        product_key: str | None = None,
        device_key: str | None = None,
        *,
        device_id: int | None = None,
        page_size: int = 100,
    ) -> AsyncPageList[SubDevice]:
        """Return the sub-devices of a gateway, named by its keys or by its id. `page_size` is 1 to 1000."""
        members = {
            "productKey": product_key,
            "deviceKey": device_key,
            "deviceId": device_id,
            "language": self._language,
        }
        return self._pages(operations.GATEWAY_SUB_LIST, members, page_size)

    async def of_sub_device(self, product_key: str, device_key: str) -> Gateway:
        """Return the gateway that a sub-device hangs on now. Raises `Conflict` when it hangs on none."""
        query = {"productKey": product_key, "deviceKey": device_key, "language": self._language}
        return await self._run(operations.GATEWAY_BY_CHILD(query))

    async def unbind(self, product_key: str, device_key: str) -> None:
        """Detach a sub-device from its gateway."""
        await self._run(operations.GATEWAY_UNBIND({"productKey": product_key, "deviceKey": device_key}))
