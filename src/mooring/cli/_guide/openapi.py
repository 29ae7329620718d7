"""The integrator's first calls: log in, and read what the application may see."""

from .account import Made
from .talk import Talk

__all__ = ["TSL", "read"]

TSL = "/v2/quectsl/openapi/product/export/tslFile"
_PRODUCTS = "/v2/quecproductmgr/r3/openapi/products"
_DETAIL = "/v2/quecproductmgr/r3/openapi/product/detail"


def read(talk: Talk, made: Made) -> None:
    """Walk the chapter; the token stays for the others. Raises GuideFailed."""
    talk.step("Log in: sign, and get a token for two hours")
    talk.log_in(made.access_key, made.access_secret)
    talk.step("Call the OpenAPI: products")
    talk.get(_PRODUCTS, {"pageNum": "1", "pageSize": "10"})
    talk.step("Call the OpenAPI: one product")
    talk.get(_DETAIL, {"productKey": made.product_key})
    talk.step("Call the OpenAPI: the released thing model (tslFile)")
    talk.get(TSL, {"productKey": made.product_key})
