"""`mooring trigger …`: make the virtual device of a product do something; it is made and connected when it is not."""

from typing import Annotated, Any

import typer

from mooring.cli.arguments import DataJson, Pairs, ProductKey, values_of
from mooring.cli.failure import Failure
from mooring.cli.screen import say

from .command import command, group
from .session import Answer, Session, path_of

__all__ = ["trigger"]

trigger = group("Make the virtual device of a product of a Mooring do something, over the management API.")


@command(trigger, "report")
def _report(session: Session, product_key: ProductKey, values: Pairs = None, data: DataJson = None) -> None:
    """Report properties."""
    given = values_of(values, data)
    if not given:
        raise typer.BadParameter("give at least one value", param_hint="CODE=VALUE")
    device = _online(session, product_key)
    _done(session, session.post(_path(product_key, "properties"), {"values": given}), f"{device} has reported")


@command(trigger, "event")
def _event(
    session: Session,
    product_key: ProductKey,
    code: Annotated[str, typer.Argument(help="Code of the event.")],
    outputs: Pairs = None,
    data: DataJson = None,
) -> None:
    """Raise an event with its outputs."""
    body = {"code": code, "outputs": values_of(outputs, data)}
    device = _online(session, product_key)
    _done(session, session.post(_path(product_key, "events"), body), f"{device} has raised {code}")


@command(trigger, "online")
def _go_online(session: Session, product_key: ProductKey) -> None:
    """Connect it."""
    device = _online(session, product_key)
    _done(session, session.get(_path(product_key)), f"{device} is online")


@command(trigger, "offline")
def _go_offline(session: Session, product_key: ProductKey) -> None:
    """Disconnect it."""
    device = _known(session, product_key)["device"]["device_key"]
    _done(session, session.post(_path(product_key, "offline")), f"{device} is offline")


def _online(session: Session, product_key: str) -> str:
    """Its key; it is online afterwards. Raises Failure."""
    device = _known(session, product_key)["device"]
    if not device["online"]:
        typer.echo(f"connecting the virtual device {device['device_key']}", err=True)
        session.post(_path(product_key, "online"))
    key: str = device["device_key"]
    return key


def _known(session: Session, product_key: str) -> Any:
    try:
        return session.get(_path(product_key)).value
    except Failure as failure:
        if failure.code != "no_virtual_device":
            raise
    typer.echo(f"making the virtual device of {product_key}", err=True)
    return session.post(_path(product_key)).value


def _path(product_key: str, *rest: str) -> str:
    return path_of("products", product_key, "virtual-device", *rest)


def _done(session: Session, answer: Answer, text: str) -> None:
    session.show(answer, lambda: say(text))
