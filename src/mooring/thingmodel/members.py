"""Checks shared by features, parameters, fields and specs: keys, texts, ids, codes and names.

Each function takes decoded JSON of any kind, reports what is wrong and never raises.
Contract: tsl.md sections 2 and 12.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard

from mooring.thingmodel.rules import Report, shown, under
from mooring.thingmodel.shape import CODE_FORM, Shape

_LARGEST_ID: Final = 8000
# Display order only; the bound keeps it a number every client and database can hold.
_LARGEST_SORT: Final = 2**31 - 1
_LONGEST_NAME: Final = 128
_LONGEST_DESC: Final = 200


def check_keys(body: Mapping[str, Any], shape: Shape, path: str, report: Report) -> None:
    """Warn of unknown keys; report keys of another kind of object and required keys that are missing."""
    for key in body:
        if key in shape.keys:
            continue
        if key in shape.misplaced:
            report.fault(under(path, key), "misplaced-key", body[key])
        else:
            report.warn(under(path, key), "unknown-key", body[key])
    for key in shape.required:
        if key not in body:
            report.fault(under(path, key), "missing-key")


def objects_of(value: object, path: str, report: Report) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield path and body of each object in an array; report what is no array or no object."""
    if not isinstance(value, list):
        report.fault(path, "array-expected", value)
        return
    for index, item in enumerate(value):
        if isinstance(item, dict):
            yield f"{path}[{index}]", item
        else:
            report.fault(f"{path}[{index}]", "object-expected", item)


def check_identity(body: Mapping[str, Any], path: str, report: Report) -> None:
    """Check `id`, `code`, `name` and `desc` where they are present (contract tsl.md section 2)."""
    if "id" in body and not is_id(body["id"]):
        report.fault(f"{path}.id", "id-range", body["id"])
    if "code" in body and not is_code(body["code"]):
        report.fault(f"{path}.code", "code-form", body["code"])
    if "name" in body:
        _check_name(body["name"], f"{path}.name", report)
    if "desc" in body:
        _check_desc(body["desc"], f"{path}.desc", report)


def check_sort(body: Mapping[str, Any], path: str, report: Report) -> None:
    """Check `sort` where it is present: the place in the display order, from 0."""
    if "sort" in body and not is_sort(body["sort"]):
        report.fault(f"{path}.sort", "sort-range", body["sort"])


def check_text(value: object, path: str, report: Report) -> str | None:
    """Return the text, or report and return None when it is none or could not be stored."""
    if not isinstance(value, str):
        report.fault(path, "text-expected", value)
        return None
    if not _is_storable(value):
        report.fault(path, "text-unicode", value)
        return None
    return value


def is_whole(value: object, lowest: int, highest: int) -> bool:
    """Whether a value is a JSON integer within bounds; true, 5.0 and "5" are none."""
    return type(value) is int and lowest <= value <= highest


def is_id(value: object) -> bool:
    """Whether a value is an id that users can choose (contract tsl.md section 2)."""
    return is_whole(value, 1, _LARGEST_ID)


def is_sort(value: object) -> bool:
    """Whether a value is a place in the display order."""
    return is_whole(value, 0, _LARGEST_SORT)


def is_code(value: object) -> bool:
    """Whether a value is an identifier (contract tsl.md section 2)."""
    return isinstance(value, str) and CODE_FORM.fullmatch(value) is not None


def is_one_of(value: object, allowed: tuple[str, ...]) -> TypeGuard[str]:
    """Whether a value is one of a few texts; safe for values of any kind."""
    return isinstance(value, str) and value in allowed


def claim(taken: dict[Any, str], key: object, path: str, rule: str, report: Report) -> None:
    """Take a key for a path, or report the rule when an earlier path has it."""
    first = taken.setdefault(key, path)
    if first != path:
        report.fault(path, rule, key, f"{shown(key)} is used at {first} already.")


def _check_name(value: object, path: str, report: Report) -> None:
    text = check_text(value, path, report)
    if text is None:
        return
    if not 1 <= len(text) <= _LONGEST_NAME:
        report.fault(path, "name-length", text, f"This one has {len(text)}.")
    if any(unicodedata.category(char) == "Cc" for char in text[:_LONGEST_NAME]):
        report.fault(path, "name-control", text)


def _check_desc(value: object, path: str, report: Report) -> None:
    text = check_text(value, path, report)
    if text is not None and len(text) > _LONGEST_DESC:
        report.fault(path, "desc-length", text, f"This one has {len(text)}.")


def _is_storable(text: str) -> bool:
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
