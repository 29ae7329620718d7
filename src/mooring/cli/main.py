"""Assembly of the command line: where each command is, and what it is for in one line."""

import os
import sys

from .places import WRONG_USAGE, Place, overview

__all__ = ["COMPLETION", "HELP", "PLACES", "main"]

COMPLETION = "_MOORING_COMPLETE"  # the variable by which a shell asks for completions

HELP = "An open, self-hosted IoT cloud for systems and devices of the Acceleronix / QuecCloud platform."
_SERVER, _OTHER = "A Mooring of your own", "Other"

PLACES = {
    "up": Place("mooring.cli.up:up", "Start the platform and serve until SIGTERM or Ctrl-C.", _SERVER),
    "demo": Place(
        "mooring.cli.demo:demo",
        "Start the platform with demo data, walk the integration guide step by step, and stay up until Ctrl-C.",
        _SERVER,
    ),
    "admin": Place("mooring.cli.admin:admin", "Administer a running Mooring over its management API.", _SERVER),
    "recover": Place(
        "mooring.cli.up:recover",
        "Give the first administrator a new one-time password (with SQLite: while the server is stopped).",
        _SERVER,
    ),
    "device": Place("mooring.cli.device:app", "Simulated devices, for any cloud that speaks the device protocol."),
    "completion": Place(
        "mooring.cli.completion:completion", "Print what makes a shell complete the words of mooring.", _OTHER
    ),
    "version": Place("mooring.cli.version:version", "Print the version.", _OTHER),
}


def main() -> None:
    """Entry point of the `mooring` command."""
    words = sys.argv[1:]
    completes = COMPLETION in os.environ
    if words in ([], ["--help"]) and not completes:
        sys.stdout.write(overview("mooring", HELP, PLACES))
        if not words:
            sys.exit(WRONG_USAGE)
        return
    from .tree import root

    if completes:
        from typer._completion_classes import completion_init

        completion_init()
    root.main(args=words, prog_name="mooring", complete_var=COMPLETION)
