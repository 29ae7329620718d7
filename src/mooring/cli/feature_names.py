"""Values of devices as people read them: the ids of dmData become the codes of the product's released model."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

__all__ = ["FeatureNames", "brief", "pairs"]

_ELEMENT = 0
_Names = Mapping[int, "_Name"]


class _Name(msgspec.Struct):
    code: str
    unit: str
    members: _Names


class FeatureNames:
    """Codes by id of one released model; `document` is that model, None when the product has none."""

    def __init__(self, document: Mapping[str, Any] | None) -> None:
        self.document = document
        self._names: dict[int, _Name] = {}
        for kind in ("properties", "events", "services"):
            for body in (document or {}).get(kind) or ():
                self._add(body)

    def line(self, dm: object) -> str:
        """dmData on one line, `power=12.5 W label=left`; of a read request the codes alone."""
        return " ".join(self._items(dm, self._names)) if isinstance(dm, list) else pairs(dm)

    def _add(self, body: Mapping[str, Any]) -> None:
        if "$ref" in body:
            return
        self._names[body["id"]] = _name(body)
        for own in (*(body.get("inputData") or ()), *(body.get("outputData") or ())):
            self._add(own)

    def _items(self, rows: Iterable[object], names: _Names) -> Iterable[str]:
        for row in rows:
            if not isinstance(row, dict):
                name = names.get(int(row)) if isinstance(row, str) and row.isdecimal() else None
                yield name.code if name is not None else f"#{row}"
                continue
            name = names.get(row["id"])
            code = name.code if name is not None else f"#{row['id']}"
            unit = f" {name.unit}" if name is not None and name.unit and not isinstance(row["value"], list) else ""
            yield f"{code}={self._value(row['value'], name)}{unit}"

    def _value(self, value: object, name: _Name | None) -> str:
        if not isinstance(value, list):
            return _quoted(value)
        # The parameters of events and services share one series of ids with the features.
        members = name.members if name is not None and name.members else self._names
        if value and all(isinstance(row, dict) and row["id"] == _ELEMENT for row in value):
            return f"[{', '.join(self._value(row['value'], name) for row in value)}]"
        return f"{{{' '.join(self._items(value, members))}}}"


def brief(value: object) -> str:
    """A JSON value on one line; texts as they are."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def pairs(value: object) -> str:
    """Values by code on one line, `power=12.5 label=left`; nothing for None."""
    if isinstance(value, dict):
        return " ".join(f"{code}={_inner(member)}" for code, member in value.items())
    return "" if value is None else brief(value)


def _inner(value: object) -> str:
    if isinstance(value, dict):
        return f"{{{pairs(value)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inner, value))}]"
    return _quoted(value)


def _quoted(value: object) -> str:
    """A text that would run into its neighbours, in quotation marks."""
    plain = not isinstance(value, str) or (value != "" and not set(value) & set(' "=,{}[]'))
    return brief(value) if plain else msgspec.json.encode(value).decode()


def _name(body: Mapping[str, Any]) -> _Name:
    specs = body.get("specs")
    unit = str(specs.get("unit") or "") if isinstance(specs, dict) else ""
    if body.get("dataType") == "ARRAY" and isinstance(specs, dict):
        specs = specs.get("specs")
    members = specs if isinstance(specs, list) else ()
    return _Name(body["code"], unit, {member["id"]: _name(member) for member in members if "id" in member})
