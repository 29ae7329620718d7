"""Translations of the names in a model (contract tsl.md section 14).

Keys of labels, by what they name:

    relay                 a feature
    relay=true, mode=2    an option of a BOOL or ENUM: the key of its owner, `=`, the value as in the document
    port.baud             a field of a struct or of an array of structs
    overheat.temp         an own parameter of an event
    move.in.speed         an own parameter of a service, `in` or `out`

Fields and options nest: `overheat.where.floor=1`. Codes hold neither points nor equals signs and are unique
where they stand, so no two names share a key. Referenced properties have their labels as properties. Codes,
ids, units and descriptions are not translated.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mooring.thingmodel.shape import EVENT, PROPERTY, SERVICE, Document

_SERVICE_LISTS: Final = (("in", "inputData"), ("out", "outputData"))


def label_texts(document: Mapping[str, Any]) -> dict[str, str]:
    """Return each name of a valid document by its key, in the order of the document."""
    return {key: named["name"] for key, named in _named(document)}


def translate(document: Mapping[str, Any], labels: Mapping[str, str]) -> Document:
    """Return a copy of a valid document with names replaced by their labels; blank labels do not count."""
    result = {key: _copied(value) for key, value in document.items()}
    for key, named in _named(result):
        label = labels.get(key, "")
        if label.strip():
            named["name"] = label
    return result


def unknown_labels(document: Mapping[str, Any], labels: Mapping[str, str]) -> list[str]:
    """Return the keys of labels, sorted, that name nothing in a valid document."""
    return sorted(labels.keys() - label_texts(document).keys())


def _named(document: Mapping[str, Any]) -> Iterator[tuple[str, Document]]:
    """Yield every object with a translatable `name`, after its key."""
    for service in document.get(SERVICE.array, ()):
        yield service["code"], service
        for direction, name in _SERVICE_LISTS:
            yield from _in_list(f"{service['code']}.{direction}", service.get(name, ()))
    for feature in document.get(PROPERTY.array, ()):
        yield from _in_value(feature["code"], feature)
    for event in document.get(EVENT.array, ()):
        yield event["code"], event
        yield from _in_list(event["code"], event.get("outputData", ()))


def _in_list(prefix: str, parameters: Any) -> Iterator[tuple[str, Document]]:
    for parameter in parameters:
        if "$ref" not in parameter:
            yield from _in_value(f"{prefix}.{parameter['code']}", parameter)


def _in_value(key: str, body: Document) -> Iterator[tuple[str, Document]]:
    yield key, body
    data_type: str = body["dataType"]
    specs: Any = body.get("specs")
    if data_type == "ARRAY":
        data_type, specs = specs["dataType"], specs.get("specs")
    if data_type in ("BOOL", "ENUM"):
        for option in specs:
            yield f"{key}={option['value']}", option
    elif data_type == "STRUCT":
        yield from _in_list(key, specs)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
