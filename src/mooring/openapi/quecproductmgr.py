"""/v2/quecproductmgr: the products authorized to the application."""

import msgspec

from mooring.platform.entities import Product

from . import answers
from .answers import Failure
from .operation import Call, Operation
from .params import page_of
from .products import authorized_product, known_product

__all__ = ["OPERATIONS"]


class _Product(msgspec.Struct):
    accessType: int
    connectPlatform: int
    createTime: int
    dataFmt: int
    logoPath: str | None
    netWay: str
    productKey: str
    productName: str
    updateTime: int | None


class _Config(msgspec.Struct):
    aiCapabilityStatus: bool


class _Detail(_Product):
    productConfig: _Config


async def _list(call: Call) -> bytes:
    product_key = call.params.get("productKey")
    found = call.platform.directory.products_of(call.app.id)
    if product_key is not None:
        found = (authorized_product(call, call.platform.directory.product_by_key(product_key)),)
    number, size = page_of(call.params)
    name = call.params.get("productName")
    if name is not None:
        found = tuple(product for product in found if name in product.name)
    rows = [_row(product) for product in found[(number - 1) * size : number * size]]
    return answers.page(rows, number, size, len(found))


async def _detail(call: Call) -> bytes:
    product_key = call.params.get("productKey")
    if product_key is None:
        raise Failure(50005, "productKey missing")
    product = known_product(call, call.platform.directory.product_by_key(product_key))
    row = msgspec.structs.asdict(_row(product))
    return answers.action(_Detail(**row, productConfig=_Config(product.ai_capability)))


def _row(product: Product) -> _Product:
    return _Product(
        product.access_type,
        product.connect_platform,
        product.created_at,
        product.data_fmt,
        product.logo_path,
        product.net_way,
        product.product_key,
        product.name,
        product.updated_at,
    )


OPERATIONS = (
    Operation("productList", "GET", "/v2/quecproductmgr/r3/openapi/products", "product", _list),
    Operation("productDetail", "GET", "/v2/quecproductmgr/r3/openapi/product/detail", "product", _detail),
)
