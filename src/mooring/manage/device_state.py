"""What a device reported and went through: newest values, logs."""

import base64
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec

from mooring.platform.command_input import Kind
from mooring.platform.command_timeline import CommandTimeline
from mooring.platform.entities import Product
from mooring.platform.locations import Location

from .devices import device_of
from .endpoint import AnyEndpoint, Call, Endpoint, Nothing, Page
from .errors import Refusal

__all__ = ["ENDPOINTS", "LogQuery", "numbered"]

_ALL_TIME = 2**53
_DIRECTIONS = {1: "up", 2: "down"}

_RowT = TypeVar("_RowT")
_Time = Annotated[int, msgspec.Meta(ge=0, le=_ALL_TIME)]


class LogQuery(Page, frozen=True, forbid_unknown_fields=True):
    """Rows created from `since` to `until` (epoch ms, both included); `offset` is a multiple of `limit`."""

    since: _Time = 0
    until: _Time = _ALL_TIME


class DataQuery(LogQuery, frozen=True, forbid_unknown_fields=True):
    """`direction` 1 up, 2 down; `status` 0 waiting, 1 sent, -1 failed."""

    direction: Annotated[int, msgspec.Meta(ge=1, le=2)] | None = None
    status: Annotated[int, msgspec.Meta(ge=-1, le=1)] | None = None


class EventQuery(LogQuery, frozen=True, forbid_unknown_fields=True):
    """`type` 0 offline, 1 online, 2 reconnect, 3 info, 4 alert, 5 fault, 6 reset."""

    type: Annotated[int, msgspec.Meta(ge=0, le=6)] | None = None


class PropertyView(msgspec.Struct, frozen=True):
    """One property with its newest value in pushed form; `at` is None while it was never reported, `code` empty when
    the released model does not have it any more."""

    id: int
    code: str
    name: str
    data_type: str
    sub_type: str
    unit: str
    value: Any
    at: int | None


class ResourceView(msgspec.Struct, frozen=True):
    """One value of the device's status or module."""

    name: str
    value: Any
    at: int


class ValuesView(msgspec.Struct, frozen=True):
    """The newest of everything; `updated_at` is None when nothing was reported."""

    properties: tuple[PropertyView, ...]
    resources: tuple[ResourceView, ...]
    location: Location | None
    updated_at: int | None


class DataView(msgspec.Struct, frozen=True, kw_only=True):
    """One message: `hex` is the payload inside its frame, `dm_data` the same by feature id (tsl.md section 10)."""

    id: int
    direction: str
    cmd: str
    packet_id: int | None
    ticket: int
    status: int
    hex: str
    dm_data: Any
    sent_at: int | None
    created_at: int


class DataLog(msgspec.Struct, frozen=True):
    """Messages, newest first."""

    items: tuple[DataView, ...]
    total: int


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the device or of its connection."""

    id: int
    type: int
    feature_id: int | None
    code: str
    name: str
    output: Any
    packet_id: int | None
    remark: str | None
    created_at: int


class EventLog(msgspec.Struct, frozen=True):
    """Events, newest first."""

    items: tuple[EventView, ...]
    total: int


class ExceptionView(msgspec.Struct, frozen=True, kw_only=True):
    """What of a message could not be taken: paths of ids, and why."""

    id: int
    cmd: str | None
    packet_id: int | None
    reason: str
    feature_ids: Any
    hex: str
    created_at: int


class ExceptionLog(msgspec.Struct, frozen=True):
    """Exceptions, newest first."""

    items: tuple[ExceptionView, ...]
    total: int


class LocationLog(msgspec.Struct, frozen=True):
    """Positions, newest first."""

    items: tuple[Location, ...]
    total: int


class ServiceLog(msgspec.Struct, frozen=True):
    """Calls of services, newest first."""

    items: tuple[CommandTimeline, ...]
    total: int


def numbered(page: Page) -> dict[str, int]:
    """The page as number and size. Raises Refusal when `offset` is within a page."""
    if page.offset % page.limit:
        message = f"offset is {page.offset}; it must be a multiple of limit, which is {page.limit}"
        raise Refusal(422, "invalid_query", message, field="offset")
    return {"number": page.offset // page.limit + 1, "size": page.limit}


async def _show_values(call: Call, request: Nothing) -> ValuesView:
    device = await device_of(call)
    newest = await call.platform.latest.of(device.id)
    values = newest.properties if newest is not None else {}
    product = call.platform.products.one(call.account_id, call.path["product_key"])
    known = _defined(product)
    properties = []
    for ident in sorted({*known, *values}):
        found = values.get(ident)
        definition = known.get(ident, ("", "", "", "", ""))
        value, at = (found.value, found.at) if found is not None else (None, None)
        properties.append(PropertyView(ident, *definition, value, at))
    resources = newest.resources if newest is not None else {}
    return ValuesView(
        tuple(properties),
        tuple(ResourceView(name, found.value, found.at) for name, found in sorted(resources.items())),
        await call.platform.latest.location(device.id),
        newest.updated_at if newest is not None else None,
    )


def _defined(product: Product) -> dict[int, tuple[str, str, str, str, str]]:
    """Code, name, data type, access and unit of each property of the released model."""
    if product.model is None:
        return {}
    document = msgspec.json.decode(product.model.exports["EN"])
    return {
        body["id"]: (body["code"], body["name"], body["dataType"], body["subType"], _unit(body.get("specs")))
        for body in document.get("properties") or ()
    }


def _unit(specs: object) -> str:
    return str(specs.get("unit") or "") if isinstance(specs, dict) else ""


async def _page(
    call: Call,
    request: LogQuery,
    read: Callable[..., Awaitable[tuple[list[_RowT], int]]],
    **filters: object,
) -> tuple[Sequence[_RowT], int]:
    where = numbered(request)
    device = await device_of(call)
    return await read(device.id, since=request.since, until=request.until, **where, **filters)


async def _list_data(call: Call, request: DataQuery) -> DataLog:
    history = call.platform.history
    rows, total = await _page(call, request, history.data, direction=request.direction, status=request.status)
    return DataLog(
        tuple(
            DataView(
                id=row.id,
                direction=_DIRECTIONS[row.direction],
                cmd=f"{row.cmd:04X}",
                packet_id=row.packet_id,
                ticket=row.ticket,
                status=row.status,
                hex=base64.b64decode(row.data).hex(),
                dm_data=_json(row.dm_data),
                sent_at=row.sent_at,
                created_at=row.created_at,
            )
            for row in rows
        ),
        total,
    )


async def _list_events(call: Call, request: EventQuery) -> EventLog:
    rows, total = await _page(call, request, call.platform.history.events, event_type=request.type)
    return EventLog(
        tuple(
            EventView(
                id=row.id,
                type=row.type,
                feature_id=row.ab_id,
                code=row.code,
                name=row.name,
                output=_json(row.output),
                packet_id=row.packet_id,
                remark=row.remark,
                created_at=row.created_at,
            )
            for row in rows
        ),
        total,
    )


async def _list_exceptions(call: Call, request: LogQuery) -> ExceptionLog:
    rows, total = await _page(call, request, call.platform.history.exceptions)
    return ExceptionLog(
        tuple(
            ExceptionView(
                id=row.id,
                cmd=None if row.cmd is None else f"{row.cmd:04X}",
                packet_id=row.packet_id,
                reason=row.reason,
                feature_ids=_json(row.feature_ids),
                hex=base64.b64decode(row.data).hex(),
                created_at=row.created_at,
            )
            for row in rows
        ),
        total,
    )


async def _list_locations(call: Call, request: LogQuery) -> LocationLog:
    rows, total = await _page(call, request, call.platform.history.locations)
    return LocationLog(tuple(rows), total)


async def _list_service_calls(call: Call, request: LogQuery) -> ServiceLog:
    where = numbered(request)
    device = await device_of(call)
    found, total = await call.platform.commands.of_device(
        device, kind=Kind.SERVICE, since=request.since, until=request.until, **where
    )
    return ServiceLog(tuple(found), total)


def _json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


_ONE = "/devices/{product_key}/{device_key}"
_LOGS = f"{_ONE}/logs"

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", f"{_ONE}/values", "The newest of everything a device reported", _show_values, Nothing, ValuesView),
    Endpoint("GET", f"{_LOGS}/data", "Messages in both directions, newest first", _list_data, DataQuery, DataLog),
    Endpoint("GET", f"{_LOGS}/events", "Events, newest first", _list_events, EventQuery, EventLog),
    Endpoint(
        "GET",
        f"{_LOGS}/exceptions",
        "What of messages could not be taken, newest first",
        _list_exceptions,
        LogQuery,
        ExceptionLog,
    ),
    Endpoint("GET", f"{_LOGS}/locations", "Positions, newest first", _list_locations, LogQuery, LocationLog),
    Endpoint("GET", f"{_LOGS}/services", "Calls of services, newest first", _list_service_calls, LogQuery, ServiceLog),
)
