"""The calls of the contract as values: path, parameters, and how the body is read."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from mooring.client._answers import Body
from mooring.client._core import Call, Params
from mooring.client._paging import Page
from mooring.client._reading import Row, UnreadableError, read, read_rows, scalar
from mooring.client._types import Product, ThingEvent, ThingModel, ThingProperty, ThingService

R = TypeVar("R", bound=Row)
Value = str | int | float | bool | None


def product_page(product_key: str | None, number: int, size: int) -> Call[Page[Product]]:
    """Return the call for one page of the products."""
    return Call(
        operation="productList",
        method="GET",
        path="/v2/quecproductmgr/r3/openapi/products",
        params=_params({"pageNum": number, "pageSize": size, "productKey": product_key}),
        read=lambda body: _page(Product, body, number, size),
    )


def product_detail(product_key: str) -> Call[Product]:
    """Return the call for one product."""
    return Call(
        operation="productDetail",
        method="GET",
        path="/v2/quecproductmgr/r3/openapi/product/detail",
        params=_params({"productKey": product_key}),
        read=lambda body: read(Product, body.get("data")),
    )


def thing_model(product_key: str | None, product_id: int | None, language: str | None) -> Call[ThingModel]:
    """Return the call for the released thing model of a product."""
    if product_key is None and product_id is None:
        raise ValueError("give product_key or product_id")
    return Call(
        operation="tslExport",
        method="GET",
        path="/v2/quectsl/openapi/product/export/tslFile",
        params=_params({"productKey": product_key, "productId": product_id, "language": language}),
        read=lambda body: _thing_model(body.get("data")),
    )


def raw(method: str, path: str, params: Mapping[str, Value] | None, json: object = None) -> Call[Body]:
    """Return the call for any path of the API. Raises `ValueError` unless the path begins with one "/"."""
    if not path.startswith("/") or path.startswith("//"):
        raise ValueError("path is relative to base_url and begins with one /")
    return Call(
        operation=f"{method} {path.partition('?')[0]}",
        method=method,
        path=path,
        params=_params(params or {}),
        content=None if json is None else msgspec.json.encode(json),
        read=lambda body: body,
    )


def check_page_size(size: int) -> int:
    """Return the page size. Raises `ValueError` below 1."""
    if size < 1:
        raise ValueError("page_size is at least 1")
    return size


def _params(values: Mapping[str, Value]) -> Params:
    return tuple((name, _text(value)) for name, value in values.items() if value is not None)


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _page(kind: type[R], body: Body, number: int, size: int) -> Page[R]:
    # The number asked for counts, not the one echoed: a walk must move on even when the echo does not.
    applied = scalar(int | None, body.get("pageSize"))
    return Page(
        rows=read_rows(kind, body.get("data")),
        page_num=number,
        page_size=applied if applied is not None and applied > 0 else size,
        pages=scalar(int | None, body.get("pages")),
        total=scalar(int | None, body.get("total")),
    )


def _thing_model(data: Any) -> ThingModel:
    if not isinstance(data, dict):
        raise UnreadableError("ThingModel is not a JSON object")
    profile = data.get("profile")
    known: Mapping[str, Any] = profile if isinstance(profile, dict) else {}
    return ThingModel(
        raw=data,
        product_key=scalar(str | None, known.get("productKey")),
        version=scalar(str | None, known.get("version")),
        tsl_version=scalar(str | None, known.get("tslVersion")),
        properties=read_rows(ThingProperty, data.get("properties")),
        services=read_rows(ThingService, data.get("services")),
        events=read_rows(ThingEvent, data.get("events")),
    )
