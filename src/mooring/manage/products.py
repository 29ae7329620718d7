"""Products."""

import msgspec

from mooring.platform import Role, Secret
from mooring.platform.entities import Product
from mooring.platform.products import NewProduct, ProductChanges

from .endpoint import AnyEndpoint, Call, Endpoint, Nothing, Page
from .lists import page_of

__all__ = ["ENDPOINTS", "ProductList", "ProductView", "product_view"]


class _ProductFields(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    product_key: str
    name: str
    access_type: int
    net_way: str
    data_fmt: int
    protocol: int
    connect_platform: int
    product_status: int
    product_type: int
    gateway_type: int
    item_code: str | None
    logo_path: str | None
    allowed_limit: int | None
    ai_capability: bool
    dynamic_authentication: bool
    require_encryption: bool
    specified_gateways: tuple[str, ...] | None
    may_change_gateway: bool
    bind_mode: int
    device_sharing: bool
    app_id: int | None
    released_version: str | None
    created_at: int
    updated_at: int | None


class ProductView(_ProductFields, frozen=True, kw_only=True):
    """One product. `product_secret` is masked; `app_id` is the SaaS application it is authorized to."""

    product_secret: str


class CreatedProduct(_ProductFields, frozen=True, kw_only=True):
    """A product just made, with its secret in clear."""

    product_secret: Secret


class ProductSecretView(msgspec.Struct, frozen=True):
    """Key and secret of a product, in clear."""

    product_key: str
    product_secret: Secret


class ProductList(msgspec.Struct, frozen=True):
    """Products, newest first."""

    items: tuple[ProductView, ...]
    total: int


class Deletion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`force` deletes the devices of the product too."""

    force: bool = False


def product_view(product: Product) -> ProductView:
    """A product as this API shows it."""
    masked = product.product_secret.masked()
    return msgspec.convert({**msgspec.structs.asdict(product), "product_secret": masked}, ProductView)


async def _list_products(call: Call, request: Page) -> ProductList:
    found = call.platform.products.all(call.account_id)
    return ProductList(page_of(request, found, product_view), len(found))


async def _create_product(call: Call, request: NewProduct) -> CreatedProduct:
    product = await call.platform.products.create(call.actor, request)
    return msgspec.convert(msgspec.structs.asdict(product), CreatedProduct)


async def _show_product(call: Call, request: Nothing) -> ProductView:
    return product_view(call.platform.products.one(call.account_id, call.path["product_key"]))


async def _update_product(call: Call, request: ProductChanges) -> ProductView:
    return product_view(await call.platform.products.update(call.actor, call.path["product_key"], request))


async def _delete_product(call: Call, request: Deletion) -> Nothing:
    await call.platform.products.delete(call.actor, call.path["product_key"], force=request.force)
    return Nothing()


async def _show_product_secret(call: Call, request: Nothing) -> ProductSecretView:
    product_key = call.path["product_key"]
    return ProductSecretView(product_key, await call.platform.products.show_secret(call.actor, product_key))


_ONE = "/products/{product_key}"

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", "/products", "Products, newest first", _list_products, Page, ProductList),
    Endpoint(
        "POST",
        "/products",
        "Create a product",
        _create_product,
        NewProduct,
        CreatedProduct,
        status=201,
        errors=(409,),
    ),
    Endpoint("GET", _ONE, "One product", _show_product, Nothing, ProductView),
    Endpoint("PATCH", _ONE, "Change a product", _update_product, ProductChanges, ProductView, errors=(409,)),
    Endpoint(
        "DELETE",
        _ONE,
        "Delete a product with its thing model, for good; with devices only when `force` is true",
        _delete_product,
        Deletion,
        Nothing,
        status=204,
        errors=(409,),
    ),
    Endpoint(
        "GET",
        f"{_ONE}/secret",
        "The ProductSecret; that it was shown is audited",
        _show_product_secret,
        Nothing,
        ProductSecretView,
        role=Role.DEVELOPER,
    ),
)
