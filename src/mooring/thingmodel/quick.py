"""Reports straight from their bytes: the hot path of ingest.

Most reports are single values of properties that the model knows. Their texts follow from the bytes, without a field
and a Decimal for each. Whatever else a message holds (structs, arrays, events, ids that the model does not know, values
of another type, bytes that are no TTLV) is not judged here: `read` returns None, and the message is read as all others
are. What comes out is the same on both ways; a property test sees to that.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from mooring.protocol.ttlv import BYTES, MAX_EXPONENT, NEWER_BYTES, NUMBER
from mooring.thingmodel.exact import number_text
from mooring.thingmodel.features import Property
from mooring.thingmodel.scalars import Kind, ValueType, kind_of

__all__ = ["QuickReader"]

_FALSE: Final = -1
_TRUE: Final = -2
_BYTES: Final = -3


class QuickReader:
    """Compiled once per model. `read` gives the properties by id in pushed form, and the rows of dmData."""

    __slots__ = ("_plans",)

    def __init__(self, properties: Mapping[int, Property]) -> None:
        # By the two bytes before each value, id and type: the id, how the row begins, the decimals of a number or what
        # else it is, and what reads bytes.
        self._plans: dict[int, tuple[int, str, int, Any]] = {}
        for ident, compiled in properties.items():
            self._plan(ident, compiled.type)

    def _plan(self, ident: int, value_type: ValueType) -> None:
        header, head, kind = ident << 3, f'{{"id":{ident},"value":', kind_of(value_type)
        match kind:
            case Kind.BOOL:
                self._plans[header] = ident, f"{head}false}}", _FALSE, None
                self._plans[header | 1] = ident, f"{head}true}}", _TRUE, None
            case Kind.BYTES:
                for on_wire in (BYTES, NEWER_BYTES):
                    self._plans[header | on_wire] = ident, head, _BYTES, value_type.decode
            case int():
                self._plans[header | NUMBER] = ident, f'{head}"', kind, None

    def read(self, data: bytes) -> tuple[dict[int, object], str] | None:
        """Properties by id and dmData; None for a message that is to be read as all others are."""
        properties: dict[int, object] = {}
        rows: list[str] = []
        append, plans, whole = rows.append, self._plans, int.from_bytes
        at, end = 0, len(data)
        try:
            while at < end:
                ident, head, decimals, read = plans[data[at] << 8 | data[at + 1]]
                if decimals >= 0:
                    marker = data[at + 2]
                    stop = at + 4 + (marker & 7)
                    magnitude = whole(data[at + 3 : stop], "big")
                    text = str(magnitude)
                    exponent = marker >> 3 & MAX_EXPONENT
                    if exponent:
                        if exponent > decimals or exponent == MAX_EXPONENT:
                            text = number_text(Decimal(f"{text}E-{exponent}"), decimals)
                        elif magnitude:
                            text = (
                                f"{text[:-exponent]}.{text[-exponent:]}"
                                if len(text) > exponent
                                else f"0.{text.rjust(exponent, '0')}"
                            )
                            if not magnitude % 10:
                                text = text.rstrip("0").rstrip(".")
                    if marker & 0x80 and text != "0":
                        text = f"-{text}"
                    properties[ident] = text
                    append(f'{head}{text}"}}')
                elif decimals == _BYTES:
                    start = at + 4
                    stop = start + (data[at + 2] << 8 | data[at + 3])
                    value, text = read(data[start:stop], ())
                    properties[ident] = value
                    append(f"{head}{text}}}")
                else:
                    stop = at + 2
                    properties[ident] = decimals == _TRUE
                    append(head)
                at = stop
        except (KeyError, IndexError):
            return None
        return (properties, f"[{','.join(rows)}]") if at == end else None
