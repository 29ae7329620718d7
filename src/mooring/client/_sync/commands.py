# Made of _async/commands.py by tools/generate_sync.py; change that.
"""Commands to many devices at once."""

from collections.abc import Mapping, Sequence

from mooring.client import _operations as operations
from mooring.client._inputs import Input, SendOptions, raw_members, read_text, service_text, write_text
from mooring.client._sync.service import Service
from mooring.client.types import SendResult

_DEFAULT = SendOptions()


class Commands(Service):
    """Commands to 1 to 500 devices at once, one answer for each. Contract: prefix `deviceshadow`.

    A fault of one device is in its `SendResult`; one of the whole request is raised. An answer says that the command
    was accepted, not that the device has done it: see `client.device(…)` for that. Nothing is checked before it is
    sent.
    """

    def read(
        self, product_key: str, device_keys: Sequence[str], codes: Sequence[str], *, options: SendOptions = _DEFAULT
    ) -> tuple[SendResult, ...]:
        """Ask devices to report properties; the values come as an uplink with the ticket of the answer."""
        body = self._body(product_key, device_keys, read_text(codes), options)
        return self._run(operations.READ_DATA({"language": self._language}, body))

    def write(
        self,
        product_key: str,
        device_keys: Sequence[str],
        values: Mapping[str, Input],
        *,
        options: SendOptions = _DEFAULT,
    ) -> tuple[SendResult, ...]:
        """Set properties, given by code."""
        body = self._body(product_key, device_keys, write_text(values), options)
        return self._run(operations.WRITE_DATA({"language": self._language}, body))

    def call(
        self,
        product_key: str,
        device_keys: Sequence[str],
        service: str,
        inputs: Mapping[str, Input] | None = None,
        *,
        options: SendOptions = _DEFAULT,
    ) -> tuple[SendResult, ...]:
        """Call a service, with its inputs by code."""
        body = self._body(product_key, device_keys, service_text(service, inputs or {}), options)
        return self._run(operations.SEND_SERVICE_DATA({"language": self._language}, body))

    def send_raw(
        self, devices: Sequence[tuple[str, str]], data: str | bytes, *, options: SendOptions = _DEFAULT
    ) -> tuple[SendResult, ...]:
        """Send a transparent payload to devices, given as (ProductKey, DeviceKey): text, or bytes, which go as hex."""
        pairs = [{"productKey": product_key, "deviceKey": device_key} for product_key, device_key in devices]
        body = {"devices": pairs, **raw_members(data), **options.members()}
        return self._run(operations.RAW_SEND_DATA({"language": self._language}, body))

    def _body(self, product_key: str, device_keys: Sequence[str], data: str, options: SendOptions) -> dict[str, object]:
        return {"productKey": product_key, "devices": list(device_keys), "data": data, **options.members()}
