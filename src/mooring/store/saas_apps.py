"""Statements about SaaS applications and the packages authorized to them."""

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from . import tables
from .statement import Change, Query

__all__ = [
    "ADD",
    "ALL",
    "AUTHORIZE_PACKAGE",
    "CANCEL_PACKAGE",
    "DELETE",
    "ONE",
    "PACKAGES",
    "PACKAGES_OF",
    "RESET_SECRET",
    "UPDATE",
    "AppPackageRow",
    "AppRow",
]

_apps, _packages = tables.saas_apps, tables.saas_app_packages


class AppRow(msgspec.Struct, frozen=True):
    """One SaaS application; `access_secret` is sealed, `allowed_addresses` a JSON list, times are epoch ms."""

    id: int
    account_id: int
    name: str
    description: str
    access_key: str
    access_secret: bytes
    enabled: bool
    api_access: bool
    token_generation: int
    address_list_enabled: bool
    allowed_addresses: str
    times: str
    created_at: int
    updated_at: int | None


class AppPackageRow(msgspec.Struct, frozen=True):
    """One service package authorized to an application."""

    app_id: int
    package: str
    authorized_at: int


ALL = Query(select(_apps).order_by(_apps.c.id), AppRow)
ONE = Query(select(_apps).where(_apps.c.id == bindparam("app_id")), AppRow)
ADD = Change(insert(_apps))
DELETE = Change(delete(_apps).where(_apps.c.id == bindparam("app_id")))
UPDATE = Change(
    update(_apps)
    .where(
        _apps.c.id == bindparam("app_id"),
        _apps.c.updated_at.is_not_distinct_from(bindparam("seen_updated_at")),
    )
    .values(
        name=bindparam("new_name"),
        description=bindparam("new_description"),
        enabled=bindparam("new_enabled"),
        api_access=bindparam("new_api_access"),
        token_generation=_apps.c.token_generation + bindparam("generations"),
        address_list_enabled=bindparam("new_address_list_enabled"),
        allowed_addresses=bindparam("new_allowed_addresses"),
        times=bindparam("new_times"),
        updated_at=bindparam("now"),
    )
)
RESET_SECRET = Change(
    update(_apps)
    .where(_apps.c.id == bindparam("app_id"))
    .values(
        access_secret=bindparam("new_secret"),
        token_generation=_apps.c.token_generation + 1,
        updated_at=bindparam("now"),
    )
)

PACKAGES = Query(select(_packages).order_by(_packages.c.app_id), AppPackageRow)
PACKAGES_OF = Query(select(_packages).where(_packages.c.app_id == bindparam("for_app")), AppPackageRow)
AUTHORIZE_PACKAGE = Change(insert(_packages))
CANCEL_PACKAGE = Change(
    delete(_packages).where(_packages.c.app_id == bindparam("for_app"), _packages.c.package == bindparam("named"))
)
