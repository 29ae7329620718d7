"""Assembly of the command line."""

import typer

from mooring import __version__

from . import admin, demo, device, up

__all__ = ["app", "main"]

app = typer.Typer(
    name="mooring",
    help="An open, self-hosted IoT cloud for systems and devices of the Acceleronix / QuecCloud platform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("recover")(up.recover)
app.command("demo")(demo.demo)
app.add_typer(admin.app, name="admin")
app.add_typer(device.app, name="device")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"mooring {__version__}")


def main() -> None:
    """Entry point of the `mooring` command."""
    app()
