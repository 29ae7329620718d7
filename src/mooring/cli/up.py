"""`mooring up`: start the platform."""

import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["up"]


def up(
    data: Annotated[Path | None, typer.Option(help="Data directory [mooring-data].", readable=False)] = None,
    store: Annotated[str | None, typer.Option(help="`sqlite` or a postgresql:// URL [sqlite].")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [127.0.0.1].")] = None,
    http_port: Annotated[int | None, typer.Option(help="HTTP port, 0 picks a free one [8080].")] = None,
    demo: Annotated[bool | None, typer.Option("--demo", help="Seed the demo account and write demo.json.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error [info].")] = None,
    log_format: Annotated[str | None, typer.Option(help="auto, json or console [auto].")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file [mooring.toml].")] = None,
) -> None:
    """Start the platform and serve until SIGTERM or Ctrl-C. Every setting is in docs/operations.md.

    Exit codes: 0 stopped as asked, 10 port taken, 11 data directory unusable, 12 database unreachable, 13 schema
    newer than this version, 14 secret key, 15 data directory in use, 16 wrong setting, 17 not a demo directory.
    """
    flags = {
        "data": data,
        "store": store,
        "host": host,
        "http_port": http_port,
        "demo": demo,
        "log_level": log_level,
        "log_format": log_format,
    }
    sys.exit(_run({name: value for name, value in flags.items() if value is not None}, config))


def _run(flags: dict[str, object], config: Path | None) -> int:
    import asyncio

    import uvloop

    from mooring.demo import DemoRefused
    from mooring.logs import configure_logs
    from mooring.server import PortTaken, serve
    from mooring.settings import SettingsError, load_settings
    from mooring.store import StartError

    try:
        settings = load_settings(flags, config)
        configure_logs(settings.log_level, settings.log_format)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, lambda line: typer.echo(line)))
    except (SettingsError, StartError, PortTaken, DemoRefused) as error:
        typer.echo(f"mooring: {error}", err=True)
        return error.exit_code
    return 0
