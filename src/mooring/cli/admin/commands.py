"""command …, and what sends commands: device write, read, call, send."""

import sys
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer

from mooring.cli.arguments import DataJson, DeviceKey, Pairs, ProductKey, Since, Until, moment_of, range_of, values_of
from mooring.cli.failure import Failure

from .command import Limit, Offset, command, group
from .names import names_of
from .session import Answer, Session, path_of
from .timeline import Step, command_table, is_final, newest_table, show_timeline, steps_of

__all__ = ["commands", "register"]

commands = group("Commands to devices, each with its timeline.")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.5

_Ticket = Annotated[int, typer.Argument(help="Ticket of the command.")]
_Cache = Annotated[
    int | None,
    typer.Option("--cache", help="Let it wait so many seconds for a device that is offline.", metavar="SECONDS", min=1),
]
_Cover = Annotated[
    bool, typer.Option("--cover", help="Replace commands of its kind that still wait.", show_default=False)
]
_Qos = Annotated[int, typer.Option(help="MQTT QoS, 0 or 1; 2 is sent as 1.", min=0, max=2)]
_Wait = Annotated[
    float | None,
    typer.Option(
        "--wait",
        help="Follow it until it is answered, reported or given up, at most so long; exit code 1 when it is not done.",
        metavar="SECONDS",
        min=0,
    ),
]


class _Kind(StrEnum):
    READ = "read"
    PROPERTY = "property"
    SERVICE = "service"
    RAW = "raw"


def register(device: typer.Typer) -> None:
    """Add the commands that send to a device."""
    for name, function in (("write", _write), ("read", _read), ("call", _call), ("send", _send)):
        command(device, name)(function)


def _write(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    values: Pairs = None,
    data: DataJson = None,
    cache: _Cache = None,
    cover: _Cover = False,
    qos: _Qos = 1,
    wait: _Wait = None,
) -> None:
    """Write properties of a device."""
    given = values_of(values, data)
    if not given:
        raise typer.BadParameter("give at least one value", param_hint="CODE=VALUE")
    asked = given if isinstance(given, msgspec.Raw) else [{code: value} for code, value in given.items()]
    body = {"kind": "write", "data": asked, "cache_s": cache, "cover": cover, "qos": qos}
    _submit(session, product_key, device_key, body, wait)


def _read(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    codes: Annotated[list[str], typer.Argument(help="Codes of properties.", metavar="CODE")],
    cache: _Cache = None,
    cover: _Cover = False,
    qos: _Qos = 1,
    wait: _Wait = None,
) -> None:
    """Ask a device for properties."""
    body = {"kind": "read", "data": codes, "cache_s": cache, "cover": cover, "qos": qos}
    _submit(session, product_key, device_key, body, wait)


def _call(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    service: Annotated[str, typer.Argument(help="Code of the service.")],
    inputs: Pairs = None,
    data: DataJson = None,
    cache: _Cache = None,
    cover: _Cover = False,
    qos: _Qos = 1,
    wait: _Wait = None,
) -> None:
    """Call a service of a device with its inputs."""
    given = values_of(inputs, data)
    body = {"kind": "service", "data": [{service: given}], "cache_s": cache, "cover": cover, "qos": qos}
    _submit(session, product_key, device_key, body, wait)


def _send(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    text: Annotated[str, typer.Argument(help="What to send, up to 4096 characters; - reads standard input.")],
    as_hex: Annotated[bool, typer.Option("--hex", help="It is hex digits.", show_default=False)] = False,
    cache: _Cache = None,
    cover: _Cover = False,
    qos: _Qos = 1,
    wait: _Wait = None,
) -> None:
    """Send raw data to a device."""
    data = sys.stdin.read() if text == "-" else text
    data, encoding = ("".join(data.split()), "Hex") if as_hex else (data, "Text")
    body = {"kind": "raw", "data": data, "encoding": encoding, "cache_s": cache, "cover": cover, "qos": qos}
    _submit(session, product_key, device_key, body, wait)


@command(commands, "list")
def _list_commands(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    kind: Annotated[_Kind | None, typer.Option(help="Only these.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> None:
    """List the commands to a device, newest first."""
    path = path_of("devices", product_key, device_key, "commands")
    answer = session.get(path, kind=kind, limit=limit, offset=offset, **range_of(since, until))
    session.show(answer, lambda: command_table(answer.value, names_of(session, product_key), offset))


@command(commands, "newest")
def _newest_commands(
    session: Session,
    state: Annotated[Step | None, typer.Option(help="Only those that got so far and no further.")] = None,
    kind: Annotated[_Kind | None, typer.Option(help="Only these.")] = None,
    since: Since = None,
    before: Annotated[int | None, typer.Option(help="Older than this ticket.", metavar="TICKET", min=1)] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 20,
) -> None:
    """List the newest commands to all devices."""
    accepted = moment_of("--since", since, datetime.now(UTC))
    answer = session.get("/commands", state=state, kind=kind, since=accepted, before_id=before, limit=limit)
    session.show(answer, lambda: newest_table(answer.value))


@command(commands, "show")
def _show_command(session: Session, ticket: _Ticket) -> None:
    """Show a command: its steps with their times, its frames."""
    _show(session, session.get(path_of("commands", ticket)))


@command(commands, "cancel")
def _cancel_command(session: Session, ticket: _Ticket) -> None:
    """Take a command back that still waits."""
    _show(session, session.post(path_of("commands", ticket, "cancel")))


@command(commands, "resend")
def _resend_command(session: Session, ticket: _Ticket, wait: _Wait = None) -> None:
    """Send a command again, under a new ticket."""
    _finish(session, session.post(path_of("commands", ticket, "resend")), wait)


def _submit(session: Session, product_key: str, device_key: str, body: object, wait: float | None) -> None:
    _finish(session, session.post(path_of("devices", product_key, device_key, "commands"), body), wait)


def _finish(session: Session, answer: Answer, wait: float | None) -> None:
    if wait is None:
        _show(session, answer)
        if not is_final(answer.value):
            typer.echo(f"to see how it goes on: mooring admin command show {answer.value['ticket']}", err=True)
        return
    answer = _follow(session, answer, wait)
    _show(session, answer)
    found = answer.value
    if found["state"] in ("failed", "expired"):
        raise Failure(f"the command has {found['state']}: {found['failure'] or 'the device did not come online'}")
    if not is_final(found):
        raise Failure(f"after {wait:g} s the command is {found['state']} and not done")


def _follow(session: Session, answer: Answer, wait_s: float) -> Answer:
    """The command when it is final or the time is over; each step is told on stderr when it is seen."""
    until = time.monotonic() + wait_s
    pause, told = _FIRST_PAUSE_S, 0
    while True:
        steps = steps_of(answer.value)
        for step, at in steps[told:]:
            typer.echo(f"{step} {at - answer.value['accepted_at']} ms", err=True)
        told = len(steps)
        left = until - time.monotonic()
        if is_final(answer.value) or left <= 0:
            return answer
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)
        answer = session.get(path_of("commands", answer.value["ticket"]))


def _show(session: Session, answer: Answer) -> None:
    found: dict[str, Any] = answer.value
    session.show(answer, lambda: show_timeline(found, names_of(session, found["product_key"])))
