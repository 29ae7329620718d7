"""The canonical document: one way to write a thing model, so that equal models are equal texts.

Canonical means: keys in the order of exports, `services` before `properties` before `events`, each array in
the order of `sort`, empty arrays left out, `length` and `size` as texts, the `true` option of a BOOL first,
no key that the contract does not know, no profile. Contract: tsl.md sections 1, 4 and 11.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mooring.thingmodel import shape
from mooring.thingmodel.shape import TSL_VERSION, Document, FeatureKind, Shape

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_STAMP_LENGTH: Final = 17
_LAST: Final = float("inf")


def canonical(document: Mapping[str, Any]) -> Document:
    """Return the canonical form of a valid document; nothing in it is shared with the original."""
    result: Document = {}
    for kind in shape.KINDS:
        # Features without `sort` keep the order they came in, after the others.
        features = sorted(document.get(kind.array, ()), key=lambda feature: feature.get("sort", _LAST))
        if features:
            result[kind.array] = [_feature(feature, kind) for feature in features]
    return result


def with_profile(document: Mapping[str, Any], product_key: str, version: str) -> Document:
    """Return the export of a canonical document: its profile first, then the features, which are shared.

    `version` is the release stamp of `release_version`. A profile already in the document is replaced.
    """
    profile = {"tslVersion": TSL_VERSION, "productKey": product_key, "version": version}
    kinds = {kind.array: document[kind.array] for kind in shape.KINDS if kind.array in document}
    return {"profile": profile, **kinds}


def release_version(now_ms: int, previous: str | None) -> str:
    """Return the stamp of a release: 17 digits `yyyyMMddHHmmssSSS` in UTC, always above the previous one.

    `now_ms` is Unix time in milliseconds. When the clock stands still or went back, the stamp is one
    millisecond after `previous`. Raises ValueError when `previous` is no stamp or the result is beyond the
    year 9999.
    """
    try:
        now = _EPOCH + now_ms * _MILLISECOND
        moment = now if previous is None else max(now, _moment(previous) + _MILLISECOND)
    except OverflowError:
        raise ValueError("A release stamp must lie in the years 1 to 9999.") from None
    # strftime does not fill up years below 1000.
    return f"{moment.year:04}{moment:%m%d%H%M%S}{moment.microsecond // 1000:03}"


def same_features(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two valid documents define the same features; profile and order in the arrays do not count."""
    return features_by_id(a) == features_by_id(b)


def features_by_id(document: Mapping[str, Any]) -> dict[tuple[int, int], Document]:
    """Return canonical features by (place of their kind in `shape.KINDS`, id)."""
    plain = canonical(document)
    return {
        (place, feature["id"]): feature
        for place, kind in enumerate(shape.KINDS)
        for feature in plain.get(kind.array, ())
    }


def _feature(body: Mapping[str, Any], kind: FeatureKind) -> Document:
    result = _typed(body, kind.shape)
    for name in kind.lists:
        if name in result:
            result[name] = [_parameter(parameter) for parameter in result[name]]
    return {key: value for key, value in result.items() if value != []}


def _parameter(body: Mapping[str, Any]) -> Document:
    return _ordered(body, shape.REFERENCE) if "$ref" in body else _typed(body, shape.PARAMETER)


def _typed(body: Mapping[str, Any], keys: Shape) -> Document:
    result = _ordered(body, keys)
    if "specs" in result:
        result["specs"] = _specs(result["dataType"], result["specs"])
    return result


def _specs(data_type: str, specs: Any) -> Any:
    match data_type:
        case "BOOL":
            return [_ordered(option, shape.OPTION) for option in sorted(specs, key=lambda o: o["value"] != "true")]
        case "ENUM":
            return [_ordered(option, shape.OPTION) for option in specs]
        case "INT" | "FLOAT" | "DOUBLE":
            return _ordered(specs, shape.NUMBER)
        case "STRUCT":
            return [_typed(field, shape.PARAMETER) for field in specs]
        case "ARRAY":
            return _array(specs)
        case _:
            return {key: str(value) for key, value in _ordered(specs, shape.SIZED).items()}


def _array(specs: Mapping[str, Any]) -> Document:
    element = specs["dataType"]
    result = _ordered(specs, shape.ARRAY_SHAPES[element])
    result["size"] = str(result["size"])
    for key in ("numberSpecs", "specs"):
        if key in result:
            result[key] = _specs(element, result[key])
    return result


def _ordered(body: Mapping[str, Any], keys: Shape) -> Document:
    return {key: body[key] for key in keys.keys if key in body}


def _moment(stamp: str) -> datetime:
    if len(stamp) != _STAMP_LENGTH or not (stamp.isascii() and stamp.isdigit()):
        raise ValueError("A release stamp must be 17 digits, yyyyMMddHHmmssSSS.")
    year, milliseconds = int(stamp[:4]), int(stamp[14:])
    month, day, hour, minute, second = (int(stamp[place : place + 2]) for place in range(4, 14, 2))
    return datetime(year, month, day, hour, minute, second, milliseconds * 1000, tzinfo=UTC)
