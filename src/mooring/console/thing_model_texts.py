"""What of a thing model is said in words: kinds, access, and the definition of a value in a line."""

from collections.abc import Mapping, Sequence
from typing import Any

from .html import Child, tag
from .page import View

__all__ = ["KINDS", "SUB_TYPES", "definition_of"]

KINDS = ("properties", "events", "services")
"""Arrays of a document, in the order in which the console offers them."""
SUB_TYPES = {
    "R": "Read",
    "W": "Write",
    "RW": "Read and write",
    "INFO": "Information",
    "WARN": "Alert",
    "ERROR": "Fault",
    "ASYNC": "Asynchronous",
}
"""English names of `subType`."""


def definition_of(view: View, feature: Mapping[str, Any]) -> Child:
    """What values a feature has, in short."""
    if feature["type"] == "PROPERTY":
        return _value(feature["dataType"], feature.get("specs"))
    lists = [("inputData", view.t("in")), ("outputData", view.t("out"))]
    parts = [f"{said}: {_parameters(feature[name])}" for name, said in lists if feature.get(name)]
    return [tag.div(part) for part in parts] if parts else None


def _parameters(parameters: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(
        f"#{each['$ref'].rpartition('/')[2]}" if "$ref" in each else f"{each['code']} ({each['dataType']})"
        for each in parameters
    )


def _value(data_type: str, specs: Any) -> str:
    match data_type:
        case "BOOL" | "ENUM":
            return ", ".join(f"{option['value']}: {option['name']}" for option in specs)
        case "INT" | "FLOAT" | "DOUBLE":
            return _number(specs or {})
        case "TEXT" | "RAW":
            return f"≤ {specs['length']} B"
        case "STRUCT":
            return ", ".join(f"{field['code']} ({field['dataType']})" for field in specs)
        case "ARRAY":
            element = specs["dataType"]
            inside = specs.get("specs") if element == "STRUCT" else specs.get("numberSpecs")
            detail = _value(element, inside) if inside else ""
            return f"≤ {specs['size']} × {element}" + (f": {detail}" if detail else "")
        case _:
            return "ms"


def _number(specs: Mapping[str, str]) -> str:
    low, high, step, unit = (specs.get(name) or "" for name in ("min", "max", "step", "unit"))
    span = f"{low} … {high}" if low or high else ""
    return " ".join(part for part in (span, step and f"/ {step}", unit) if part)
