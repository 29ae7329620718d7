"""device values, device log …: what a device reported and went through."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from mooring.cli.arguments import DeviceKey, ProductKey, Since, Until, range_of
from mooring.cli.feature_names import FeatureNames, brief, pairs
from mooring.cli.hexdump import bytes_line, hexdump
from mooring.cli.screen import footer, instant, moment, say, table

from .command import Limit, Offset, command, group
from .names import names_of
from .session import Session, path_of
from .timeline import command_table

__all__ = ["log", "register"]

log = group("Logs of a device, newest first.")

_EVENTS = ("offline", "online", "reconnect", "info", "alert", "fault", "reset")
_STATES = {0: "waiting", 1: "sent", -1: "failed"}


class _Direction(StrEnum):
    UP = "up"
    DOWN = "down"


class _Status(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class _Event(StrEnum):
    OFFLINE = "offline"
    ONLINE = "online"
    RECONNECT = "reconnect"
    INFO = "info"
    ALERT = "alert"
    FAULT = "fault"
    RESET = "reset"


def register(device: typer.Typer) -> None:
    """Add these commands."""
    command(device, "values")(_values)
    device.add_typer(log, name="log")


def _values(session: Session, product_key: ProductKey, device_key: DeviceKey) -> None:
    """Show the newest of everything a device reported."""
    answer = session.get(path_of("devices", product_key, device_key, "values"))
    session.show(answer, lambda: _show_values(answer.value))


@command(log, "data")
def _data(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    direction: Annotated[_Direction | None, typer.Option(help="Only these.")] = None,
    status: Annotated[_Status | None, typer.Option(help="Only these.")] = None,
    as_hex: Annotated[
        bool, typer.Option("--hex", help="Show the bytes of each payload too.", show_default=False)
    ] = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> None:
    """Show the messages with data, in both directions."""
    filters = {
        "direction": None if direction is None else list(_Direction).index(direction) + 1,
        "status": None if status is None else next(number for number, name in _STATES.items() if name == status),
    }

    def readable(answer: Mapping[str, Any]) -> None:
        names = names_of(session, product_key)
        if as_hex:
            for row in answer["items"]:
                _data_block(row, names)
            return
        table(
            ("Time", "", "Cmd", "Packet", "Status", "Ticket", "Values"),
            (
                (
                    instant(row["created_at"]),
                    row["direction"],
                    row["cmd"],
                    row["packet_id"],
                    _STATES.get(row["status"], row["status"]),
                    row["ticket"],
                    _data_values(row, names),
                )
                for row in answer["items"]
            ),
        )

    _log(session, product_key, device_key, "data", filters, (since, until), (limit, offset), readable)


@command(log, "events")
def _events(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    kind: Annotated[_Event | None, typer.Option("--type", help="Only these.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> None:
    """Show the events of the device and of its connection."""

    def readable(answer: Mapping[str, Any]) -> None:
        table(
            ("Time", "Type", "Code", "Name", "Output", "Remark"),
            (
                (
                    instant(row["created_at"]),
                    _EVENTS[row["type"]] if 0 <= row["type"] < len(_EVENTS) else row["type"],
                    row["code"],
                    row["name"],
                    pairs(row["output"]),
                    row["remark"],
                )
                for row in answer["items"]
            ),
        )

    filters = {"type": None if kind is None else _EVENTS.index(kind)}
    _log(session, product_key, device_key, "events", filters, (since, until), (limit, offset), readable)


@command(log, "exceptions")
def _exceptions(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> None:
    """Show what of messages could not be taken, and why."""

    def readable(answer: Mapping[str, Any]) -> None:
        table(
            ("Time", "Cmd", "Packet", "Reason", "Ids", "Hex"),
            (
                (
                    instant(row["created_at"]),
                    row["cmd"],
                    row["packet_id"],
                    row["reason"],
                    "" if row["feature_ids"] is None else brief(row["feature_ids"]),
                    row["hex"],
                )
                for row in answer["items"]
            ),
        )

    _log(session, product_key, device_key, "exceptions", {}, (since, until), (limit, offset), readable)


@command(log, "locations")
def _locations(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> None:
    """Show the positions."""

    def readable(answer: Mapping[str, Any]) -> None:
        table(
            ("Time", "Source", "WGS-84", "GCJ-02", "Satellites", "HDOP", "Height", "Speed", "Raw"),
            (
                (
                    instant(row["at"]),
                    row["source"],
                    _point(row.get("wgs84")),
                    _point(row.get("gcj02")),
                    row.get("satellites"),
                    row.get("hdop"),
                    _with_unit(row.get("height"), "m"),
                    _with_unit(row.get("speed"), "kn"),
                    row["raw"],
                )
                for row in answer["items"]
            ),
        )

    _log(session, product_key, device_key, "locations", {}, (since, until), (limit, offset), readable)


@command(log, "services")
def _services(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> None:
    """Show the calls of services with their answers."""
    path = path_of("devices", product_key, device_key, "logs", "services")
    answer = session.get(path, limit=limit, offset=offset, **range_of(since, until))
    session.show(answer, lambda: command_table(answer.value, names_of(session, product_key), offset))


def _log(
    session: Session,
    product_key: str,
    device_key: str,
    kind: str,
    filters: Mapping[str, object],
    times: tuple[str | None, str | None],
    page: tuple[int, int],
    readable: Callable[[Mapping[str, Any]], None],
) -> None:
    limit, offset = page
    path = path_of("devices", product_key, device_key, "logs", kind)
    answer = session.get(path, limit=limit, offset=offset, **range_of(*times), **filters)

    def show() -> None:
        readable(answer.value)
        footer(answer.value, offset)

    session.show(answer, show)


def _data_values(row: Mapping[str, Any], names: FeatureNames) -> str:
    return names.line(row["dm_data"]) if row["dm_data"] is not None else bytes_line(bytes.fromhex(row["hex"]))


def _data_block(row: Mapping[str, Any], names: FeatureNames) -> None:
    packet = "" if row["packet_id"] is None else f"  packet {row['packet_id']}"
    state = _STATES.get(row["status"], row["status"])
    say(f"{instant(row['created_at'])}  {row['direction']}  {row['cmd']}{packet}  {state}  ticket {row['ticket']}")
    if row["dm_data"] is not None:
        say(f"  {names.line(row['dm_data'])}")
    for line in hexdump(bytes.fromhex(row["hex"])):
        say(f"  {line}")


def _show_values(found: Mapping[str, Any]) -> None:
    table(
        ("Id", "Code", "Name", "Access", "Value", "Unit", "Reported"),
        (
            (
                entry["id"],
                entry["code"] or "(not in the model)",
                entry["name"],
                entry["sub_type"],
                "" if entry["at"] is None else brief(entry["value"]),
                entry["unit"],
                moment(entry["at"], "never"),
            )
            for entry in found["properties"]
        ),
    )
    if found["resources"]:
        table(
            ("Status and module", "Value", "Reported"),
            ((entry["name"], brief(entry["value"]), moment(entry["at"])) for entry in found["resources"]),
        )
    location = found["location"]
    if location is not None:
        say(f"location: {_point(location.get('wgs84')) or location['raw']} at {moment(location['at'])}")
    if found["updated_at"] is None:
        say("nothing was reported yet")


def _point(point: Mapping[str, float] | None) -> str:
    return "" if point is None else f"{point['latitude']:.6f}, {point['longitude']:.6f}"


def _with_unit(value: str | None, unit: str) -> str:
    return "" if not value else f"{value} {unit}"
