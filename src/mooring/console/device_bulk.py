"""Many devices at once: a CSV file in and out, what is done to ticked ones, serial numbers with their QR codes."""

from collections.abc import Awaitable, Callable, Sequence

from mooring.platform import Conflict, Invalid, PlatformError, Role
from mooring.platform.device_csv import COLUMNS, read_devices
from mooring.platform.devices import DeviceFilter
from mooring.platform.entities import Device
from mooring.platform.serial_numbers import SerialNumber

from .html import Html, tag, trusted
from .page import Action, AnyRoute, Done, Download, File, Form, Page, Shown, View
from .parts import area_field, card, dialog, file_field, form, note, number_field, select_field
from .texts import translate_refusal

__all__ = ["EXPORT", "IMPORT", "ROUTES", "bulk_bar", "import_dialog"]

_BATCH = 1_000
_SHEET = 240  # QR codes on a sheet; more are a file only
_CSV = "text/csv; charset=utf-8"
_HEAD = "product_key,device_key,name,sn,auth_mode,online,activated_at,last_conn_at"


def import_dialog(view: View) -> Html:
    """The box that takes a CSV file."""
    t = view.t
    products = [(product.product_key, product.name) for product in view.platform.products.all(view.account_id)]
    return dialog(
        view,
        "import-devices",
        t("Import devices"),
        form(
            view,
            IMPORT,
            select_field("product_key", t("Product"), products, view.query.get("product", "")),
            file_field("csv", t("CSV file"), accept=".csv,text/csv", hint=", ".join(COLUMNS)),
            area_field("csv", t("or its content"), rows=5, mono=True, hint=t("The first line names the columns.")),
            submit=t("Import"),
        ),
    )


def bulk_bar(view: View) -> Html:
    """The buttons for what is ticked; the boxes of the list belong to this form."""
    t = view.t
    if not view.may(Role.DEVELOPER):
        return Html("")
    buttons = (
        (_ENABLE, t("Enable ticked"), "", ""),
        (_DISABLE, t("Disable ticked"), t("Keep the ticked devices out?"), ""),
        (_DELETE, t("Delete ticked"), t("Delete the ticked devices? Their history stays."), "danger"),
    )
    return tag.form(
        tag.input(type="hidden", name="csrf", value=view.csrf),
        tag.p(class_="error", role="alert", hidden=True),
        tag.div(
            (
                tag.button(
                    text,
                    type="submit",
                    class_=f"small {style}".strip(),
                    formaction=f"/console{action.path}",
                    data_confirm=question or None,
                )
                for action, text, question, style in buttons
            ),
            class_="buttons",
        ),
        id="ticked",
        method="post",
        action=f"/console{_ENABLE.path}",
    )


async def _import(view: View, form_: Form) -> Done:
    content = form_.text("csv")
    if not content.strip():
        raise Invalid("empty_file", view.t("Choose a file, or paste its content."), field="csv")
    devices = read_devices(content.encode())
    added = await view.platform.devices.add_many(view.actor, form_.text("product_key"), devices)
    told = view.t("{count} devices are added.", count=len(added))
    secrets = [(entry.device.device_key, entry.secret.reveal()) for entry in added if entry.secret is not None]
    if not secrets:
        return Done("/devices", told)
    text = "".join(f"{key},{secret}\r\n" for key, secret in secrets)
    return Done("/devices", told, file=File("device-secrets.csv", f"device_key,device_secret\r\n{text}".encode(), _CSV))


async def _export(view: View) -> File:
    products = {product.id: product for product in view.platform.products.all(view.account_id)}
    lines, skip = [_HEAD], 0
    while True:
        found, _ = await view.platform.devices.some(view.account_id, DeviceFilter(), skip=skip, rows=_BATCH)
        lines += [_line(device, products[device.product_id].product_key) for device in found]
        skip += _BATCH
        if len(found) < _BATCH:
            return File("devices.csv", ("\r\n".join(lines) + "\r\n").encode(), _CSV)


def _line(device: Device, product_key: str) -> str:
    cells = (
        product_key,
        device.device_key,
        device.name,
        device.sn or "",
        device.auth_mode,
        int(device.online),
        device.activated_at or "",
        device.last_conn_at or "",
    )
    return ",".join(_cell(str(cell)) for cell in cells)


def _cell(text: str) -> str:
    """One cell; what a spreadsheet would take for a formula stays a text."""
    if text[:1] in ("=", "+", "-", "@", "\t", "\r"):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in '",\r\n') else text


async def _each(view: View, form_: Form, act: Callable[[str, str], Awaitable[object]]) -> Done:
    """Do it to each ticked device; what is refused does not keep the others back."""
    ticked = form_.many("device")
    if not ticked:
        raise Invalid("nothing_ticked", view.t("Tick devices first."))
    refused = []
    for entry in ticked:
        product_key, _, device_key = entry.partition("/")
        try:
            await act(product_key, device_key)
        except PlatformError as error:
            refused.append(f"{device_key}: {translate_refusal(view.language, error.message)}")
    if refused:
        raise Conflict("some_refused", "; ".join(refused[:5]))
    return Done("/devices", view.t("{count} devices are changed.", count=len(ticked)))


async def _enable(view: View, form_: Form) -> Done:
    devices = view.platform.devices
    return await _each(view, form_, lambda product_key, key: devices.enable(view.actor, product_key, key))


async def _disable(view: View, form_: Form) -> Done:
    devices = view.platform.devices
    return await _each(view, form_, lambda product_key, key: devices.disable(view.actor, product_key, key))


async def _delete(view: View, form_: Form) -> Done:
    devices = view.platform.devices
    return await _each(view, form_, lambda product_key, key: devices.delete(view.actor, product_key, key))


# Serial numbers


async def _show_numbers(view: View) -> Shown:
    t = view.t
    products = [(product.product_key, product.name) for product in view.platform.products.all(view.account_id)]
    made = form(
        view,
        _MAKE,
        select_field("product_key", t("Product"), products),
        number_field("count", t("How many"), 24, low=1, high=10_000, required=True),
        select_field("as", t("As"), [("sheet", t("A sheet of QR codes to print")), ("csv", t("A CSV file"))]),
        submit=t("Make"),
    )
    told = note(t("A number becomes a device's when you give it to one."))
    return Shown(t("Serial numbers"), card("", told, made), crumbs=((t("Devices"), "/devices"),))


async def _make_numbers(view: View, form_: Form) -> Done:
    count, sheet = form_.number("count"), form_.text("as") == "sheet"
    if sheet and count > _SHEET:
        raise Invalid("range", view.t("A sheet has {most} codes at most; choose a file.", most=_SHEET), field="count")
    made = await view.platform.serial_numbers.make(view.actor, form_.text("product_key"), count)
    if sheet:
        return Done(show=_sheet(view, made), title=view.t("Serial numbers"))
    rows = "".join(f"{number.sn},{number.qr}\r\n" for number in made)
    return Done(file=File("serial-numbers.csv", f"sn,qr\r\n{rows}".encode(), _CSV))


def _sheet(view: View, numbers: Sequence[SerialNumber]) -> Html:
    import segno

    codes = (
        tag.li(trusted(segno.make(number.qr, micro=False).svg_inline(scale=3, light="#fff")), tag.code(number.sn))
        for number in numbers
    )
    printing = tag.button(view.t("Print"), type="button", class_="primary", data_print=True)
    return tag.div(tag.div(printing, class_="buttons"), tag.ul(codes, class_="sheet"))


IMPORT = Action("/devices/import", _import)
EXPORT = Download("/devices/export.csv", _export)
_ENABLE = Action("/devices/ticked/enable", _enable)
_DISABLE = Action("/devices/ticked/disable", _disable)
_DELETE = Action("/devices/ticked/delete", _delete)
_MAKE = Action("/serial-numbers", _make_numbers)

ROUTES: tuple[AnyRoute, ...] = (
    IMPORT,
    EXPORT,
    _ENABLE,
    _DISABLE,
    _DELETE,
    Page("/serial-numbers", _show_numbers),
    _MAKE,
)
