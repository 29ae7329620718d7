"""One frame of the device link on one line, read from its own bytes: there a text and a number differ."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from mooring.cli.feature_names import FeatureNames, pairs
from mooring.cli.hexdump import bytes_line

if TYPE_CHECKING:
    from mooring.protocol.ttlv import Field

__all__ = ["FrameText"]

_SECRETS = {"device_secret", "session_key", "product_secret", "replacement_secret", "bind_code"}


class FrameText:
    """Frames of devices of one product."""

    def __init__(self, names: FeatureNames) -> None:
        from mooring.thingmodel import ModelCodec, plain_dm_data

        self._names = names
        self._dm_data = plain_dm_data if names.document is None else ModelCodec(names.document).dm_data

    def of(self, event: Mapping[str, Any]) -> tuple[str, str]:
        """Name of the command and its values, of an event of a trace."""
        from mooring.protocol import commands, frame

        direction = commands.Direction.UP if event["direction"] == "up" else commands.Direction.DOWN
        try:
            found = commands.decode(frame.decode(bytes.fromhex(event.get("clear") or event["hex"])), direction)
        except (frame.FrameError, commands.CommandError, ValueError) as error:
            return "unreadable", str(error)
        return type(found).__name__, " ".join(self._values(found))

    def _values(self, found: Any) -> Iterator[str]:
        from mooring.protocol import commands

        match found:
            case commands.Report() | commands.ReadResponse() | commands.WriteProperties():
                yield self._line(found.fields)
            case commands.ReadProperties():
                yield self._names.line([str(ident) for ident in found.ids])
            case _:
                for name, value in msgspec.structs.asdict(found).items():
                    if value is not None:
                        yield f"{name}={'(hidden)' if name in _SECRETS else _plain(value)}"

    def _line(self, fields: "list[Field]") -> str:
        return self._names.line(msgspec.json.decode(self._dm_data(fields)))


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return bytes_line(value)
    return pairs({"": msgspec.to_builtins(value, enc_hook=str)}).removeprefix("=")
