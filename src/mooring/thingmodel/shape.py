"""The shapes of a thing model document as tables: which keys an object has, in the order of exports.

Both the check and the canonical form read these tables, so a key that one accepts the other keeps.
Contract: tsl.md sections 1 to 7.
"""

import re
from typing import Any, Final, TypeAlias

import msgspec

Document: TypeAlias = dict[str, Any]
"""A thing model document: decoded JSON, `{"profile", "services", "properties", "events"}`."""

TSL_VERSION: Final = "1.2.0"
"""Format version written into exports (contract tsl.md section 1)."""

SCALAR_TYPES: Final = ("BOOL", "INT", "FLOAT", "DOUBLE", "ENUM", "TEXT", "DATE", "RAW")
DATA_TYPES: Final = (*SCALAR_TYPES, "STRUCT", "ARRAY")
ELEMENT_TYPES: Final = ("INT", "FLOAT", "DOUBLE", "TEXT", "RAW", "STRUCT")
NUMBER_TYPES: Final = ("INT", "FLOAT", "DOUBLE")

# `0` marks an array element in command data, so it can never be a code.
CODE_FORM: Final = re.compile(r"(?!0\Z)[A-Za-z0-9_]{1,64}")
REFERENCE_FORM: Final = re.compile(r"#/properties/id/([1-9][0-9]{0,3})")

# Every key of a feature, parameter, field or specs object: one of these in the wrong place is a mistake that
# changes the meaning, not an extension that can be dropped.
_MEMBER_KEYS: Final = frozenset(
    (
        *("$ref", "id", "code", "name", "desc", "type", "subType", "sort", "dataType", "specs"),
        *("inputData", "outputData", "numberSpecs", "size", "length", "value"),
        *("unit", "min", "max", "multiple", "step"),
    )
)


class Shape(msgspec.Struct, frozen=True):
    """One kind of object: its keys in export order, those that must be there, those that must not."""

    keys: tuple[str, ...]
    required: tuple[str, ...] = ()
    misplaced: frozenset[str] = _MEMBER_KEYS


class FeatureKind(msgspec.Struct, frozen=True):
    """One of the three kinds of feature (contract tsl.md sections 3, 5 and 6)."""

    array: str
    type: str
    sub_types: tuple[str, ...]
    shape: Shape
    lists: tuple[str, ...] = ()


_FEATURE_TAIL: Final = ("subType", "id", "sort", "type", "desc")

SERVICE: Final = FeatureKind(
    array="services",
    type="SERVICE",
    sub_types=("ASYNC",),
    shape=Shape(("outputData", "inputData", "code", "name", *_FEATURE_TAIL), ("id", "code", "name", "type", "subType")),
    lists=("inputData", "outputData"),
)
PROPERTY: Final = FeatureKind(
    array="properties",
    type="PROPERTY",
    sub_types=("R", "W", "RW"),
    shape=Shape(
        ("specs", "code", "dataType", "name", *_FEATURE_TAIL),
        ("id", "code", "name", "type", "subType", "dataType"),
    ),
)
EVENT: Final = FeatureKind(
    array="events",
    type="EVENT",
    sub_types=("INFO", "WARN", "ERROR"),
    shape=Shape(("outputData", "code", "name", *_FEATURE_TAIL), ("id", "code", "name", "type", "subType")),
    lists=("outputData",),
)
KINDS: Final = (SERVICE, PROPERTY, EVENT)
"""The kinds of feature in the order exports write them."""

DOCUMENT: Final = Shape(("profile", *(kind.array for kind in KINDS)), ("profile",), frozenset())
PROFILE: Final = Shape(("tslVersion", "productKey", "version"), ("productKey", "version"), frozenset())
PARAMETER: Final = Shape(("specs", "code", "dataType", "name", "id", "desc"), ("id", "code", "name", "dataType"))
REFERENCE: Final = Shape(("$ref",), ("$ref",))
OPTION: Final = Shape(("dataType", "name", "value"), ("name", "value"))
NUMBER: Final = Shape(("unit", "min", "max", "multiple", "step"))
SIZED: Final = Shape(("length",), ("length",))
DATE: Final = Shape(("length",))
ARRAY: Final = Shape(("numberSpecs", "specs", "size", "dataType"), ("size", "dataType"))

_NUMBER_ARRAY: Final = Shape(("numberSpecs", "size", "dataType"), ("size", "dataType"))
_PLAIN_ARRAY: Final = Shape(("size", "dataType"), ("size", "dataType"))
_STRUCT_ARRAY: Final = Shape(("specs", "size", "dataType"), ("specs", "size", "dataType"))
ARRAY_SHAPES: Final = {
    **dict.fromkeys(NUMBER_TYPES, _NUMBER_ARRAY),
    **dict.fromkeys(("TEXT", "RAW"), _PLAIN_ARRAY),
    "STRUCT": _STRUCT_ARRAY,
}
"""Shape of an array's specs by the data type of its elements (contract tsl.md section 4)."""
