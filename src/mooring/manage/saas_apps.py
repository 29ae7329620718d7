"""SaaS applications: keys, packages, products, IP white list."""

import msgspec

from mooring.platform import Role, Secret
from mooring.platform.entities import App
from mooring.platform.saas_apps import AppChanges, NewApp

from .endpoint import AnyEndpoint, Call, Endpoint, Nothing, Page
from .lists import page_of
from .products import ProductList, ProductView, product_view

__all__ = ["ENDPOINTS"]


class AuthorizedPackage(msgspec.Struct, frozen=True):
    """A service package that an application may use."""

    package: str
    authorized_at: int


class AppView(msgspec.Struct, frozen=True, kw_only=True):
    """One SaaS application, without its secret."""

    id: int
    name: str
    description: str
    access_key: str
    enabled: bool
    api_access: bool
    packages: tuple[AuthorizedPackage, ...]
    address_list_enabled: bool
    allowed_addresses: tuple[str, ...]
    times: str
    created_at: int
    updated_at: int | None


class CreatedApp(AppView, frozen=True, kw_only=True):
    """An application just made, with its AccessSecret, which is shown this once."""

    access_secret: Secret


class AppSecret(msgspec.Struct, frozen=True):
    """Key and secret of an application, in clear."""

    access_key: str
    access_secret: Secret


class AppList(msgspec.Struct, frozen=True):
    """SaaS applications, newest first."""

    items: tuple[AppView, ...]
    total: int


def _view(app: App) -> AppView:
    return AppView(
        id=app.id,
        name=app.name,
        description=app.description,
        access_key=app.access_key,
        enabled=app.enabled,
        api_access=app.api_access,
        packages=tuple(AuthorizedPackage(package, at) for package, at in sorted(app.packages.items())),
        address_list_enabled=app.address_list_enabled,
        allowed_addresses=app.allowed_addresses,
        times=app.times,
        created_at=app.created_at,
        updated_at=app.updated_at,
    )


async def _list_apps(call: Call, request: Page) -> AppList:
    found = call.platform.saas_apps.all(call.account_id)
    return AppList(page_of(request, found, _view), len(found))


async def _create_app(call: Call, request: NewApp) -> CreatedApp:
    app = await call.platform.saas_apps.create(call.actor, request)
    return CreatedApp(**msgspec.structs.asdict(_view(app)), access_secret=app.access_secret)


async def _show_app(call: Call, request: Nothing) -> AppView:
    return _view(call.platform.saas_apps.one(call.account_id, call.number("app_id")))


async def _update_app(call: Call, request: AppChanges) -> AppView:
    return _view(await call.platform.saas_apps.update(call.actor, call.number("app_id"), request))


async def _delete_app(call: Call, request: Nothing) -> Nothing:
    await call.platform.saas_apps.delete(call.actor, call.number("app_id"))
    return Nothing()


async def _enable_app(call: Call, request: Nothing) -> AppView:
    return await _update_app(call, AppChanges(enabled=True))


async def _disable_app(call: Call, request: Nothing) -> AppView:
    return await _update_app(call, AppChanges(enabled=False))


async def _show_app_secret(call: Call, request: Nothing) -> AppSecret:
    app = call.platform.saas_apps.one(call.account_id, call.number("app_id"))
    return AppSecret(app.access_key, await call.platform.saas_apps.show_secret(call.actor, app.id))


async def _reset_app_secret(call: Call, request: Nothing) -> AppSecret:
    app = call.platform.saas_apps.one(call.account_id, call.number("app_id"))
    return AppSecret(app.access_key, await call.platform.saas_apps.reset_secret(call.actor, app.id))


async def _authorize_package(call: Call, request: Nothing) -> AppView:
    app_id, package = call.number("app_id"), call.path["package"]
    return _view(await call.platform.saas_apps.authorize_package(call.actor, app_id, package))


async def _cancel_package(call: Call, request: Nothing) -> AppView:
    app_id, package = call.number("app_id"), call.path["package"]
    return _view(await call.platform.saas_apps.cancel_package(call.actor, app_id, package))


async def _list_app_products(call: Call, request: Page) -> ProductList:
    found = call.platform.saas_apps.products(call.account_id, call.number("app_id"))
    return ProductList(page_of(request, found, product_view), len(found))


async def _authorize_product(call: Call, request: Nothing) -> ProductView:
    app_id, product_key = call.number("app_id"), call.path["product_key"]
    return product_view(await call.platform.saas_apps.authorize_product(call.actor, app_id, product_key))


async def _cancel_product(call: Call, request: Nothing) -> Nothing:
    await call.platform.saas_apps.cancel_product(call.actor, call.number("app_id"), call.path["product_key"])
    return Nothing()


_ONE = "/saas-apps/{app_id}"
_PACKAGE = f"{_ONE}/packages/{{package}}"
_PRODUCT = f"{_ONE}/products/{{product_key}}"
_BUSY = (409,)

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", "/saas-apps", "SaaS applications, newest first", _list_apps, Page, AppList),
    Endpoint("POST", "/saas-apps", "Create an application", _create_app, NewApp, CreatedApp, status=201, errors=_BUSY),
    Endpoint("GET", _ONE, "One application", _show_app, Nothing, AppView),
    Endpoint("PATCH", _ONE, "Change an application", _update_app, AppChanges, AppView, errors=_BUSY),
    Endpoint(
        "DELETE",
        _ONE,
        "Delete an application; its tokens die, its products become free",
        _delete_app,
        Nothing,
        Nothing,
        status=204,
        errors=_BUSY,
    ),
    Endpoint("POST", f"{_ONE}/enable", "Enable the AccessKey", _enable_app, Nothing, AppView, errors=_BUSY),
    Endpoint(
        "POST",
        f"{_ONE}/disable",
        "Disable the AccessKey; every token dies for good",
        _disable_app,
        Nothing,
        AppView,
        errors=_BUSY,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/secret",
        "The AccessSecret; that it was shown is audited",
        _show_app_secret,
        Nothing,
        AppSecret,
        role=Role.DEVELOPER,
    ),
    Endpoint(
        "POST",
        f"{_ONE}/secret/reset",
        "Make a new AccessSecret; the old one and every token end",
        _reset_app_secret,
        Nothing,
        AppSecret,
    ),
    Endpoint("PUT", _PACKAGE, "Authorize a package", _authorize_package, Nothing, AppView, errors=_BUSY),
    Endpoint("DELETE", _PACKAGE, "Take a package away", _cancel_package, Nothing, AppView, errors=_BUSY),
    Endpoint("GET", f"{_ONE}/products", "Authorized products", _list_app_products, Page, ProductList),
    Endpoint("PUT", _PRODUCT, "Authorize a free product", _authorize_product, Nothing, ProductView, errors=_BUSY),
    Endpoint(
        "DELETE",
        _PRODUCT,
        "Take a product away",
        _cancel_product,
        Nothing,
        Nothing,
        status=204,
        errors=_BUSY,
    ),
)
