"""What those who watch a device are shown of its connection, frame by frame."""

import msgspec

from mooring.protocol import commands
from mooring.protocol.commands import CommandError, Direction
from mooring.protocol.frame import Frame

__all__ = ["shown_frame"]


def shown_frame(
    direction: Direction, topic: str, qos: int, payload: bytes, clear: bytes, frame: Frame
) -> dict[str, object]:
    """The members of a `TraceEvent` of one frame; `payload` as it travelled, `clear` the same object or decrypted."""
    try:
        value = commands.decode(frame, direction)
        decoded: object = {type(value).__name__: msgspec.to_builtins(value)}
    except CommandError as error:
        decoded = {"error": str(error)}
    return {
        "direction": direction.value,
        "topic": topic,
        "qos": qos,
        "packet_id": frame.packet_id,
        "cmd": f"{frame.command:04X}",
        "hex": payload.hex(),
        "clear": "" if clear is payload else clear.hex(),
        "decoded": decoded,
    }
