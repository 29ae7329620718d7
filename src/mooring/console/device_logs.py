"""The logs of a device, each a tab: messages, events, exceptions, calls, commands, positions, sub-devices."""

import base64
from collections.abc import Mapping

import msgspec

from mooring.platform.command_input import Kind
from mooring.platform.command_timeline import CommandTimeline
from mooring.platform.history import DataRow, EventRow, ExceptionRow
from mooring.platform.locations import Location
from mooring.platform.topology import SubDevice

from .commands import command_state
from .device_of import DevicePage, path_of
from .html import Child, Html, tag
from .model_form import properties
from .page import Action, AnyRoute, Done, Form, View
from .parts import (
    Column,
    Paging,
    action_button,
    badge,
    card,
    choice,
    empty,
    facts,
    filters,
    link,
    listing,
    moment,
)

__all__ = ["ROUTES", "commands", "data", "events", "exceptions", "locations", "services", "sub_devices"]

EVENT_TYPES = {
    0: "Offline",
    1: "Online",
    2: "Reconnected",
    3: "Information",
    4: "Alert",
    5: "Fault",
    6: "Reset",
}
"""English names of event types (domain-rules.md section 6)."""

STATUSES = {0: "Waiting", 1: "Sent", -1: "Failed"}
"""English names of the status of a message."""

_DIRECTIONS = {1: "Up", 2: "Down"}
_PERIODS = {"1h": 1, "24h": 24, "7d": 168}
_ENCODINGS = ("decoded", "hex", "base64", "text")


async def data(view: View, shown: DevicePage) -> Child:
    """Messages in both directions."""
    t = view.t
    paging = Paging.of(view)
    rows, total = await view.platform.history.data(
        shown.device.id,
        since=_since(view),
        direction=_number(view, "direction"),
        status=_number(view, "status"),
        number=paging.page,
        size=paging.size,
    )
    encoding = view.query.get("as", "decoded")
    names = {feature.id: feature.code for feature in properties(shown.product, view.language)}
    bar = filters(
        view,
        choice(view, "direction", t("Direction"), [(str(key), t(name)) for key, name in _DIRECTIONS.items()]),
        choice(view, "status", t("Status"), [(str(key), t(name)) for key, name in STATUSES.items()]),
        _period(view),
        choice(view, "as", t("Content as"), [(name, t(name)) for name in _ENCODINGS[1:]]),
    )
    columns: list[Column[DataRow]] = [
        Column(t("Time"), lambda row: moment(row.created_at)),
        Column(
            t("Direction"), lambda row: badge(t(_DIRECTIONS[row.direction]), "info" if row.direction == 1 else "plain")
        ),
        Column(t("Command"), lambda row: tag.code(f"{row.cmd:04X}")),
        Column(t("Status"), lambda row: t(STATUSES[row.status])),
        Column(t("Ticket"), lambda row: _ticket(row)),
        Column(t("Content"), lambda row: tag.code(_content(row, encoding, names)), wide=True),
        Column(t("Sent"), lambda row: moment(row.sent_at)),
    ]
    return card(
        "", bar, listing(view, columns, rows, total, paging, t("Data log"), live=5 if paging.page == 1 else None)
    )


async def events(view: View, shown: DevicePage) -> Child:
    """What the device told, and when it came and went."""
    t = view.t
    paging = Paging.of(view)
    rows, total = await view.platform.history.events(
        shown.device.id,
        since=_since(view),
        event_type=_number(view, "type"),
        number=paging.page,
        size=paging.size,
    )
    kinds = [(str(key), t(name)) for key, name in EVENT_TYPES.items()]
    bar = filters(view, choice(view, "type", t("Event type"), kinds), _period(view))
    columns: list[Column[EventRow]] = [
        Column(t("Time"), lambda row: moment(row.created_at)),
        Column(t("Event type"), lambda row: _event_type(view, row.type)),
        Column(t("Name"), lambda row: row.name),
        Column(t("Identifier"), lambda row: tag.code(row.code) if row.code else None),
        Column(t("Output"), lambda row: tag.code(row.output) if row.output else None),
        Column(t("Remark"), lambda row: row.remark),
    ]
    return card(
        "", bar, listing(view, columns, rows, total, paging, t("Event log"), live=5 if paging.page == 1 else None)
    )


async def exceptions(view: View, shown: DevicePage) -> Child:
    """What of the device's messages could not be taken."""
    t = view.t
    paging = Paging.of(view)
    rows, total = await view.platform.history.exceptions(
        shown.device.id, since=_since(view), number=paging.page, size=paging.size
    )
    columns: list[Column[ExceptionRow]] = [
        Column(t("Time"), lambda row: moment(row.created_at)),
        Column(t("Command"), lambda row: tag.code(f"{row.cmd:04X}") if row.cmd is not None else None),
        Column(t("Reason"), lambda row: row.reason),
        Column(t("Failing ids"), lambda row: tag.code(row.feature_ids) if row.feature_ids else None),
        Column(t("Content"), lambda row: tag.code(base64.b64decode(row.data).hex()), wide=True),
    ]
    nothing = empty(t("Everything that the device sent could be taken."))
    bar = filters(view, _period(view))
    return card("", bar, listing(view, columns, rows, total, paging, t("Exception log"), nothing=nothing))


async def services(view: View, shown: DevicePage) -> Child:
    """Calls of services."""
    return await _commands(view, shown, Kind.SERVICE, view.t("Service calls"))


async def commands(view: View, shown: DevicePage) -> Child:
    """Every command to the device."""
    kinds = {kind.value: kind for kind in Kind}
    return await _commands(view, shown, kinds.get(view.query.get("kind", "")), view.t("Commands"))


async def _commands(view: View, shown: DevicePage, kind: Kind | None, title: str) -> Child:
    t = view.t
    paging = Paging.of(view)
    rows, total = await view.platform.commands.of_device(
        shown.device, kind=kind, since=_since(view), number=paging.page, size=paging.size
    )
    columns: list[Column[CommandTimeline]] = [
        Column(t("Ticket"), lambda row: link(str(row.ticket), "/commands/{ticket}", ticket=row.ticket)),
        Column(t("Kind"), lambda row: t(row.kind)),
        Column(t("State"), lambda row: command_state(view, row)),
        Column(t("Accepted"), lambda row: moment(row.accepted_at)),
        Column(t("Input"), lambda row: tag.code(row.input)),
        Column(t("Output"), lambda row: tag.code(row.output) if row.output else None),
        Column(t("Sender"), lambda row: row.origin),
    ]
    picks = () if kind is Kind.SERVICE and view.query.get("tab") == "services" else (_kinds(view),)
    bar = filters(view, *picks, _period(view))
    return card("", bar, listing(view, columns, rows, total, paging, title, live=3 if paging.page == 1 else None))


async def locations(view: View, shown: DevicePage) -> Child:
    """Where the device was."""
    t = view.t
    paging = Paging.of(view)
    rows, total = await view.platform.history.locations(
        shown.device.id, since=_since(view), number=paging.page, size=paging.size
    )
    columns: list[Column[Location]] = [
        Column(t("Time"), lambda row: moment(row.time)),
        Column(t("Method"), lambda row: row.source or t("not understood")),
        Column(t("Latitude"), lambda row: f"{row.wgs84.latitude:.6f}" if row.wgs84 else None, numeric=True),
        Column(t("Longitude"), lambda row: f"{row.wgs84.longitude:.6f}" if row.wgs84 else None, numeric=True),
        Column(t("Satellites"), lambda row: row.satellites, numeric=True),
    ]
    nothing = empty(t("The device has not told where it is."))
    bar = filters(view, _period(view))
    table = listing(view, columns, rows, total, paging, t("Location"), nothing=nothing)
    return _map(view, rows), card("", bar, table)


def _map(view: View, rows: list[Location]) -> Child:
    """The way of the positions of this page, without tiles from anywhere; north is up."""
    points = [(row.wgs84.longitude, row.wgs84.latitude) for row in reversed(rows) if row.wgs84 is not None]
    if not points:
        return None
    t = view.t
    newest = points[-1]
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    span = max(max(xs) - min(xs), max(ys) - min(ys), 0.0005)
    middle = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return 320 + (point[0] - middle[0]) / span * 260, 160 - (point[1] - middle[1]) / span * 260

    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, points))
    x, y = place(newest)
    drawn = tag.svg(
        tag.rect(x=1, y=1, width=638, height=318, rx=10, class_="ground"),
        tag.polyline(points=way, class_="series s0"),
        tag.circle(cx=f"{x:.1f}", cy=f"{y:.1f}", r=6, class_="dot s1"),
        tag.text("N ↑", x=14, y=24),
        tag.text(f"{span * 111:.2f} km", x=626, y=310, text_anchor="end"),
        viewBox="0 0 640 320",
        role="img",
        aria_label=t("Way of the device"),
    )
    where = f"https://www.openstreetmap.org/?mlat={newest[1]:.6f}&mlon={newest[0]:.6f}#map=16/{newest[1]:.6f}/{newest[0]:.6f}"
    out = tag.a(t("Open the newest in OpenStreetMap"), href=where, rel="noreferrer noopener", target="_blank")
    spot = facts((t("Newest position"), f"{newest[1]:.6f}, {newest[0]:.6f}"))
    return card(t("Way of the device"), tag.figure(drawn, class_="chart"), spot, tag.p(out))


async def sub_devices(view: View, shown: DevicePage) -> Child:
    """What hangs on a gateway."""
    t = view.t
    paging = Paging.of(view)
    rows, total = await view.platform.topology.sub_devices(
        shown.device, shown.product, skip=paging.skip, rows=paging.size
    )

    def key(sub: SubDevice) -> Child:
        product = view.platform.directory.product(sub.device.product_id)
        if product is None:
            return sub.device.device_key
        path = "/devices/{product_key}/{device_key}"
        return link(sub.device.device_key, path, product_key=product.product_key, device_key=sub.device.device_key)

    def unbind(sub: SubDevice) -> Child:
        product = view.platform.directory.product(sub.device.product_id)
        if product is None or not sub.is_current:
            return None
        return action_button(
            view,
            _UNBIND,
            t("Unbind"),
            path=path_of(DevicePage(sub.device, product)),
            confirm=t("Unbind {key} from its gateway?", key=sub.device.device_key),
            small=True,
            label=f"{t('Unbind')} {sub.device.device_key}",
        )

    columns: list[Column[SubDevice]] = [
        Column("DeviceKey", key),
        Column(t("Name"), lambda sub: sub.device.name),
        Column(t("Online"), lambda sub: t("Yes") if sub.device.online else t("No")),
        Column(t("Hangs here now"), lambda sub: t("Yes") if sub.is_current else t("No")),
        Column(t("Last login"), lambda sub: moment(sub.last_login_at)),
        Column("", unbind),
    ]
    nothing = empty(t("No sub-device has logged in through this gateway yet."))
    return card("", listing(view, columns, rows, total, paging, t("Sub-devices"), nothing=nothing))


async def _unbind(view: View, form: Form) -> Done:
    await view.platform.topology.unbind(view.actor, view.path["product_key"], view.path["device_key"])
    return Done(notice=view.t("The sub-device is unbound."))


_UNBIND = Action("/devices/{product_key}/{device_key}/unbind", _unbind)

ROUTES: tuple[AnyRoute, ...] = (_UNBIND,)


def _content(row: DataRow, encoding: str, names: Mapping[int, str]) -> str:
    if encoding == "base64":
        return row.data
    raw = base64.b64decode(row.data)
    if encoding == "text":
        return raw.decode(errors="replace")
    return raw.hex() if encoding == "hex" or row.dm_data is None else _decoded(row.dm_data, names)


def _decoded(dm_data: str, names: Mapping[int, str]) -> str:
    """dmData with codes for ids, where the released model has them (tsl.md section 10)."""
    entries = msgspec.json.decode(dm_data)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and "id" in entry for entry in entries):
        return dm_data
    return "  ".join(f"{names.get(entry['id'], entry['id'])}={_plain(entry.get('value'))}" for entry in entries)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _ticket(row: DataRow) -> Child:
    if row.direction == 2:
        return link(str(row.ticket), "/commands/{ticket}", ticket=row.ticket)
    return str(row.ticket)


def _event_type(view: View, number: int) -> Html:
    tones = {1: "good", 4: "warn", 5: "bad"}
    return badge(view.t(EVENT_TYPES.get(number, str(number))), tones.get(number, "plain"))


def _kinds(view: View) -> Html:
    return choice(view, "kind", view.t("Kind"), [(kind.value, view.t(kind.value)) for kind in Kind])


def _period(view: View) -> Html:
    t = view.t
    spans = [("1h", t("Last hour")), ("24h", t("Last 24 hours")), ("7d", t("Last 7 days"))]
    return choice(view, "period", t("Period"), spans)


def _since(view: View) -> int:
    hours = _PERIODS.get(view.query.get("period", ""))
    if hours is None:
        return 0
    return view.platform.clock.now_ms() - hours * 3_600_000


def _number(view: View, name: str) -> int | None:
    text = view.query.get(name, "")
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 5 else None
