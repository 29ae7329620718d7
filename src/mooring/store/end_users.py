"""Statements about end users."""

from typing import Any

import msgspec
from sqlalchemy import Text, bindparam, delete, func, insert, or_, select, update

from . import end_user_tables as tables
from .device_list import CountRow
from .statement import Change, Query

__all__ = [
    "ADD",
    "BY_ID",
    "BY_UID",
    "COUNT",
    "DELETE",
    "LOCK",
    "PAGE",
    "SET_ENABLED",
    "SET_LOGIN",
    "UPDATE",
    "EndUserRow",
]

_users = tables.end_users


class EndUserRow(msgspec.Struct, frozen=True):
    """One end user; `third_party` is a JSON object, times are epoch ms."""

    id: int
    uid: str
    end_user_app_id: int
    nickname: str | None
    international_code: str | None
    phone: str | None
    email: str | None
    headimg: str | None
    sex: int | None
    address: str | None
    province: str | None
    city: str | None
    nationality: str | None
    lang: str | None
    timezone: str | None
    signature: str | None
    remark: str | None
    third_party: str
    enabled: bool
    token_generation: int
    registered_at: int
    last_login_at: int | None
    updated_at: int | None


def _text(name: str) -> Any:
    return bindparam(name, type_=Text)


BY_ID = Query(select(_users).where(_users.c.id == bindparam("user_id")), EndUserRow)
BY_UID = Query(select(_users).where(_users.c.uid == bindparam("of_uid")), EndUserRow)


def _like(column: Any) -> Any:
    return func.lower(func.coalesce(column, "")).like(func.lower(_text("like_text")), escape="\\")


# An empty text and a number below 0 stand for "any".
_filters = (
    _users.c.end_user_app_id == bindparam("of_app"),
    or_(_text("like_text") == "", *(_like(_users.c[name]) for name in ("uid", "nickname", "phone", "email"))),
)
PAGE = Query(
    select(_users)
    .where(*_filters)
    .order_by(_users.c.registered_at.desc(), _users.c.id.desc())
    .limit(bindparam("rows"))
    .offset(bindparam("skip")),
    EndUserRow,
)
COUNT = Query(select(func.count().label("rows")).select_from(_users).where(*_filters), CountRow)


ADD = Change(insert(_users))
_one = _users.c.id == bindparam("user_id")
# Changes nothing; what follows in the same transaction sees what others committed for this user, and they wait.
LOCK = Change(update(_users).where(_one).values(uid=_users.c.uid))
UPDATE = Change(
    update(_users)
    .where(_one, _users.c.updated_at.is_not_distinct_from(bindparam("seen_updated_at")))
    .values(
        **{
            name: bindparam(f"new_{name}")
            for name in (
                "nickname",
                "international_code",
                "phone",
                "email",
                "headimg",
                "sex",
                "address",
                "province",
                "city",
                "nationality",
                "lang",
                "timezone",
                "signature",
                "remark",
                "third_party",
            )
        },
        updated_at=bindparam("now"),
    )
)
SET_ENABLED = Change(
    update(_users)
    .where(_one)
    .values(
        enabled=bindparam("new_enabled"),
        token_generation=_users.c.token_generation + bindparam("generations"),
        updated_at=bindparam("now"),
    )
)
SET_LOGIN = Change(
    update(_users)
    .where(
        _one,
        _users.c.enabled,
        _users.c.token_generation == bindparam("seen_generation"),
    )
    .values(last_login_at=bindparam("now"))
)
DELETE = Change(delete(_users).where(_one))
