"""Rules that look across the whole document: what must be unique, and references that must resolve.

The parts of the document may be broken in any way here; what is no usable id, code or reference was reported
where it stands and is passed over. Contract: tsl.md section 8 rules 1 to 4 and 8, section 2 for names.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from mooring.thingmodel.members import claim, is_code, is_id, is_sort
from mooring.thingmodel.rules import Report, shown
from mooring.thingmodel.shape import PROPERTY, REFERENCE_FORM, FeatureKind


class Feature(msgspec.Struct, frozen=True):
    """A feature as found in a document: its path, its kind by the array it stands in, its unchecked body."""

    path: str
    kind: FeatureKind
    body: dict[str, Any]


def check_whole(features: Sequence[Feature], report: Report) -> None:
    """Report ids, codes and sorts used twice, equal names (a warning) and references that lead nowhere."""
    ids: dict[int, str] = {}
    codes: dict[str, str] = {}
    sorts: dict[int, str] = {}
    names: dict[str, str] = {}
    for feature in features:
        path, body = feature.path, feature.body
        if is_id(body.get("id")):
            claim(ids, body["id"], f"{path}.id", "id-unique", report)
        if is_code(body.get("code")):
            claim(codes, body["code"], f"{path}.code", "code-unique", report)
        if is_sort(body.get("sort")):
            claim(sorts, body["sort"], f"{path}.sort", "sort-unique", report)
        if isinstance(body.get("name"), str):
            _warn_of_same_name(names, body["name"], f"{path}.name", report)
    targets = _property_codes(features)
    # After the features, so that a clash is blamed on the parameter and not on the feature.
    for feature in features:
        for name in feature.kind.lists:
            _check_list(feature.body.get(name), f"{feature.path}.{name}", ids, targets, report)


def _warn_of_same_name(names: dict[str, str], name: str, path: str, report: Report) -> None:
    first = names.setdefault(name, path)
    if first != path:
        report.warn(path, "name-duplicate", name, f"{shown(name)} is used at {first} already.")


def _property_codes(features: Sequence[Feature]) -> dict[int, object]:
    """Return the code of each property by its id; of two with one id the first counts."""
    found: dict[int, object] = {}
    for feature in features:
        if feature.kind is PROPERTY and is_id(feature.body.get("id")):
            found.setdefault(feature.body["id"], feature.body.get("code"))
    return found


def _check_list(parameters: object, path: str, ids: dict[int, str], targets: dict[int, object], report: Report) -> None:
    codes: dict[str, str] = {}
    for place, parameter in _objects(parameters, path):
        if "$ref" in parameter:
            code, where = (
                _referenced_code(parameter["$ref"], f"{place}.$ref", targets, report),
                f"{place}.$ref",
            )
        else:
            code, where = parameter.get("code"), f"{place}.code"
            if is_id(parameter.get("id")):
                claim(ids, parameter["id"], f"{place}.id", "id-unique", report)
        if is_code(code):
            claim(codes, code, where, "param-code-unique", report)


def _referenced_code(reference: object, path: str, targets: dict[int, object], report: Report) -> object:
    match = REFERENCE_FORM.fullmatch(reference) if isinstance(reference, str) else None
    if match is None:
        return None
    target = int(match[1])
    if target not in targets:
        report.fault(path, "ref-target", reference, f"There is no property with the id {target}.")
    return targets.get(target)


def _objects(parameters: object, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(parameters, list):
        return
    for index, parameter in enumerate(parameters):
        if isinstance(parameter, dict):
            yield f"{path}[{index}]", parameter
