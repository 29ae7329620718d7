"""The virtual device of a product: a person acts as the device."""

from collections.abc import Sequence
from typing import Any

from mooring.platform import Missing
from mooring.platform.entities import Product
from mooring.platform.virtual_devices import VirtualDevice

from .devices import device_state
from .html import Child, Html, tag
from .model_form import Feature, events, properties, services, value_fields, values_of
from .page import Action, AnyRoute, Done, Form, Page, Shown, View, address
from .parts import Column, Paging, action_button, card, empty, facts, form, link, listing, live, number_field

__all__ = ["ROUTES"]

_ONE = "/virtual-devices/{product_key}"
_DEVICE = "/devices/{product_key}/{device_key}"
_VALUE, _OUTPUT = "value_", "output_"
_MODEL = 3  # data_fmt
_SUB_DEVICE = 2  # access_type


async def _list(view: View) -> Shown:
    t = view.t
    products = [product for product in view.platform.products.all(view.account_id) if product.data_fmt == _MODEL]
    paging = Paging.of(view)
    rows = [(product, await _find(view, product)) for product in products[paging.skip : paging.skip + paging.size]]
    columns: list[Column[Any]] = [
        Column(t("Product"), lambda row: link(row[0].name, _ONE, product_key=row[0].product_key)),
        Column(t("Virtual device"), lambda row: row[1].device.device_key if row[1] else None),
        Column(t("State"), lambda row: device_state(view, row[1].device) if row[1] else None),
        Column("", lambda row: None if row[1] else _create_button(view, row[0])),
    ]
    title = t("Virtual devices")
    nothing = empty(t("There is no product with a thing model yet."))
    body = card("", listing(view, columns, rows, len(products), paging, title, nothing=nothing))
    return Shown(title, body)


def _create_button(view: View, product: Product) -> Html:
    path = {"product_key": product.product_key}
    label = f"{view.t('Create')} {product.name}"
    return action_button(view, _CREATE, view.t("Create"), path=path, small=True, label=label)


async def _find(view: View, product: Product) -> VirtualDevice | None:
    try:
        return await view.platform.virtual_devices.one(view.account_id, product.product_key)
    except Missing:
        return None


async def _show(view: View) -> Shown:
    t = view.t
    product = view.platform.products.one(view.account_id, view.path["product_key"])
    found = await _find(view, product)
    crumbs = ((t("Virtual devices"), "/virtual-devices"),)
    title = t("Virtual device of {name}", name=product.name)
    if found is None:
        nothing = empty(t("The product has no virtual device yet."), _create_button(view, product))
        return Shown(title, card("", nothing), crumbs=crumbs)
    device = found.device
    keys = {"product_key": product.product_key, "device_key": device.device_key}
    about = card(
        "",
        facts(
            ("DeviceKey", link(device.device_key, _DEVICE, **keys)),
            (t("State"), live("state", 3, device_state(view, device))),
            (t("Answers by itself"), ", ".join(found.answers) or None),
            (t("Communication log"), tag.a(t("Live trace"), href=address(_DEVICE, {"tab": "trace"}, **keys))),
        ),
    )
    cards = _cards(view, product) if device.online else [card("", empty(t("Go online to push.")))]
    body = about, tag.div(cards, class_="columns")
    return Shown(title, body, _buttons(view, product, online=device.online), crumbs)


def _buttons(view: View, product: Product, *, online: bool) -> Child:
    t = view.t
    path = {"product_key": product.product_key}
    delete = action_button(
        view, _DELETE, t("Delete"), path=path, danger=True, confirm=t("Delete the virtual device? Its history stays.")
    )
    if online:
        return action_button(view, _OFFLINE, t("Go offline"), path=path), delete
    if product.access_type == _SUB_DEVICE:
        gateways = [entry for entry in view.platform.products.all(view.account_id) if entry.access_type == 1]
        through = [
            action_button(
                view,
                _ONLINE,
                t("Go online through {name}", name=gateway.name),
                path=path,
                values={"gateway": gateway.product_key},
            )
            for gateway in gateways
        ]
        return (*through, delete)
    return action_button(view, _ONLINE, t("Go online"), path=path), delete


def _cards(view: View, product: Product) -> list[Html]:
    t = view.t
    path = {"product_key": product.product_key}
    known = properties(product, view.language)
    found = []
    if known:
        fields = tag.div(value_fields(view, known, _VALUE), class_="grid")
        found.append(card(t("Properties"), form(view, _PROPERTIES, fields, submit=t("Push"), path=path)))
    for event in events(product, view.language):
        fields = tag.div(value_fields(view, event.outputs, _OUTPUT), class_="grid")
        title = t("Event {name}", name=event.name)
        found.append(card(title, form(view, _EVENT, fields, submit=t("Push"), path={**path, "code": event.code})))
    for service in services(product, view.language):
        fields = tag.div(value_fields(view, service.outputs, _OUTPUT), class_="grid")
        delay = number_field("delay_s", t("Answer each call after, seconds"), hint=t("Empty: answer now, once"), low=0)
        title = t("Answer of {name}", name=service.name)
        parameters = {**path, "code": service.code}
        found.append(card(title, form(view, _ANSWER, fields, delay, submit=t("Answer"), path=parameters)))
    return found


async def _create(view: View, form_: Form) -> Done:
    await view.platform.virtual_devices.create(view.actor, view.path["product_key"])
    return Done(_here(view), view.t("The virtual device is made."))


async def _delete(view: View, form_: Form) -> Done:
    await view.platform.virtual_devices.delete(view.actor, view.path["product_key"])
    return Done("/virtual-devices", view.t("The virtual device is deleted."))


async def _online(view: View, form_: Form) -> Done:
    gateway = form_.optional("gateway")
    await view.platform.virtual_devices.go_online(view.actor, view.path["product_key"], gateway_product_key=gateway)
    return Done(_here(view), view.t("The virtual device is online."))


async def _offline(view: View, form_: Form) -> Done:
    await view.platform.virtual_devices.go_offline(view.actor, view.path["product_key"])
    return Done(_here(view), view.t("The virtual device is offline."))


async def _push_properties(view: View, form_: Form) -> Done:
    product = view.platform.products.one(view.account_id, view.path["product_key"])
    values = values_of(form_, properties(product, view.language), _VALUE)
    await view.platform.virtual_devices.push_properties(view.actor, product.product_key, values)
    return Done(notice=view.t("Pushed."))


async def _push_event(view: View, form_: Form) -> Done:
    product = view.platform.products.one(view.account_id, view.path["product_key"])
    event = _named(view, events(product, view.language))
    outputs = values_of(form_, event.outputs, _OUTPUT)
    await view.platform.virtual_devices.push_event(view.actor, product.product_key, event.code, outputs)
    return Done(notice=view.t("Pushed."))


async def _answer(view: View, form_: Form) -> Done:
    product = view.platform.products.one(view.account_id, view.path["product_key"])
    service = _named(view, services(product, view.language))
    outputs = values_of(form_, service.outputs, _OUTPUT)
    delay = form_.optional_number("delay_s")
    virtual, key = view.platform.virtual_devices, product.product_key
    if delay is None:
        await virtual.push_answer(view.actor, key, service.code, outputs)
        return Done(notice=view.t("Answered."))
    await virtual.set_answer(view.actor, key, service.code, outputs, delay)
    return Done(notice=view.t("Each call is answered from now on."))


def _named(view: View, features: Sequence[Feature]) -> Feature:
    code = view.path["code"]
    for feature in features:
        if feature.code == code:
            return feature
    raise Missing("no_such_feature", f"the thing model has no {code[:100]}")


def _here(view: View) -> str:
    return f"/virtual-devices/{view.path['product_key']}"


_CREATE = Action(f"{_ONE}/create", _create)
_DELETE = Action(f"{_ONE}/delete", _delete)
_ONLINE = Action(f"{_ONE}/online", _online)
_OFFLINE = Action(f"{_ONE}/offline", _offline)
_PROPERTIES = Action(f"{_ONE}/properties", _push_properties)
_EVENT = Action(f"{_ONE}/events/{{code}}", _push_event)
_ANSWER = Action(f"{_ONE}/answers/{{code}}", _answer)

ROUTES: tuple[AnyRoute, ...] = (
    Page("/virtual-devices", _list),
    Page(_ONE, _show),
    _CREATE,
    _DELETE,
    _ONLINE,
    _OFFLINE,
    _PROPERTIES,
    _EVENT,
    _ANSWER,
)
