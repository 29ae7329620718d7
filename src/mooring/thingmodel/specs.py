"""Checks of `dataType` and `specs` for the ten data types.

A struct holds simple fields only and an array holds no array, so the checks nest four deep at most whatever
the document says. Contract: tsl.md section 4.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from mooring.thingmodel import shape
from mooring.thingmodel.members import (
    check_identity,
    check_keys,
    check_text,
    claim,
    is_code,
    is_id,
    is_one_of,
    is_whole,
    objects_of,
)
from mooring.thingmodel.number import check_double, check_float, check_int
from mooring.thingmodel.rules import Report

_WHOLE_TEXT: Final = re.compile(r"[1-9][0-9]{0,4}")
_ENUM_VALUE: Final = re.compile(r"-?[0-9]{1,10}")


def check_value(body: Mapping[str, Any], path: str, report: Report) -> None:
    """Check `dataType` and `specs` of a property or an own parameter: any of the ten types."""
    _check_typed(body, shape.DATA_TYPES, "data-type", path, report)


def _check_typed(body: Mapping[str, Any], allowed: tuple[str, ...], rule: str, path: str, report: Report) -> None:
    if "dataType" not in body:
        return
    data_type = body["dataType"]
    if not is_one_of(data_type, allowed):
        report.fault(f"{path}.dataType", rule, data_type)
        return
    if "specs" in body:
        _CHECKS[data_type](body["specs"], f"{path}.specs", report)
    elif data_type != "DATE":
        report.fault(f"{path}.specs", "missing-key")


def _check_bool(specs: object, path: str, report: Report) -> None:
    if not isinstance(specs, list):
        report.fault(path, "specs-shape", specs)
        return
    values = []
    for place, option in objects_of(specs, path, report):
        _check_option(option, "BOOL", place, report)
        value = option.get("value")
        values.append(value)
        if "value" in option and not is_one_of(value, ("true", "false")):
            report.fault(f"{place}.value", "bool-values", value)
    if len(specs) != 2 or (values.count("true"), values.count("false")) != (1, 1):
        report.fault(path, "bool-values", specs)


def _check_enum(specs: object, path: str, report: Report) -> None:
    if not isinstance(specs, list):
        report.fault(path, "specs-shape", specs)
        return
    if not specs:
        report.fault(path, "enum-empty", specs)
    taken: dict[int, str] = {}
    for place, option in objects_of(specs, path, report):
        _check_option(option, "ENUM", place, report)
        if "value" not in option:
            continue
        value = option["value"]
        if isinstance(value, str) and _ENUM_VALUE.fullmatch(value):
            claim(taken, int(value), f"{place}.value", "enum-unique", report)
        else:
            report.fault(f"{place}.value", "enum-value", value)


def _check_option(option: Mapping[str, Any], data_type: str, path: str, report: Report) -> None:
    check_keys(option, shape.OPTION, path, report)
    if "dataType" in option and option["dataType"] != data_type:
        report.fault(f"{path}.dataType", "option-data-type", option["dataType"])
    if "name" in option:
        check_text(option["name"], f"{path}.name", report)


def _check_text(specs: object, path: str, report: Report) -> None:
    _check_length(specs, 10240, "text-length", path, report)


def _check_raw(specs: object, path: str, report: Report) -> None:
    _check_length(specs, 4096, "raw-length", path, report)


def _check_length(specs: object, highest: int, rule: str, path: str, report: Report) -> None:
    if not isinstance(specs, dict):
        report.fault(path, "specs-shape", specs)
        return
    check_keys(specs, shape.SIZED, path, report)
    if "length" in specs and not _is_count(specs["length"], highest):
        report.fault(f"{path}.length", rule, specs["length"])


def _check_date(specs: object, path: str, report: Report) -> None:
    if not isinstance(specs, dict):
        report.fault(path, "specs-shape", specs)
        return
    check_keys(specs, shape.DATE, path, report)
    length = specs.get("length", "13")
    if length != "13" and not is_whole(length, 13, 13):
        report.fault(f"{path}.length", "date-length", length)


def _check_struct(specs: object, path: str, report: Report) -> None:
    if not isinstance(specs, list):
        report.fault(path, "specs-shape", specs)
        return
    if not specs:
        report.fault(path, "struct-empty", specs)
    ids: dict[int, str] = {}
    codes: dict[str, str] = {}
    for place, field in objects_of(specs, path, report):
        check_keys(field, shape.PARAMETER, place, report)
        check_identity(field, place, report)
        _check_typed(field, shape.SCALAR_TYPES, "field-data-type", place, report)
        if is_id(field.get("id")):
            claim(ids, field["id"], f"{place}.id", "field-id-unique", report)
        if is_code(field.get("code")):
            claim(codes, field["code"], f"{place}.code", "field-code-unique", report)


def _check_array(specs: object, path: str, report: Report) -> None:
    if not isinstance(specs, dict):
        report.fault(path, "specs-shape", specs)
        return
    if "size" in specs and not _is_count(specs["size"], 100):
        report.fault(f"{path}.size", "array-size", specs["size"])
    element = specs.get("dataType")
    if not is_one_of(element, shape.ELEMENT_TYPES):
        check_keys(specs, shape.ARRAY, path, report)
        if "dataType" in specs:
            report.fault(f"{path}.dataType", "element-data-type", element)
        return
    keys = shape.ARRAY_SHAPES[element]
    check_keys(specs, keys, path, report)
    for inner in ("numberSpecs", "specs"):
        if inner in keys.keys and inner in specs:
            _CHECKS[element](specs[inner], f"{path}.{inner}", report)


def _is_count(value: object, highest: int) -> bool:
    """Whether a value is 1 to `highest`, as a text without leading zeros or as a JSON integer."""
    if isinstance(value, str):
        return _WHOLE_TEXT.fullmatch(value) is not None and int(value) <= highest
    return is_whole(value, 1, highest)


_CHECKS: Final[Mapping[str, Callable[[object, str, Report], None]]] = {
    "BOOL": _check_bool,
    "INT": check_int,
    "FLOAT": check_float,
    "DOUBLE": check_double,
    "ENUM": _check_enum,
    "TEXT": _check_text,
    "DATE": _check_date,
    "RAW": _check_raw,
    "STRUCT": _check_struct,
    "ARRAY": _check_array,
}
