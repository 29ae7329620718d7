"""How a command's payload becomes a typed value and back: the pieces the command tables are made of.

A `Codec` ties one command in one direction to one type. Most payloads are TTLV whose ids stand for named attributes;
a `Layout` is that table, in the order in which the items are written. Reading is lenient where the contract leaves
room for newer devices: unknown ids are skipped, of a repeated id the last one wins, items come in any order. A known
id with a value of another kind is refused by name.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mooring.protocol import ttlv
from mooring.protocol.commands_kinds import Kind, Misfit
from mooring.protocol.ttlv import ELEMENT_ID, Field, Value

__all__ = [
    "Codec",
    "Direction",
    "Item",
    "Layout",
    "array",
    "fields_codec",
    "ids_codec",
    "layout_codec",
    "raw_codec",
    "struct",
]

T = TypeVar("T")


class Direction(enum.Enum):
    """Where a frame goes: up is device to server, down is server to device."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Codec:
    """One command in one direction: its type, and payload to value and back, by `Misfit` or `TtlvError` if not."""

    command: int
    direction: Direction
    type: type[Any]
    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class Item:
    """One id of a layout.

    A required item is always there. Another one is left out when its attribute equals `default`, which is also the
    attribute's default in its type.
    """

    id: int
    name: str
    kind: Kind
    required: bool = False
    default: object = None


class Layout(Generic[T]):
    """The items of a struct or a whole payload, and the type whose attributes they are."""

    def __init__(self, type_: type[T], *items: Item) -> None:
        self._type = type_
        self._items = items
        self._by_id = {item.id: item for item in items}

    def read(self, fields: Sequence[Field]) -> T:
        """Return the value of the fields. Raises `Misfit`."""
        attributes: dict[str, object] = {}
        for field in fields:
            item = self._by_id.get(field.id)
            if item is None:
                continue
            try:
                attributes[item.name] = item.kind.read(field.value)
            except Misfit as error:
                raise error.inside(item.name) from None
        for item in self._items:
            if item.required and item.name not in attributes:
                raise Misfit(item.name, "is missing")
        return self._type(**attributes)

    def write(self, value: T) -> list[Field]:
        """Return the fields of a value, in the order of the items. Raises `Misfit`."""
        fields: list[Field] = []
        for item in self._items:
            attribute = getattr(value, item.name)
            if not item.required and attribute == item.default:
                continue
            try:
                fields.append(Field(item.id, item.kind.write(attribute)))
            except Misfit as error:
                raise error.inside(item.name) from None
        return fields


def struct(layout: Layout[Any]) -> Kind:
    """A list of items that have names of their own."""
    return Kind(lambda value: layout.read(_members(value)), layout.write)


def array(layout: Layout[Any], limit: int) -> Kind:
    """Up to `limit` structs; a tuple on our side."""

    def read(value: Value) -> object:
        elements = _members(value)
        if len(elements) > limit:
            raise Misfit("", f"has more than {limit} elements")
        if any(element.id != ELEMENT_ID for element in elements):
            raise Misfit("", "is not an array")
        return tuple(layout.read(_members(element.value)) for element in elements)

    def write(value: tuple[Any, ...]) -> Value:
        if len(value) > limit:
            raise Misfit("", f"has more than {limit} elements")
        return [Field(ELEMENT_ID, layout.write(element)) for element in value]

    return Kind(read, write)


def _members(value: Value) -> list[Field]:
    if not isinstance(value, list):
        raise Misfit("", "is not a struct or array")
    return value


def layout_codec(command: int, direction: Direction, type_: type[Any], *items: Item) -> Codec:
    """Return the codec of a payload whose ids have names."""
    layout = Layout(type_, *items)

    def read(payload: bytes) -> object:
        return layout.read(ttlv.decode(payload))

    def write(value: object) -> bytes:
        return ttlv.encode(layout.write(value))

    return Codec(command, direction, type_, read, write)


def fields_codec(command: int, direction: Direction, type_: type[Any]) -> Codec:
    """Return the codec of a payload whose ids the thing model names; its attribute is `fields`."""

    def read(payload: bytes) -> object:
        return type_(ttlv.decode(payload))

    def write(value: Any) -> bytes:
        return ttlv.encode(value.fields)

    return Codec(command, direction, type_, read, write)


def ids_codec(command: int, direction: Direction, type_: type[Any]) -> Codec:
    """Return the codec of a read request; its attribute is `ids`."""

    def read(payload: bytes) -> object:
        return type_(tuple(ttlv.decode_ids(payload)))

    def write(value: Any) -> bytes:
        return ttlv.encode_ids(value.ids)

    return Codec(command, direction, type_, read, write)


def raw_codec(command: int, direction: Direction, type_: type[Any]) -> Codec:
    """Return the codec of a payload that is bytes of the application; its attribute is `data`."""

    def write(value: Any) -> bytes:
        data: bytes = value.data
        return data

    return Codec(command, direction, type_, type_, write)
