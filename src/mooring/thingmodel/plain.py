"""dmData of fields that no model says the meaning of: types as on the wire (tsl.md section 10)."""

from collections.abc import Iterable
from decimal import Decimal

from mooring.protocol.ttlv import MAX_EXPONENT, Field
from mooring.thingmodel.data_error import Unfit
from mooring.thingmodel.exact import number_text
from mooring.thingmodel.scalars import quoted

__all__ = ["plain_dm_data", "plain_row"]

_LINE_ENDS_AND_TAB = str.maketrans("", "", "\r\n\t")


def plain_dm_data(fields: Iterable[Field]) -> str:
    """Return `[{"id":1,"value":…}]` for a product without a model: bytes as text when they are one, else in hex."""
    return f"[{','.join(map(plain_row, fields))}]"


def plain_row(field: Field) -> str:
    """Return the row of one field, with the rows of its members inside."""
    return f'{{"id":{field.id},"value":{_json(field)}}}'


def _json(field: Field) -> str:
    value = field.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        try:
            return f'"{number_text(value, MAX_EXPONENT)}"'
        except Unfit:
            return "null"  # no number that TTLV can hold
    if isinstance(value, bytes):
        return quoted(_text(value))
    return plain_dm_data(value)


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data.hex()
    return text if text.translate(_LINE_ENDS_AND_TAB).isprintable() else data.hex()
