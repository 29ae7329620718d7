"""Statements that manage devices: lists with filters, adding, changing, deleting."""

from typing import Any

import msgspec
from sqlalchemy import Integer, Text, bindparam, case, cast, false, func, insert, null, or_, select, true, update

from . import tables
from .devices import DeviceRow
from .statement import Change, Query

__all__ = [
    "ACCOUNT_COUNT",
    "ACCOUNT_PAGE",
    "ACCOUNT_SUMMARY",
    "ADD",
    "ANY",
    "CLIENT_ID_OWNER",
    "COUNT",
    "DELETE",
    "LIVE",
    "OF_KEY",
    "PAGE",
    "RESET",
    "REVIVE",
    "SERIAL_NUMBER",
    "SET_ENABLED",
    "SUMMARY",
    "UPDATE",
    "VIRTUAL",
    "CountRow",
    "DeviceCount",
    "DevicePage",
    "KeyRow",
    "SummaryRow",
]

_devices, _products = tables.devices, tables.products


class CountRow(msgspec.Struct, frozen=True):
    """How many rows there are."""

    rows: int


class KeyRow(msgspec.Struct, frozen=True):
    """Which device has something that must be unique."""

    product_id: int
    device_key: str


class SummaryRow(msgspec.Struct, frozen=True):
    """Devices that are not deleted, by state; virtual ones are counted apart."""

    real: int
    virtual: int
    online: int
    activated: int


def _text(name: str) -> Any:
    return bindparam(name, type_=Text)


def _number(name: str) -> Any:
    return bindparam(name, type_=Integer)


def _like(column: Any, name: str) -> Any:
    return or_(_text(name) == "", func.lower(column).like(func.lower(_text(name)), escape="\\"))


def _switch(condition: Any, name: str) -> Any:
    return or_(_number(name) < 0, case((condition, 1), else_=0) == _number(name))


_live = _devices.c.deleted_at.is_(None)
# A text filter that is "" and a number below 0 stand for "any".
_filters = (
    _live,
    or_(_text("of_key") == "", _devices.c.device_key == _text("of_key")),
    or_(_text("of_sn") == "", _devices.c.sn == _text("of_sn")),
    _like(_devices.c.name, "like_name"),
    or_(
        _like(_devices.c.device_key, "like_text"),
        _like(_devices.c.name, "like_text"),
        _like(func.coalesce(_devices.c.sn, ""), "like_text"),
    ),
    _switch(_devices.c.online, "is_online"),
    _switch(_devices.c.activated_at.is_not(None), "is_activated"),
    _switch(_devices.c.enabled, "is_enabled"),
    _switch(_devices.c.is_virtual, "is_virtual"),
    or_(_number("of_auth_mode") < 0, cast(_devices.c.auth_mode, Integer) == _number("of_auth_mode")),
)
_of_product = _devices.c.product_id == bindparam("of_product")
_of_account = _devices.c.product_id.in_(
    select(_products.c.id).where(_products.c.account_id == bindparam("of_account")).scalar_subquery()
)


def _page(scope: Any) -> Query[DeviceRow]:
    return Query(
        select(_devices)
        .where(scope, *_filters)
        .order_by(_devices.c.created_at.desc(), _devices.c.id.desc())
        .limit(bindparam("rows"))
        .offset(bindparam("skip")),
        DeviceRow,
    )


def _count(scope: Any) -> Query[CountRow]:
    return Query(select(func.count().label("rows")).select_from(_devices).where(scope, *_filters), CountRow)


DevicePage = Query[DeviceRow]
DeviceCount = Query[CountRow]

PAGE, COUNT = _page(_of_product), _count(_of_product)
"""Devices of one product, newest first."""
OF_KEY = Query(select(_devices).where(_of_product, _devices.c.device_key == _text("of_key"), *_filters), DeviceRow)
"""The one device that a filter by key may find."""
LIVE = Query(select(func.count().label("rows")).select_from(_devices).where(_of_product, _live), CountRow)
"""All devices of one product."""
ACCOUNT_PAGE, ACCOUNT_COUNT = _page(_of_account), _count(_of_account)
"""Devices of all products of an account."""


def _sum(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


_real = _devices.c.is_virtual.is_(false())


def _summary(scope: Any) -> Query[SummaryRow]:
    return Query(
        select(
            _sum(_real).label("real"),
            _sum(_devices.c.is_virtual).label("virtual"),
            _sum(_devices.c.online & _real).label("online"),
            _sum(_devices.c.activated_at.is_not(None) & _real).label("activated"),
        ).where(scope, _live),
        SummaryRow,
    )


SUMMARY, ACCOUNT_SUMMARY = _summary(_of_product), _summary(_of_account)
VIRTUAL = Query(select(_devices).where(_of_product, _live, _devices.c.is_virtual), DeviceRow)

ANY = Query(select(_devices).where(_of_product, _devices.c.device_key == bindparam("of_key")), DeviceRow)
"""A device by its key, deleted or not."""
CLIENT_ID_OWNER = Query(
    select(_devices.c.product_id, _devices.c.device_key).where(_devices.c.client_id == bindparam("of_client_id")),
    KeyRow,
)
SERIAL_NUMBER = Query(
    select(_devices.c.product_id, _devices.c.device_key).where(_of_product, _devices.c.sn == bindparam("of_sn")), KeyRow
)

ADD = Change(insert(_devices))
_one = update(_devices).where(_devices.c.id == bindparam("of_device"))
_living = _one.where(_live)
REVIVE = Change(
    _one.where(_devices.c.deleted_at.is_not(None)).values(
        name=bindparam("new_name"),
        sn=bindparam("new_sn"),
        auth_mode=bindparam("new_auth_mode"),
        device_secret=bindparam("new_secret"),
        secret_confirmed=false(),
        fingerprint=bindparam("new_fingerprint"),
        enabled=true(),
        is_verified=false(),
        is_virtual=bindparam("new_is_virtual"),
        online=false(),
        created_at=bindparam("now"),
        updated_at=null(),
        activated_at=null(),
        first_conn_at=null(),
        last_conn_at=null(),
        last_offline_at=null(),
        deleted_at=null(),
    )
)
"""A deleted device begins anew under its old id."""
UPDATE = Change(
    _living.where(_devices.c.updated_at.is_not_distinct_from(bindparam("seen_updated_at"))).values(
        name=bindparam("new_name"), sn=bindparam("new_sn"), updated_at=bindparam("now")
    )
)
SET_ENABLED = Change(_living.values(enabled=bindparam("new_enabled"), updated_at=bindparam("now")))
DELETE = Change(
    _living.values(
        deleted_at=bindparam("now"),
        sn=null(),
        device_secret=null(),
        secret_confirmed=false(),
        fingerprint=null(),
        is_verified=false(),
    )
)
"""The row stays with its key, so that history is found again. It is not set offline: that is its session's to do."""
RESET = Change(
    _living.values(
        device_secret=bindparam("new_secret"),
        secret_confirmed=false(),
        fingerprint=null(),
        is_verified=false(),
        updated_at=bindparam("now"),
    )
)
