"""Devices in a CSV file; every fault names its line."""

import csv
import io
from collections.abc import Mapping

from .device_input import check_new
from .devices import MAX_BATCH, NewDevice
from .errors import Invalid, LimitReached

__all__ = ["COLUMNS", "read_devices"]

COLUMNS = ("device_key", "name", "sn", "auth_mode", "fingerprint")
"""What a header may name, in any order; the first is needed."""


def read_devices(content: bytes) -> list[NewDevice]:
    """The devices of a CSV file in UTF-8 whose first line is a header. Raises Invalid, LimitReached."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _fault(line, "is not UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[NewDevice] = []
    lines: dict[str, int] = {}
    header: list[str] | None = None
    try:
        for cells in reader:
            line = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _header(line, cells)
                continue
            if len(found) == MAX_BATCH:
                message = f"line {line}: one file takes {MAX_BATCH} devices; nothing was added"
                raise LimitReached("batch_limit", message, wire=50005)
            found.append(_device(line, header, cells, lines))
    except csv.Error as error:
        raise _fault(reader.line_num, f"is no CSV: {error}") from None
    if not found:
        raise Invalid("csv", "the file holds no device; the first line is a header with device_key", wire=50005)
    return found


def _header(line: int, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise _fault(line, f"the header names {unknown[0][:40]!r}; known are {', '.join(COLUMNS)}")
    if len(set(names)) < len(names):
        raise _fault(line, "the header names a column twice")
    if COLUMNS[0] not in names:
        raise _fault(line, "the header does not name device_key")
    return names


def _device(line: int, header: list[str], cells: list[str], lines: dict[str, int]) -> NewDevice:
    if len(cells) != len(header):
        raise _fault(line, f"has {len(cells)} cells, the header {len(header)}")
    given = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    mode = given.get("auth_mode") or "0"
    if not (mode.isascii() and mode.isdigit() and len(mode) == 1):
        raise _fault(line, "auth_mode must be 0, 1 or 2", "auth_mode")
    new = NewDevice(
        given["device_key"], given.get("name") or None, given.get("sn") or None, int(mode), _of(given, "fingerprint")
    )
    try:
        check_new(new, None)
    except Invalid as error:
        raise _fault(line, error.message, error.field) from None
    for column in ("device_key", "sn"):
        text = _of(given, column)
        if text is not None:
            first = lines.setdefault(f"{column} {text}", line)
            if first != line:
                raise _fault(line, f"{column} is that of line {first}", column)
    return new


def _of(given: Mapping[str, str], column: str) -> str | None:
    return given.get(column) or None


def _fault(line: int, message: str, field: str | None = None) -> Invalid:
    return Invalid("csv", f"line {line}: {message}; nothing was added", field=field, wire=50005)
