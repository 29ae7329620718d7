"""The check of a document from outside: the one door into a draft.

Contract: tsl.md sections 1 to 8 and 12.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mooring.thingmodel import shape
from mooring.thingmodel.document import canonical
from mooring.thingmodel.members import check_identity, check_keys, check_sort, is_one_of, objects_of
from mooring.thingmodel.rules import Checked, Report
from mooring.thingmodel.specs import check_value
from mooring.thingmodel.whole import Feature, check_whole

FEATURE_LIMIT: Final = 500
"""Features a product may have when nothing else is configured (contract tsl.md section 2)."""

_PROFILE_FORMS: Final = (
    ("tslVersion", re.compile(r"[0-9]+\.[0-9]+\.[0-9]+"), "tsl-version-form"),
    ("productKey", re.compile(r"[A-Za-z0-9]{4,32}"), "product-key-form"),
    ("version", re.compile(r"[0-9]{17}"), "version-form"),
)
_SUB_TYPE_RULES: Final = {"PROPERTY": "property-access", "EVENT": "event-level", "SERVICE": "service-mode"}


def check(document: object, *, feature_limit: int = FEATURE_LIMIT) -> Checked:
    """Check decoded JSON against every rule of a thing model and return its canonical form.

    Faults and warnings come in the order of the document, rules that look across the document last, each
    list bounded to 100 and one that says how many more there were. The profile is checked for its form and
    left out of the result, because the target product decides (section 8 rule 9). Never raises.
    """
    report = Report()
    if not isinstance(document, dict):
        report.fault("$", "object-expected", document)
        return report.checked(None)
    check_keys(document, shape.DOCUMENT, "", report)
    if "profile" in document:
        _check_profile(document["profile"], report)
    features = _features(document, report)
    _check_count(document, len(features), feature_limit, report)
    for feature in features:
        _check_feature(feature, report)
    check_whole(features, report)
    return report.checked(canonical(document) if report.clean else None)


def _check_profile(profile: object, report: Report) -> None:
    if not isinstance(profile, dict):
        report.fault("profile", "object-expected", profile)
        return
    check_keys(profile, shape.PROFILE, "profile", report)
    for key, form, rule in _PROFILE_FORMS:
        value = profile.get(key)
        if key in profile and not (isinstance(value, str) and form.fullmatch(value)):
            report.fault(f"profile.{key}", rule, value)


def _features(document: Mapping[str, Any], report: Report) -> list[Feature]:
    return [
        Feature(path, kind, body)
        for kind in shape.KINDS
        if kind.array in document
        for path, body in objects_of(document[kind.array], kind.array, report)
    ]


def _check_count(document: Mapping[str, Any], count: int, limit: int, report: Report) -> None:
    # An array of the wrong kind is reported as such; it need not be called empty as well.
    if all(document.get(kind.array, []) == [] for kind in shape.KINDS):
        report.fault("$", "no-features")
    if count > limit:
        report.fault("$", "feature-limit", count, f"The limit is {limit}.")


def _check_feature(feature: Feature, report: Report) -> None:
    path, kind, body = feature.path, feature.kind, feature.body
    check_keys(body, kind.shape, path, report)
    check_identity(body, path, report)
    check_sort(body, path, report)
    if "type" in body and body["type"] != kind.type:
        report.fault(f"{path}.type", "feature-type", body["type"], f"Here it must be {kind.type}.")
    if "subType" in body and not is_one_of(body["subType"], kind.sub_types):
        report.fault(f"{path}.subType", _SUB_TYPE_RULES[kind.type], body["subType"])
    if kind is shape.PROPERTY:
        check_value(body, path, report)
    for name in kind.lists:
        if name in body:
            _check_parameters(body[name], f"{path}.{name}", report)


def _check_parameters(parameters: Sequence[object], path: str, report: Report) -> None:
    for place, parameter in objects_of(parameters, path, report):
        if "$ref" in parameter:
            _check_reference(parameter, place, report)
            continue
        check_keys(parameter, shape.PARAMETER, place, report)
        check_identity(parameter, place, report)
        check_value(parameter, place, report)


def _check_reference(parameter: Mapping[str, Any], path: str, report: Report) -> None:
    check_keys(parameter, shape.REFERENCE, path, report)
    target = parameter["$ref"]
    if not (isinstance(target, str) and shape.REFERENCE_FORM.fullmatch(target)):
        report.fault(f"{path}.$ref", "ref-form", target)
