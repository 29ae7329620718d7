"""Values of devices: as JSON, and as people read them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mooring.cli.arguments import values_of
from mooring.cli.feature_names import pairs

__all__ = ["given_values", "line_of", "plain"]


def plain(value: Any) -> Any:
    """A value as JSON has it: bytes as hex digits, times as ISO 8601, in whatever they are."""
    match value:
        case bytes():
            return value.hex()
        case datetime():
            return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case Mapping():
            return {code: plain(member) for code, member in value.items()}
        case list() | tuple():
            return [plain(element) for element in value]
    return value


def line_of(values: Mapping[str, Any]) -> str:
    """Values by code on one line."""
    return pairs(plain(values))


def given_values(pairs_given: Sequence[str] | None, data: str | None) -> dict[str, Any]:
    """Values by code as they were typed; JSON becomes what it means. Raises BadParameter."""
    import msgspec
    import typer

    found = values_of(pairs_given, data)
    if isinstance(found, msgspec.Raw):
        decoded = msgspec.json.decode(found)
        if not isinstance(decoded, dict):
            raise typer.BadParameter("give a JSON object, values by code", param_hint="--data")
        return decoded
    return {
        code: msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value for code, value in found.items()
    }
