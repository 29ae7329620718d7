"""`mooring snapshot …`: a whole Mooring as one file. Opens the data directory itself, as `mooring up` does."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .failure import REFUSED, Failure
from .files import writing
from .screen import fields, moment, say, table
from .shared import fail, group

if TYPE_CHECKING:
    from mooring.settings import Settings
    from mooring.store.snapshot import Manifest

__all__ = ["snapshot"]

snapshot = group("A whole Mooring as one file: save it, look into it, load it.")

_PATIENCE_S = 1.0  # what takes longer shows how far it is

_Data = Annotated[Path | None, typer.Option(help="Data directory (default mooring-data).", readable=False)]
_Store = Annotated[str | None, typer.Option(help="`sqlite` or a postgresql:// URL (default sqlite).")]
_Config = Annotated[Path | None, typer.Option(help="Settings file (default mooring.toml).")]
_Json = Annotated[bool, typer.Option("--json", help="Print what is in it as JSON.", show_default=False)]
_File = Annotated[Path, typer.Argument(help="The snapshot.", metavar="FILE")]

_Tell = Callable[[str, int, int], None]


@snapshot.command("save")
def save(file: _File, data: _Data = None, store: _Store = None, config: _Config = None, as_json: _Json = False) -> None:
    """Save everything: database, secret key, certificates, demo.json. The server may run meanwhile.

    The file holds secrets and the key that opens them. A file that is there already is not overwritten.
    """
    from mooring import __version__
    from mooring.store import DataDirectory
    from mooring.store.snapshot import save_snapshot

    with _failing(as_json=as_json):
        settings = _settings(data, store, config)
        if file.exists():
            raise Failure(f"{file} is there already; a snapshot overwrites nothing")
        with writing(file, mode=0o600) as target, _told() as tell:
            made = save_snapshot(
                DataDirectory(settings.data),
                settings.store,
                target,
                file.absolute().parent,
                version=__version__,
                now_ms=time.time_ns() // 1_000_000,
                tell=tell,
            )
        _show(made, as_json=as_json)
        typer.echo(f"saved to {file}, {file.stat().st_size} bytes; it holds secrets, keep it safe", err=True)
        if not made.has_key:
            typer.echo("the secret key is not in it: it is in MOORING_SECRET_KEY, and needed again", err=True)


@snapshot.command("load")
def load(file: _File, data: _Data = None, store: _Store = None, config: _Config = None, as_json: _Json = False) -> None:
    """Make a Mooring from a snapshot, in an empty data directory; what was SQLite may become PostgreSQL, and back.

    The snapshot is checked whole first. A Mooring that is there already is not overwritten.
    """
    from mooring.store import DataDirectory
    from mooring.store.snapshot import load_snapshot

    with _failing(as_json=as_json):
        settings = _settings(data, store, config)
        with _told() as tell:
            made = load_snapshot(file, DataDirectory(settings.data), settings.store, tell)
        _show(made, as_json=as_json)
        typer.echo(f"loaded into {settings.data}; start it with mooring up", err=True)
        if not made.has_key:
            typer.echo("the secret key was not in it: give the one it was made with in MOORING_SECRET_KEY", err=True)


@snapshot.command("show")
def show(file: _File, as_json: _Json = False) -> None:
    """Show what is in a snapshot."""
    from mooring.store.snapshot import read_manifest

    with _failing(as_json=as_json):
        _show(read_manifest(file), as_json=as_json)


@contextlib.contextmanager
def _failing(*, as_json: bool) -> Iterator[None]:
    from mooring.settings import SettingsError
    from mooring.store import StartError

    try:
        yield
    except Failure as failure:
        fail(failure, as_json=as_json)
        raise typer.Exit(REFUSED) from None
    except (SettingsError, StartError) as error:
        fail(Failure(str(error)), as_json=as_json)
        raise typer.Exit(error.exit_code) from None


def _settings(data: Path | None, store: str | None, config: Path | None) -> "Settings":
    from mooring.settings import load_settings

    given = {"data": data, "store": store}
    return load_settings({name: value for name, value in given.items() if value is not None}, config)


def _show(made: "Manifest", *, as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(msgspec.json.encode(made).decode())
        return
    fields(
        {
            "made": moment(made.made_at),
            "by": f"Mooring {made.mooring}",
            "database": made.store,
            "schema": made.schema,
            "files": ", ".join(made.files) or "none",
        }
    )
    filled = [(found.name, found.rows) for found in made.tables if found.rows]
    table(("Table", "Rows"), filled)
    say(f"{sum(rows for _, rows in filled)} rows in {len(filled)} of {len(made.tables)} tables")


@contextlib.contextmanager
def _told() -> Iterator[_Tell]:
    """How far it is, as a bar on stderr when it takes longer than a moment and a person looks."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    begun = time.monotonic()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=1, visible=False)

        def tell(name: str, done: int, total: int) -> None:
            visible = time.monotonic() - begun > _PATIENCE_S
            progress.update(task, description=name, completed=done, total=max(total, 1), visible=visible)

        yield tell
