"""The console as one ASGI application: routes from the pages' values, who is asking, answers and refusals.

It decides nothing: a page shows what the platform says, an action is one call of the platform. What the least role of
each is, is said by its value and asked of the platform's roles here.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from urllib.parse import quote

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mooring.platform import Platform
from mooring.platform.accounts import Identity

from . import (
    audit,
    ca_certificates,
    commands,
    device,
    device_bulk,
    devices,
    end_user,
    end_user_apps,
    explorer,
    members,
    model_editor,
    model_names,
    my_account,
    preferences,
    product,
    products,
    queues,
    saas_apps,
    services,
    signing_in,
    start,
    subscriptions,
    thing_model,
    virtual_devices,
)
from .assets import Assets
from .frame import document, failure, on_menu
from .html import join
from .page import ROOT, Action, AnyRoute, Asgi, Done, Download, File, Page, Shown, View
from .refusals import Refusal, refusal_of
from .requests import SESSION, check_origin, csrf_of, language_of, read_form, theme_of
from .texts import translate_refusal

__all__ = ["ROUTES", "create_console"]

ROUTES: tuple[AnyRoute, ...] = (
    *signing_in.ROUTES,
    *my_account.ROUTES,
    *preferences.ROUTES,
    *start.ROUTES,
    *devices.ROUTES,
    *device_bulk.ROUTES,
    *products.ROUTES,
    *product.ROUTES,
    *device.ROUTES,
    *commands.ROUTES,
    *virtual_devices.ROUTES,
    *thing_model.ROUTES,
    *model_editor.ROUTES,
    *model_names.ROUTES,
    *saas_apps.ROUTES,
    *services.ROUTES,
    *queues.ROUTES,
    *subscriptions.ROUTES,
    *members.ROUTES,
    *audit.ROUTES,
    *explorer.ROUTES,
    *ca_certificates.ROUTES,
    *end_user_apps.ROUTES,
    *end_user.ROUTES,
)
"""Everything the console answers, in the order in which paths are tried."""

_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_SESSION_S = 12 * 3600
_YEAR_S = 365 * 86_400
_Address = Callable[[Scope], str | None]


def create_console(platform: Platform, *, openapi: Asgi, client_address: _Address) -> Starlette:
    """The application to mount at /console. `openapi` is the one at /v2, which the explorer calls; `client_address`
    tells the caller's IP address from a scope."""
    by_path: dict[str, dict[str, AnyRoute]] = {}
    for route in ROUTES:
        by_path.setdefault(route.path, {})["POST" if isinstance(route, Action) else "GET"] = route
    pages = {route.path for route in ROUTES if isinstance(route, Page)}
    on_menu(pages.__contains__)
    assets = Assets()
    routes = [Route("/static/{name}", assets)]
    routes += [
        Route(path, _Door(platform, openapi, client_address, path, methods)) for path, methods in by_path.items()
    ]

    async def no_such_page(request: Request, error: Exception) -> Response:
        view = _view(platform, openapi, request, "unknown")
        refusal = Refusal(404, "there is no such page")
        return HTMLResponse(failure(view, refusal), 404, _SECURITY)

    app = Starlette(routes=routes, exception_handlers={HTTPException: no_such_page})
    app.router.redirect_slashes = False
    return app


class _Door:
    """Page and actions of one path, as an ASGI application."""

    def __init__(
        self,
        platform: Platform,
        openapi: Asgi,
        client_address: _Address,
        path: str,
        methods: Mapping[str, AnyRoute],
    ) -> None:
        self._platform = platform
        self._openapi = openapi
        self._client_address = client_address
        self._path = path
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        view = _view(self._platform, self._openapi, request, self._client_address(scope) or "unknown")
        try:
            response = await self._answer(request, view)
        except ClientDisconnect:
            return
        except Exception as error:
            response = _refuse(request, view, refusal_of(error, self._path))
        try:
            await response(scope, receive, send)
        finally:
            stream = getattr(response, "body_iterator", None)
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    async def _answer(self, request: Request, view: View) -> Response:
        route = self._methods.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            raise Refusal(405, "this page does not take that")
        if not self._platform.directory.fresh:
            raise Refusal(503, "the database does not answer; try again")
        if isinstance(route, Action):
            check_origin(request)
        if route.role is not None:
            elsewhere = _login_first(request, view, route)
            if elsewhere is not None:
                return elsewhere
            if not view.may(route.role):
                raise Refusal(403, view.t("Your role does not allow this."))
        if isinstance(route, Page):
            shown = await route.show(view)
            # Live regions are asked for often; what is around them costs as much as they do.
            content = join(shown.body) if view.part else document(view, shown)
            return HTMLResponse(content, headers=_SECURITY)
        if isinstance(route, Action):
            done = await route.act(view, await read_form(request, view.csrf if route.role is not None else ""))
            return _done(request, view, done)
        if isinstance(route, Download):
            return _file(await route.make(view))
        return StreamingResponse(route.run(view), headers=_SECURITY, media_type="text/event-stream")


def _view(platform: Platform, openapi: Asgi, request: Request, client: str) -> View:
    session = request.cookies.get(SESSION, "")
    caller: Identity | None = platform.accounts.identify(session) if session else None
    query = dict(request.query_params)
    here = request.url.path.removeprefix(ROOT) or "/"
    return View(
        platform=platform,
        caller=caller,
        client=client,
        path=request.path_params,
        query=query,
        language=language_of(request),
        theme=theme_of(request),
        csrf=csrf_of(session if caller is not None else ""),
        here=here,
        part=request.headers.get("x-part", ""),
        session=session,
        origin=f"{request.url.scheme}://{request.url.netloc}",
        openapi=openapi,
    )


def _login_first(request: Request, view: View, route: AnyRoute) -> Response | None:
    """Where somebody has to go before what they asked for."""
    if view.caller is None:
        to = f"{ROOT}/login"
        if request.method == "GET" and view.here != "/":
            query = f"?{request.url.query}" if request.url.query else ""
            to += f"?to={quote(view.here + query, safe='')}"
    elif view.caller.administrator.password_one_time and not route.one_time:
        to = f"{ROOT}/password"
    else:
        return None
    if isinstance(route, Page):
        return RedirectResponse(to, 303, _SECURITY)
    return JSONResponse({"to": to}, 401, _SECURITY)


def _done(request: Request, view: View, done: Done) -> Response:
    """Scripts get JSON; a form that was sent without a script goes on by itself."""
    if done.file is not None:
        return _file(done.file)
    to = "" if not done.to and done.show is not None else f"{ROOT}{done.to}" if done.to else ""
    if request.headers.get("x-console"):
        answer = {"to": to, "notice": done.notice, "html": done.show, "title": done.title}
        response: Response = JSONResponse(answer, headers=_SECURITY)
    elif done.show is not None:
        response = HTMLResponse(document(view, Shown(done.title, done.show)), headers=_SECURITY)
    else:
        response = RedirectResponse(to or f"{ROOT}/", 303, _SECURITY)
    for name, value in done.cookies.items():
        _set_cookie(request, response, name, value)
    return response


def _file(file: File) -> Response:
    shown = {**_SECURITY, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}"}
    return Response(file.content, headers=shown, media_type=file.media_type)


def _set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    secret = name == SESSION
    response.set_cookie(
        name,
        value,
        max_age=(_SESSION_S if secret else _YEAR_S) if value else 0,
        path=ROOT,
        httponly=secret,
        samesite="lax",
        # Whoever says so falsely only keeps their own cookie from coming back.
        secure=request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https",
    )


def _refuse(request: Request, view: View, refusal: Refusal) -> Response:
    if request.headers.get("x-console") or request.method == "POST":
        body = msgspec.json.encode({"error": translate_refusal(view.language, refusal.message), "field": refusal.field})
        return Response(body, refusal.status, _SECURITY, media_type="application/json")
    return HTMLResponse(failure(view, refusal), refusal.status, _SECURITY)
