"""Statements about bindings of devices to end users, and about the codes that prove possession.

Every change of a device's bindings begins with `BUMP`, guarded: it goes through only when nobody changed them since
they were read.
"""

from typing import Any

import msgspec
from sqlalchemy import Select, and_, bindparam, delete, exists, func, insert, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from . import end_user_tables as tables
from .device_list import CountRow
from .devices import DeviceRow
from .statement import Change, Query
from .tables import devices as _devices
from .tables import products as _products

__all__ = [
    "ADD",
    "BUMP",
    "CODE",
    "DELETE",
    "DELETE_OF_DEVICE",
    "DELETE_OF_PRODUCT",
    "DELETE_OF_USER",
    "DEVICES_OF_PRODUCT",
    "DROP_CODE",
    "DUE",
    "FORGET_CODES",
    "GIVEN_BY",
    "OF_DEVICE",
    "OF_PRODUCT",
    "OF_USER",
    "OF_USER_COUNT",
    "REPORT_CODE",
    "UNBOUND",
    "USERS",
    "USERS_COUNT",
    "VERSION",
    "VOID",
    "BindingRow",
    "BoundUserRow",
    "CodeRow",
    "DueRow",
    "VersionRow",
]

_bindings, _users, _versions, _codes = (
    tables.bindings,
    tables.end_users,
    tables.binding_versions,
    tables.binding_codes,
)
_apps, _uses, _grants = tables.end_user_apps, tables.end_user_app_products, tables.end_user_app_grants


class BindingRow(msgspec.Struct, frozen=True):
    """One binding with the uid of its user; `owner_id` is who shares the device, None for an own one."""

    id: int
    device_id: int
    end_user_id: int
    end_user_app_id: int
    owner_id: int | None
    binding_type: int
    bind_mode: int
    verified: bool
    status: int
    share_code: str | None
    bound_at: int
    expires_at: int | None
    voided_at: int | None
    uid: str


class BoundUserRow(msgspec.Struct, frozen=True):
    """A user who has at least one device."""

    id: int


class VersionRow(msgspec.Struct, frozen=True):
    """How often the bindings of a device were changed."""

    version: int


class CodeRow(msgspec.Struct, frozen=True):
    """SHA-256 of the code that a device reported last; times are epoch ms."""

    code_hash: bytes
    reported_at: int
    expires_at: int


class DueRow(msgspec.Struct, frozen=True):
    """A device with a share that has run out."""

    device_id: int


_with_uid: Select[Any] = select(_bindings, _users.c.uid).join(_users, _users.c.id == _bindings.c.end_user_id)
_of_device = _bindings.c.device_id == bindparam("of_device")
OF_DEVICE = Query(_with_uid.where(_of_device).order_by(_bindings.c.bound_at, _bindings.c.id), BindingRow)
VERSION = Query(select(_versions.c.version).where(_versions.c.device_id == bindparam("of_device")), VersionRow)

_devices_of_product = _devices.c.product_id == bindparam("of_product")
OF_PRODUCT = Query(
    _with_uid.join(_devices, _devices.c.id == _bindings.c.device_id)
    .where(_devices_of_product)
    .order_by(_bindings.c.id),
    BindingRow,
)
"""The bindings of all devices of a product, in the order of ids."""
DEVICES_OF_PRODUCT = Query(
    select(_devices).where(_devices_of_product, exists().where(_bindings.c.device_id == _devices.c.id)), DeviceRow
)
"""Devices of a product that have bindings."""

_not_over = or_(_bindings.c.expires_at.is_(None), _bindings.c.expires_at > bindparam("now"))
_of_user = (_bindings.c.end_user_id == bindparam("user_id"), _not_over)
OF_USER = Query(
    _with_uid.where(*_of_user)
    .order_by(_bindings.c.bound_at.desc(), _bindings.c.id.desc())
    .limit(bindparam("rows"))
    .offset(bindparam("skip")),
    BindingRow,
)
OF_USER_COUNT = Query(select(func.count().label("rows")).select_from(_bindings).where(*_of_user), CountRow)
GIVEN_BY = Query(_with_uid.where(_bindings.c.owner_id == bindparam("user_id")), BindingRow)
"""What a user shares with others."""
DUE = Query(
    select(_bindings.c.device_id)
    .where(_bindings.c.expires_at <= bindparam("now"))
    .group_by(_bindings.c.device_id)
    .limit(bindparam("rows")),
    DueRow,
)


def _bound_users(*more: Any) -> Select[Any]:
    """Users with a valid binding whom a SaaS application may see; of one App, of one product's devices and one user
    where these are not below 0."""
    app = bindparam("of_app", type_=_users.c.end_user_app_id.type)
    product = bindparam("of_product", type_=_devices.c.product_id.type)
    user = bindparam("user_id", type_=_users.c.id.type)
    seen = select(_grants.c.end_user_app_id).where(_grants.c.app_id == bindparam("seen_by"))
    bound = (
        select(_bindings.c.id)
        .join(_devices, _devices.c.id == _bindings.c.device_id)
        .where(
            _bindings.c.end_user_id == _users.c.id,
            _bindings.c.status == 1,
            _not_over,
            or_(product < 0, _devices.c.product_id == product),
        )
    )
    return select(*more).where(
        _users.c.end_user_app_id.in_(seen.scalar_subquery()),
        or_(app < 0, _users.c.end_user_app_id == app),
        or_(user < 0, _users.c.id == user),
        bound.exists(),
    )


USERS = Query(
    _bound_users(_users.c.id)
    .order_by(_users.c.registered_at.desc(), _users.c.id.desc())
    .limit(bindparam("rows"))
    .offset(bindparam("skip")),
    BoundUserRow,
)
USERS_COUNT = Query(_bound_users(func.count().label("rows")).select_from(_users), CountRow)


def _bump(dialect: Any) -> Any:
    statement = dialect.insert(_versions).values(device_id=bindparam("of_device"), version=1)
    return statement.on_conflict_do_update(
        index_elements=[_versions.c.device_id],
        set_={"version": _versions.c.version + 1},
        where=_versions.c.version == bindparam("seen_version", type_=_versions.c.version.type),
    )


BUMP = Change(_bump(sqlite), _bump(postgresql))

# The locks make changes of the product, the App and the user wait that would have decided otherwise; who ends a device
# changes the version, so the device needs none.
ADD = Change(
    insert(_bindings).from_select(
        [column.name for column in _bindings.c],
        select(*(bindparam(column.name, type_=column.type) for column in _bindings.c))
        .select_from(_devices.join(_products, _products.c.id == _devices.c.product_id))
        .join(_apps, _apps.c.id == bindparam("end_user_app_id"))
        .join(_uses, and_(_uses.c.end_user_app_id == _apps.c.id, _uses.c.product_id == _products.c.id))
        .join(_users, _users.c.end_user_app_id == _apps.c.id)
        .where(
            _devices.c.id == bindparam("device_id"),
            _devices.c.deleted_at.is_(None),
            _products.c.bind_mode == bindparam("bind_mode"),
            _users.c.id == bindparam("end_user_id"),
            _users.c.enabled,
        )
        .with_for_update(read=True, of=(_products, _apps, _uses, _users)),
    )
)
"""A binding, while device, product, App and user are as it was decided on."""
DELETE = Change(delete(_bindings).where(_bindings.c.id == bindparam("binding_id")))
DELETE_OF_USER = Change(
    delete(_bindings).where(
        or_(_bindings.c.end_user_id == bindparam("user_id"), _bindings.c.owner_id == bindparam("user_id"))
    )
)
"""What a user has and what the user shares."""
DELETE_OF_DEVICE = Change(delete(_bindings).where(_of_device))
DELETE_OF_PRODUCT = Change(
    delete(_bindings).where(
        _bindings.c.device_id.in_(select(_devices.c.id).where(_devices_of_product)),
        _bindings.c.id <= bindparam("up_to", type_=_bindings.c.id.type),
    )
)
"""Bindings of all devices of a product with ids up to one."""
VOID = Change(
    update(_bindings)
    .where(_of_device, _bindings.c.status == 1)
    .values(status=2, voided_at=bindparam("now"), expires_at=null())
)
"""What is void does not run out any more."""
UNBOUND = Change(
    update(_products)
    .where(
        _products.c.id == bindparam("product_id"),
        ~exists()
        .where(_bindings.c.device_id == _devices.c.id, _bindings.c.status == 1)
        .where(_devices.c.product_id == _products.c.id),
    )
    .values(bind_mode=_products.c.bind_mode)
)
"""Changes nothing, and touches the product only while nobody has bound a device of it."""

CODE = Query(
    select(_codes.c.code_hash, _codes.c.reported_at, _codes.c.expires_at).where(
        _codes.c.device_id == bindparam("of_device")
    ),
    CodeRow,
)


def _report(dialect: Any) -> Any:
    statement = dialect.insert(_codes).values(
        device_id=bindparam("of_device"),
        code_hash=bindparam("new_hash"),
        reported_at=bindparam("now"),
        expires_at=bindparam("until"),
    )
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[_codes.c.device_id],
        set_={"code_hash": new.code_hash, "reported_at": new.reported_at, "expires_at": new.expires_at},
    )


REPORT_CODE = Change(_report(sqlite), _report(postgresql))
DROP_CODE = Change(delete(_codes).where(_codes.c.device_id == bindparam("of_device")))
FORGET_CODES = Change(delete(_codes).where(_codes.c.expires_at < bindparam("before")))
