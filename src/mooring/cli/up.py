"""`mooring up` and `mooring recover`: the two commands that open the data directory themselves."""

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mooring.server import Announce
    from mooring.settings import Settings

__all__ = ["recover", "up"]

_Data = Annotated[Path | None, typer.Option(help="Data directory (default mooring-data).", readable=False)]
_Store = Annotated[str | None, typer.Option(help="`sqlite` or a postgresql:// URL (default sqlite).")]
_Config = Annotated[Path | None, typer.Option(help="Settings file (default mooring.toml).")]
_Json = Annotated[
    bool,
    typer.Option("--json", help="Print one line of JSON: what there is to know, once it is so.", show_default=False),
]


def up(
    data: _Data = None,
    store: _Store = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")] = None,
    http_port: Annotated[int | None, typer.Option(help="HTTP port, 0 picks a free one (default 8080).")] = None,
    mqtt_port: Annotated[int | None, typer.Option(help="MQTT port, 0 picks a free one (default 1883).")] = None,
    mqtts_port: Annotated[
        int | None, typer.Option(help="MQTT port with TLS, 0 picks a free one (default none).")
    ] = None,
    amqp_port: Annotated[int | None, typer.Option(help="AMQP port, 0 picks a free one (default 5672).")] = None,
    amqps_port: Annotated[
        int | None, typer.Option(help="AMQP port with TLS, 0 picks a free one (default none).")
    ] = None,
    demo: Annotated[bool | None, typer.Option("--demo", help="Seed the demo account and write demo.json.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error (default info).")] = None,
    log_format: Annotated[str | None, typer.Option(help="auto, json or console (default auto).")] = None,
    config: _Config = None,
    as_json: _Json = False,
) -> None:
    """Start the platform and serve until SIGTERM or Ctrl-C.

    With --json, one line once everything listens: addresses by name, and on the first start the administrator.
    Every setting and exit code is in docs/operations.md.
    """
    from mooring.server import serve

    flags = {
        "data": data,
        "store": store,
        "host": host,
        "http_port": http_port,
        "mqtt_port": mqtt_port,
        "mqtts_port": mqtts_port,
        "amqp_port": amqp_port,
        "amqps_port": amqps_port,
        "demo": demo,
        "log_level": log_level,
        "log_format": log_format,
    }
    raise typer.Exit(_run(serve, flags, config, as_json=as_json))


def recover(data: _Data = None, store: _Store = None, config: _Config = None, as_json: _Json = False) -> None:
    """Give the first enabled owner a new one-time password (with SQLite: while the server is stopped)."""
    from mooring.server import recover as recover_administrator

    raise typer.Exit(_run(recover_administrator, {"data": data, "store": store}, config, as_json=as_json))


def _line(line: str, /, **_facts: str) -> None:
    typer.echo(line)


class _Facts:
    """Collects what is told, and prints it as one JSON object: once the platform listens, or when told to."""

    def __init__(self) -> None:
        self._facts: dict[str, str] = {}

    def __call__(self, _line: str, /, **facts: str) -> None:
        self._facts |= facts
        if "base_url" in facts:
            self.show()

    def show(self) -> None:
        """Print what was told since the last time, if anything."""
        if self._facts:
            typer.echo(json.dumps(self._facts))
        self._facts = {}


def _run(
    work: "Callable[[Settings, Announce], Awaitable[None]]",
    flags: Mapping[str, object],
    config: Path | None,
    *,
    as_json: bool,
) -> int:
    import asyncio
    import os

    import uvloop

    from mooring.demo import DemoRefused
    from mooring.gateway import TlsError
    from mooring.logs import configure_logs
    from mooring.server import PortTaken
    from mooring.settings import SettingsError, load_settings, warn_of_unknown_variables
    from mooring.store import StartError

    # Whatever is written from here on is for this user alone: database, key, lock, demo.json.
    os.umask(0o077)

    async def main() -> None:
        facts = _Facts()
        await work(settings, facts if as_json else _line)
        facts.show()

    try:
        settings = load_settings({name: value for name, value in flags.items() if value is not None}, config)
        configure_logs(settings.log_level, settings.log_format)
        warn_of_unknown_variables()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    except (SettingsError, StartError, PortTaken, DemoRefused, TlsError) as error:
        typer.echo(f"mooring: {error}", err=True)
        return error.exit_code
    return 0
