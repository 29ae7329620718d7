"""Statements about products."""

import msgspec
from sqlalchemy import bindparam, delete, insert, null, select, update

from . import tables
from .statement import Change, Query

__all__ = ["ADD", "ALL", "AUTHORIZE", "CANCEL", "DELETE", "LOCK", "ONE", "SET_RELEASE", "UPDATE", "ProductRow"]

_products = tables.products


class ProductRow(msgspec.Struct, frozen=True):
    """One product (domain-rules.md section 2); `product_secret` is sealed, times are epoch ms."""

    id: int
    account_id: int
    product_key: str
    product_secret: bytes
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
    app_id: int | None
    released_version: str | None
    dynamic_authentication: bool
    require_encryption: bool
    specified_gateways: str | None
    may_change_gateway: bool
    bind_mode: int
    device_sharing: bool
    created_at: int
    updated_at: int | None


ALL = Query(select(_products).order_by(_products.c.id), ProductRow)
ONE = Query(select(_products).where(_products.c.id == bindparam("product_id")), ProductRow)
ADD = Change(insert(_products))
DELETE = Change(delete(_products).where(_products.c.id == bindparam("product_id")))
# Changes nothing; what follows in the same transaction sees what others committed that depends on the product.
LOCK = Change(update(_products).where(_products.c.id == bindparam("product_id")).values(name=_products.c.name))
UPDATE = Change(
    update(_products)
    .where(
        _products.c.id == bindparam("product_id"),
        _products.c.updated_at.is_not_distinct_from(bindparam("seen_updated_at")),
    )
    .values(
        name=bindparam("new_name"),
        product_type=bindparam("new_product_type"),
        item_code=bindparam("new_item_code"),
        logo_path=bindparam("new_logo_path"),
        allowed_limit=bindparam("new_allowed_limit"),
        ai_capability=bindparam("new_ai_capability"),
        dynamic_authentication=bindparam("new_dynamic_authentication"),
        require_encryption=bindparam("new_require_encryption"),
        specified_gateways=bindparam("new_specified_gateways"),
        may_change_gateway=bindparam("new_may_change_gateway"),
        bind_mode=bindparam("new_bind_mode"),
        device_sharing=bindparam("new_device_sharing"),
        updated_at=bindparam("now"),
    )
)
AUTHORIZE = Change(
    update(_products)
    .where(_products.c.id == bindparam("product_id"), _products.c.app_id.is_(None))
    .values(app_id=bindparam("for_app"))
)
CANCEL = Change(
    update(_products)
    .where(_products.c.id == bindparam("product_id"), _products.c.app_id == bindparam("for_app"))
    .values(app_id=null())
)
SET_RELEASE = Change(
    update(_products)
    .where(
        _products.c.id == bindparam("product_id"),
        _products.c.released_version.is_not_distinct_from(bindparam("seen_version")),
    )
    .values(released_version=bindparam("new_version"))
)
