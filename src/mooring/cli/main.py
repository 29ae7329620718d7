"""Assembly of the command line: where each command is, and what it is for in one line."""

import os
import sys
from importlib import import_module

from .places import WRONG_USAGE, Place, overview

__all__ = ["COMPLETION", "HELP", "PLACES", "main"]

COMPLETION = "_MOORING_COMPLETE"  # the variable by which a shell asks for completions

HELP = "An open, self-hosted IoT cloud for systems and devices of the Acceleronix / QuecCloud platform."
_SERVER, _CLOUD, _OTHER = "A Mooring of your own", "Any cloud that speaks the OpenAPI", "Other"

PLACES = {
    "up": Place("mooring.cli.up:up", "Start the platform and serve until SIGTERM or Ctrl-C.", _SERVER),
    "demo": Place(
        "mooring.cli.demo:demo",
        "Start the platform with demo data, walk the integration guide step by step, and stay up until Ctrl-C.",
        _SERVER,
    ),
    "trigger": Place(
        "mooring.cli.admin.trigger:trigger",
        "Make the virtual device of a product of a Mooring do something, over the management API.",
        _SERVER,
    ),
    "admin": Place("mooring.cli.admin:admin", "Administer a running Mooring over its management API.", _SERVER),
    "recover": Place(
        "mooring.cli.up:recover",
        "Give the first enabled owner a new one-time password (with SQLite: while the server is stopped).",
        _SERVER,
    ),
    "login": Place(
        "mooring.cli.cloud.login:login",
        "Save a cloud and a key for it. The AccessSecret is typed, or comes from a file, a variable or standard input.",
        _CLOUD,
    ),
    "profile": Place("mooring.cli.cloud.login:profile", "Saved clouds: address and key under a name.", _CLOUD),
    "tsl": Place(
        "mooring.cli.cloud.tsl:tsl",
        "Thing models (TSL): check and compare documents, export and import them.",
        _CLOUD,
    ),
    "product": Place("mooring.cli.cloud.product:product", "Products that the application is authorized for.", _CLOUD),
    "snapshot": Place(
        "mooring.cli.snapshot:snapshot", "A whole Mooring as one file: save it, look into it, load it.", _SERVER
    ),
    "device": Place(
        "mooring.cli.cloud.device:device",
        "Devices: look at them, command them, follow them; and simulate them.",
        _CLOUD,
    ),
    "queue": Place("mooring.cli.cloud.queue:queue", "Message queues, which subscriptions fill.", _CLOUD),
    "subscription": Place(
        "mooring.cli.cloud.subscription:subscription", "Subscriptions: which messages go into which queue.", _CLOUD
    ),
    "tail": Place("mooring.cli.cloud.tail:tail", "Show the messages of a queue as they come, until Ctrl-C.", _CLOUD),
    "doctor": Place(
        "mooring.cli.cloud.doctor:doctor",
        "Check address, clock, signature, packages, products, AMQP and MQTT, and say how to mend what fails.",
        _CLOUD,
    ),
    "api": Place(
        "mooring.cli.cloud.api:api",
        "Call any operation: log in, send, print the answer. A refusal is printed too, and its class is the exit code.",
        _CLOUD,
    ),
    "completion": Place(
        "mooring.cli.completion:completion", "Print what makes a shell complete the words of mooring.", _OTHER
    ),
    "version": Place("mooring.cli.version:version", "Print the version.", _OTHER),
}

_TABLES = {"admin": "mooring.cli.admin_places", "device": "mooring.cli.cloud.device_places"}
"""Groups whose help is made from a table, without what commands need."""


def main() -> None:
    """Entry point of the `mooring` command."""
    words = sys.argv[1:]
    completes = COMPLETION in os.environ
    if words in ([], ["--help"]) and not completes:
        sys.stdout.write(overview("mooring", HELP, PLACES))
        if not words:
            sys.exit(WRONG_USAGE)
        return
    if len(words) == 2 and words[0] in _TABLES and words[1] == "--help" and not completes:
        table = import_module(_TABLES[words[0]])
        sys.stdout.write(overview(f"mooring {words[0]}", table.HELP, table.PLACES))
        return
    from .tree import root

    if completes:
        from typer._completion_classes import completion_init

        completion_init()
    root.main(args=words, prog_name="mooring", complete_var=COMPLETION)
