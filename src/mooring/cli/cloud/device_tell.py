"""device read, write, call, send: commands to a device, followed to their end."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mooring.cli.arguments import DataJson, DeviceKey, Pairs, ProductKey
from mooring.cli.screen import say

from .command import runnable
from .session import Cloud
from .values import given_values, line_of, plain

if TYPE_CHECKING:
    from mooring.client import Command, SendOptions

__all__ = ["call", "read", "send", "write"]

_Cache = Annotated[
    int | None,
    typer.Option("--cache", help="Let it wait so many seconds for a device that is offline.", metavar="SECONDS", min=1),
]
_Cover = Annotated[
    bool, typer.Option("--cover", help="Replace commands of its kind that still wait.", show_default=False)
]
_Qos = Annotated[int, typer.Option(help="MQTT QoS, 0 to 2.", min=0, max=2)]
_Wait = Annotated[
    float,
    typer.Option(
        "--wait", help="How long to wait for what comes of it; 0 does not wait.", metavar="SECONDS", min=0, max=86_400
    ),
]


def _read(
    cloud: Cloud,
    product_key: ProductKey,
    device_key: DeviceKey,
    codes: Annotated[list[str], typer.Argument(help="Codes of properties.", metavar="CODE")],
    cache: _Cache = None,
    cover: _Cover = False,
    qos: _Qos = 1,
    wait: _Wait = 30,
) -> None:
    """Ask a device for properties, and wait for its answer."""
    device = cloud.client.device(product_key, device_key)
    _follow(cloud, device.request(*codes, options=_options(cache, cover, qos)), wait)


def _write(
    cloud: Cloud,
    product_key: ProductKey,
    device_key: DeviceKey,
    values: Pairs = None,
    data: DataJson = None,
    cache: _Cache = None,
    cover: _Cover = False,
    qos: _Qos = 1,
    wait: _Wait = 30,
) -> None:
    """Set properties of a device, checked against its thing model first.

    Waits until the device has confirmed it and reported the values; they may be others than were written.
    """
    given = given_values(values, data)
    if not given:
        raise typer.BadParameter("give at least one value", param_hint="CODE=VALUE")
    device = cloud.client.device(product_key, device_key)
    _follow(cloud, device.write(given, options=_options(cache, cover, qos)), wait)


def _call(
    cloud: Cloud,
    product_key: ProductKey,
    device_key: DeviceKey,
    service: Annotated[str, typer.Argument(help="Code of the service.")],
    inputs: Pairs = None,
    data: DataJson = None,
    cache: _Cache = None,
    cover: _Cover = False,
    qos: _Qos = 1,
    wait: _Wait = 30,
) -> None:
    """Call a service of a device with its inputs.

    Waits until the device has confirmed it and answered with the outputs.
    """
    device = cloud.client.device(product_key, device_key)
    given = given_values(inputs, data)
    _follow(cloud, device.call(service, given, options=_options(cache, cover, qos)), wait)


def _send(
    cloud: Cloud,
    product_key: ProductKey,
    device_key: DeviceKey,
    text: Annotated[str, typer.Argument(help="What to send, up to 4096 characters; - reads standard input.")],
    as_hex: Annotated[bool, typer.Option("--hex", help="It is hex digits.", show_default=False)] = False,
    cache: _Cache = None,
    cover: _Cover = False,
    qos: _Qos = 1,
    wait: _Wait = 30,
) -> None:
    """Send raw data to a device.

    Waits until the device has confirmed it.
    """
    content: str | bytes = sys.stdin.read() if text == "-" else text
    if as_hex:
        try:
            content = bytes.fromhex(str(content))
        except ValueError:
            raise typer.BadParameter("these are no hex digits, two for each byte", param_hint="TEXT") from None
    command = cloud.client.device(product_key, device_key).send_raw(content, options=_options(cache, cover, qos))
    if wait:
        _talk(command)
        command.result(wait)
    _show(cloud, command, None, "confirmed" if wait else "accepted")


def _options(cache: int | None, cover: bool, qos: int) -> "SendOptions":
    from mooring.client import SendOptions

    return SendOptions(cache_s=cache, cover=cover or None, qos=qos)


def _follow(cloud: Cloud, command: "Command", wait: float) -> None:
    if not wait:
        _show(cloud, command, None, "accepted")
        return
    _talk(command)
    _show(cloud, command, command.reported(wait), "answered")


def _talk(command: "Command") -> None:
    typer.echo(f"command {command.ticket} is accepted; waiting for the device", err=True)


def _show(cloud: Cloud, command: "Command", values: Mapping[str, Any] | None, state: str) -> None:
    value = {"ticket": command.ticket, "state": state, "values": None if values is None else plain(values)}
    cloud.show(value, lambda: say(f"command {command.ticket} is {state}" if values is None else line_of(values)))


read = runnable(_read)
write = runnable(_write)
call = runnable(_call)
send = runnable(_send)
