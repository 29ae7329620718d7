"""Which shapes of messages are learnt: those that come again, and not too many.

Devices are not trusted. Whatever they send, what is kept of it is bounded here, and so is the time it takes: only some
messages are looked at, one that comes once costs nothing more, and learning ends when there is no room. After many
messages of shapes that were not learnt everything is forgotten and learnt anew, because devices change in time.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from mooring.thingmodel.layouts import Layout, Part, Read
from mooring.thingmodel.markers import SIZE

__all__ = ["Shapes"]

_LOOKED_AT: Final = 13
"""One in so many messages of unknown shapes is looked at; a prime, so that a rhythm of devices hides no shape."""
_MOST_BYTES: Final = 1024
_MOST_PARTS: Final = 48
"""Of messages that are looked at."""
_MOST_LAYOUTS: Final = 16
_MOST_ALIKE: Final = 3  # layouts that begin with one header: they are tried in turn
_MOST_SEEN: Final = 64  # shapes that came once
_ROOM: Final = 1024
"""Values of all shapes together: about 100 shapes of ten numbers. One takes about 1 kB at most."""
_OUTDATED: Final = 65536  # messages of shapes not learnt

_Shape: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""The headers, and the bytes of numbers and texts; 0 of a bool, and of a text at the end, which may have any length."""


class Shapes:
    """Of one model. `reads` has the functions that may read a message, by its first two bytes: always the same dict."""

    __slots__ = ("_layouts", "_missed", "_parts", "_room", "_seen", "reads")

    def __init__(self, parts: Mapping[int, Part]) -> None:
        """Start with nothing learnt; `parts` are by the headers of the model's values, bools by both of theirs."""
        self._parts = parts
        self.reads: dict[bytes, tuple[Read, ...]] = {}
        self._layouts: dict[tuple[int, ...], Layout] = {}
        self._seen: set[_Shape] = set()
        self._room = _ROOM
        self._missed = 0

    def missed(self, data: bytes) -> None:
        """Take note of a valid message that none of `reads` could read."""
        self._missed += 1
        if not self._missed % _LOOKED_AT:
            self._look(data)
        elif self._missed >= _OUTDATED:
            self._forget()

    def _look(self, data: bytes) -> None:
        if not data or len(data) > _MOST_BYTES or self._room <= 0:
            return
        parts, shape = self._shape(data)
        if len(parts) > _MOST_PARTS:
            return
        if shape not in self._seen:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen.add(shape)
            return
        self._seen.discard(shape)
        layout = self._layouts.get(shape[0]) or self._layout(parts, shape[0])
        if layout is not None:
            layout.learn(data)
            self._room -= len(parts)

    def _layout(self, parts: list[Part], headers: tuple[int, ...]) -> Layout | None:
        """Compile a layout, where there is room for one more."""
        begins = [header.to_bytes(2) for header, part in self._parts.items() if part.header == headers[0]]
        alike = self.reads.get(begins[0], ())
        if len(alike) >= _MOST_ALIKE or len(self._layouts) >= _MOST_LAYOUTS:
            return None
        layout = self._layouts[headers] = Layout(parts)
        self.reads.update(dict.fromkeys(begins, (*alike, layout.read)))
        return layout

    def _shape(self, data: bytes) -> tuple[list[Part], _Shape]:
        parts, lengths, at = [], [], 0
        while at < len(data):
            part, length = self._parts[data[at] << 8 | data[at + 1]], 0
            if part.decimals is not None:
                length = 1 + (data[at + 2] & SIZE)
                at += 3 + length
            elif part.decode is not None:
                length = data[at + 2] << 8 | data[at + 3]
                at += 4 + length
            else:
                at += 2
            parts.append(part)
            lengths.append(length)
        if parts[-1].decode is not None:
            lengths[-1] = 0
        return parts, (tuple(part.header for part in parts), tuple(lengths))

    def _forget(self) -> None:
        self.reads.clear()
        self._layouts.clear()
        self._seen.clear()
        self._room = _ROOM
        self._missed = 0
