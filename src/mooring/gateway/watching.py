"""What those who watch a device are shown of its connection, frame by frame. Secrets are not shown to them."""

import msgspec

from mooring.protocol import commands
from mooring.protocol.commands import (
    CommandError,
    DeviceConfiguration,
    Direction,
    Downlink,
    SubDeviceAnswer,
    SubDeviceRequest,
    Uplink,
)
from mooring.protocol.frame import Frame, encode

__all__ = ["shown_frame"]

_SECRETS = ("device_secret", "session_key", "product_secret", "replacement_secret", "password")


def shown_frame(
    direction: Direction, topic: str, qos: int, payload: bytes, clear: bytes, frame: Frame
) -> dict[str, object]:
    """The members of a `TraceEvent` of one frame; `payload` as it travelled, `clear` the same object or decrypted.

    Secrets and session keys that a frame carries are blotted out with asterisks of the same length, in the bytes too.
    """
    try:
        value = commands.decode(frame, direction)
    except CommandError as error:
        shown, decoded = clear, {"error": str(error)}
    else:
        value, hidden = _blotted(value)
        shown = encode(commands.encode(value, frame.packet_id)) if hidden else clear
        decoded = {type(value).__name__: msgspec.to_builtins(value)}
    return {
        "direction": direction.value,
        "topic": topic,
        "qos": qos,
        "packet_id": frame.packet_id,
        "cmd": f"{frame.command:04X}",
        "hex": (shown if clear is payload else payload).hex(),
        "clear": "" if clear is payload else shown.hex(),
        "decoded": decoded,
    }


def _blotted(value: Uplink | Downlink) -> tuple[Uplink | Downlink, bool]:
    """The value without its secrets, and whether it had any."""
    if not isinstance(value, DeviceConfiguration | SubDeviceAnswer | SubDeviceRequest):
        return value, False
    found = {name: held for name in _SECRETS if (held := getattr(value, name, None)) is not None}
    blots = {name: (b"*" if isinstance(held, bytes) else "*") * len(held) for name, held in found.items()}
    return (msgspec.structs.replace(value, **blots), True) if blots else (value, False)
