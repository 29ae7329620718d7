"""contract/openapi.yaml as values: what each operation takes and may answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

__all__ = ["ROOT", "ContractOperation", "document", "names_of", "operations", "resolved"]

ROOT = Path(__file__).parent.parent
METHODS = ("get", "post", "put", "delete", "patch")


@dataclass(frozen=True)
class ContractOperation:
    """One operation. `parameters` are the names of its query and body, `devices[].sn` that of a list's entries, with
    whether it is required; `codes` are documented for it, `suggested` recommended by the contract, `statuses` small
    status numbers of the same list."""

    id: str
    method: str
    path: str
    summary: str
    service: str
    parameters: Mapping[str, bool]
    codes: frozenset[int]
    suggested: frozenset[int]
    statuses: frozenset[int]

    @property
    def every_code(self) -> frozenset[int]:
        """Everything that the operation may answer by the contract; 200 and statuses included."""
        return self.codes | self.suggested | self.statuses


@cache
def document() -> dict[str, Any]:
    """contract/openapi.yaml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "contract/openapi.yaml").read_text())
    return found


@cache
def operations() -> Mapping[str, ContractOperation]:
    """Every operation by its id, in the order of the contract."""
    return {
        item[method]["operationId"]: _operation(method, path, item[method])
        for path, item in document()["paths"].items()
        for method in METHODS
        if method in item
    }


def names_of(members: Mapping[str, Any]) -> Iterator[str]:
    """Names of the members that a body has, those of lists of objects as `devices[].sn`."""
    for name, value in members.items():
        yield name
        if isinstance(value, list):
            for entry in value:
                if isinstance(entry, dict):
                    yield from (f"{name}[].{inner}" for inner in entry)


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> ContractOperation:
    return ContractOperation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        service=operation["x-service-package"],
        parameters=dict(_parameters(operation)),
        codes=frozenset(operation["x-error-codes"]),
        suggested=frozenset(operation.get("x-error-codes-suggested", ())),
        statuses=frozenset(operation["x-http-statuses"]),
    )


def _parameters(operation: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    for parameter in operation.get("parameters", ()):
        found = resolved(parameter)
        yield found["name"], found.get("required", False)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield from _members(content["schema"], "")


def _members(schema: Mapping[str, Any], place: str) -> Iterator[tuple[str, bool]]:
    schema = resolved(schema)
    for part in schema.get("allOf", ()):
        yield from _members(part, place)
    required = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        yield place + name, name in required
        items = resolved(member).get("items")
        if items is not None:
            yield from _members(items, f"{place}{name}[].")


def resolved(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference of the document leads to, or the thing itself."""
    while "$ref" in found:
        target: Any = document()
        for word in found["$ref"].removeprefix("#/").split("/"):
            target = target[word]
        found = target
    return found
