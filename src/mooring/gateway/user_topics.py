"""Topics of end users' apps (device-protocol.md section 12): they mirror those of devices."""

__all__ = ["LEVELS", "errors_topic", "is_errors_filter", "published_to", "watched", "watched_topic"]

LEVELS = frozenset(("bus_", "ack_", "onl_", "ota_", "inf_", "loc_"))
"""Last levels that apps subscribe to below `q/2/d/{client id of the device}/`."""

_EVERY = "+"
_SENT = frozenset(("bus", "sys_"))
_DEVICE = "qd"


def watched(text: str) -> tuple[str, frozenset[str]] | None:
    """The device, by its client id, and the levels that a filter asks for; None when it is not of that form."""
    found = _below("q/2/d/", text)
    if found is None or (found[1] != _EVERY and found[1] not in LEVELS):
        return None
    return found[0], LEVELS if found[1] == _EVERY else frozenset((found[1],))


def watched_topic(connected_as: str, level: str) -> str:
    """Where apps hear of a device."""
    return f"q/2/d/{connected_as}/{level}"


def published_to(topic: str) -> tuple[str, str] | None:
    """The device and the level, `bus` or `sys_`, that an app publishes to; None for any other topic."""
    found = _below("q/1/d/", topic)
    return found if found is not None and found[1] in _SENT else None


def errors_topic(client_id: str) -> str:
    """Where an app hears why something is refused."""
    return f"q/1/u/{client_id}/sys_"


def is_errors_filter(client_id: str, text: str) -> bool:
    """Whether a filter asks for one's own refusals."""
    return text in (errors_topic(client_id), f"q/1/u/{client_id}/{_EVERY}")


def _below(prefix: str, text: str) -> tuple[str, str] | None:
    connected_as, slash, level = text.removeprefix(prefix).partition("/")
    if not text.startswith(prefix) or not slash or "/" in level or not connected_as.startswith(_DEVICE):
        return None
    return connected_as, level
