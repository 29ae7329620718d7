"""The rules of a thing model by name, and the report that collects what breaks them.

Rule names are stable: documentation, console and tests refer to them. Contract: tsl.md sections 8 and 12.
"""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from mooring.thingmodel.shape import Document

RULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # shape
        "object-expected": "A JSON object must stand here.",
        "array-expected": "A JSON array must stand here.",
        "missing-key": "A required key is missing.",
        "misplaced-key": "This key belongs to another kind of object and must not stand here.",
        "unknown-key": "This key is not part of a thing model; it was dropped.",
        "text-expected": "A text must stand here.",
        "text-unicode": "A text must not contain the character U+0000 or half of a surrogate pair.",
        "more-faults": "The list is cut short; further findings were left out.",
        # document and profile
        "no-features": "A document must hold at least one property, service or event.",
        "feature-limit": "A product must not have more features than the configured limit.",
        "tsl-version-form": "tslVersion must be three numbers with points between them, such as 1.2.0.",
        "product-key-form": "productKey must be 4 to 32 letters and digits.",
        "version-form": "version must be 17 digits, yyyyMMddHHmmssSSS.",
        # features, parameters and fields
        "id-range": "An id must be a whole number from 1 to 8000, written as a JSON integer.",
        "id-unique": "An id must be used once over all features and own parameters.",
        "code-form": "A code must be 1 to 64 letters, digits or underscores, and not the single character 0.",
        "code-unique": "A code must be used once over properties, services and events.",
        "name-length": "A name must have 1 to 128 characters.",
        "name-control": "A name must not contain control characters.",
        "name-duplicate": "Another feature has the same name; names should differ.",
        "desc-length": "A description must have at most 200 characters.",
        "sort-range": "sort must be a whole number from 0 to 2147483647, written as a JSON integer.",
        "sort-unique": "A sort number must be used once over properties, services and events.",
        "feature-type": "type must be PROPERTY, SERVICE or EVENT, as the array it stands in says.",
        "property-access": "subType of a property must be R, W or RW.",
        "event-level": "subType of an event must be INFO, WARN or ERROR.",
        "service-mode": "subType of a service must be ASYNC.",
        "ref-form": "A reference must read #/properties/id/ followed by the id of a property.",
        "ref-target": "A reference must name a property of the same document.",
        "param-code-unique": "A code must be used once in a parameter list, referenced properties included.",
        # data types and their specs
        "data-type": "dataType must be BOOL, INT, FLOAT, DOUBLE, ENUM, TEXT, DATE, RAW, STRUCT or ARRAY.",
        "field-data-type": "dataType of a field must be BOOL, INT, FLOAT, DOUBLE, ENUM, TEXT, DATE or RAW.",
        "element-data-type": "dataType of an array element must be INT, FLOAT, DOUBLE, TEXT, RAW or STRUCT.",
        "option-data-type": "dataType of an option must repeat the data type it belongs to.",
        "specs-shape": "specs must be an array for BOOL, ENUM and STRUCT, and an object for the other types.",
        "bool-values": "A BOOL must have two options, one with the value true and one with the value false.",
        "enum-empty": "An ENUM must have at least one option.",
        "enum-value": "The value of an ENUM option must be a text of 1 to 10 digits, a minus sign allowed.",
        "enum-unique": "The values of an ENUM must differ as whole numbers.",
        "int-form": "A number of an INT must be a text: empty, or a whole number of at most 10 digits.",
        "int-bounds": "min and max of an INT must lie within -2147483648 and 2147483647.",
        "decimal-form": "This number must be a text: empty, or a decimal number with at most 15 decimals.",
        "decimal-bounds": "min and max must lie within the range of the single or double precision type.",
        "float-decimals": "A FLOAT has at most 7 decimals; finer bounds and steps have no effect.",
        "min-max": "min must not be above max.",
        "step-positive": "step must be empty or above zero.",
        "text-length": "length of a TEXT must be 1 to 10240 bytes.",
        "raw-length": "length of a RAW must be 1 to 4096 bytes.",
        "date-length": "length of a DATE must be 13.",
        "array-size": "size of an ARRAY must be 1 to 100.",
        "struct-empty": "A STRUCT must have at least one field.",
        "field-id-unique": "A field id must be used once inside its struct.",
        "field-code-unique": "A field code must be used once inside its struct.",
    }
)
"""Every rule name with its sentence; `unknown-key`, `name-duplicate` and `float-decimals` only warn."""

# A wrong file can break a rule thousands of times; nobody reads past this many, and the answer stays small.
MOST_FINDINGS: Final = 100

_VALUE_WIDTH: Final = 80
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_]{0,63}")


class Fault(msgspec.Struct, frozen=True):
    """One finding: where (`properties[3].specs.min`), which rule, the value found, what is allowed."""

    path: str
    rule: str
    value: str
    message: str


class Checked(msgspec.Struct, frozen=True):
    """What a check found; `document` is the canonical document, None when there is a fault."""

    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    document: Document | None


class Report:
    """Collects faults and warnings, each kind up to `MOST_FINDINGS`."""

    __slots__ = ("_faults", "_warnings")

    def __init__(self) -> None:
        self._faults = _Findings()
        self._warnings = _Findings()

    @property
    def clean(self) -> bool:
        """Whether no fault was found so far."""
        return self._faults.count == 0

    def fault(self, path: str, rule: str, value: object = msgspec.UNSET, hint: str = "") -> None:
        """Note a broken rule; `hint` is a sentence that follows the rule's own."""
        self._faults.add(path, rule, value, hint)

    def warn(self, path: str, rule: str, value: object = msgspec.UNSET, hint: str = "") -> None:
        """Note something that is accepted but worth telling."""
        self._warnings.add(path, rule, value, hint)

    def checked(self, document: Document | None) -> Checked:
        """Close the report with the canonical document, or None when there are faults."""
        return Checked(self._faults.listed(), self._warnings.listed(), document)


class _Findings:
    __slots__ = ("_found", "count")

    def __init__(self) -> None:
        self._found: list[Fault] = []
        self.count = 0

    def add(self, path: str, rule: str, value: object, hint: str) -> None:
        self.count += 1
        if self.count > MOST_FINDINGS:
            return
        message = f"{RULES[rule]} {hint}" if hint else RULES[rule]
        self._found.append(Fault(path, rule, shown(value), message))

    def listed(self) -> tuple[Fault, ...]:
        left_out = self.count - len(self._found)
        if not left_out:
            return tuple(self._found)
        return (*self._found, Fault("$", "more-faults", str(left_out), RULES["more-faults"]))


def shown(value: object) -> str:
    """Return a value in at most 80 characters that are always valid Unicode, `""` for an absent one."""
    match value:
        case msgspec.UnsetType():
            return ""
        case None | bool():
            return json.dumps(value)
        case int() if value.bit_length() > 128:
            # Python refuses to write out integers of thousands of digits.
            return f"an integer of {value.bit_length()} bits"
        case str():
            # Half a surrogate pair cannot be encoded, and the answer must be.
            whole = value[:_VALUE_WIDTH].encode("utf-8", "replace").decode()
            return _clipped(json.dumps(whole, ensure_ascii=False))
        case dict():
            return f"an object of {len(value)} members"
        case list():
            return f"an array of {len(value)} elements"
        case int() | float():
            return _clipped(repr(value))
        case _:
            return _clipped(type(value).__name__)


def under(path: str, key: object) -> str:
    """Return the path of a member of an object; keys that are no plain names are quoted and bounded."""
    if not isinstance(key, str) or not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{shown(key)}]"
    return f"{path}.{key}" if path else key


def _clipped(text: str) -> str:
    return text if len(text) <= _VALUE_WIDTH else f"{text[: _VALUE_WIDTH - 1]}…"
