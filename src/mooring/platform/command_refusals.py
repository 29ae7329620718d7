"""Why a command to one device was not taken, as an error for people."""

from .commands import SendResult
from .errors import Conflict

__all__ = ["ticket_of"]

_ACCEPTED = 200
_REFUSALS = {
    61001: "commands reach devices of MQTT products only",
    61002: "the device is offline, and the command may not wait for it",
    61006: "too many commands wait for the device",
    61007: "too many commands to the device are unconfirmed",
    70026: "the sub-device is not connected to a gateway",
    70051: "the command cannot be sent",
    70130: "there is no such device",
}


def ticket_of(result: SendResult) -> int:
    """The ticket of a command that was taken. Raises Conflict with the code of errors.yaml for one that was not."""
    if result.code != _ACCEPTED or result.ticket is None:
        message = result.detail or _REFUSALS.get(result.code, "the command was refused")
        raise Conflict("command_refused", message, wire=result.code)
    return result.ticket
