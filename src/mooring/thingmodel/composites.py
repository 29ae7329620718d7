"""The types that hold others: STRUCT and ARRAY, and the parameters of events and services, which travel as structs.

What fits of a struct is taken although another member does not; an array is taken as a whole or not at all, because
the place of an element is part of what it says. Contract: tsl.md sections 4, 7, 9 and 10.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from mooring.protocol.ttlv import ELEMENT_ID, Field, Value
from mooring.thingmodel.data_error import DataCode, DataError, Misfit, Unfit, inside
from mooring.thingmodel.data_text import JsonObject
from mooring.thingmodel.plain import plain_row
from mooring.thingmodel.scalars import ValueType

__all__ = ["Array", "Member", "Members", "Struct", "named", "pairs_of"]

_T = TypeVar("_T")

_ELEMENT_KEY: Final = "0"
_ID_DIGITS: Final = 4


class Member(msgspec.Struct, frozen=True):
    """One field of a struct, or one parameter of an event or service."""

    id: int
    code: str
    type: ValueType


class Members:
    """The parameters of an event or service by id and by code; `ids` is where they stand, from the outside in."""

    __slots__ = ("_by_code", "_heads", "_ids", "_members")

    def __init__(self, members: Iterable[Member], ids: tuple[int, ...]) -> None:
        self._members = {member.id: member for member in members}
        self._by_code = {member.code: member for member in self._members.values()}
        self._heads = {
            member.id: (f'{{"id":{member.id},"value":', member.code, member.type.decode)
            for member in self._members.values()
        }
        self._ids = ids

    def encode(self, value: object, path: str, *, checked: bool) -> list[Field]:
        """Return the fields of an object, or of a list of objects, in their order. Raises `DataError`."""
        fields: dict[int, Field] = {}
        for key, inner in pairs_of(value, path):
            member = named(key, self._by_code, self._members)
            if member is None:
                raise DataError(DataCode.UNKNOWN, inside(path, key), "is not defined in the model")
            place = inside(path, member.code)
            if member.id in fields:
                raise DataError(DataCode.UNKNOWN, place, "is given twice")
            fields[member.id] = Field(member.id, member.type.encode(inner, place, checked=checked))
        return list(fields.values())

    def decode(self, value: Value, misfits: list[Misfit]) -> tuple[dict[str, object], str]:
        """As `ValueType.decode`; no member at all is fine."""
        values: dict[str, object] = {}
        rows = []
        for member in _members_of(value):
            known = self._heads.get(member.id)
            if known is None:
                misfits.append(Misfit((*self._ids, member.id), "the id is not defined here"))
                rows.append(plain_row(member))
                continue
            head, code, decode = known
            try:
                values[code], text = decode(member.value, misfits)
            except Unfit as unfit:
                misfits.append(Misfit((*self._ids, member.id), unfit.reason))
                rows.append(plain_row(member))
            else:
                rows.append(f"{head}{text}}}")
        return values, f"[{','.join(rows)}]"

    def unpack(self, value: Value, misfits: list[Misfit]) -> dict[str, object]:
        """As `ValueType.unpack`; no member at all is fine."""
        values = {}
        for field in _members_of(value):
            member = self._members.get(field.id)
            try:
                if member is None:
                    raise Unfit("the id is not defined here")
                values[member.code] = member.type.unpack(field.value, misfits)
            except Unfit as unfit:
                misfits.append(Misfit((*self._ids, field.id), unfit.reason))
        return values


class Struct(Members):
    """A STRUCT: one of which no member fits is no value, so that it does not hide the one before."""

    __slots__ = ()

    def decode(self, value: Value, misfits: list[Misfit]) -> tuple[dict[str, object], str]:
        """As `ValueType.decode`."""
        values, text = super().decode(value, misfits)
        return _anything(values, value), text

    def unpack(self, value: Value, misfits: list[Misfit]) -> dict[str, object]:
        """As `ValueType.unpack`."""
        return _anything(super().unpack(value, misfits), value)


class Array:
    """An ARRAY of numbers, texts, bytes or structs."""

    __slots__ = ("_element", "_size")

    def __init__(self, element: ValueType, size: int) -> None:
        self._element = element
        self._size = size

    def encode(self, value: object, path: str, *, checked: bool) -> list[Field]:
        """As `ValueType.encode`: a list of values, or of `{"0": value}`."""
        elements = list(_elements(value, path))
        if len(elements) > self._size:
            raise DataError(DataCode.ELEMENTS, path, f"must have at most {self._size} elements, not {len(elements)}")
        encode = self._element.encode
        return [
            Field(ELEMENT_ID, encode(element, f"{path}[{place}]", checked=checked))
            for place, element in enumerate(elements)
        ]

    def decode(self, value: Value, misfits: list[Misfit]) -> tuple[list[object], str]:
        """As `ValueType.decode`; one element that does not fit makes the array not fit."""
        values, rows = [], []
        decode = self._element.decode
        for element in _elements_on_wire(value):
            inner, text = decode(element, misfits)
            values.append(inner)
            rows.append(f'{{"id":0,"value":{text}}}')
        return values, f"[{','.join(rows)}]"

    def unpack(self, value: Value, misfits: list[Misfit]) -> list[object]:
        """As `ValueType.unpack`; one element that does not fit makes the array not fit."""
        return [self._element.unpack(element, misfits) for element in _elements_on_wire(value)]


def named(key: object, by_code: Mapping[str, _T], by_id: Mapping[int, _T]) -> _T | None:
    """Return what a key names: by its code, or where no code matches by its id in decimal text."""
    if not isinstance(key, str):
        return None
    found = by_code.get(key)
    if found is None and len(key) <= _ID_DIGITS and key.isascii() and key.isdigit():
        return by_id.get(int(key))
    return found


def pairs_of(value: object, path: str) -> Iterator[tuple[object, object]]:
    """Yield the keys and values of an object, or of each object in a list. Raises `DataError` 71028."""
    if isinstance(value, JsonObject):
        yield from value
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple):
        for item in value:
            if not isinstance(item, JsonObject | Mapping):
                raise DataError(DataCode.UNKNOWN, path, "must be a list of objects")
            yield from pairs_of(item, path)
    else:
        raise DataError(DataCode.UNKNOWN, path, "must be a list of objects")


def _elements(value: object, path: str) -> Iterator[object]:
    """Yield the elements of a list of values or `{"0": value}`, or of one object whose keys are all `0`."""
    items = [value] if isinstance(value, JsonObject | Mapping) else value
    if not isinstance(items, list | tuple):
        raise DataError(DataCode.UNKNOWN, path, 'must be a list of {"0": value}')
    for item in items:
        inner = list(pairs_of(item, path)) if isinstance(item, JsonObject | Mapping) else []
        if inner and all(key == _ELEMENT_KEY for key, _ in inner):
            yield from (element for _, element in inner)
        else:
            yield item


def _members_of(value: Value) -> list[Field]:
    if type(value) is not list:
        raise Unfit("a struct must be a list of members")
    if value and value[0].id == ELEMENT_ID:
        raise Unfit("a struct cannot be an array")
    return value


def _elements_on_wire(value: Value) -> Iterator[Value]:
    if type(value) is not list:
        raise Unfit("an ARRAY must be a list of elements")
    for element in value:
        if element.id != ELEMENT_ID:
            raise Unfit("an ARRAY cannot have members with ids")
        yield element.value


def _anything(values: dict[str, object], value: Value) -> dict[str, object]:
    if value and not values:
        raise Unfit("no member fits")
    return values
