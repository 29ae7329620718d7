"""Checks of the specs of INT, FLOAT and DOUBLE, in decimals (contract tsl.md section 4, section 8 rule 5)."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from mooring.thingmodel import shape
from mooring.thingmodel.members import check_keys, check_text
from mooring.thingmodel.rules import Report

_DECIMAL_TEXT: Final = re.compile(r"(-?[0-9]+(\.[0-9]{1,15})?)?")
_FLOAT_DECIMALS: Final = 7


class _NumberType(msgspec.Struct, frozen=True):
    form: re.Pattern[str]
    form_rule: str
    bounds_rule: str
    lowest: Decimal
    highest: Decimal


_DOUBLE: Final = _NumberType(
    form=_DECIMAL_TEXT,
    form_rule="decimal-form",
    bounds_rule="decimal-bounds",
    lowest=Decimal("-1.7976931348623157E+308"),
    highest=Decimal("1.7976931348623157E+308"),
)
_FLOAT: Final = msgspec.structs.replace(
    _DOUBLE, lowest=Decimal("-3.4028234663852886E+38"), highest=Decimal("3.4028234663852886E+38")
)
_INT: Final = _NumberType(
    form=re.compile(r"(-?[0-9]{1,10})?"),
    form_rule="int-form",
    bounds_rule="int-bounds",
    lowest=Decimal(-(2**31)),
    highest=Decimal(2**31 - 1),
)


def check_int(specs: object, path: str, report: Report) -> None:
    """Check the specs of an INT."""
    _check_number(specs, _INT, path, report)


def check_float(specs: object, path: str, report: Report) -> None:
    """Check the specs of a FLOAT."""
    _check_number(specs, _FLOAT, path, report)
    if not isinstance(specs, dict):
        return
    for key in ("min", "max", "step"):
        text = specs.get(key)
        if isinstance(text, str) and len(text.partition(".")[2].rstrip("0")) > _FLOAT_DECIMALS:
            report.warn(f"{path}.{key}", "float-decimals", text)


def check_double(specs: object, path: str, report: Report) -> None:
    """Check the specs of a DOUBLE."""
    _check_number(specs, _DOUBLE, path, report)


def _check_number(specs: object, number: _NumberType, path: str, report: Report) -> None:
    if not isinstance(specs, dict):
        report.fault(path, "specs-shape", specs)
        return
    check_keys(specs, shape.NUMBER, path, report)
    if "unit" in specs:
        check_text(specs["unit"], f"{path}.unit", report)
    lowest = _bound(specs, "min", number, path, report)
    highest = _bound(specs, "max", number, path, report)
    if lowest is not None and highest is not None and lowest > highest:
        report.fault(f"{path}.min", "min-max", specs["min"], f"max is {specs['max'][:40]}.")
    # The effect of `multiple` is not published: it keeps its text and takes part in no rule.
    _decimal(specs, "multiple", _DECIMAL_TEXT, "decimal-form", path, report)
    step = _decimal(specs, "step", number.form, number.form_rule, path, report)
    if step is not None and step <= 0:
        report.fault(f"{path}.step", "step-positive", specs["step"])


def _bound(specs: Mapping[str, Any], key: str, number: _NumberType, path: str, report: Report) -> Decimal | None:
    value = _decimal(specs, key, number.form, number.form_rule, path, report)
    if value is not None and not number.lowest <= value <= number.highest:
        report.fault(f"{path}.{key}", number.bounds_rule, specs[key])
    return value


def _decimal(
    specs: Mapping[str, Any], key: str, form: re.Pattern[str], rule: str, path: str, report: Report
) -> Decimal | None:
    """Return the number under a key; None when it is absent, empty (meaning the type's own) or reported."""
    text = specs.get(key, "")
    if not isinstance(text, str) or not form.fullmatch(text):
        report.fault(f"{path}.{key}", rule, text)
        return None
    return Decimal(text) if text else None
