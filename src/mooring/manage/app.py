"""The management API as one ASGI application: routes from the endpoints, who is calling, answers and refusals."""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mooring.platform import Platform
from mooring.platform.accounts import Identity

from . import (
    api_activity,
    audit,
    bindings,
    ca_certificates,
    commands,
    device_state,
    devices,
    end_user_apps,
    end_users,
    gateways,
    overview,
    people,
    products,
    queues,
    saas_apps,
    serial_numbers,
    services,
    sessions,
    subscriptions,
    thing_models,
    trace,
    virtual_devices,
)
from .document import describe
from .endpoint import EVENT_STREAM, JSON, Access, AnyEndpoint, Call, Endpoint, Nothing, encode, read_request
from .errors import Refusal, refusal_of

__all__ = ["ENDPOINTS", "create_manage"]

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    *sessions.ENDPOINTS,
    *overview.ENDPOINTS,
    *people.ENDPOINTS,
    *services.ENDPOINTS,
    *saas_apps.ENDPOINTS,
    *api_activity.ENDPOINTS,
    *products.ENDPOINTS,
    *thing_models.ENDPOINTS,
    *devices.ENDPOINTS,
    *device_state.ENDPOINTS,
    *gateways.ENDPOINTS,
    *commands.ENDPOINTS,
    *trace.ENDPOINTS,
    *queues.ENDPOINTS,
    *subscriptions.ENDPOINTS,
    *serial_numbers.ENDPOINTS,
    *virtual_devices.ENDPOINTS,
    *ca_certificates.ENDPOINTS,
    *end_user_apps.ENDPOINTS,
    *end_users.ENDPOINTS,
    *bindings.ENDPOINTS,
    *audit.ENDPOINTS,
)
"""Every endpoint but the one that describes them."""

# Answers hold secrets and rights that may end any moment; nothing of it is for caches.
_HEADERS = {"Cache-Control": "no-store"}
_Address = Callable[[Scope], str | None]


def create_manage(platform: Platform, *, client_address: _Address) -> Starlette:
    """The application to mount at /manage/v1. `client_address` tells the caller's IP address from a scope."""
    described: dict[str, Any] = {}

    async def show_openapi(call: Call, request: Nothing) -> dict[str, Any]:
        return described

    own = Endpoint(
        "GET",
        "/openapi.json",
        "This description",
        show_openapi,
        Nothing,
        dict[str, Any],
        access=Access.PUBLIC,
    )
    endpoints = (*ENDPOINTS, own)
    described.update(describe(endpoints))
    by_path: dict[str, dict[str, AnyEndpoint]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    app = Starlette(
        routes=[Route(path, _Door(platform, client_address, path, methods)) for path, methods in by_path.items()],
        exception_handlers={HTTPException: _no_such_route},
    )
    app.router.redirect_slashes = False
    return app


class _Door:
    """Every method of one path, as an ASGI application."""

    def __init__(
        self, platform: Platform, client_address: _Address, path: str, methods: Mapping[str, AnyEndpoint]
    ) -> None:
        self._platform = platform
        self._client_address = client_address
        self._path = path
        self._methods = methods
        self._allow = ", ".join([*(["HEAD"] if "GET" in methods else []), *methods])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception as error:
            response = _refuse(refusal_of(error, method=request.method, route=self._path))
        try:
            await response(scope, receive, send)
        finally:
            stream = getattr(response, "body_iterator", None)
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()  # at once, also when the caller hung up before the first event

    async def _answer(self, request: Request) -> Response:
        endpoint = self._methods.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            message = f"{self._path} answers {self._allow} only"
            raise Refusal(405, "method_not_allowed", message, headers={"Allow": self._allow})
        if not self._platform.directory.fresh:
            raise Refusal(503, "unavailable", "the database does not answer; try again", headers={"Retry-After": "1"})
        caller = _caller(self._platform, request, endpoint)
        address = self._client_address(request.scope) or "unknown"
        call = Call(self._platform, address, caller, request.path_params)
        answer = await endpoint.act(call, await read_request(endpoint, request))
        if endpoint.gives == EVENT_STREAM:
            return StreamingResponse(answer, endpoint.status, _HEADERS, endpoint.gives)
        body = answer if endpoint.gives != JSON else b"" if endpoint.status == 204 else encode(answer)
        return _respond(endpoint.status, body, media_type=endpoint.gives)


def _caller(platform: Platform, request: Request, endpoint: AnyEndpoint) -> Identity | None:
    if endpoint.access is Access.PUBLIC:
        return None
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    identity = platform.accounts.identify(token.strip()) if scheme.lower() == "bearer" else None
    if identity is None:
        message = "a token is needed: Authorization: Bearer …" if not token else "the token is wrong, ended or expired"
        raise Refusal(401, "not_authenticated", message, headers={"WWW-Authenticate": "Bearer"})
    if identity.administrator.password_one_time and endpoint.access is not Access.ONE_TIME:
        raise Refusal(
            403, "password_change_required", "the password is for one use; change it first: POST /me/password"
        )
    role = identity.administrator.role
    if not role.covers(endpoint.needs):
        raise Refusal(403, "role_not_enough", f"your role is {role.value}; this needs a {endpoint.needs.value}")
    return identity


def _refuse(refusal: Refusal) -> Response:
    return _respond(refusal.status, encode(refusal.body), refusal.headers)


def _respond(status: int, body: bytes, headers: Mapping[str, str] | None = None, *, media_type: str = JSON) -> Response:
    return Response(body, status, {**_HEADERS, **(headers or {})}, media_type=media_type if body else None)


async def _no_such_route(request: Request, error: Exception) -> Response:
    return _refuse(Refusal(404, "not_found", "there is no such path in the management API"))
