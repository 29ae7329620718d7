"""Statements about gateways and their sub-devices."""

from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    LargeBinary,
    bindparam,
    delete,
    exists,
    false,
    func,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from . import tables
from .devices import DeviceRow
from .statement import Change, Query

__all__ = [
    "COUNT",
    "CURRENT",
    "GATEWAYS",
    "JOIN",
    "LEAVE_OTHERS",
    "ONLINE",
    "PAGE",
    "RELEASE",
    "RELEASE_SUB_DEVICE",
    "UNBIND",
    "WITHDRAW",
    "CountRow",
    "GatewayRow",
    "LinkRow",
    "SubDeviceRow",
]

_links, _devices, _products = tables.gateway_links, tables.devices, tables.products
_values = tables.device_values


class LinkRow(msgspec.Struct, frozen=True, gc=False):
    """Which gateway a sub-device hangs on; product and key are those of the gateway."""

    sub_device_id: int
    gateway_id: int
    product_id: int
    device_key: str


class GatewayRow(DeviceRow, frozen=True, gc=False):
    """A gateway that a sub-device has logged in at; times are epoch ms."""

    is_current: bool
    linked_at: int
    last_login_at: int


class SubDeviceRow(DeviceRow, frozen=True, gc=False):
    """A sub-device that has logged in at a gateway; `resources` as in `device_values`, None without a report."""

    is_current: bool
    linked_at: int
    last_login_at: int
    resources: str | None


class CountRow(msgspec.Struct, frozen=True):
    """How many rows there are."""

    rows: int


_of_sub = _links.c.sub_device_id == bindparam("of_sub_device")
_link = (_links.c.is_current, _links.c.created_at.label("linked_at"), _links.c.last_login_at)
_living = _devices.c.deleted_at.is_(None)

CURRENT = Query(
    select(_links.c.sub_device_id, _links.c.gateway_id, _devices.c.product_id, _devices.c.device_key)
    .join(_devices, _devices.c.id == _links.c.gateway_id)
    .where(_of_sub, _links.c.is_current, _living),
    LinkRow,
)
"""The gateway that a sub-device hangs on, unless it is deleted."""
_subs = _devices.alias("subs")
ONLINE = Query(
    select(_links.c.sub_device_id, _links.c.gateway_id, _devices.c.product_id, _devices.c.device_key)
    .join(_devices, _devices.c.id == _links.c.gateway_id)
    .join(_subs, _subs.c.id == _links.c.sub_device_id)
    .where(_links.c.is_current, _living, _subs.c.online),
    LinkRow,
)
"""The same of every sub-device that is shown online."""
GATEWAYS = Query(
    select(_devices, *_link)
    .join(_links, _devices.c.id == _links.c.gateway_id)
    .where(_of_sub, _living)
    .order_by(_links.c.is_current.desc(), _links.c.last_login_at.desc(), _links.c.id.desc()),
    GatewayRow,
)
"""The gateways of a sub-device, the current one first, then those of later logins."""


def _of_gateway(statement: Any) -> Any:
    application = bindparam("of_app", type_=BigInteger)
    return (
        statement.join(_devices, _devices.c.id == _links.c.sub_device_id)
        .join(_products, _products.c.id == _devices.c.product_id)
        .where(
            _links.c.gateway_id == bindparam("of_gateway"),
            _living,
            or_(application < 0, _products.c.app_id == application),
        )
    )


PAGE = Query(
    _of_gateway(select(_devices, *_link, _values.c.resources).select_from(_links))
    .outerjoin(_values, _values.c.device_id == _devices.c.id)
    .order_by(_links.c.is_current.desc(), _links.c.created_at.desc(), _links.c.id.desc())
    .limit(bindparam("rows"))
    .offset(bindparam("skip")),
    SubDeviceRow,
)
"""Sub-devices of a gateway: those that hang on it now first, then newest first. `of_app` is the SaaS application whose
products count, -1 for all."""
COUNT = Query(_of_gateway(select(func.count().label("rows")).select_from(_links)), CountRow)

LEAVE_OTHERS = Change(
    update(_links)
    .where(_of_sub, _links.c.is_current, _links.c.gateway_id != bindparam("of_gateway"))
    .values(is_current=false())
)


_login = {
    "id": BigInteger,
    "sub_device_id": BigInteger,
    "gateway_id": BigInteger,
    "is_current": Boolean,
    "created_at": BigInteger,
    "last_login_at": BigInteger,
}


def _join(insertion: Any) -> Any:
    sub, gateway = _devices.alias("subs"), _devices.alias("gateways")
    row: list[Any] = [bindparam(name, type_=kind).label(name) for name, kind in _login.items()]
    allowed = select(*row).where(
        exists().where(
            sub.c.id == bindparam("of_sub_device", type_=BigInteger),
            sub.c.deleted_at.is_(None),
            sub.c.device_secret.is_not_distinct_from(bindparam("of_secret", type_=LargeBinary)),
        ),
        exists().where(gateway.c.id == bindparam("of_gateway", type_=BigInteger), gateway.c.deleted_at.is_(None)),
    )
    return (
        insertion(_links)
        .from_select(list(_login), allowed)
        .on_conflict_do_update(
            index_elements=[_links.c.sub_device_id, _links.c.gateway_id],
            set_={"is_current": true(), "last_login_at": insertion(_links).excluded.last_login_at},
        )
    )


JOIN = Change(_join(sqlite.insert), _join(postgresql.insert))
"""A login: the row with its columns; of a link that is known only the login is new. After `LEAVE_OTHERS`, and after an
UPDATE of the sub-device, which waits for who deletes or resets it: nothing is linked then. `of_secret` is the sealed
secret that the login was judged by."""
UNBIND = Change(delete(_links).where(_of_sub, _links.c.is_current))
RELEASE_SUB_DEVICE = Change(delete(_links).where(_of_sub))
RELEASE = Change(
    delete(_links).where(
        or_(_links.c.sub_device_id == bindparam("of_device"), _links.c.gateway_id == bindparam("of_device"))
    )
)
"""Everything that a device, gateway or sub-device, is linked with."""
WITHDRAW = Change(
    update(_devices)
    .where(_devices.c.id == bindparam("of_device"), _living)
    .values(device_secret=null(), secret_confirmed=false(), is_verified=false(), updated_at=bindparam("now"))
)
"""A sub-device that was de-registered: its secret is void (device-protocol.md section 8)."""
