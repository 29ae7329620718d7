"""Hypothesis strategies for the codecs of the device link, and its vectors."""

import json
import types
import typing
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from mooring.protocol.commands_ota import MAX_FILES, MAX_PLANS, FirmwareFile, UpgradePlan
from mooring.protocol.commands_system import ServerAddress
from mooring.protocol.frame import Frame
from mooring.protocol.ttlv import MAX_EXPONENT, MAX_FIELD_ID, MAX_MAGNITUDE, Field, Value

_VECTORS = Path(__file__).parents[1] / "contract" / "vectors"


def vectors(name: str, kind: str | None = None) -> list[dict[str, Any]]:
    """Return the vectors of a file of the contract, all or those of one kind."""
    entries: list[dict[str, Any]] = json.loads((_VECTORS / f"{name}.json").read_text(encoding="utf-8"))["vectors"]
    return [entry for entry in entries if kind in (None, entry["kind"])]


def title(vector: object) -> str | None:
    """Return the name of a vector, as `ids` of a parametrized test."""
    return vector["name"] if isinstance(vector, dict) else None


def fields_of(entries: list[dict[str, Any]]) -> list[Field]:
    """Return the fields that a vector describes."""
    return [Field(entry["id"], _value_of(entry)) for entry in entries]


def _value_of(entry: dict[str, Any]) -> Value:
    match entry["type"]:
        case "bool":
            return bool(entry["value"])
        case "number":
            return Decimal(f"{entry['mantissa']}E-{entry['exponent']}")
        case "bytes":
            return bytes.fromhex(entry["hex"])
        case _:
            return fields_of(entry["items"])


def spelt(fields: list[Field]) -> list[Any]:
    """Return fields so that == also compares types and exponents: True is not 1, and 28.2 is not 28.20."""
    return [(field.id, *_spelt_value(field.value)) for field in fields]


def _spelt_value(value: Value) -> tuple[str, Any]:
    if isinstance(value, list):
        return "list", spelt(value)
    return type(value).__name__, value.as_tuple() if isinstance(value, Decimal) else value


def _decimal(magnitude: int, exponent: int) -> Decimal:
    return Decimal(f"{magnitude}E-{exponent}")


_magnitudes = st.integers(-300, 300) | st.integers(-MAX_MAGNITUDE, MAX_MAGNITUDE)
numbers = st.builds(_decimal, _magnitudes, st.integers(0, MAX_EXPONENT))
_leaves: st.SearchStrategy[Value] = st.booleans() | numbers | st.binary(max_size=40)
_ids = st.integers(1, 20) | st.integers(1, MAX_FIELD_ID)


def _lists(values: st.SearchStrategy[Value]) -> st.SearchStrategy[list[Field]]:
    struct = st.lists(st.builds(Field, _ids, values), max_size=5)
    array = st.lists(st.builds(Field, st.just(0), values), max_size=5)
    return struct | array


values = st.recursive(_leaves, _lists, max_leaves=12)
field_lists = _lists(values)

payloads = st.binary(max_size=60) | st.lists(st.sampled_from([0xAA, 0x55, 0]), max_size=60).map(bytes)
frames = st.builds(Frame, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), payloads)

_integers = st.integers(-10_000, 10_000) | st.integers(-MAX_MAGNITUDE, MAX_MAGNITUDE)
_texts = st.text(max_size=8)
_BY_ANNOTATION: dict[Any, st.SearchStrategy[Any]] = {
    int: _integers,
    bool: st.booleans(),
    str: _texts,
    bytes: st.binary(min_size=16, max_size=20),
    Decimal: numbers,
    list[Field]: field_lists,
    tuple[int, ...]: st.lists(st.integers(0, 0xFFFF), max_size=8).map(tuple),
    tuple[str, ...]: st.lists(st.text(min_size=1, max_size=4).filter(lambda name: ";" not in name), max_size=4).map(
        tuple
    ),
}


def values_of(type_: type[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for any value of a command's type that can be written."""
    return st.builds(type_, **{field.name: _attributes(field.type) for field in msgspec.structs.fields(type_)})


def _attributes(annotation: Any) -> st.SearchStrategy[Any]:
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return st.one_of(*(_attributes(option) for option in typing.get_args(annotation)))
    if annotation is type(None):
        return st.none()
    return _BY_ANNOTATION[annotation]


_BY_ANNOTATION[ServerAddress] = values_of(ServerAddress)
_BY_ANNOTATION[tuple[UpgradePlan, ...]] = st.lists(values_of(UpgradePlan), max_size=min(3, MAX_PLANS)).map(tuple)
_BY_ANNOTATION[tuple[FirmwareFile, ...]] = st.lists(values_of(FirmwareFile), max_size=min(3, MAX_FILES)).map(tuple)


@st.composite
def mutated(draw: st.DrawFn, messages: st.SearchStrategy[bytes]) -> bytes:
    """Return a valid message with one to four bytes changed, removed or inserted."""
    message = bytearray(draw(messages))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(message)))
        match draw(st.sampled_from("cri")):
            case "c":
                message[at : at + 1] = bytes((draw(st.integers(0, 255)),))
            case "r":
                del message[at : at + 1]
            case _:
                message.insert(at, draw(st.integers(0, 255)))
    return bytes(message)
