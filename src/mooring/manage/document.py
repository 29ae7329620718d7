"""The endpoints as an OpenAPI 3.1 document."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

import mooring
from mooring.platform import Secret

from .endpoint import JSON, Access, AnyEndpoint, Document, Nothing
from .errors import ErrorAnswer

__all__ = ["MOUNTED_AT", "describe"]

MOUNTED_AT = "/manage/v1"
"""Where the API is in a running Mooring."""

_TEXT: Document = {"type": "string"}
_REFERENCE = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)\}")
_ERRORS = {
    400: "The body is not JSON.",
    401: "No token, or a wrong, ended or expired one; at login: wrong e-mail or password.",
    403: "Not with these credentials; `role_not_enough`; `password_change_required` while the password is for one use.",
    404: "What the path names does not exist.",
    409: "The present state stands against it, or a limit is reached.",
    413: "The body is too long.",
    429: "Too many failed logins; `detail.retry_after_s` says for how long.",
    422: "A member of the request breaks a rule; `field` names it.",
    500: "Unexpected; `detail.request_id` is in the server's log.",
    503: "The database does not answer; try again.",
}


def describe(endpoints: Sequence[AnyEndpoint]) -> Document:
    """The document; operations are named after the functions that serve them."""
    kinds = [ErrorAnswer, *_kinds(endpoints)]
    shapes, components = msgspec.json.schema_components(kinds, schema_hook=_hook, ref_template=_REFERENCE)
    schemas = dict(zip(map(str, kinds), shapes, strict=True))
    paths: dict[str, Document] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mooring management API",
            "version": mooring.__version__,
            "description": "Accounts, applications, products, thing models and devices. Times are epoch milliseconds.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": MOUNTED_AT}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _kinds(endpoints: Iterable[AnyEndpoint]) -> list[Any]:
    found: dict[str, Any] = {}
    for endpoint in endpoints:
        takes_json = endpoint.takes_body and endpoint.takes == JSON
        gives_json = endpoint.gives == JSON
        for kind in (endpoint.request if takes_json else Nothing, endpoint.answer if gives_json else Nothing):
            if kind is not Nothing:
                found[str(kind)] = kind
    return list(found.values())


def _operation(endpoint: AnyEndpoint, schemas: Document) -> Document:
    operation: Document = {
        "operationId": endpoint.act.__name__.lstrip("_"),
        "summary": endpoint.summary,
        "tags": [endpoint.path.split("/")[1]],
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint)],
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.access is Access.PUBLIC:
        operation["security"] = []
    if endpoint.takes_body:
        schema = schemas[str(endpoint.request)] if endpoint.takes == JSON else _TEXT
        operation["requestBody"] = {"required": True, "content": {endpoint.takes: {"schema": schema}}}
    return operation


def _path_parameters(endpoint: AnyEndpoint) -> list[Document]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer" if name.endswith("_id") or name == "ticket" else "string"},
        }
        for name in _PARAMETER.findall(endpoint.path)
    ]


def _query_parameters(endpoint: AnyEndpoint) -> list[Document]:
    if endpoint.method not in ("GET", "DELETE"):
        return []
    [shape], components = msgspec.json.schema_components([endpoint.request])
    properties = components[_name(shape)]["properties"]
    return [
        {"name": name, "in": "query", "schema": _inlined(schema, components)} for name, schema in properties.items()
    ]


def _inlined(schema: Document, components: Document) -> Document:
    """The schema of a parameter: the few that have a name of their own are repeated where they are used."""
    if "$ref" in schema:
        found: Document = components[_name(schema)]
        return found
    if "anyOf" in schema:
        return {**schema, "anyOf": [_inlined(choice, components) for choice in schema["anyOf"]]}
    return schema


def _name(reference: Document) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _responses(endpoint: AnyEndpoint, schemas: Document) -> Document:
    success: Document = {"description": "Done."}
    if endpoint.status != 204:
        schema = schemas[str(endpoint.answer)] if endpoint.gives == JSON else _TEXT
        success["content"] = {endpoint.gives: {"schema": schema}}
    refusals = {
        str(status): {"description": _ERRORS[status], "content": {JSON: {"schema": schemas[str(ErrorAnswer)]}}}
        for status in _error_statuses(endpoint)
    }
    return {str(endpoint.status): success, **refusals}


def _error_statuses(endpoint: AnyEndpoint) -> list[int]:
    found = {500, 503, *endpoint.errors}
    if endpoint.access is not Access.PUBLIC:
        found.add(401)
    if endpoint.access is Access.ADMINISTRATOR:
        found.add(403)
    if "{" in endpoint.path:
        found.add(404)
    if endpoint.takes_body:
        found |= {400, 413, 422}
    if endpoint.method in ("GET", "DELETE"):
        found.add(422)
    return sorted(found)


def _hook(kind: type) -> Document:
    if kind is Secret:
        return {"type": "string", "format": "password"}
    raise NotImplementedError(f"{kind} has no JSON Schema")
