# Made of _async/products.py by tools/generate_sync.py; change that.
"""Products and their thing models."""

from mooring.client import _operations as operations
from mooring.client._sync.paging import PageList
from mooring.client._sync.service import Service
from mooring.client.types import Product, ThingModel


class Products(Service):
    """Products that the application is authorized for. Contract: prefix `quecproductmgr`."""

    def list(self, *, product_key: str | None = None, page_size: int = 100) -> PageList[Product]:
        """Return the products, newest first; nothing is sent before `for` or `.page()`.

        `product_key` narrows the list to that product; `page_size` is rows per request, 1 to 1000.
        """
        return self._pages(operations.PRODUCT_LIST, {"productKey": product_key}, page_size)

    def detail(self, product_key: str) -> Product:
        """Return one product. Raises `NotFound` or `PermissionDenied` when it is unknown or foreign."""
        return self._run(operations.PRODUCT_DETAIL({"productKey": product_key}))


class ThingModels(Service):
    """Released thing models. Contract: prefix `quectsl`."""

    def export(
        self, product_key: str | None = None, *, product_id: int | None = None, language: str | None = None
    ) -> ThingModel:
        """Return the released model of a product, named by key or by id; the id wins.

        `language` (CN or EN) chooses the names of features where a translation exists.
        Raises `Conflict` when the product is transparent or its model was never released.
        """
        if product_key is None and product_id is None:
            raise ValueError("give product_key or product_id")
        query = {"productKey": product_key, "productId": product_id, "language": language or self._language}
        return self._run(operations.TSL_EXPORT(query))
