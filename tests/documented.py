"""Answers against contract/openapi.yaml."""

from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from cloud import CONTRACT

__all__ = ["DOCUMENT", "check_answer", "codes_of", "example", "validator_of"]

DOCUMENT: dict[str, Any] = yaml.load((CONTRACT / "openapi.yaml").read_text(), yaml.CSafeLoader)


def check_answer(path: str, answer: dict[str, Any], method: str = "get") -> None:
    """A success fits the operation's schema; a failure fits its envelope and has a documented code."""
    operation = DOCUMENT["paths"][path][method]
    if answer["code"] == 200:
        validator_of(path, method).validate(answer)
        return
    assert answer["code"] in codes_of(operation)
    assert "data" not in answer


@cache
def validator_of(path: str, method: str) -> Draft202012Validator:
    """What a successful answer of an operation must fit."""
    content = DOCUMENT["paths"][path][method]["responses"]["200"]["content"]["application/json"]
    return Draft202012Validator({**content["schema"], "components": DOCUMENT["components"]})


def codes_of(operation: dict[str, Any]) -> set[int]:
    """Codes that the contract lists or suggests for an operation, statuses included."""
    suggested = operation.get("x-error-codes-suggested", ())
    return {*operation["x-error-codes"], *suggested, *operation["x-http-statuses"]}


def example(path: str, method: str = "get") -> dict[str, Any]:
    """The published answer of an operation."""
    content = DOCUMENT["paths"][path][method]["responses"]["200"]["content"]["application/json"]
    found: dict[str, Any] = content["example"]
    return found
