"""/v2/quectsl: the released thing model as a document (tsl.md section 1)."""

from mooring.platform.entities import Product

from . import answers
from .answers import Failure
from .operation import Call, Operation
from .params import whole_number
from .products import known_product

__all__ = ["OPERATIONS"]

_TRANSPARENT = 0


async def _export(call: Call) -> bytes:
    product = known_product(call, _wanted(call))
    if product.data_fmt == _TRANSPARENT:
        raise Failure(70063)
    if product.released_version is None:
        raise Failure(70097)
    if product.model is None:
        raise Failure(71006, product.released_version)
    return answers.export(product.model.exports[call.language])


def _wanted(call: Call) -> Product | None:
    product_id = whole_number(call.params, "productId")
    if product_id is not None:
        return call.platform.directory.product(product_id)
    product_key = call.params.get("productKey")
    if product_key is None:
        raise Failure(50006)
    return call.platform.directory.product_by_key(product_key)


OPERATIONS = (Operation("tslExport", "GET", "/v2/quectsl/openapi/product/export/tslFile", "tsl", _export),)
