"""Debugging of a device: reading, writing and calling by forms made from its thing model, and raw data."""

from collections.abc import Mapping

import msgspec

from mooring.platform import Invalid, Missing, Role
from mooring.platform.command_refusals import ticket_of
from mooring.platform.commands import SendOptions, SendResult

from .device_of import DevicePage, device_of, path_of
from .html import Child, Html, tag
from .model_form import properties, services, value_fields, values_of
from .page import Action, AnyRoute, Done, Form, View
from .parts import area_field, card, check_field, empty, form, number_field, select_field

__all__ = ["ROUTES", "show"]

_PATH = "/devices/{product_key}/{device_key}"
_VALUE, _INPUT = "value_", "input_"


async def show(view: View, shown: DevicePage) -> Child:
    """The tab."""
    t = view.t
    if not view.may(Role.DEVELOPER):
        return card("", empty(t("Your role does not allow this.")))
    path = path_of(shown)
    raw = card(
        t("Raw data"),
        form(
            view,
            _RAW,
            select_field("encoding", t("Content as"), [("Text", t("text")), ("Hex", t("hex"))]),
            area_field("data", t("Content"), rows=3, most=4096, mono=True),
            *_options(view),
            submit=t("Send"),
            path=path,
        ),
    )
    return tag.div(*_model_cards(view, shown, path), raw, class_="columns")


def _model_cards(view: View, shown: DevicePage, path: Mapping[str, object]) -> list[Html]:
    t = view.t
    known = properties(shown.product, view.language)
    readable = [feature for feature in known if feature.access != "W"]
    writable = [feature for feature in known if feature.access != "R"]
    cards = []
    if readable:
        boxes = [check_field("code", feature.title, value=feature.code, hint=feature.code) for feature in readable]
        cards.append(
            card(
                t("Read"),
                form(view, _READ, tag.div(boxes, class_="grid"), *_options(view), submit=t("Read"), path=path),
            )
        )
    if writable:
        fields = tag.div(value_fields(view, writable, _VALUE), class_="grid")
        cards.append(card(t("Write"), form(view, _WRITE, fields, *_options(view), submit=t("Write"), path=path)))
    for service in services(shown.product, view.language):
        fields = tag.div(value_fields(view, service.inputs, _INPUT), class_="grid")
        title = t("Call {name}", name=service.name)
        parameters = {**path, "code": service.code}
        cards.append(card(title, form(view, _CALL, fields, *_options(view), submit=t("Call"), path=parameters)))
    return cards


def _options(view: View) -> tuple[Html, ...]:
    t = view.t
    waiting = number_field(
        "cache_s", t("Wait for an offline device, seconds"), hint=t("Empty: fails when offline"), low=1
    )
    return (
        tag.details(
            tag.summary(t("How it is sent")),
            waiting,
            check_field("cover", t("Replace what waits already")),
            select_field("qos", "QoS", [("1", "1"), ("0", "0")]),
        ),
    )


def _sending(form_: Form) -> SendOptions:
    options = SendOptions(
        cache_s=form_.optional_number("cache_s"), cover=form_.flag("cover"), qos=form_.optional_number("qos") or 0
    )
    options.check()
    return options


def _sent(view: View, results: list[SendResult]) -> Done:
    return Done(f"/commands/{ticket_of(results[0])}", view.t("The command was accepted."))


async def _read(view: View, form_: Form) -> Done:
    device, product = await device_of(view)
    codes = form_.many("code")
    if not codes:
        raise Invalid("nothing_chosen", view.t("Choose what to read."))
    data = msgspec.json.encode(codes).decode()
    keys = [device.device_key]
    return _sent(view, await view.platform.commands.send_read(view.actor, product, keys, data, _sending(form_)))


async def _write(view: View, form_: Form) -> Done:
    device, product = await device_of(view)
    values = values_of(form_, properties(product, view.language), _VALUE)
    if not values:
        raise Invalid("nothing_given", view.t("Fill in what to write."))
    data = msgspec.json.encode([{code: value} for code, value in values.items()]).decode()
    keys = [device.device_key]
    return _sent(view, await view.platform.commands.send_write(view.actor, product, keys, data, _sending(form_)))


async def _call(view: View, form_: Form) -> Done:
    device, product = await device_of(view)
    code = view.path["code"]
    service = next((entry for entry in services(product, view.language) if entry.code == code), None)
    if service is None:
        raise Missing("no_such_service", f"the thing model has no service {code[:100]}")
    inputs = [{name: value} for name, value in values_of(form_, service.inputs, _INPUT).items()]
    data = msgspec.json.encode([{code: inputs}]).decode()
    keys = [device.device_key]
    return _sent(view, await view.platform.commands.send_service(view.actor, product, keys, data, _sending(form_)))


async def _raw(view: View, form_: Form) -> Done:
    device, product = await device_of(view)
    targets = [(product, device.device_key)]
    data, encoding = form_.text("data"), form_.text("encoding")
    return _sent(view, await view.platform.commands.send_raw(view.actor, targets, data, _sending(form_), encoding))


_READ = Action(f"{_PATH}/read", _read)
_WRITE = Action(f"{_PATH}/write", _write)
_CALL = Action(f"{_PATH}/call/{{code}}", _call)
_RAW = Action(f"{_PATH}/raw", _raw)

ROUTES: tuple[AnyRoute, ...] = (_READ, _WRITE, _CALL, _RAW)
