"""Bindings of devices to end users, and shares of them."""

import msgspec

from mooring.platform.bindings import BindRequest, BoundDevice
from mooring.platform.end_user_entities import Binding
from mooring.platform.sharing import NewShare, Share

from .endpoint import AnyEndpoint, Call, Endpoint, Nothing, Page

__all__ = ["ENDPOINTS"]


class BindingView(msgspec.Struct, frozen=True, kw_only=True):
    """One binding. `binding_type` 1 SN, 2 Wi-Fi, 3 keys, 4 Bluetooth; `verified` says that possession was proved;
    `shared` bindings end at `expires_at`, None means never; `valid` is false after a reset of the device."""

    uid: str
    product_key: str
    device_key: str
    shared: bool
    binding_type: int
    bind_mode: int
    verified: bool
    valid: bool
    bound_at: int
    expires_at: int | None
    voided_at: int | None


class BindingList(msgspec.Struct, frozen=True):
    """Bindings; those of a user newest first, those of a device oldest first."""

    items: tuple[BindingView, ...]
    total: int


class ShareList(msgspec.Struct, frozen=True):
    """Shares, newest first."""

    items: tuple[Share, ...]
    total: int


class ShareCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code of a share."""

    code: str


def _view(found: Binding, product_key: str, device_key: str) -> BindingView:
    return BindingView(
        uid=found.uid,
        product_key=product_key,
        device_key=device_key,
        shared=not found.is_own,
        binding_type=found.binding_type,
        bind_mode=found.bind_mode,
        verified=found.verified,
        valid=found.status == 1,
        bound_at=found.bound_at,
        expires_at=found.expires_at,
        voided_at=found.voided_at,
    )


def _shown(bound: BoundDevice) -> BindingView:
    return _view(bound.binding, bound.product.product_key, bound.device.device_key)


def _keys(call: Call) -> tuple[str, str]:
    return call.path["product_key"], call.path["device_key"]


def _uid(call: Call) -> str:
    return call.path["uid"]


async def _list_bindings_of_device(call: Call, request: Page) -> BindingList:
    found = await call.platform.bindings.of_device(call.account_id, *_keys(call))
    shown = found[request.offset : request.offset + request.limit]
    return BindingList(tuple(_view(binding, *_keys(call)) for binding in shown), len(found))


async def _list_bindings_of_user(call: Call, request: Page) -> BindingList:
    user, _ = await call.platform.end_users.one(call.account_id, _uid(call))
    found, total = await call.platform.bindings.of_user(user, skip=request.offset, rows=request.limit)
    return BindingList(tuple(_shown(bound) for bound in found), total)


async def _bind_device(call: Call, request: BindRequest) -> BindingView:
    return _shown(await call.platform.bindings.bind(call.actor, _uid(call), request))


async def _unbind_device(call: Call, request: Nothing) -> Nothing:
    await call.platform.bindings.unbind(call.actor, _uid(call), *_keys(call))
    return Nothing()


async def _list_shares(call: Call, request: Page) -> ShareList:
    found, total = await call.platform.sharing.given(
        call.account_id, _uid(call), skip=request.offset, rows=request.limit
    )
    return ShareList(tuple(found), total)


async def _share_device(call: Call, request: NewShare) -> Share:
    return await call.platform.sharing.share(call.actor, _uid(call), request)


async def _accept_share(call: Call, request: ShareCode) -> BindingView:
    return _shown(await call.platform.sharing.accept(call.actor, _uid(call), request.code))


async def _cancel_share(call: Call, request: Nothing) -> Nothing:
    await call.platform.sharing.cancel(call.actor, _uid(call), call.path["code"])
    return Nothing()


_USER = "/end-users/{uid}"
_BUSY = (409,)

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET",
        "/devices/{product_key}/{device_key}/bindings",
        "Who has bound a device",
        _list_bindings_of_device,
        Page,
        BindingList,
    ),
    Endpoint("GET", f"{_USER}/bindings", "Devices of a user, newest first", _list_bindings_of_user, Page, BindingList),
    Endpoint(
        "POST",
        f"{_USER}/bindings",
        "Bind a device to a user, by its keys or its SN, with or without a binding code",
        _bind_device,
        BindRequest,
        BindingView,
        status=201,
        errors=_BUSY,
    ),
    Endpoint(
        "DELETE",
        f"{_USER}/bindings/{{product_key}}/{{device_key}}",
        "Give a device up, with everything that was shared of it",
        _unbind_device,
        Nothing,
        Nothing,
        status=204,
        errors=_BUSY,
    ),
    Endpoint("GET", f"{_USER}/shares", "What a user shares, newest first", _list_shares, Page, ShareList),
    Endpoint(
        "POST",
        f"{_USER}/shares",
        "Share a device of a user; the code is for one other user of the App",
        _share_device,
        NewShare,
        Share,
        status=201,
        errors=_BUSY,
    ),
    Endpoint(
        "POST",
        f"{_USER}/shares/accept",
        "Accept a share for a user",
        _accept_share,
        ShareCode,
        BindingView,
        errors=_BUSY,
    ),
    Endpoint(
        "DELETE",
        f"{_USER}/shares/{{code}}",
        "Take a share back, accepted or not",
        _cancel_share,
        Nothing,
        Nothing,
        status=204,
        errors=_BUSY,
    ),
)
