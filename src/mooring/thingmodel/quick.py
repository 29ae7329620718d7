"""Reports straight from their bytes: the hot path of ingest.

Most reports are single values of properties that the model knows. Their texts follow from the bytes, without a field
and a Decimal for each. Whatever else a message holds (structs, arrays, events, ids that the model does not know, values
of another type, bytes that are no TTLV) is not judged here: `read` returns None, and the message is read as all others
are. Messages of shapes that came before are read by functions made for them, others value by value. What comes out is
the same on all ways; property tests see to that.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeAlias

from mooring.protocol.ttlv import BYTES, MAX_EXPONENT, NEWER_BYTES, NUMBER
from mooring.thingmodel.features import Property
from mooring.thingmodel.layouts import Part
from mooring.thingmodel.learning import Shapes
from mooring.thingmodel.markers import FRACTIONS, NEGATIVE, SIZE, TABLED, text_of
from mooring.thingmodel.scalars import Kind, ValueType, kind_of

__all__ = ["QuickReader"]

_FALSE: Final = -1
_TRUE: Final = -2
_BYTES: Final = -3

_Way: TypeAlias = tuple[int, int, tuple[str, ...]]
"""How a number is read, by its marker: the bytes from header to end; what divides its magnitude, 1 where there are no
decimals and 0 where `text_of` has to look; the texts of the remainders."""


class QuickReader:
    """Compiled once per model. `read` gives the properties by id in pushed form, and the rows of dmData."""

    __slots__ = ("_plans", "_reads", "_shapes")

    def __init__(self, properties: Mapping[int, Property]) -> None:
        # By the two bytes before each value, id and type: the id, how the row begins, the decimals of a number or what
        # else it is, and what reads it.
        self._plans: dict[int, tuple[int, str, int, Any]] = {}
        parts: dict[int, Part] = {}
        for ident, compiled in properties.items():
            self._plan(ident, compiled.type, parts)
        self._shapes = Shapes(parts)
        self._reads = self._shapes.reads

    def _plan(self, ident: int, value_type: ValueType, parts: dict[int, Part]) -> None:
        header, head, kind = ident << 3, f'{{"id":{ident},"value":', kind_of(value_type)
        match kind:
            case Kind.BOOL:
                self._plans[header] = ident, f"{head}false}}", _FALSE, None
                self._plans[header | 1] = ident, f"{head}true}}", _TRUE, None
                parts[header] = parts[header | 1] = Part(ident, header)
            case Kind.BYTES:
                for on_wire in (BYTES, NEWER_BYTES):
                    self._plans[header | on_wire] = ident, head, _BYTES, value_type.decode
                    parts[header | on_wire] = Part(ident, header | on_wire, decode=value_type.decode)
            case int():
                self._plans[header | NUMBER] = ident, f'{head}"', kind, _ways(kind)
                parts[header | NUMBER] = Part(ident, header | NUMBER, decimals=kind)

    def read(self, data: bytes) -> tuple[dict[int, object], str] | None:
        """Properties by id and dmData; None for a message that is to be read as all others are."""
        for read in self._reads.get(data[:2], ()):
            found = read(data)
            if found is not None:
                return found
        found = self._each(data)
        if found is not None:
            self._shapes.missed(data)
        return found

    def _each(self, data: bytes) -> tuple[dict[int, object], str] | None:
        """Read value by value."""
        properties: dict[int, object] = {}
        rows: list[str] = []
        append, plans, whole = rows.append, self._plans, int.from_bytes
        at, end = 0, len(data)
        try:
            while at < end:
                ident, head, decimals, how = plans[data[at] << 8 | data[at + 1]]
                if decimals >= 0:
                    size, power, fractions = how[data[at + 2]]
                    stop = at + size
                    magnitude = whole(data[at + 3 : stop])
                    if power == 1:
                        text = f"{magnitude}"
                    elif power:
                        before, rest = divmod(magnitude, power)
                        text = f"{before}{fractions[rest]}"
                    else:
                        text = text_of(data[at + 2], magnitude, decimals)
                    properties[ident] = text
                    append(f'{head}{text}"}}')
                elif decimals == _BYTES:
                    start = at + 4
                    stop = start + (data[at + 2] << 8 | data[at + 3])
                    value, text = how(data[start:stop], ())
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


@cache
def _ways(decimals: int) -> tuple[_Way, ...]:
    """The ways of all 256 markers, for numbers that are rounded to so many decimals."""
    return tuple(_way(marker, decimals) for marker in range(256))


def _way(marker: int, decimals: int) -> _Way:
    size, exponent = 4 + (marker & SIZE), marker >> 3 & MAX_EXPONENT
    if marker & NEGATIVE or exponent > decimals or exponent > TABLED:
        return size, 0, ()
    return size, 10**exponent, FRACTIONS[exponent]
