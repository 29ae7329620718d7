"""Rows of the data log as values by code, and the check of values before they are sent.

Both use the released thing model of the product. A row that the model does not fit, because it is older than the model
or has none, has no values; its record is there all the same.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from mooring.client.errors import BadValue
from mooring.client.types import DataRecord, ThingModel, moment
from mooring.protocol import ttlv
from mooring.thingmodel import DataError, ModelCodec

if TYPE_CHECKING:
    import pandas
    import polars

T = TypeVar("T")

_UPLINK = 1
_BAD_MODEL = 70094
_UNKNOWN = 71028


@dataclass(frozen=True, slots=True)
class Reading:
    """One message of a device with what it reported.

    `values` are Python values by property code: bool, int, float, str, bytes (RAW), datetime (DATE), a dict (STRUCT), a
    list (ARRAY). `record` is the row of the log; `time_ms` is when the platform wrote it, epoch milliseconds.
    """

    record: DataRecord
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def time_ms(self) -> int | None:
        """When the platform wrote the row, epoch milliseconds."""
        return self.record.create_time_ms

    @property
    def at(self) -> datetime | None:
        """When the platform wrote the row."""
        return self.record.created_at

    @property
    def payload(self) -> bytes:
        """The bytes that were sent; empty when the row has none that can be read."""
        return payload_of(self.record)


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest value of a property; `at` is when the platform got it, `time_ms` the same in epoch milliseconds."""

    value: Any
    time_ms: int | None

    @property
    def at(self) -> datetime | None:
        """When the platform got it."""
        return moment(self.time_ms)


class Model:
    """The released model of a product, ready to check and to read values."""

    def __init__(self, exported: ThingModel) -> None:
        """Raises `BadValue` when the document is none that can be worked with."""
        self.exported = exported
        try:
            self._codec = ModelCodec(exported.raw)
        except (LookupError, TypeError, ValueError, ArithmeticError):
            raise BadValue(
                _BAD_MODEL, "", "the thing model cannot be read; use client.commands, which do not check"
            ) from None
        self._types = {one.code: one.data_type for one in self._codec.properties.values()}
        self._dates = {code for code, kind in self._types.items() if kind == "DATE"}

    @property
    def readable(self) -> frozenset[str]:
        """The codes of properties that devices report."""
        return frozenset(one.code for one in self._codec.properties.values() if one.sub_type != "W")

    def check_write(self, data: str) -> None:
        """Check the data string of a write. Raises `BadValue`."""
        _checked(self._codec.write_fields, data)

    def check_call(self, data: str) -> None:
        """Check the data string of a service call. Raises `BadValue`."""
        _checked(self._codec.service_calls, data)

    def check_read(self, data: str) -> None:
        """Check the data string of a read. Raises `BadValue`."""
        _checked(self._codec.read_ids, data)

    def reading(self, record: DataRecord) -> Reading:
        """Return a row with what it says."""
        if record.direction not in (None, _UPLINK):
            return Reading(record)
        try:
            fields = ttlv.decode(payload_of(record))
        except ttlv.TtlvError:
            return Reading(record)
        values = self._codec.decode_write(fields).properties
        return Reading(record, {code: self._python(code, value) for code, value in values.items()})

    def outputs(self, record: DataRecord, service: str) -> Mapping[str, Any] | None:
        """Return what a service answered in a row, as the platform pushes it (numbers are text); None when it did
        not.
        """
        try:
            decoded = self._codec.decode_payload(payload_of(record))
        except ttlv.TtlvError:
            return None
        return next((answer.outputs for answer in decoded.services if answer.code == service), None)

    def _python(self, code: str, value: object) -> Any:
        if code in self._dates and isinstance(value, int):
            return moment(value)
        return _floats(value)


def unknown(error: BadValue) -> bool:
    """Whether a newer model might allow it."""
    return error.code == _UNKNOWN


def payload_of(record: DataRecord) -> bytes:
    """Return the bytes of a row."""
    try:
        return base64.b64decode(record.data or "", validate=True)
    except (binascii.Error, ValueError):
        return b""


def rows_for_frames(readings: Iterable[Reading]) -> list[dict[str, Any]]:
    """Return readings that have values as rows for a data frame."""
    return [{"time": reading.at, **reading.values} for reading in readings if reading.values]


def pandas_frame(readings: Iterable[Reading]) -> "pandas.DataFrame":
    """Return readings as a pandas frame: a row for each, a column for each code, indexed by time. Needs pandas."""
    import pandas

    rows = rows_for_frames(readings)
    if not rows:
        return pandas.DataFrame(index=pandas.DatetimeIndex([], tz="UTC", name="time"))
    return pandas.DataFrame.from_records(rows).set_index("time")


def polars_frame(readings: Iterable[Reading]) -> "polars.DataFrame":
    """Return readings as a polars frame: a row for each, a column `time` and one for each code. Needs polars."""
    import polars

    rows = rows_for_frames(readings)
    if not rows:
        return polars.DataFrame(schema={"time": polars.Datetime("us", "UTC")})
    return polars.DataFrame(rows, infer_schema_length=None)


def _checked(check: Callable[[str], T], data: str) -> None:
    try:
        check(data)
    except DataError as error:
        raise BadValue(int(error.code), error.path, error.reason) from None


def _floats(value: object) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {code: _floats(member) for code, member in value.items()}
    if isinstance(value, list):
        return [_floats(element) for element in value]
    return value
