"""virtual-device …"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from mooring.cli.arguments import DataJson, Pairs, ProductKey, values_of
from mooring.cli.screen import fields, say

from .command import Yes, command, confirm, group
from .devices import device_fields
from .session import Answer, Session, path_of

__all__ = ["virtual_device"]

virtual_device = group("The virtual device of a product: act as the device yourself.")


@command(virtual_device, "create")
def _create(session: Session, product_key: ProductKey) -> None:
    """Create the virtual device of a product."""
    _show(session, session.post(_path(product_key)))


@command(virtual_device, "show")
def _show_device(session: Session, product_key: ProductKey) -> None:
    """Show it, and which services it answers by itself."""
    _show(session, session.get(_path(product_key)))


@command(virtual_device, "online")
def _go_online(
    session: Session,
    product_key: ProductKey,
    gateway: Annotated[
        str | None, typer.Option(help="Of a sub-device: the product whose virtual gateway carries it.")
    ] = None,
) -> None:
    """Connect it."""
    _show(session, session.post(_path(product_key, "online", *([gateway] if gateway is not None else []))))


@command(virtual_device, "offline")
def _go_offline(session: Session, product_key: ProductKey) -> None:
    """Disconnect it."""
    _show(session, session.post(_path(product_key, "offline")))


@command(virtual_device, "push")
def _push(session: Session, product_key: ProductKey, values: Pairs = None, data: DataJson = None) -> None:
    """Report properties."""
    _pushed(session, session.post(_path(product_key, "properties"), {"values": values_of(values, data)}))


@command(virtual_device, "event")
def _event(
    session: Session,
    product_key: ProductKey,
    code: Annotated[str, typer.Argument(help="Code of the event.")],
    outputs: Pairs = None,
    data: DataJson = None,
) -> None:
    """Raise an event with its outputs."""
    body = {"code": code, "outputs": values_of(outputs, data)}
    _pushed(session, session.post(_path(product_key, "events"), body))


@command(virtual_device, "answer")
def _answer(
    session: Session,
    product_key: ProductKey,
    service: Annotated[str, typer.Argument(help="Code of the service.")],
    outputs: Pairs = None,
    data: DataJson = None,
    each_call: Annotated[
        bool,
        typer.Option("--each-call", help="Answer each call by itself, until it goes offline.", show_default=False),
    ] = False,
    delay: Annotated[float | None, typer.Option(help="Seconds before such an answer, 0 to 300.", min=0)] = None,
) -> None:
    """Answer a service, now or from now on."""
    values = values_of(outputs, data)
    if each_call:
        body = {"outputs": values, "delay_s": delay or 0}
        _show(session, session.put(_path(product_key, "service-answers", service), body))
        return
    if delay is not None:
        raise typer.BadParameter("an answer that is sent now has no delay; add --each-call", param_hint="--delay")
    _pushed(session, session.post(_path(product_key, "service-answers"), {"code": service, "outputs": values}))


@command(virtual_device, "delete")
def _delete(session: Session, product_key: ProductKey, yes: Yes = False) -> None:
    """Delete it; its history stays."""
    confirm(f"Delete the virtual device of {product_key}?", yes)
    answer = session.delete(_path(product_key))
    session.show(answer, lambda: say(f"the virtual device of {product_key} was deleted"))


def _path(product_key: str, *rest: str) -> str:
    return path_of("products", product_key, "virtual-device", *rest)


def _show(session: Session, answer: Answer) -> None:
    found: Mapping[str, Any] = answer.value

    def readable() -> None:
        device_fields(found["device"])
        say(f"answers by itself: {', '.join(found['answers']) or 'nothing'}")

    session.show(answer, readable)


def _pushed(session: Session, answer: Answer) -> None:
    found: Mapping[str, Any] = answer.value
    session.show(answer, lambda: fields({"packet": found["packet_id"], "frame": found["frame"]}))
