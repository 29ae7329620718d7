"""Which product a call means, and whether the application may see it (openapi-notes.md section 4, row 8)."""

from mooring.platform.entities import Product

from .answers import Failure
from .operation import Call

__all__ = ["authorized_product", "known_product"]


def authorized_product(call: Call, product: Product | None) -> Product:
    """The product. Raises Failure 70089 for an unknown one as for a foreign one, which hides what exists."""
    if product is None or product.app_id != call.app.id:
        raise Failure(70089)
    return product


def known_product(call: Call, product: Product | None) -> Product:
    """The product, for the operations that list 70017. Raises Failure 70017 unknown, 70089 foreign."""
    if product is None:
        raise Failure(70017)
    return authorized_product(call, product)
