"""Features of a released model, compiled: from the definitions of a document to types that take and give values.

Contract: tsl.md sections 2 to 7.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from mooring.protocol.ttlv import ELEMENT_ID
from mooring.thingmodel.composites import Array, Member, Members, Struct
from mooring.thingmodel.scalars import ValueType, scalar
from mooring.thingmodel.shape import REFERENCE_FORM

__all__ = ["Callable", "Feature", "Property", "callables", "properties"]


class Feature(msgspec.Struct, frozen=True):
    """One property, event or service as released; `data_type` is None for events and services."""

    id: int
    code: str
    name: str
    sub_type: str
    data_type: str | None = None


class Property(msgspec.Struct, frozen=True):
    """A property and its type."""

    feature: Feature
    type: ValueType


class Callable(msgspec.Struct, frozen=True):
    """An event or a service and its parameters; an event has no inputs.

    `either` reads inputs and outputs, whose ids never clash, by id alone.
    """

    feature: Feature
    inputs: Members
    outputs: Members
    either: Members


def properties(document: Mapping[str, Any]) -> dict[int, Property]:
    """Compile the properties of a document that passed `check`, by id."""
    return {
        body["id"]: Property(_feature(body), _type(body, (body["id"],))) for body in document.get("properties") or ()
    }


def callables(document: Mapping[str, Any], array: str) -> dict[int, Callable]:
    """Compile the `events` or the `services` of a document that passed `check`, by id."""
    targets = {body["id"]: body for body in document.get("properties") or ()}
    found = {}
    for body in document.get(array) or ():
        ids = (body["id"],)
        inputs = _members(_resolved(body.get("inputData") or (), targets), ids)
        outputs = _members(_resolved(body.get("outputData") or (), targets), ids)
        found[body["id"]] = Callable(
            _feature(body), Members(inputs, ids), Members(outputs, ids), Members((*inputs, *outputs), ids)
        )
    return found


def _feature(body: Mapping[str, Any]) -> Feature:
    return Feature(body["id"], body["code"], body["name"], body["subType"], body.get("dataType"))


def _resolved(
    parameters: Sequence[Mapping[str, Any]], targets: Mapping[int, Mapping[str, Any]]
) -> Iterable[Mapping[str, Any]]:
    for parameter in parameters:
        reference = REFERENCE_FORM.fullmatch(parameter.get("$ref", ""))
        yield parameter if reference is None else targets[int(reference[1])]


def _members(bodies: Iterable[Mapping[str, Any]], ids: tuple[int, ...]) -> list[Member]:
    return [Member(body["id"], body["code"], _type(body, (*ids, body["id"]))) for body in bodies]


def _type(body: Mapping[str, Any], ids: tuple[int, ...]) -> ValueType:
    specs = body.get("specs")
    match body["dataType"]:
        case "STRUCT":
            return Struct(_members(specs or (), ids), ids)
        case "ARRAY":
            return Array(_element(body["specs"], (*ids, ELEMENT_ID)), int(body["specs"]["size"]))
        case data_type:
            return scalar(data_type, specs)


def _element(specs: Mapping[str, Any], ids: tuple[int, ...]) -> ValueType:
    if specs["dataType"] == "STRUCT":
        return Struct(_members(specs["specs"], ids), ids)
    return scalar(specs["dataType"], specs.get("numberSpecs"))
