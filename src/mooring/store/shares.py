"""Statements about shares: codes by which a user lets others use a device."""

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from . import end_user_tables as tables
from .device_list import CountRow
from .statement import Change, Query

__all__ = [
    "ACCEPT",
    "ADD",
    "BY_CODE",
    "DELETE",
    "DELETE_OF",
    "DELETE_OF_DEVICE",
    "FORGET",
    "OF_OWNER",
    "OF_OWNER_COUNT",
    "ShareRow",
]

_shares = tables.shares


class ShareRow(msgspec.Struct, frozen=True):
    """One share; `cover` 1 replace, 2 add, 3 only if longer, `use_until` None means without end. Times are epoch ms."""

    id: int
    code: str
    device_id: int
    owner_id: int
    cover: int
    accept_until: int
    use_until: int | None
    accepted_by: int | None
    accepted_at: int | None
    created_at: int


BY_CODE = Query(select(_shares).where(_shares.c.code == bindparam("of_code")), ShareRow)
_of_owner = _shares.c.owner_id == bindparam("user_id")
OF_OWNER = Query(
    select(_shares)
    .where(_of_owner)
    .order_by(_shares.c.created_at.desc(), _shares.c.id.desc())
    .limit(bindparam("rows"))
    .offset(bindparam("skip")),
    ShareRow,
)
OF_OWNER_COUNT = Query(select(func.count().label("rows")).select_from(_shares).where(_of_owner), CountRow)

ADD = Change(insert(_shares))
ACCEPT = Change(
    update(_shares)
    .where(_shares.c.id == bindparam("share_id"), _shares.c.accepted_by.is_(None))
    .values(accepted_by=bindparam("user_id"), accepted_at=bindparam("now"))
)
DELETE = Change(delete(_shares).where(_shares.c.code == bindparam("of_code")))
DELETE_OF = Change(delete(_shares).where(_shares.c.device_id == bindparam("of_device"), _of_owner))
"""What one user shares of a device, accepted or not."""
DELETE_OF_DEVICE = Change(delete(_shares).where(_shares.c.device_id == bindparam("of_device")))
FORGET = Change(delete(_shares).where(_shares.c.accept_until < bindparam("before"), _shares.c.accepted_by.is_(None)))
