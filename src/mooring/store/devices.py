"""Statements about devices."""

import msgspec
from sqlalchemy import bindparam, false, func, insert, select, true, update

from . import tables
from .statement import Change, Query

__all__ = [
    "ACTIVATE",
    "ADD",
    "ALL_OFFLINE",
    "BY_CLIENT_ID",
    "BY_ID",
    "BY_KEY",
    "CONFIRM_SECRET",
    "ISSUE_SECRET",
    "ONLINE",
    "PIN_FINGERPRINT",
    "SET_OFFLINE",
    "SET_ONLINE",
    "DeviceRow",
]

_devices = tables.devices


class DeviceRow(msgspec.Struct, frozen=True, gc=False):
    """One device (domain-rules.md section 4); `device_secret` is sealed, times are epoch ms."""

    id: int
    product_id: int
    device_key: str
    client_id: str
    name: str
    sn: str | None
    auth_mode: int
    device_secret: bytes | None
    secret_confirmed: bool
    fingerprint: str | None
    enabled: bool
    is_verified: bool
    is_virtual: bool
    online: bool
    created_at: int
    updated_at: int | None
    activated_at: int | None
    first_conn_at: int | None
    last_conn_at: int | None
    last_offline_at: int | None
    deleted_at: int | None


_live = select(_devices).where(_devices.c.deleted_at.is_(None))

BY_ID = Query(_live.where(_devices.c.id == bindparam("device_id")), DeviceRow)
BY_CLIENT_ID = Query(_live.where(_devices.c.client_id == bindparam("of_client_id")), DeviceRow)
BY_KEY = Query(
    _live.where(_devices.c.product_id == bindparam("of_product"), _devices.c.device_key == bindparam("of_key")),
    DeviceRow,
)
ADD = Change(insert(_devices))

_one = update(_devices).where(_devices.c.id == bindparam("of_device"))

SET_ONLINE = Change(
    _one.values(
        online=True,
        last_conn_at=bindparam("at"),
        first_conn_at=func.coalesce(_devices.c.first_conn_at, bindparam("at")),
    )
)
SET_OFFLINE = Change(_one.values(online=False, last_offline_at=bindparam("at")))
ALL_OFFLINE = Change(update(_devices).where(_devices.c.online).values(online=False, last_offline_at=bindparam("at")))
ONLINE = Query(_live.where(_devices.c.online), DeviceRow)

ACTIVATE = Change(_one.where(_devices.c.activated_at.is_(None)).values(activated_at=bindparam("at")))

ISSUE_SECRET = Change(
    _one.where(_devices.c.device_secret.is_(None), _devices.c.deleted_at.is_(None)).values(
        device_secret=bindparam("new_secret"), secret_confirmed=false(), is_verified=true()
    )
)
"""A first secret for a device that authenticated; its delivery is not confirmed yet."""
CONFIRM_SECRET = Change(
    _one.where(_devices.c.device_secret == bindparam("of_secret")).values(secret_confirmed=true(), is_verified=true())
)
"""The device has this secret; nothing happens when it was reset meanwhile."""
PIN_FINGERPRINT = Change(
    _one.where(_devices.c.fingerprint.is_(None)).values(fingerprint=bindparam("seen"), is_verified=true())
)
