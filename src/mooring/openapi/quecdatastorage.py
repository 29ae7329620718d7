"""/v2/quecdatastorage: the data log and the event log of a device (openapi-notes.md sections 7, 8 and 12)."""

import msgspec

from mooring.platform.entities import Device, Product
from mooring.platform.history import DataRow, EventRow

from . import answers
from .answers import Failure
from .device_target import by_id_or_keys
from .operation import Call, Operation
from .params import page_of, whole_number

__all__ = ["OPERATIONS"]

_UP, _DOWN = 1, 2
_LAST_EVENT_TYPE = 6
_PASS_THROUGH = (0x0023, 0x0024)
_ALL_TIME = 2**62


class _Data(msgspec.Struct):
    id: None
    deviceKey: str
    deviceId: None
    productId: None
    direction: int
    data: str
    dataType: str
    sendStatus: int
    sendTime: str | int | None
    ticket: str
    createTime: str | int | None
    updateTime: str | int | None
    productKey: str
    cmd: str
    sourceType: str
    msgType: str
    dmData: str | None
    extData: None


class _Extras(msgspec.Struct):
    """No extras are known; the member is an empty object."""


class _Event(msgspec.Struct):
    abId: int | None
    createTime: str | int | None
    deviceKey: str
    eventCode: str
    eventName: str
    eventType: str
    extData: _Extras
    id: str
    outputData: str | None
    packetId: int | None
    productKey: str
    ticket: str


async def _data(call: Call) -> bytes:
    target = await by_id_or_keys(call)
    since, until = _range(call)
    direction = whole_number(call.params, "direction", low=_UP, high=_DOWN)
    status = whole_number(call.params, "sendStatus", low=-1, high=1)
    number, size = page_of(call.params)
    device, product = await target.found()
    rows, total = await call.platform.history.data(
        device.id, since=since, until=until, direction=direction, status=status, number=number, size=size
    )
    return answers.page([_data_row(call, device, product, row) for row in rows], number, size, total)


async def _events(call: Call) -> bytes:
    target = await by_id_or_keys(call)
    since, until = _range(call)
    event_type = whole_number(call.params, "eventType", low=0, high=_LAST_EVENT_TYPE)
    number, size = page_of(call.params)
    device, product = await target.found()
    rows, total = await call.platform.history.events(
        device.id, since=since, until=until, event_type=event_type, number=number, size=size
    )
    return answers.page([_event_row(call, device, product, row) for row in rows], number, size, total)


def _range(call: Call) -> tuple[int, int]:
    """Epoch ms, both ends included. Raises Failure 50005, also for a range that ends before it begins."""
    since = whole_number(call.params, "beginDateTimp", low=0) or 0
    until = whole_number(call.params, "endDateTimp", low=0)
    if until is None:
        until = _ALL_TIME
    if until < since:
        raise Failure(50005, "endDateTimp is before beginDateTimp")
    return since, until


def _data_row(call: Call, device: Device, product: Product, row: DataRow) -> _Data:
    return _Data(
        id=None,
        deviceKey=device.device_key,
        deviceId=None,
        productId=None,
        direction=row.direction,
        data=row.data,
        dataType="BASE64",
        sendStatus=row.status,
        sendTime=call.time(row.sent_at),
        ticket=str(row.ticket),
        createTime=call.time(row.created_at),
        updateTime=call.time(row.updated_at),
        productKey=product.product_key,
        cmd=f"{row.cmd:04X}",
        sourceType="PASS" if row.cmd in _PASS_THROUGH else "MODE",
        msgType="up" if row.direction == _UP else "down",
        dmData=row.dm_data,
        extData=None,
    )


def _event_row(call: Call, device: Device, product: Product, row: EventRow) -> _Event:
    return _Event(
        abId=row.ab_id,
        createTime=call.time(row.created_at),
        deviceKey=device.device_key,
        eventCode=row.code,
        eventName=row.name,
        eventType=str(row.type),
        extData=_Extras(),
        id=str(row.id),
        outputData=row.output,
        packetId=row.packet_id,
        productKey=product.product_key,
        ticket=str(row.id),
    )


_BASE = "/v2/quecdatastorage/r1/openapi/device"

OPERATIONS = (
    Operation("dataHistory", "GET", f"{_BASE}/data/history", "storage", _data),
    Operation("eventHistory", "GET", f"{_BASE}/eventdata/history", "storage", _events),
)
