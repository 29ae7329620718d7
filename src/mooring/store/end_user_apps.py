"""Statements about Apps: their user domains, the products they may use, the SaaS applications that may see them."""

import msgspec
from sqlalchemy import bindparam, delete, exists, func, insert, literal, select, update

from . import end_user_tables as tables
from .device_list import CountRow
from .statement import Change, Query
from .tables import devices as _devices

__all__ = [
    "ADD",
    "ADD_PRODUCT",
    "ALL",
    "AUTHORIZE",
    "BOUND",
    "CANCEL",
    "DELETE",
    "GRANTS",
    "LOCK",
    "PRODUCTS",
    "REMOVE_PRODUCT",
    "RESET_SECRET",
    "UPDATE",
    "USERS",
    "AppRow",
    "GrantRow",
    "ProductRow",
]

_apps, _products, _grants = tables.end_user_apps, tables.end_user_app_products, tables.end_user_app_grants
_users, _bindings = tables.end_users, tables.bindings


class AppRow(msgspec.Struct, frozen=True):
    """One App; `domain_secret` is sealed, times are epoch ms."""

    id: int
    account_id: int
    name: str
    remark: str
    user_domain: str
    domain_secret: bytes
    enabled: bool
    created_at: int
    updated_at: int | None


class ProductRow(msgspec.Struct, frozen=True):
    """One product that an App may use."""

    end_user_app_id: int
    product_id: int
    added_at: int


class GrantRow(msgspec.Struct, frozen=True):
    """One SaaS application that may see the users of an App."""

    end_user_app_id: int
    app_id: int
    authorized_at: int


ALL = Query(select(_apps).order_by(_apps.c.id), AppRow)
PRODUCTS = Query(select(_products).order_by(_products.c.end_user_app_id, _products.c.product_id), ProductRow)
GRANTS = Query(select(_grants).order_by(_grants.c.end_user_app_id, _grants.c.app_id), GrantRow)

ADD = Change(insert(_apps))
_one = _apps.c.id == bindparam("end_user_app")
# Changes nothing; what follows in the same transaction sees what others committed to this App, and they wait.
LOCK = Change(update(_apps).where(_one).values(name=_apps.c.name))
UPDATE = Change(
    update(_apps)
    .where(_one, _apps.c.updated_at.is_not_distinct_from(bindparam("seen_updated_at")))
    .values(
        name=bindparam("new_name"),
        remark=bindparam("new_remark"),
        enabled=bindparam("new_enabled"),
        updated_at=bindparam("now"),
    )
)
RESET_SECRET = Change(
    update(_apps).where(_one).values(domain_secret=bindparam("new_secret"), updated_at=bindparam("now"))
)
DELETE = Change(delete(_apps).where(_one, ~exists().where(_users.c.end_user_app_id == _apps.c.id)))
"""Only one without users; give it with LOCK."""
USERS = Query(
    select(func.count().label("rows")).select_from(_users).where(_users.c.end_user_app_id == bindparam("end_user_app")),
    CountRow,
)

ADD_PRODUCT = Change(insert(_products))
_bound = (
    select(literal(1))
    .select_from(_bindings.join(_devices, _devices.c.id == _bindings.c.device_id))
    .where(_bindings.c.end_user_app_id == bindparam("end_user_app"), _devices.c.product_id == bindparam("of_product"))
)
REMOVE_PRODUCT = Change(
    delete(_products).where(
        _products.c.end_user_app_id == bindparam("end_user_app"),
        _products.c.product_id == bindparam("of_product"),
        ~_bound.exists(),
    )
)
"""Only one whose devices no user of the App has bound; give it with LOCK."""
BOUND = Query(
    select(func.count().label("rows"))
    .select_from(_bindings.join(_devices, _devices.c.id == _bindings.c.device_id))
    .where(_bindings.c.end_user_app_id == bindparam("end_user_app"), _devices.c.product_id == bindparam("of_product")),
    CountRow,
)

AUTHORIZE = Change(insert(_grants))
CANCEL = Change(
    delete(_grants).where(
        _grants.c.end_user_app_id == bindparam("end_user_app"), _grants.c.app_id == bindparam("for_app")
    )
)
