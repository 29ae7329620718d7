"""device trace: what happens on a device's connection, live."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from mooring.cli.arguments import DeviceKey, ProductKey
from mooring.cli.failure import UNREACHABLE, Failure
from mooring.cli.feature_names import FeatureNames
from mooring.cli.screen import instant

from .command import command
from .frame_text import FrameText
from .names import names_of
from .session import Session, path_of

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["register"]

_SILENT_S = 60.0  # the server says at least every 15 s that it is there
_DATA = "data:"
_ARROWS = {"up": "↑", "down": "↓"}
_STYLES = {
    "connect": "bold green",
    "disconnect": "yellow",
    "refuse": "bold red",
    "malformed": "red",
    "ack": "dim",
    "note": "magenta",
}


def register(device: typer.Typer) -> None:
    """Add this command."""
    command(device, "trace")(_trace)


def _trace(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    limit: Annotated[
        int | None, typer.Option(help="End after so many events; without it on Ctrl-C.", min=1, max=1_000_000)
    ] = None,
    as_hex: Annotated[
        bool, typer.Option("--hex", help="Show each frame's bytes below it.", show_default=False)
    ] = False,
) -> None:
    """Show live what happens on a device's connection, one line for each event; with --json one object for each."""
    told = 0
    try:
        lines = session.lines(
            path_of("devices", product_key, device_key, "trace"), silent_s=_SILENT_S, query={"limit": limit}
        )
        show = _Json() if session.as_json else _Lines(names_of(session, product_key), as_hex=as_hex)
        for event in _events(lines):
            show(event)
            told += 1
    except KeyboardInterrupt:
        return
    if limit is not None and told < limit:
        raise Failure(f"the server ended the trace after {told} of {limit} events", UNREACHABLE)
    if limit is None:
        typer.echo("the server ended the trace", err=True)


def _events(lines: Iterator[str]) -> Iterator[str]:
    """The data of server-sent events; this server puts each on one line."""
    for line in lines:
        if line.startswith(_DATA):
            yield line.removeprefix(_DATA).strip()
        elif line == ": watching":
            typer.echo("watching; Ctrl-C ends", err=True)


class _Json:
    """Events as they came, one a line."""

    def __call__(self, event: str) -> None:
        sys.stdout.write(event + "\n")
        sys.stdout.flush()


class _Lines:
    """Events for people: time, direction, what it is, what it says."""

    def __init__(self, names: FeatureNames, *, as_hex: bool) -> None:
        self._text = FrameText(names)
        self._as_hex = as_hex
        self._console: Console = _console()

    def __call__(self, event: str) -> None:
        from rich.text import Text

        found: dict[str, Any] = msgspec.json.decode(event)
        if found.get("lost"):
            self._console.print(Text(f"{found['lost']} event(s) before this one are missing", style="bold red"))
        kind, direction = found["kind"], found.get("direction", "")
        line = Text()
        line.append(f"{instant(found['at'])[11:]} ", style="dim")
        line.append(f"{_ARROWS.get(direction, ' ')} ", style="green" if direction == "up" else "cyan")
        if kind == "frame":
            name, values = self._text.of(found)
            line.append(f"{found['cmd']} {name:<24} ", style="bold")
            line.append(f"#{found['packet_id']:<5} ", style="dim")
            line.append(values)
        else:
            line.append(f"{kind:<10} ", style=_STYLES.get(kind, ""))
            line.append(" ".join(_details(found)), style="dim" if kind == "ack" else "")
        self._console.print(line)
        if found.get("hex") and (self._as_hex or kind == "malformed"):
            self._console.print(Text(f"             {found['hex']}", style="dim"))
            if found.get("clear"):
                self._console.print(Text(f"  decrypted  {found['clear']}", style="dim"))
        sys.stdout.flush()


def _console() -> "Console":
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False, soft_wrap=True)


def _details(found: dict[str, Any]) -> Iterator[str]:
    if found.get("cmd"):
        yield found["cmd"]
    if found.get("packet_id") is not None:
        yield f"message {found['packet_id']}" if found["kind"] == "ack" else f"#{found['packet_id']}"
    if found.get("note"):
        yield found["note"]
