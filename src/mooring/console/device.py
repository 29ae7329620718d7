"""One device: its header, its tabs, and what is done to it as a whole."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from mooring.platform.devices import DeviceChanges
from mooring.platform.entities import Device
from mooring.platform.latest import Newest

from . import device_debug, device_logs, device_trace
from .device_history import value_history
from .device_of import DevicePage, device_of, path_of
from .devices import AUTH_MODES, device_state
from .html import Child, Html, tag
from .model_form import Feature, properties
from .page import Action, AnyRoute, Done, Form, Page, Shown, View, address
from .parts import (
    Column,
    action_button,
    badge,
    card,
    copyable,
    dialog,
    empty,
    facts,
    form,
    link,
    live,
    moment,
    opens,
    table,
    tabs,
    text_field,
)

__all__ = ["ROUTES"]

_PATH = "/devices/{product_key}/{device_key}"
_GATEWAY = 1  # access_type
_VALUES_S = 4

_Tab = Callable[[View, DevicePage], Awaitable[Child]]


async def _show_device(view: View) -> Shown:
    t = view.t
    device, product = await device_of(view)
    shown = DevicePage(device, product)
    titles = {
        "info": t("Information"),
        "values": t("Latest values"),
        "debug": t("Debugging"),
        "trace": t("Live trace"),
        "commands": t("Commands"),
        "data": t("Data log"),
        "events": t("Event log"),
        "errors": t("Exception log"),
        "services": t("Service calls"),
        "location": t("Location"),
    }
    if product.access_type == _GATEWAY:
        titles["sub-devices"] = t("Sub-devices")
    asked = view.query.get("tab", "info")
    tab = asked if asked in titles else "info"
    body = await _TABS[tab](view, shown)
    head = live("state", 5, tag.p(device_state(view, device), " ", device.is_virtual and badge(t("Virtual"), "info")))
    scripts = ("trace.js",) if tab == "trace" else ()
    return Shown(
        f"{device.name}",
        (head, tabs(view, list(titles.items()), tab, t("Device")), body),
        _buttons(view, device, path_of(shown)),
        ((t("Devices"), "/devices"),),
        scripts,
    )


def _buttons(view: View, device: Device, path: Mapping[str, object]) -> Child:
    t = view.t
    switch = (
        action_button(view, _DISABLE, t("Disable"), path=path, confirm=t("The device is kept out. Disable it?"))
        if device.enabled
        else action_button(view, _ENABLE, t("Enable"), path=path)
    )
    delete = action_button(
        view,
        _DELETE,
        t("Delete"),
        path=path,
        danger=True,
        confirm=t("Delete device {key}? Its history stays.", key=device.device_key),
    )
    return opens(view, _UPDATE, "edit-device", t("Edit")), switch, delete


async def _information(view: View, shown: DevicePage) -> Child:
    t = view.t
    device, product = shown.device, shown.product
    path = path_of(shown)
    secrets = (
        action_button(view, _SHOW_SECRET, t("Show secret"), path=path, small=True),
        action_button(
            view,
            _RESET,
            t("Reset secret"),
            path=path,
            small=True,
            danger=True,
            confirm=t("The device has to authenticate again. Reset its secret?"),
        ),
    )
    basic = card(
        t("Basic information"),
        facts(
            ("DeviceKey", copyable(view, device.device_key)),
            (t("Product"), link(product.name, "/products/{key}", key=product.product_key)),
            ("ProductKey", copyable(view, product.product_key)),
            (
                "DeviceSecret",
                t("confirmed") if device.secret_confirmed else t("given") if device.device_secret else None,
            ),
            (t("Authentication"), t(AUTH_MODES[device.auth_mode])),
            (t("Fingerprint"), device.fingerprint),
            (t("Serial number (SN)"), copyable(view, device.sn) if device.sn else None),
            (t("Client id"), copyable(view, device.client_id)),
            (t("Created"), moment(device.created_at)),
            (t("Activated"), moment(device.activated_at)),
            (t("First online"), moment(device.first_conn_at)),
            (t("Last online"), moment(device.last_conn_at)),
            (t("Last offline"), moment(device.last_offline_at)),
        ),
        actions=secrets,
    )
    newest = await view.platform.latest.of(device.id)
    resources = sorted(newest.resources.items()) if newest is not None else []
    module = facts(*((name, f"{found.value}") for name, found in resources)) if resources else None
    more = card(t("Module"), module or empty(t("The device has told nothing about its module yet.")))
    return basic, more, _edit_dialog(view, device, path)


def _edit_dialog(view: View, device: Device, path: Mapping[str, object]) -> Child:
    t = view.t
    return dialog(
        view,
        "edit-device",
        t("Edit device"),
        form(
            view,
            _UPDATE,
            text_field("name", t("Name"), device.name, required=True, most=100),
            text_field("sn", t("Serial number (SN)"), device.sn or "", most=64),
            submit=t("Save"),
            path=path,
        ),
    )


async def _values(view: View, shown: DevicePage) -> Child:
    t = view.t
    known = properties(shown.product, view.language)
    newest = await view.platform.latest.of(shown.device.id)
    values = newest.properties if newest is not None else {}
    rows = [(feature, values.get(feature.id)) for feature in known]
    columns: list[Column[Any]] = [
        Column(t("Name"), lambda row: row[0].name),
        Column(t("Identifier"), lambda row: tag.code(row[0].code)),
        Column(t("Data type"), lambda row: row[0].data_type),
        Column(t("Value"), lambda row: _value(row[1], row[0].unit)),
        Column(t("Updated"), lambda row: moment(row[1].at if row[1] else None)),
        Column(t("History"), lambda row: _history_link(view, shown, row[0])),
    ]
    title = t("Latest values")
    nothing = empty(t("The product has no released thing model."))
    now = card("", live("values", _VALUES_S, table(columns, rows, title) if rows else nothing))
    asked = next((feature for feature in known if feature.code == view.query.get("feature")), None)
    if asked is None or view.part:
        return now
    return await value_history(view, shown, asked), now


def _history_link(view: View, shown: DevicePage, feature: Feature) -> Html:
    where = address(_PATH, {"tab": "values", "feature": feature.code}, **path_of(shown))
    return tag.a(view.t("Show"), href=where, aria_label=f"{view.t('History')} {feature.name}")


def _value(newest: Newest | None, unit: str) -> Child:
    if newest is None:
        return None
    value = newest.value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return tag.strong(f"{text} {unit}".strip())


async def _update(view: View, form_: Form) -> Done:
    changes = DeviceChanges(name=form_.text("name"), sn=form_.optional("sn"))
    await view.platform.devices.update(view.actor, view.path["product_key"], view.path["device_key"], changes)
    return Done(notice=view.t("Saved."))


async def _enable(view: View, form_: Form) -> Done:
    await view.platform.devices.enable(view.actor, view.path["product_key"], view.path["device_key"])
    return Done(notice=view.t("The device may connect."))


async def _disable(view: View, form_: Form) -> Done:
    await view.platform.devices.disable(view.actor, view.path["product_key"], view.path["device_key"])
    return Done(notice=view.t("The device is kept out."))


async def _delete(view: View, form_: Form) -> Done:
    await view.platform.devices.delete(view.actor, view.path["product_key"], view.path["device_key"])
    return Done("/devices", view.t("The device is deleted."))


async def _show_secret(view: View, form_: Form) -> Done:
    secret = await view.platform.devices.show_secret(view.actor, view.path["product_key"], view.path["device_key"])
    told = copyable(view, secret.reveal()) if secret is not None else tag.p(view.t("The device has no secret."))
    return Done(show=told, title="DeviceSecret")


async def _reset(view: View, form_: Form) -> Done:
    reset = await view.platform.devices.reset(view.actor, view.path["product_key"], view.path["device_key"])
    if reset.secret is None:
        return Done(notice=view.t("The device authenticates again when it connects."))
    return Done(show=copyable(view, reset.secret.reveal()), title="DeviceSecret")


_UPDATE = Action(f"{_PATH}/update", _update)
_ENABLE = Action(f"{_PATH}/enable", _enable)
_DISABLE = Action(f"{_PATH}/disable", _disable)
_DELETE = Action(f"{_PATH}/delete", _delete)
_SHOW_SECRET = Action(f"{_PATH}/secret", _show_secret)
_RESET = Action(f"{_PATH}/secret/reset", _reset)

_TABS: dict[str, _Tab] = {
    "info": _information,
    "values": _values,
    "debug": device_debug.show,
    "trace": device_trace.show,
    "commands": device_logs.commands,
    "data": device_logs.data,
    "events": device_logs.events,
    "errors": device_logs.exceptions,
    "services": device_logs.services,
    "location": device_logs.locations,
    "sub-devices": device_logs.sub_devices,
}

ROUTES: tuple[AnyRoute, ...] = (
    Page(_PATH, _show_device),
    _UPDATE,
    _ENABLE,
    _DISABLE,
    _DELETE,
    _SHOW_SECRET,
    _RESET,
    *device_debug.ROUTES,
    *device_trace.ROUTES,
    *device_logs.ROUTES,
)
