"""device ls, show, history."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mooring.cli.arguments import DeviceKey, ProductKey, Since, Until, range_of
from mooring.cli.feature_names import FeatureNames
from mooring.cli.screen import fields, instant, moment, table

from .command import runnable
from .limits import Limit, cut, told
from .session import Cloud
from .values import plain

if TYPE_CHECKING:
    from mooring.client import DataRecord, Device, EventRecord

__all__ = ["history", "ls", "show"]

_EVENTS = {"0": "offline", "1": "online", "2": "reconnect", "3": "info", "4": "alert", "5": "fault", "6": "reset"}
_SENT = {0: "waiting", 1: "sent", -1: "failed"}
_AUTH = {0: "dynamic", 1: "static", 2: "X.509"}


def _ls(
    cloud: Cloud,
    product_key: Annotated[
        str | None, typer.Argument(help="ProductKey.", metavar="PRODUCT", show_default=False)
    ] = None,
    online: Annotated[bool | None, typer.Option("--online/--offline", help="Only those.", show_default=False)] = None,
    key: Annotated[str | None, typer.Option(help="Only this DeviceKey.")] = None,
    limit: Limit = 100,
) -> None:
    """List devices of one product, or of all."""
    keys = [product_key] if product_key is not None else [row.product_key for row in cloud.client.products.list()]
    rows, more = cut(_devices(cloud, keys, online, key), limit)

    def readable() -> None:
        table(
            ("Product", "Device", "Name", "Status", "Activated", "Last online"),
            (
                (
                    row.product_key,
                    row.device_key,
                    row.device_name,
                    "online" if row.device_status == 1 else "offline",
                    moment(row.activated_time_ms, "no"),
                    moment(row.last_connect_time_ms, "never"),
                )
                for row in rows
            ),
            optional=("Name", "Activated", "Last online"),
        )
        told(len(rows), more)

    cloud.show([row.raw for row in rows], readable)


def _show(cloud: Cloud, product_key: ProductKey, device_key: DeviceKey) -> None:
    """Show a device, its newest values and its position."""
    from mooring.client import ApiError, BadValue

    device = cloud.client.device(product_key, device_key)
    detail, position = device.detail(), device.location()
    try:
        latest, document = device.latest(), device.model().raw
    except (ApiError, BadValue):  # a product without a released model
        latest, document = {}, {}
    units = _units(document)

    def readable() -> None:
        fields(_detail_fields(detail))
        if position is not None and position.wgs_lat is not None:
            fields(
                {"position": f"{position.wgs_lat}, {position.wgs_lng} (WGS-84) at {moment(position.locate_time_ms)}"}
            )
        if latest:
            table(
                ("Property", "Value", "Unit", "Reported"),
                (
                    (code, _cell(found.value), units.get(code, ""), instant(found.time_ms))
                    for code, found in sorted(latest.items())
                ),
            )

    values = {code: {"value": plain(found.value), "time": found.time_ms} for code, found in latest.items()}
    located = None if position is None else position.raw
    cloud.show({"device": detail.raw, "location": located, "values": values}, readable)


def _history(
    cloud: Cloud,
    product_key: ProductKey,
    device_key: DeviceKey,
    since: Since = None,
    until: Until = None,
    events: Annotated[bool, typer.Option("--events", help="The event log instead.", show_default=False)] = False,
    limit: Limit = 100,
) -> None:
    """Show the data log of a device, newest first; or its events."""
    span = range_of(since, until)
    where: dict[str, Any] = {"begin": span["since"], "end": span["until"], "page_size": min(limit, 100)}
    if events:
        _show_events(cloud, cloud.client.logs.events(product_key, device_key, **where), limit)
    else:
        _show_data(cloud, cloud.client.logs.data(product_key, device_key, **where), limit, _names(cloud, product_key))


def _show_events(cloud: Cloud, rows: "Iterable[EventRecord]", limit: int) -> None:
    found, more = cut(rows, limit)

    def readable() -> None:
        table(
            ("Time", "Kind", "Event", "Outputs"),
            (
                (instant(row.create_time_ms), _EVENTS.get(row.event_type or ""), row.event_code, row.output_data)
                for row in found
            ),
        )
        told(len(found), more)

    cloud.show([row.raw for row in found], readable)


def _show_data(cloud: Cloud, rows: "Iterable[DataRecord]", limit: int, names: FeatureNames) -> None:
    found, more = cut(rows, limit)

    def readable() -> None:
        table(
            ("Time", "", "Command", "State", "Content"),
            (
                (
                    instant(row.create_time_ms),
                    "from" if row.direction == 1 else "to",
                    row.cmd,
                    "" if row.direction == 1 else _SENT.get(row.send_status or 0, ""),
                    _content(row, names),
                )
                for row in found
            ),
        )
        told(len(found), more)

    cloud.show([row.raw for row in found], readable)


def _devices(cloud: Cloud, keys: Iterable[str], online: bool | None, key: str | None) -> "Iterator[Device]":
    for product_key in keys:
        yield from cloud.client.devices.list(product_key, device_key=key, online=online)


def _detail_fields(found: "Device") -> dict[str, object]:
    return {
        "device": found.device_key,
        "name": found.device_name,
        "product": found.product_key,
        "serial number": found.sn,
        "status": "online" if found.device_status == 1 else "offline",
        "authentication": _AUTH.get(found.auth_mode if found.auth_mode is not None else -1),
        "virtual": "yes" if found.is_virtual == 1 else "no",
        "created": moment(found.create_time_ms),
        "activated": moment(found.activated_time_ms, "no"),
        "last online": moment(found.last_connect_time_ms, "never"),
        "last offline": moment(found.last_offline_time_ms, "never"),
    }


def _units(document: dict[str, Any]) -> dict[str, str]:
    properties = document.get("properties") or ()
    return {
        body["code"]: str(body["specs"].get("unit") or "")
        for body in properties
        if isinstance(body.get("specs"), dict) and "code" in body
    }


def _names(cloud: Cloud, product_key: str) -> FeatureNames:
    from mooring.client import ApiError

    try:
        return FeatureNames(cloud.client.thing_models.export(product_key).raw)
    except ApiError:  # transparent, or nothing was released: ids stay ids
        return FeatureNames(None)


def _content(row: "DataRecord", names: FeatureNames) -> str:
    import base64

    import msgspec

    if row.dm_data:
        try:
            return names.line(msgspec.json.decode(row.dm_data))
        except (msgspec.DecodeError, LookupError, TypeError, ValueError):
            return str(row.dm_data)
    try:
        return base64.b64decode(row.data or "", validate=True).hex(" ")
    except ValueError:
        return str(row.data)


def _cell(value: Any) -> str:
    from mooring.cli.feature_names import pairs

    shown = plain(value)
    return pairs(shown) if isinstance(shown, dict) else _one(shown)


def _one(value: Any) -> str:
    from .session import json_line

    return value if isinstance(value, str) else json_line(value)


ls = runnable(_ls)
show = runnable(_show)
history = runnable(_history)
