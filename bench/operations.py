"""What is measured, and what is promised of it: requests per second as a ratio to constant bytes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from mooring.protocol.login import build_username, sign

from .dataset import Dataset

__all__ = ["LOGIN", "OPERATIONS", "Operation"]

LOGIN = "/v2/quecauth/accessKeyAuthrize/accessKeyLogin"
_LOGINS = 1000
_LOGIN_STEP_MS = 100


@dataclass(frozen=True, slots=True)
class Operation:
    """`id` is the operation in the contract and in the metrics, `target` the least ratio, None when none is promised.

    `queries` gives the query strings to ask with, one after the other, over and over. A mixed load has no path, its
    queries are whole requests, and `ids` names the operations in it.
    """

    name: str
    id: str
    path: str
    target: float | None
    queries: Callable[[Dataset], list[str]]
    needs_token: bool = True
    ids: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """The operations that are called."""
        return self.ids or (self.id,)

    def requests(self, dataset: Dataset) -> list[str]:
        """Path and query of each request."""
        if not self.path:
            return self.queries(dataset)
        return [f"{self.path}?{query}" for query in self.queries(dataset)]


def _of_product(dataset: Dataset) -> list[str]:
    return [urlencode({"productKey": dataset.product_key})]


def _first_page(dataset: Dataset) -> list[str]:
    return [urlencode({"pageNum": 1, "pageSize": 10})]


def _logins(dataset: Dataset) -> list[str]:
    """Signed logins with different timestamps, all inside the window of ten minutes for the whole run."""
    newest = time.time_ns() // 1_000_000
    usernames = [build_username(dataset.access_key, newest - number * _LOGIN_STEP_MS) for number in range(_LOGINS)]
    return [
        urlencode({"grant_type": "password", "username": name, "password": sign(name, dataset.access_secret)})
        for name in usernames
    ]


_PRODUCTS = "/v2/quecproductmgr/r3/openapi"

OPERATIONS = (
    Operation("tslFile, model of 4 KB", "tslExport", "/v2/quectsl/openapi/product/export/tslFile", 0.5, _of_product),
    Operation("accessKeyLogin", "authLogin", LOGIN, 0.3, _logins, needs_token=False),
    Operation("products, 10 rows", "productList", f"{_PRODUCTS}/products", 0.25, _first_page),
    Operation("product/detail", "productDetail", f"{_PRODUCTS}/product/detail", None, _of_product),
)
