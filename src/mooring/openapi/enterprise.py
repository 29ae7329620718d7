"""What the end-user and binding families have of their own: envelope, pages, times as text, who a call is about.

openapi-notes.md sections 4 (right-hand column), 6, 7 and 8.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from mooring.platform import Reason
from mooring.platform.end_user_entities import EndUser, EndUserApp

from . import answers
from .answers import Failure
from .operation import Call
from .params import MAX_PAGE_SIZE, whole_number

__all__ = ["SERVICES", "action", "domain_of", "failure", "page", "page_of", "refusal_code", "text_time", "user_of"]

SERVICES = ("enduser", "binding")

_DEFAULT_PAGE_SIZE = 10
_NAVIGATED = 8  # page links of a navigator
_MAX_INT32 = 2**31 - 1
_CODES = {
    Reason.NO_TOKEN: 5106,
    Reason.BAD_TOKEN: 5032,
    Reason.ADDRESS: 5041,
    Reason.NOT_ACTIVATED: 5041,
    Reason.NOT_ENABLED: 5041,
    Reason.NOT_AUTHORIZED: 5041,
}
_encode = msgspec.json.Encoder().encode


class _Answer(msgspec.Struct):
    code: int
    msg: str
    data: object
    extMsg: str | None = None


class _Refusal(msgspec.Struct):
    code: int
    msg: str
    extMsg: str | None = None


class _PageInfo(msgspec.Struct):
    total: int
    list: Sequence[Any]
    pageNum: int
    pageSize: int
    size: int
    startRow: int
    endRow: int
    pages: int
    prePage: int
    nextPage: int
    isFirstPage: bool
    isLastPage: bool
    hasPreviousPage: bool
    hasNextPage: bool
    navigatePages: int
    navigatepageNums: Sequence[int]
    navigateFirstPage: int
    navigateLastPage: int


def action(data: object) -> bytes:
    """EnterpriseResult of a success."""
    return _encode(_Answer(200, "", data))


def page(rows: Sequence[Any], number: int, size: int, total: int) -> bytes:
    """EnterpriseResult with a page inside `data`."""
    pages = -(-total // size)
    first = (number - 1) * size + 1 if rows else 0
    shown = _navigated(number, pages)
    return action(
        _PageInfo(
            total=total,
            list=rows,
            pageNum=number,
            pageSize=size,
            size=len(rows),
            startRow=first,
            endRow=first + len(rows) - 1 if rows else 0,
            pages=pages,
            prePage=number - 1,
            nextPage=number + 1 if number < pages else 0,
            isFirstPage=number == 1,
            isLastPage=number >= pages,
            hasPreviousPage=number > 1,
            hasNextPage=number < pages,
            navigatePages=_NAVIGATED,
            navigatepageNums=shown,
            navigateFirstPage=shown[0] if shown else 0,
            navigateLastPage=shown[-1] if shown else 0,
        )
    )


def failure(code: int, language: str, detail: str = "") -> bytes:
    """EnterpriseResult of a failure."""
    return _encode(_Refusal(code, answers.text(code, language, detail)))


def refusal_code(reason: Reason) -> int:
    """The number that these families have for a refusal."""
    return _CODES.get(reason) or answers.refusal_code(reason)


def page_of(call: Call) -> tuple[int, int]:
    """`page`, else 1, and `pageSize`, else 10. Raises Failure 50005."""
    number = whole_number(call.params, "page", low=1, high=_MAX_INT32)
    size = whole_number(call.params, "pageSize", low=1, high=MAX_PAGE_SIZE)
    return (1 if number is None else number), (_DEFAULT_PAGE_SIZE if size is None else size)


def text_time(call: Call, at_ms: int | None) -> str | int | None:
    """A time (epoch ms) as UTC text, "" when there is none; a number or null for applications that want those."""
    if call.app.times == "numbers":
        return at_ms
    return "" if at_ms is None else f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def domain_of(call: Call, user_domain: str) -> EndUserApp:
    """The App of a domain. Raises Failure 5015 unknown, 5041 not authorized to the application."""
    app = call.platform.directory.end_user_app_by_domain(user_domain)
    if app is None or app.account_id != call.app.account_id:
        raise Failure(5015)
    return _authorized(call, app)


async def user_of(call: Call, unknown: int = 5033) -> tuple[EndUser, EndUserApp]:
    """The user of `uid` with the App. Raises Failure 5065 missing, `unknown`, 5041 of an unauthorized domain."""
    uid = call.params.get("uid")
    if uid is None:
        raise Failure(5065)
    user = await call.platform.end_users.find(uid)
    app = call.platform.directory.end_user_app(user.end_user_app_id) if user is not None else None
    if user is None or app is None or app.account_id != call.app.account_id:
        raise Failure(unknown)
    return user, _authorized(call, app)


def _authorized(call: Call, app: EndUserApp) -> EndUserApp:
    if call.app.id not in app.saas_apps:
        raise Failure(5041)
    return app


def _navigated(number: int, pages: int) -> list[int]:
    """The page numbers around this one."""
    first = max(1, min(number - _NAVIGATED // 2, pages - _NAVIGATED + 1))
    return list(range(first, min(pages, first + _NAVIGATED - 1) + 1))
