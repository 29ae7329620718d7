"""The OpenAPI document of the management API."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from manage.desk import Desk
from mooring.manage.app import ENDPOINTS


@pytest.fixture
async def document(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = await desk.ask("GET", "/openapi.json")
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


async def test_every_endpoint_is_described_and_nothing_else(document: dict[str, Any]) -> None:
    described = {(method.upper(), path) for path, method, _ in operations(document)}
    declared = {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    assert described == declared | {("GET", "/openapi.json")}


def test_no_endpoint_is_declared_twice() -> None:
    declared = [(endpoint.method, endpoint.path) for endpoint in ENDPOINTS]
    assert len(set(declared)) == len(declared)


async def test_the_top_is_that_of_openapi_3_1(document: dict[str, Any]) -> None:
    assert document.keys() == {"openapi", "info", "servers", "security", "paths", "components"}
    assert document["openapi"] == "3.1.0"
    assert {"title", "version"} <= document["info"].keys()
    assert document["servers"] == [{"url": "/manage/v1"}]


async def test_operation_ids_are_unique_names(document: dict[str, Any]) -> None:
    found = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch("[a-z][a-z_]+", name) for name in found)


async def test_every_operation_has_a_summary_and_one_success(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation["summary"], f"{method} {path}"
        assert len([status for status in operation["responses"] if status.startswith("2")]) == 1
        assert all(response["description"] for response in operation["responses"].values())


async def test_path_parameters_are_those_of_the_path(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        named = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
        assert named == re.findall(r"\{(\w+)\}", path)


async def test_only_login_and_the_description_are_public(document: dict[str, Any]) -> None:
    public = {path for path, _, operation in operations(document) if operation.get("security") == []}
    assert public == {"/login", "/openapi.json"}
    assert document["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}


async def test_every_schema_is_a_json_schema_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    for reference in _references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas


async def test_secrets_are_marked(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, member in (("Credentials", "password"), ("CreatedApp", "access_secret"), ("LoginAnswer", "token")):
        assert schemas[name]["properties"][member]["format"] == "password"


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            if key == "$ref":
                yield member
            else:
                yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)
