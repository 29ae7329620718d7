"""End users of an App: registering, changing, disabling, tokens."""

from typing import Any

import msgspec

from mooring.platform import Secret
from mooring.platform.end_user_entities import EndUser
from mooring.platform.end_users import EndUserChanges, NewEndUser

from .endpoint import AnyEndpoint, Call, Endpoint, Nothing, Page

__all__ = ["ENDPOINTS"]


class EndUserQuery(Page, frozen=True, forbid_unknown_fields=True):
    """Which users: `text` is part of uid, nickname, phone or e-mail."""

    text: str = ""


class EndUserView(msgspec.Struct, frozen=True, kw_only=True):
    """One end user. `sex` 0 male, 1 female, 2 private; `third_party` holds ids at other platforms by name."""

    uid: str
    user_domain: str
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
    third_party: dict[str, str]
    enabled: bool
    registered_at: int
    last_login_at: int | None
    updated_at: int | None


class EndUserList(msgspec.Struct, frozen=True):
    """End users, newest first."""

    items: tuple[EndUserView, ...]
    total: int


class EndUserToken(msgspec.Struct, frozen=True):
    """An access token of an end user, in clear this once; `expires_in` is seconds."""

    uid: str
    access_token: Secret
    expires_in: int


def _view(call: Call, user: EndUser) -> EndUserView:
    members: dict[str, Any] = msgspec.structs.asdict(user)
    app = call.platform.directory.end_user_app(user.end_user_app_id)
    members["user_domain"] = app.user_domain if app is not None else ""
    return EndUserView(**{name: members[name] for name in EndUserView.__struct_fields__})


def _uid(call: Call) -> str:
    return call.path["uid"]


async def _list_end_users(call: Call, request: EndUserQuery) -> EndUserList:
    app = call.platform.end_user_apps.one(call.account_id, call.number("end_user_app_id"))
    found, total = await call.platform.end_users.some(app, request.text, skip=request.offset, rows=request.limit)
    return EndUserList(tuple(_view(call, user) for user in found), total)


async def _create_end_user(call: Call, request: NewEndUser) -> EndUserView:
    return _view(call, await call.platform.end_users.create(call.actor, call.number("end_user_app_id"), request))


async def _show_end_user(call: Call, request: Nothing) -> EndUserView:
    user, _ = await call.platform.end_users.one(call.account_id, _uid(call))
    return _view(call, user)


async def _update_end_user(call: Call, request: EndUserChanges) -> EndUserView:
    return _view(call, await call.platform.end_users.update(call.actor, _uid(call), request))


async def _delete_end_user(call: Call, request: Nothing) -> Nothing:
    await call.platform.end_users.delete(call.actor, _uid(call))
    return Nothing()


async def _enable_end_user(call: Call, request: Nothing) -> EndUserView:
    return _view(call, await call.platform.end_users.set_enabled(call.actor, _uid(call), enabled=True))


async def _disable_end_user(call: Call, request: Nothing) -> EndUserView:
    return _view(call, await call.platform.end_users.set_enabled(call.actor, _uid(call), enabled=False))


async def _issue_end_user_token(call: Call, request: Nothing) -> EndUserToken:
    issued = await call.platform.end_users.issue_token(call.actor, _uid(call))
    return EndUserToken(_uid(call), Secret(issued.text), issued.expires_in)


_OF_APP = "/end-user-apps/{end_user_app_id}/users"
_ONE = "/end-users/{uid}"
_BUSY = (409,)

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", _OF_APP, "Users of an App, newest first", _list_end_users, EndUserQuery, EndUserList),
    Endpoint("POST", _OF_APP, "Register a user", _create_end_user, NewEndUser, EndUserView, status=201, errors=_BUSY),
    Endpoint("GET", _ONE, "One end user", _show_end_user, Nothing, EndUserView),
    Endpoint(
        "PATCH", _ONE, "Change the profile of a user", _update_end_user, EndUserChanges, EndUserView, errors=_BUSY
    ),
    Endpoint(
        "DELETE",
        _ONE,
        "Delete a user with every binding and share",
        _delete_end_user,
        Nothing,
        Nothing,
        status=204,
        errors=_BUSY,
    ),
    Endpoint("POST", f"{_ONE}/enable", "Let a user in again", _enable_end_user, Nothing, EndUserView, errors=_BUSY),
    Endpoint(
        "POST",
        f"{_ONE}/disable",
        "Keep a user out; every token and session ends at once",
        _disable_end_user,
        Nothing,
        EndUserView,
        errors=_BUSY,
    ),
    Endpoint(
        "POST",
        f"{_ONE}/tokens",
        "Make an access token of a user, who counts as logged in",
        _issue_end_user_token,
        Nothing,
        EndUserToken,
        status=201,
        errors=_BUSY,
    ),
)
