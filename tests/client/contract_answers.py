"""Answers as the contract describes them, made from its schemas, and the ways in which real clouds deviate."""

from collections.abc import Callable, Mapping
from typing import Any

from tools.contract import document

__all__ = ["DEVIATIONS", "answer_of", "operation_of", "schema_members"]

_TIMES = 1_743_059_249_391
_SIZE = 10


def operation_of(operation_id: str) -> dict[str, Any]:
    """An operation of the contract, with its path and method."""
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            if operation["operationId"] == operation_id:
                return {**operation, "path": path, "method": method.upper()}
    raise KeyError(operation_id)


def answer_of(operation_id: str) -> dict[str, Any]:
    """A full success: every member of the schema with a value of its type, and one row in lists."""
    content = operation_of(operation_id)["responses"]["200"]["content"]["application/json"]
    answer: dict[str, Any] = _sample(content["schema"], "")
    answer.pop("exp1", None)
    for block in (answer, answer.get("data")):
        if isinstance(block, dict) and "total" in block:
            block |= {"pageNum": 1, "pageSize": _SIZE, "pages": 1, "total": 1}
    return {**answer, "code": 200, "msg": ""}


def schema_members(name: str) -> set[str]:
    """The names of all members of a schema of the contract."""
    return set(_sample({"$ref": f"#/components/schemas/{name}"}, ""))


def _sample(schema: Mapping[str, Any], name: str) -> Any:
    schema = _resolved(schema)
    if "allOf" in schema:
        merged: dict[str, Any] = {}
        for part in schema["allOf"]:
            merged |= _sample(part, name)
        return merged
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return _sample(schema[choice][0], name)
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else next(one for one in kinds if one != "null")
    if kind == "object":
        return {key: _sample(member, key) for key, member in schema.get("properties", {}).items()}
    if kind == "array":
        return [_sample(schema.get("items", {}), name)]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("examples"):
        return schema["examples"][0]
    if kind == "integer":
        return _TIMES if "ime" in name else 7
    if kind == "number":
        return 12.5
    return kind == "boolean" or f"{name} text"


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        target: Any = document()
        for word in schema["$ref"].removeprefix("#/").split("/"):
            target = target[word]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _each_scalar(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _each_scalar(member, change) for key, member in value.items()}
    if isinstance(value, list):
        return [_each_scalar(item, change) for item in value]
    return change(value)


def _quoted(value: Any) -> Any:
    return value if isinstance(value, bool | str) or value is None else str(value)


def _unquoted(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _each_object(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if isinstance(value, dict):
        return change({key: _each_object(member, change) for key, member in value.items()})
    if isinstance(value, list):
        return [_each_object(item, change) for item in value]
    return value


_IDENTITY = {
    "productKey",
    "deviceKey",
    "queueId",
    "queueName",
    "id",
    "subscribeId",
    "uid",
    "userDomain",
    "code",
    "data",
}
_KEPT = _IDENTITY | {"list", "profile", "properties", "services", "events"}


def _only_identity(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key in _KEPT}


def _nulls(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value if key in _KEPT else None for key, value in row.items()}


DEVIATIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "as the contract says": lambda answer: answer,
    "numbers are strings": lambda answer: _each_scalar(answer, _quoted),
    "strings of digits are numbers": lambda answer: _each_scalar(answer, _unquoted),
    "members are null": lambda answer: _each_object(answer, _nulls),
    "members are missing": lambda answer: _each_object(answer, _only_identity),
    "members are unknown": lambda answer: _each_object(answer, lambda row: {**row, "brandNew": {"a": [1]}}),
    "success is 0": lambda answer: {**answer, "code": 0},
    "success is '200'": lambda answer: {**answer, "code": "200"},
}
"""How a recorded answer of a cloud may differ from the contract and must still be taken."""
