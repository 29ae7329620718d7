"""Answers against contract/openapi.yaml."""

from typing import Any

import yaml
from jsonschema import Draft202012Validator

from cloud import CONTRACT

__all__ = ["DOCUMENT", "check_answer", "codes_of", "example"]

DOCUMENT: dict[str, Any] = yaml.safe_load((CONTRACT / "openapi.yaml").read_text())


def check_answer(path: str, answer: dict[str, Any], method: str = "get") -> None:
    """A success fits the operation's schema; a failure fits its envelope and has a documented code."""
    operation = DOCUMENT["paths"][path][method]
    if answer["code"] == 200:
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(answer)
        return
    assert answer["code"] in codes_of(operation)
    assert "data" not in answer


def codes_of(operation: dict[str, Any]) -> set[int]:
    """Codes that the contract lists or suggests for an operation, statuses included."""
    suggested = operation.get("x-error-codes-suggested", ())
    return {*operation["x-error-codes"], *suggested, *operation["x-http-statuses"]}


def example(path: str, method: str = "get") -> dict[str, Any]:
    """The published answer of an operation."""
    content = DOCUMENT["paths"][path][method]["responses"]["200"]["content"]["application/json"]
    found: dict[str, Any] = content["example"]
    return found
