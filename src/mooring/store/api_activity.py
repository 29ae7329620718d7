"""Statements about what happens in front of the OpenAPI: statistics, the request log, messages of devices by day."""

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Integer, Text, bindparam, delete, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from . import tables
from .statement import Change, Query

__all__ = [
    "ADD_REQUEST",
    "COUNT_CALLS",
    "COUNT_MESSAGES",
    "FORGET_REQUESTS",
    "FORGET_STATISTICS",
    "FORGET_USAGE",
    "REQUESTS",
    "STATISTICS",
    "TRIM_REQUESTS",
    "USAGE",
    "CallsRow",
    "RequestRow",
    "UsageRow",
]

_statistics, _requests, _usage = tables.api_statistics, tables.request_log, tables.device_usage


class CallsRow(msgspec.Struct, frozen=True, gc=False):
    """Calls of one operation by one application in one hour (epoch ms of its first moment)."""

    app_id: int
    operation: str
    hour: int
    calls: int
    failures: int
    total_us: int
    longest_us: int
    to_1_ms: int
    to_3_ms: int
    to_10_ms: int
    to_30_ms: int
    to_100_ms: int
    to_300_ms: int
    to_1000_ms: int


class RequestRow(msgspec.Struct, frozen=True, gc=False):
    """One call; `request` and `answer` are JSON without secrets, `tickets` are `,1,2,`, `created_at` is epoch ms."""

    id: int
    app_id: int
    request_id: str
    operation: str
    code: int
    status: int
    address: str
    took_us: int
    request: str
    message: str | None
    tickets: str | None
    created_at: int
    answer: str | None


class UsageRow(msgspec.Struct, frozen=True, gc=False):
    """Messages of a device on one day, in units of 512 bytes."""

    device_id: int
    day: int
    units: int


_ADDED = tuple(name for name in CallsRow.__struct_fields__[3:] if name != "longest_us")


def _counting(dialect: Any, greatest: Any) -> Any:
    statement = dialect.insert(_statistics)
    new = statement.excluded
    added = {name: _statistics.c[name] + new[name] for name in _ADDED}
    return statement.on_conflict_do_update(
        index_elements=[_statistics.c.app_id, _statistics.c.operation, _statistics.c.hour],
        set_={**added, "longest_us": greatest(_statistics.c.longest_us, new.longest_us)},
    )


def _using(dialect: Any) -> Any:
    statement = dialect.insert(_usage)
    return statement.on_conflict_do_update(
        index_elements=[_usage.c.device_id, _usage.c.day], set_={"units": _usage.c.units + statement.excluded.units}
    )


COUNT_CALLS = Change(_counting(sqlite, func.max), _counting(postgresql, func.greatest))
"""Takes rows, which are added to what is there."""
COUNT_MESSAGES = Change(_using(sqlite), _using(postgresql))
"""Takes rows, which are added to what is there."""

STATISTICS = Query(
    select(_statistics)
    .where(
        _statistics.c.app_id == bindparam("of_app"),
        _statistics.c.hour >= bindparam("since"),
        _statistics.c.hour <= bindparam("until"),
        or_(
            bindparam("of_operation", type_=Text) == "",
            _statistics.c.operation == bindparam("of_operation", type_=Text),
        ),
    )
    .order_by(_statistics.c.hour, _statistics.c.operation),
    CallsRow,
)
FORGET_STATISTICS = Change(delete(_statistics).where(_statistics.c.hour < bindparam("before")))

USAGE = Query(select(_usage).where(_usage.c.day == bindparam("on_day")), UsageRow)
FORGET_USAGE = Change(delete(_usage).where(_usage.c.day < bindparam("before")))

ADD_REQUEST = Change(insert(_requests))
_of_app = _requests.c.app_id == bindparam("of_app")


def _text(name: str) -> Any:
    return bindparam(name, type_=Text)


def _code(name: str) -> Any:
    return bindparam(name, type_=Integer)


REQUESTS = Query(
    select(_requests)
    .where(
        _of_app,
        _requests.c.id < bindparam("before_id", type_=BigInteger),
        _requests.c.created_at >= bindparam("since"),
        _requests.c.created_at <= bindparam("until"),
        or_(_text("of_operation") == "", _requests.c.operation == _text("of_operation")),
        or_(_text("of_request") == "", _requests.c.request_id == _text("of_request")),
        or_(_text("of_ticket") == "", _requests.c.tickets.like(_text("of_ticket"))),
        or_(_code("of_code") < 0, _requests.c.code == _code("of_code")),
        or_(_code("only_failed") == 0, _requests.c.code != 200),
    )
    .order_by(_requests.c.id.desc())
    .limit(bindparam("rows")),
    RequestRow,
)
"""Newest first. A text filter that is "" and a code below 0 stand for any."""
TRIM_REQUESTS = Change(
    delete(_requests).where(
        _of_app,
        _requests.c.id
        <= select(_requests.c.id)
        .where(_of_app)
        .order_by(_requests.c.id.desc())
        .limit(1)
        .offset(bindparam("kept"))
        .scalar_subquery(),
    )
)
"""Leaves the newest `kept` of an application."""
FORGET_REQUESTS = Change(delete(_requests).where(_requests.c.id < bindparam("before")))
