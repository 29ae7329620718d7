"""Apps: user domains and their secrets, products, SaaS applications that may see the users."""

import msgspec

from mooring.platform import Role, Secret
from mooring.platform.end_user_apps import EndUserAppChanges, NewEndUserApp
from mooring.platform.end_user_entities import EndUserApp

from .endpoint import AnyEndpoint, Call, Endpoint, Nothing, Page
from .lists import page_of
from .products import ProductList, product_view

__all__ = ["ENDPOINTS"]


class EndUserAppView(msgspec.Struct, frozen=True, kw_only=True):
    """One App, without the secret of its user domain. `products` are ProductKeys, `saas_apps` ids of the SaaS
    applications that may see its users."""

    id: int
    name: str
    remark: str
    user_domain: str
    enabled: bool
    products: tuple[str, ...]
    saas_apps: tuple[int, ...]
    created_at: int
    updated_at: int | None


class CreatedEndUserApp(EndUserAppView, frozen=True, kw_only=True):
    """An App just made, with the secret of its user domain."""

    domain_secret: Secret


class DomainSecret(msgspec.Struct, frozen=True):
    """User domain and secret, in clear."""

    user_domain: str
    domain_secret: Secret


class EndUserAppList(msgspec.Struct, frozen=True):
    """Apps, newest first."""

    items: tuple[EndUserAppView, ...]
    total: int


def _view(call: Call, app: EndUserApp) -> EndUserAppView:
    products = (call.platform.directory.product(product_id) for product_id in app.products)
    return EndUserAppView(
        id=app.id,
        name=app.name,
        remark=app.remark,
        user_domain=app.user_domain,
        enabled=app.enabled,
        products=tuple(sorted(product.product_key for product in products if product is not None)),
        saas_apps=tuple(sorted(app.saas_apps)),
        created_at=app.created_at,
        updated_at=app.updated_at,
    )


def _id(call: Call) -> int:
    return call.number("end_user_app_id")


def _list(call: Call, request: Page, found: list[EndUserApp]) -> EndUserAppList:
    return EndUserAppList(page_of(request, found, lambda app: _view(call, app)), len(found))


async def _list_end_user_apps(call: Call, request: Page) -> EndUserAppList:
    return _list(call, request, call.platform.end_user_apps.all(call.account_id))


async def _create_end_user_app(call: Call, request: NewEndUserApp) -> CreatedEndUserApp:
    app = await call.platform.end_user_apps.create(call.actor, request)
    return CreatedEndUserApp(**msgspec.structs.asdict(_view(call, app)), domain_secret=app.domain_secret)


async def _show_end_user_app(call: Call, request: Nothing) -> EndUserAppView:
    return _view(call, call.platform.end_user_apps.one(call.account_id, _id(call)))


async def _update_end_user_app(call: Call, request: EndUserAppChanges) -> EndUserAppView:
    return _view(call, await call.platform.end_user_apps.update(call.actor, _id(call), request))


async def _delete_end_user_app(call: Call, request: Nothing) -> Nothing:
    await call.platform.end_user_apps.delete(call.actor, _id(call))
    return Nothing()


async def _show_domain_secret(call: Call, request: Nothing) -> DomainSecret:
    app = call.platform.end_user_apps.one(call.account_id, _id(call))
    return DomainSecret(app.user_domain, await call.platform.end_user_apps.show_secret(call.actor, app.id))


async def _reset_domain_secret(call: Call, request: Nothing) -> DomainSecret:
    app = call.platform.end_user_apps.one(call.account_id, _id(call))
    return DomainSecret(app.user_domain, await call.platform.end_user_apps.reset_secret(call.actor, app.id))


async def _list_end_user_app_products(call: Call, request: Page) -> ProductList:
    found = call.platform.end_user_apps.products(call.account_id, _id(call))
    return ProductList(page_of(request, found, product_view), len(found))


async def _add_end_user_app_product(call: Call, request: Nothing) -> EndUserAppView:
    product_key = call.path["product_key"]
    return _view(call, await call.platform.end_user_apps.add_product(call.actor, _id(call), product_key))


async def _remove_end_user_app_product(call: Call, request: Nothing) -> EndUserAppView:
    product_key = call.path["product_key"]
    return _view(call, await call.platform.end_user_apps.remove_product(call.actor, _id(call), product_key))


async def _list_apps_of_saas_app(call: Call, request: Page) -> EndUserAppList:
    saas_app = call.platform.saas_apps.one(call.account_id, call.number("app_id"))
    return _list(call, request, call.platform.directory.end_user_apps_of(saas_app.id))


async def _authorize_end_user_app(call: Call, request: Nothing) -> EndUserAppView:
    app = await call.platform.end_user_apps.authorize(call.actor, call.number("app_id"), _id(call))
    return _view(call, app)


async def _cancel_end_user_app(call: Call, request: Nothing) -> EndUserAppView:
    return _view(call, await call.platform.end_user_apps.cancel(call.actor, call.number("app_id"), _id(call)))


_ALL = "/end-user-apps"
_ONE = f"{_ALL}/{{end_user_app_id}}"
_PRODUCT = f"{_ONE}/products/{{product_key}}"
_GRANTS = "/saas-apps/{app_id}/end-user-apps"
_GRANT = f"{_GRANTS}/{{end_user_app_id}}"
_BUSY = (409,)

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", _ALL, "Apps, newest first", _list_end_user_apps, Page, EndUserAppList),
    Endpoint(
        "POST",
        _ALL,
        "Create an App with a user domain",
        _create_end_user_app,
        NewEndUserApp,
        CreatedEndUserApp,
        status=201,
        errors=_BUSY,
    ),
    Endpoint("GET", _ONE, "One App", _show_end_user_app, Nothing, EndUserAppView),
    Endpoint(
        "PATCH",
        _ONE,
        "Change an App; while it is not enabled, its users are kept out",
        _update_end_user_app,
        EndUserAppChanges,
        EndUserAppView,
        errors=_BUSY,
    ),
    Endpoint(
        "DELETE",
        _ONE,
        "Delete an App that has no users",
        _delete_end_user_app,
        Nothing,
        Nothing,
        status=204,
        errors=_BUSY,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/secret",
        "The secret of the user domain; that it was shown is audited",
        _show_domain_secret,
        Nothing,
        DomainSecret,
        role=Role.DEVELOPER,
    ),
    Endpoint(
        "POST",
        f"{_ONE}/secret/reset",
        "Make a new secret of the user domain",
        _reset_domain_secret,
        Nothing,
        DomainSecret,
    ),
    Endpoint("GET", f"{_ONE}/products", "Products that an App may use", _list_end_user_app_products, Page, ProductList),
    Endpoint(
        "PUT",
        _PRODUCT,
        "Let users of an App bind devices of a product",
        _add_end_user_app_product,
        Nothing,
        EndUserAppView,
        errors=_BUSY,
    ),
    Endpoint(
        "DELETE",
        _PRODUCT,
        "Take a product from an App whose users have bound none of its devices",
        _remove_end_user_app_product,
        Nothing,
        EndUserAppView,
        errors=_BUSY,
    ),
    Endpoint(
        "GET",
        _GRANTS,
        "Apps whose users a SaaS application may see",
        _list_apps_of_saas_app,
        Page,
        EndUserAppList,
    ),
    Endpoint(
        "PUT",
        _GRANT,
        "Let a SaaS application see the users of an App",
        _authorize_end_user_app,
        Nothing,
        EndUserAppView,
        errors=_BUSY,
    ),
    Endpoint(
        "DELETE",
        _GRANT,
        "Take the users of an App away from a SaaS application, at once",
        _cancel_end_user_app,
        Nothing,
        EndUserAppView,
        errors=_BUSY,
    ),
)
