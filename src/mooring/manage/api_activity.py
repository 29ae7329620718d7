"""What SaaS applications ask of the OpenAPI: statistics, and the log of the newest calls."""

from typing import Annotated

import msgspec

from mooring.platform.api_statistics import Hour, OperationStatistics
from mooring.platform.request_log import LoggedRequest, RequestFilter

from .endpoint import AnyEndpoint, Call, Endpoint

__all__ = ["ENDPOINTS"]

_Time = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_LAST = 2**53


class StatisticsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From `since` to `until` (epoch ms), in whole hours."""

    since: _Time = 0
    until: _Time = _LAST
    operation: str = ""


class Statistics(msgspec.Struct, frozen=True):
    """Calls of an application: all of them, by operation (the most called first) and by hour (oldest first)."""

    calls: int
    failures: int
    operations: tuple[OperationStatistics, ...]
    hours: tuple[Hour, ...]


class RequestQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest `limit` calls older than `before_id`. `failed` leaves those out that were answered with 200; `ticket`
    finds the call that led to a command; `since` and `until` are epoch ms."""

    operation: str = ""
    code: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    failed: bool = False
    since: _Time = 0
    until: _Time = _LAST
    request_id: str = ""
    ticket: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    before_id: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None


class RequestList(msgspec.Struct, frozen=True):
    """Calls, newest first; `next_before_id` asks for the following ones, None when there are none."""

    items: tuple[LoggedRequest, ...]
    next_before_id: int | None


async def _show_statistics(call: Call, request: StatisticsQuery) -> Statistics:
    app = call.platform.saas_apps.one(call.account_id, call.number("app_id"))
    operations, hours = await call.platform.api_statistics.of_app(
        app.id, since=request.since, until=request.until, operation=request.operation
    )
    calls, failures = sum(entry.calls for entry in operations), sum(entry.failures for entry in operations)
    return Statistics(calls, failures, tuple(operations), tuple(hours))


async def _list_requests(call: Call, request: RequestQuery) -> RequestList:
    app = call.platform.saas_apps.one(call.account_id, call.number("app_id"))
    chosen = RequestFilter(
        operation=request.operation,
        code=request.code,
        failed=request.failed,
        since=request.since,
        until=request.until,
        request_id=request.request_id,
        ticket=request.ticket,
    )
    found = await call.platform.request_log.of_app(app.id, chosen, before_id=request.before_id, rows=request.limit + 1)
    shown = tuple(found[: request.limit])
    return RequestList(shown, shown[-1].id if len(found) > len(shown) else None)


_ONE = "/saas-apps/{app_id}"

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET",
        f"{_ONE}/statistics",
        "Calls, failures and times of an application's OpenAPI calls",
        _show_statistics,
        StatisticsQuery,
        Statistics,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/requests",
        "The newest OpenAPI calls of an application, without secrets",
        _list_requests,
        RequestQuery,
        RequestList,
    ),
)
