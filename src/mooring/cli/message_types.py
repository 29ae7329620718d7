"""Kinds of messages as people type them, and states of queues."""

import typer

__all__ = ["CODES_HELP", "QUEUE_STATES", "numbers_of"]

QUEUE_STATES = {0: "not started", 1: "started", 2: "suspended"}

CODES_HELP = (
    "Numbers of kinds of messages, such as 1,6-9. About devices: 1 online and offline, 2 status, 3 raw uplink, "
    "4 raw downlink, 5 outcome of a command, 6 properties, 7 to 9 events of level info, warn and error, 10 services, "
    "11 to 13 positions, 14 bindings, 15 changes of the device, 16 rules. About the application: 101 products, "
    "102 devices, 103 thing models, 104 and 105 authorizations. About end users: 201."
)

_MAX_CODE = 999


def numbers_of(text: str) -> list[int]:
    """Numbers and ranges, `1,6-9`. Raises BadParameter."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise typer.BadParameter(f"{part!r} is neither a number nor a range", param_hint="--codes")
        low, high = int(first), int(last or first)
        if not low <= high <= _MAX_CODE:
            raise typer.BadParameter(f"{part!r} is no range of codes", param_hint="--codes")
        found += range(low, high + 1)
    return found
