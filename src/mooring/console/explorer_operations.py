"""The operations of the OpenAPI as the explorer shows them, and examples for a product's thing model.

`operations.json` is made of the contract by tools/generate_explorer.py.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from mooring.platform.entities import Product

from .model_form import Feature, properties, services

__all__ = ["OPERATIONS", "Described", "Parameter", "body_for"]

_READ_BY_POST = frozenset(("queueList", "subscribeList"))
_WRITTEN_BY_GET = frozenset(("authLogin", "authRefresh", "userSetStatus"))
_SIMPLE = ("BOOL", "INT", "FLOAT", "DOUBLE", "ENUM", "TEXT", "DATE", "RAW")
_SHOWN = 3
_DATE = "1767225600000"


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of the query; `choices` are all that it may be, when there are few."""

    name: str
    required: bool
    about: str
    choices: tuple[str, ...]


class Described(msgspec.Struct, frozen=True):
    """One operation; `body` is an example of the JSON that is posted, None when nothing is."""

    id: str
    method: str
    path: str
    service: str
    summary: str
    parameters: tuple[Parameter, ...]
    body: dict[str, Any] | None

    @property
    def writes(self) -> bool:
        """Whether it changes anything, sends something to a device, or gives out a token."""
        if self.method == "GET":
            return self.id in _WRITTEN_BY_GET
        return self.id not in _READ_BY_POST


@cache
def _load() -> Mapping[str, Described]:
    content = files(__package__).joinpath("operations.json").read_bytes()
    return {found.id: found for found in msgspec.json.decode(content, type=list[Described])}


OPERATIONS: Mapping[str, Described] = _load()
"""By their ids, in the order of the contract."""


def body_for(operation: Described, product: Product | None, device_key: str, queue: str) -> dict[str, Any]:
    """The example with the keys that were chosen, and with data that the product's model takes."""
    body: dict[str, Any] = dict(operation.body or {})
    if product is not None:
        body = {name: _keyed(value, name, product.product_key, device_key) for name, value in body.items()}
        data = _data(operation.id, product)
        if data:
            body["data"] = data
    if "queueName" in body and queue:
        body["queueName"] = queue
    return body


def _keyed(value: Any, name: str, product_key: str, device_key: str) -> Any:
    if name == "productKey":
        return product_key
    if name == "deviceKey":
        return device_key or value
    if name == "devices" and isinstance(value, list):
        first = value[0] if value else None
        if isinstance(first, dict):
            return [{key: _keyed(part, key, product_key, device_key) for key, part in first.items()}]
        return [device_key or first]
    return value


def _data(operation: str, product: Product) -> str:
    """A data string for the send operations (contract/openapi-notes.md section 9); "" for others and without model."""
    known = properties(product, "EN")
    if operation == "dmReadData":
        codes = [one.code for one in known if one.access in ("R", "RW")][:_SHOWN]
        return _text(codes) if codes else ""
    if operation == "dmWriteData":
        writable = [one for one in known if one.access in ("W", "RW")]
        chosen = [one for one in writable if one.data_type in _SIMPLE][:_SHOWN] or writable[:1]
        return _text([{one.code: _sample(one.data_type, one.specs)} for one in chosen]) if chosen else ""
    if operation == "dmSendServiceData":
        found = services(product, "EN")
        return _text([{found[0].code: _inputs(found[0].inputs)}]) if found else ""
    return ""


def _inputs(inputs: Sequence[Feature]) -> list[dict[str, object]]:
    return [{one.code: _sample(one.data_type, one.specs)} for one in inputs]


def _sample(data_type: str, specs: Any) -> object:
    if data_type == "BOOL":
        return "true"
    if data_type == "ENUM":
        return str(specs[0]["value"])
    if data_type == "DATE":
        return _DATE
    if data_type == "STRUCT":
        return [{part["code"]: _sample(part["dataType"], part.get("specs", {}))} for part in specs]
    if data_type == "ARRAY":
        return []
    if data_type in ("TEXT", "RAW"):
        return "00" if data_type == "RAW" else "text"[: int(specs.get("length") or 4)]
    return str(specs.get("min") or "0")


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
