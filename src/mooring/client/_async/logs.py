"""The logs of devices."""

from mooring.client import _operations as operations
from mooring.client._async.paging import AsyncPageList
from mooring.client._async.service import AsyncService
from mooring.client._inputs import When, epoch_ms
from mooring.client.types import DataRecord, EventRecord


class AsyncLogs(AsyncService):
    """Data log and event log of a device, newest first. Contract: prefix `quecdatastorage`.

    The device is named by its keys or by its id. `begin` and `end` are aware datetimes or epoch milliseconds, both
    included; `page_size` is 1 to 1000. Rows that arrive while you walk make older ones appear twice; give an `end`, or
    use `client.device(…).history()`, to avoid that.
    """

    def data(
        self,
        product_key: str | None = None,
        device_key: str | None = None,
        *,
        device_id: int | None = None,
        begin: When | None = None,
        end: When | None = None,
        direction: int | None = None,
        send_status: int | None = None,
        page_size: int = 100,
    ) -> AsyncPageList[DataRecord]:
        """Return messages; `direction` is 1 from the device, 2 to it, `send_status` 0 waiting, 1 sent, -1 failed."""
        members = {
            "productKey": product_key,
            "deviceKey": device_key,
            "deviceId": device_id,
            "beginDateTimp": epoch_ms(begin),
            "endDateTimp": epoch_ms(end),
            "direction": direction,
            "sendStatus": send_status,
            "language": self._language,
        }
        return self._pages(operations.DATA_HISTORY, members, page_size)

    def events(
        self,
        product_key: str | None = None,
        device_key: str | None = None,
        *,
        device_id: int | None = None,
        begin: When | None = None,
        end: When | None = None,
        event_type: int | None = None,
        page_size: int = 100,
    ) -> AsyncPageList[EventRecord]:
        """Return events; `event_type` is 0 offline, 1 online, 2 reconnect, 3 info, 4 alert, 5 fault, 6 reset."""
        members = {
            "productKey": product_key,
            "deviceKey": device_key,
            "deviceId": device_id,
            "beginDateTimp": epoch_ms(begin),
            "endDateTimp": epoch_ms(end),
            "eventType": event_type,
            "language": self._language,
        }
        return self._pages(operations.EVENT_HISTORY, members, page_size)
