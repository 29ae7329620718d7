"""The list of devices: looking for them, adding one or many, doing something with those that are ticked."""

from collections.abc import Sequence

from mooring.platform import Invalid, Role
from mooring.platform.devices import DeviceFilter, NewDevice
from mooring.platform.entities import Device, Product

from .device_bulk import EXPORT, IMPORT, bulk_bar, import_dialog
from .html import Child, Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import (
    Column,
    Paging,
    badge,
    choice,
    copyable,
    dialog,
    empty,
    facts,
    filters,
    form,
    link,
    link_button,
    listing,
    moment,
    opens,
    search,
    select_field,
    text_field,
)

__all__ = ["AUTH_MODES", "ROUTES", "device_state"]

AUTH_MODES = {0: "Dynamic", 1: "Static", 2: "X.509"}
"""English names of `auth_mode`."""

_SWITCHES = {"true": True, "false": False}


async def _list_devices(view: View) -> Shown:
    t = view.t
    products = view.platform.products.all(view.account_id)
    paging = Paging.of(view)
    chosen = next((product for product in products if product.product_key == view.query.get("product")), None)
    found, total = await view.platform.devices.some(
        chosen or view.account_id, _filter(view), skip=paging.skip, rows=paging.size
    )
    yes_no = [("true", t("Yes")), ("false", t("No"))]
    bar = filters(
        view,
        search(view, "text", t("Key, name or SN")),
        choice(view, "product", t("Product"), [(product.product_key, product.name) for product in products]),
        choice(view, "online", t("Online"), yes_no),
        choice(view, "activated", t("Activated"), yes_no),
        choice(view, "enabled", t("Enabled"), yes_no),
    )
    keys = {product.id: product.product_key for product in products}
    columns = _columns(view, {product.id: product for product in products})
    may_change = view.may(Role.DEVELOPER)

    def ticked(device: Device) -> str:
        return f"{keys[device.product_id]}/{device.device_key}"

    rows = listing(
        view,
        columns,
        found,
        total,
        paging,
        t("Devices"),
        nothing=empty(t("No device matches.")),
        ticks=("device", ticked) if may_change else None,
    )
    buttons = (
        opens(view, _ADD, "add-device", t("Add a device"), primary=True),
        opens(view, IMPORT, "import-devices", t("Import")),
        link_button(t("Export"), EXPORT.path),
        may_change and link_button(t("Serial numbers"), "/serial-numbers"),
    )
    body = tag.section(bar, rows, bulk_bar(view), class_="card"), _add_dialog(view, products), import_dialog(view)
    return Shown(t("Devices"), body, buttons)


def _filter(view: View) -> DeviceFilter:
    asked = view.query
    return DeviceFilter(
        text=asked.get("text", "").strip()[:100] or None,
        online=_SWITCHES.get(asked.get("online", "")),
        activated=_SWITCHES.get(asked.get("activated", "")),
        enabled=_SWITCHES.get(asked.get("enabled", "")),
    )


def _columns(view: View, products: dict[int, Product]) -> Sequence[Column[Device]]:
    t = view.t

    def key(device: Device) -> Child:
        product_key = products[device.product_id].product_key
        path = "/devices/{product_key}/{device_key}"
        return link(device.device_key, path, product_key=product_key, device_key=device.device_key)

    return [
        Column("DeviceKey", key),
        Column(t("Name"), lambda device: device.name),
        Column(t("Product"), lambda device: products[device.product_id].name),
        Column(t("State"), lambda device: device_state(view, device)),
        Column(t("Authentication"), lambda device: t(AUTH_MODES[device.auth_mode])),
        Column(t("Activated"), lambda device: moment(device.activated_at)),
        Column(t("Last online"), lambda device: moment(device.last_conn_at)),
    ]


def device_state(view: View, device: Device) -> Html:
    """Whether a device is online, as a badge."""
    if not device.enabled:
        return badge(view.t("Disabled"), "bad")
    return badge(view.t("Online"), "good") if device.online else badge(view.t("Offline"))


def _add_dialog(view: View, products: Sequence[Product]) -> Html:
    t = view.t
    options = [(product.product_key, product.name) for product in products]
    modes = [(str(mode), t(name)) for mode, name in AUTH_MODES.items()]
    return dialog(
        view,
        "add-device",
        t("Add a device"),
        form(
            view,
            _ADD,
            select_field("product_key", t("Product"), options, view.query.get("product", "")),
            text_field("device_key", "DeviceKey", required=True, most=32, hint=t("4 to 32 letters and digits")),
            text_field("name", t("Name"), most=100, hint=t("The DeviceKey, when empty")),
            text_field("sn", t("Serial number (SN)"), most=64),
            select_field("auth_mode", t("Authentication"), modes),
            text_field("fingerprint", t("Fingerprint (SHA-1), X.509 only"), most=40),
            submit=t("Add"),
        ),
    )


async def _add_device(view: View, form: Form) -> Done:
    mode = form.number("auth_mode")
    if mode not in AUTH_MODES:
        raise Invalid("choice", "auth_mode must be 0, 1 or 2", field="auth_mode")
    new = NewDevice(
        form.text("device_key").strip(),
        form.optional("name"),
        form.optional("sn"),
        mode,
        form.optional("fingerprint"),
    )
    product_key = form.text("product_key")
    added = await view.platform.devices.add(view.actor, product_key, new)
    told = view.t("Device {key} is added.", key=added.device.device_key)
    if added.secret is None:
        return Done("/devices", told)
    secret = facts(("DeviceKey", added.device.device_key), ("DeviceSecret", copyable(view, added.secret.reveal())))
    return Done("/devices", told, show=secret, title="DeviceSecret")


_ADD = Action("/devices", _add_device)

ROUTES: tuple[AnyRoute, ...] = (Page("/devices", _list_devices), _ADD)
