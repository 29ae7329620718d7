"""The tree of errors against contract/errors.yaml, and what the package exports."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import mooring.client
from mooring.client import errors
from mooring.client.errors import (
    ApiError,
    AuthenticationError,
    Conflict,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServiceError,
    error_class,
)

ERRORS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[2] / "contract" / "errors.yaml").read_text(encoding="utf-8")
)["errors"]
SAAS = [entry for entry in ERRORS if entry["saas"] != "none" and entry["kind"] != "ok"]

EXPECTED: dict[str, set[type[ApiError]]] = {
    "unauthorized": {AuthenticationError},
    "denied": {PermissionDenied},
    "missing": {InvalidRequest},
    "invalid": {InvalidRequest},
    "range": {InvalidRequest},
    "not_found": {NotFound},
    "mismatch": {InvalidRequest, Conflict},
    "state": {Conflict},
    "exists": {Conflict},
    "expired": {Conflict},
    "unsupported": {Conflict},
    "limit": {Conflict, RateLimited},
    "internal": {ServiceError},
    "upstream": {ServiceError},
    "failed": {ServiceError},
}
# A missing token and an unknown or disabled key are about who calls; a read-only property is about what is asked.
EXCEPTIONS = {
    403: AuthenticationError,
    5106: AuthenticationError,
    90047: AuthenticationError,
    71038: InvalidRequest,
}


@pytest.mark.parametrize("entry", SAAS, ids=lambda entry: str(entry["code"]))
def test_every_code_of_the_contract_has_the_class_of_its_kind(entry: dict[str, Any]) -> None:
    code = entry["code"]
    allowed = {EXCEPTIONS[code]} if code in EXCEPTIONS else EXPECTED[entry["kind"]]
    assert error_class(code) in allowed


@pytest.mark.parametrize(
    ("code", "http_status", "kind"),
    [
        (91005, 403, PermissionDenied),
        (91004, 401, AuthenticationError),
        (61007, 200, RateLimited),
        (12345678, 200, ApiError),
        (12345678, 429, RateLimited),
        (12345678, 504, ServiceError),
        (503, 503, ServiceError),
    ],
)
def test_unknown_codes_fall_back_to_the_status(code: int, http_status: int, kind: type[ApiError]) -> None:
    assert error_class(code, http_status) is kind


def test_tree_in_the_docstring_is_the_tree() -> None:
    drawn = [line.lstrip("├└│─ ").split()[0] for line in str(errors.__doc__).splitlines() if "──" in line]
    assert ["MooringError", *drawn, "error_class"] == sorted(
        errors.__all__, key=["MooringError", *drawn, "error_class"].index
    )
    for name in drawn:
        assert issubclass(getattr(errors, name), errors.MooringError)


def test_text_of_an_error_says_all_there_is_to_say() -> None:
    error = ApiError(91005, "Insufficient permission", "productList", "req-9", {}, 403, "Ask for it")
    assert str(error) == ("productList: Insufficient permission (code 91005, HTTP 403, request req-9). Ask for it")
    assert str(ApiError(1, "", "x")) == "x: refused without a message (code 1, HTTP 200)"


@pytest.mark.parametrize("module", [mooring.client, errors])
def test_all_is_what_is_exported(module: ModuleType) -> None:
    public = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and getattr(value, "__module__", "").startswith("mooring.client")
    ]
    assert sorted({*public, *({"Hook", "ProductPage"} if module is mooring.client else set())}) == module.__all__
