"""The table of `mooring device …`; imports nothing that its help would wait for."""

from mooring.cli.places import Place

__all__ = ["HELP", "PLACES"]

HELP = "Devices: look at them, command them, follow them; and simulate them."
_LOOK, _TELL = "mooring.cli.cloud.device_look", "mooring.cli.cloud.device_tell"
_ABOUT, _BEING = "Devices of a cloud", "Being a device"

PLACES = {
    "ls": Place(f"{_LOOK}:ls", "List devices of one product, or of all.", _ABOUT),
    "show": Place(f"{_LOOK}:show", "Show a device, its newest values and its position.", _ABOUT),
    "read": Place(f"{_TELL}:read", "Ask a device for properties, and wait for its answer.", _ABOUT),
    "write": Place(f"{_TELL}:write", "Set properties of a device, checked against its thing model first.", _ABOUT),
    "call": Place(f"{_TELL}:call", "Call a service of a device with its inputs.", _ABOUT),
    "send": Place(f"{_TELL}:send", "Send raw data to a device.", _ABOUT),
    "history": Place(f"{_LOOK}:history", "Show the data log of a device, newest first; or its events.", _ABOUT),
    "watch": Place("mooring.cli.cloud.device_watch:watch", "Follow what a device reports, until Ctrl-C.", _ABOUT),
    "export": Place(
        "mooring.cli.cloud.device_export:export",
        "Write what a device reported as CSV or JSON lines.",
        _ABOUT,
    ),
    "run": Place(
        "mooring.cli.device:run",
        "Simulate devices until Ctrl-C or SIGTERM; one line for everything that happens.",
        _BEING,
    ),
}
