"""Messages of one layout, read by a function that is made for it.

A layout is what a message holds in order: ids and types. A shape is a layout with the bytes that each number and each
text takes. One call of `struct` takes a message of a known shape apart, and nothing is left to be decided about it.

Which shape it is follows from the markers of numbers and the lengths of texts. Each says where the next of them is: a
tree, walked from its root for every message. A marker says as well how its number becomes text. Headers are not looked
at on the way; all are compared at the end, in one number. A text at the end of a message may have any length.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from mooring.thingmodel.markers import FIELDS, SIZE, usual_markers, way_of

__all__ = ["Layout", "Part", "Read"]

Read: TypeAlias = Callable[[bytes], tuple[dict[int, object], str] | None]
"""Properties by id and dmData; None for a message of no shape that was learnt."""

_Steps: TypeAlias = list[tuple[int, Any, int | None]]
"""Where each step is, the marker or length that stands there, and the decimals of a number."""

_FUNCTION: Final = """\
def read(data):
    try:
        at, step = {first}, root
        {walk}
        size, unpack, mask, headers = step
        {fields}, = unpack(data)
    except (KeyError, IndexError, error):
        return None
    if {known}:
        {work}
        return {{{values}}}, f'[{rows}]'
    return None
"""


class Part(msgspec.Struct, frozen=True):
    """One value of a layout. A number has `decimals`, bytes have `decode`, a bool neither, and the header of false."""

    ident: int
    header: int
    decimals: int | None = None
    decode: Callable[[Any, Any], tuple[object, str]] | None = None


class Layout:
    """Compiled once per layout, which is one part or more; `read` knows no shape before `learn`."""

    __slots__ = ("_parts", "_root", "read")

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._root: dict[Any, Any] = {}
        names: dict[str, Any] = {"root": self._root, "whole": int.from_bytes, "error": struct.error}
        names |= {f"decode{number}": part.decode for number, part in enumerate(parts)}
        exec(_source(parts), names)  # noqa: S102 - made of the texts below and of ids, which are numbers; of no input
        self.read: Read = names["read"]

    def learn(self, data: bytes) -> None:
        """Learn the shape of a message that is valid and has this layout."""
        steps: _Steps = []
        form, mask, at = ">", bytearray(), 0
        for number, part in enumerate(self._parts, 1):
            if part.decimals is not None:
                marker = data[at + 2]
                steps.append((at + 2, marker, part.decimals))
                form += FIELDS[marker & SIZE]
                mask += b"\xff\xff" + bytes((marker & SIZE) + 2)
            elif part.decode is None:
                form += "xB"
                mask += b"\xff\xfe"
            elif number == len(self._parts):
                form += "2xH"
                mask += b"\xff\xff\0\0"
            else:
                length = data[at + 2 : at + 4]
                steps.append((at + 2, length, None))
                form += f"4x{int.from_bytes(length)}s"
                mask += b"\xff\xff\0\0" + bytes(int.from_bytes(length))
            at = len(mask)
        shape, bits = struct.Struct(form), int.from_bytes(mask)
        unpack = shape.unpack if self._parts[-1].decode is None else shape.unpack_from
        self._plant(steps, (at, unpack, bits, int.from_bytes(data[:at]) & bits))

    def _plant(self, steps: _Steps, leaf: tuple[Any, ...]) -> None:
        """Add the way to a shape. A node has what follows by marker or length: how it is read, where, and what then."""
        node = self._root
        if not steps:
            node[None] = leaf
        for number, (_, key, decimals) in enumerate(steps, 1):
            child: Any = leaf if number == len(steps) else {}
            following = 0 if number == len(steps) else steps[number][0]
            if decimals is None:
                node = node.setdefault(key, (following, child))[-1]
                continue
            # Markers of one size have one child, whatever sign and decimals they say.
            child = next((entry[-1] for marker, entry in list(node.items()) if not (marker ^ key) & SIZE), child)
            node |= {marker: (*way_of(marker, decimals), following, child) for marker in usual_markers(key, decimals)}
            node = child


def _source(parts: Sequence[Part]) -> str:
    """The function of a layout; value by value it has `m`, the field, `v`, the pushed value, `r`, its JSON."""
    walk, work, values, rows = [], [], [], []
    first = None
    last = len(parts) - 1
    for n, part in enumerate(parts):
        row = f"{{r{n}}}"
        if part.decimals is not None:
            walk.append(f"p{n}, f{n}, at, step = step[data[at]]")
            work.append(f"v{n} = f'{{m{n} // p{n}}}{{f{n}[m{n} % p{n}]}}' if p{n} else f{n}(m{n})")
            row = f'"{{v{n}}}"'
        elif part.decode is None:
            work.append(f"v{n} = m{n} & 1 == 1")
            row = f'{{"true" if v{n} else "false"}}'
        elif n == last:
            work.append(f"v{n}, r{n} = decode{n}(data[size:], ())")
        else:
            walk.append("at, step = step[data[at : at + 2]]")
            work.append(f"v{n}, r{n} = decode{n}(m{n}, ())")
        first = 2 * n + 2 if walk and first is None else first  # before the first step there are bools only
        values.append(f"{part.ident:d}: v{n}")
        rows.append(f'{{{{"id":{part.ident:d},"value":{row}}}}}')
    headers, indent = "whole(data) & mask == headers", "\n        "
    if parts[last].decode is not None:
        headers = f"whole(data[:size]) & mask == headers and size + m{last} == len(data)"
    return _FUNCTION.format(
        first=first or 0,
        walk=indent.join(walk or ["step = step[None]"]),
        fields=", ".join(f"m{n}" for n in range(len(parts))),
        known=headers,
        work=indent.join(work),
        values=", ".join(values),
        rows=",".join(rows),
    )
