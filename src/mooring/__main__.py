"""The `mooring` command, also as `python -m mooring`. It says which extra brings what is missing."""

import atexit
import gc
import sys

__all__ = ["main"]

_MISSING = 16  # exit code of `mooring up` for a setting that is wrong; the installation is one
_CLI = {"rich", "typer"}
_COLLECT_EVERY = 50_000  # new objects that may hold others
_OTHER = {"aio_pika": "amqp", "aiormq": "amqp", "cryptography": "device"}


def main() -> None:
    """Run the command."""
    # What modules are made of is never garbage: looking for some, while they are loaded and once more when all ends,
    # was a third of the time that a command takes to start and end.
    gc.set_threshold(_COLLECT_EVERY, 20, 20)
    atexit.register(gc.freeze)
    try:
        from mooring.cli import main as run

        run()
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if not name or name == "mooring":
            raise
        extra = "cli" if name in _CLI else _OTHER.get(name, "server")
        sys.stderr.write(f"mooring: {name} is not installed. Run: pip install 'mooring[{extra}]'\n")
        sys.exit(_MISSING)


if __name__ == "__main__":
    main()
