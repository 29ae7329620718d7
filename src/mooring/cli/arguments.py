"""Arguments that several commands take: devices, ranges of time, values by code."""

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from .failure import Failure

__all__ = [
    "CONTENT",
    "DataJson",
    "DeviceKey",
    "Pairs",
    "ProductKey",
    "Since",
    "Until",
    "moment_of",
    "range_of",
    "read_content",
    "values_of",
]

CONTENT = 'CODE=VALUE; structs and arrays as JSON, any text as "…" in JSON.'

ProductKey = Annotated[str, typer.Argument(help="ProductKey.", metavar="PRODUCT")]
DeviceKey = Annotated[str, typer.Argument(help="DeviceKey.", metavar="DEVICE")]
Since = Annotated[
    str | None,
    typer.Option(help="From then on: 10m, 2h or 3d ago, 2026-11-24 or 2026-11-24T18:30 (UTC), or epoch ms."),
]
Until = Annotated[str | None, typer.Option(help="Up to then, in the same forms.")]
Pairs = Annotated[list[str] | None, typer.Argument(help=CONTENT, metavar="CODE=VALUE", show_default=False)]
DataJson = Annotated[
    str | None, typer.Option("--data", help="All of it as JSON instead; - reads standard input.", show_default=False)
]

_AGO = re.compile(r"([0-9]{1,9})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_EPOCH_MS = re.compile(r"[0-9]{12,16}")
_LAST_MS = 2**53


def moment_of(option: str, text: str | None, now: datetime) -> int | None:
    """A time as epoch ms; one without an offset is UTC. Raises BadParameter."""
    if text is None:
        return None
    if _EPOCH_MS.fullmatch(text):
        return min(int(text), _LAST_MS)
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            at = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        else:
            given = datetime.fromisoformat(text)
            at = given if given.tzinfo is not None else given.replace(tzinfo=UTC)
        return max(0, round(at.timestamp() * 1000))
    except (ValueError, OverflowError):
        message = f"{text!r} is no time: 10m, 2h, 3d, 2026-11-24, 2026-11-24T18:30 and epoch ms are"
        raise typer.BadParameter(message, param_hint=option) from None


def range_of(since: str | None, until: str | None) -> dict[str, int | None]:
    """Both ends of a range as members of a query. Raises BadParameter."""
    now = datetime.now(UTC)
    return {"since": moment_of("--since", since, now), "until": moment_of("--until", until, now)}


def values_of(pairs: Sequence[str] | None, data: str | None) -> Mapping[str, Any] | msgspec.Raw:
    """Values by code from pairs, or the JSON that was given, as it is. Raises BadParameter.

    What begins as JSON does is JSON; every other value goes as a text, which the server reads by the thing model.
    """
    if data is not None:
        if pairs:
            raise typer.BadParameter("give pairs or --data, not both", param_hint="--data")
        return _json("--data", sys.stdin.read() if data == "-" else data)
    found: dict[str, Any] = {}
    for pair in pairs or ():
        code, equals, value = pair.partition("=")
        if not code or not equals:
            raise typer.BadParameter(f"{pair!r} is not of the form CODE=VALUE", param_hint="CODE=VALUE")
        if code in found:
            raise typer.BadParameter(f"{code} is given twice", param_hint="CODE=VALUE")
        found[code] = _json(code, value) if value[:1] in ("{", "[", '"') else value
    return found


def read_content(file: Path) -> bytes:
    """The content of a file; `-` is standard input. Raises Failure."""
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}") from None


def _json(name: str, text: str) -> msgspec.Raw:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise typer.BadParameter(f"this is no JSON: {error}", param_hint=name) from None
    return msgspec.Raw(text.encode())  # numbers stay as they were written
