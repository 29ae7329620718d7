"""/v2/binding: devices of end users, and binding codes."""

import msgspec

from mooring.platform.bindings import BoundDevice
from mooring.platform.end_user_entities import VALID, EndUser, EndUserApp
from mooring.platform.entities import Product

from . import enterprise
from .answers import Failure
from .enterprise import domain_of, page_of, text_time, user_of
from .operation import Call, Operation
from .params import whole_number

__all__ = ["OPERATIONS"]

_BINDING_VALID, _BINDING_VOID = 1, 2
_OWN, _SHARED = 1, 2
_CODE_VALID = 1

_TextTime = str | int | None


class _Device(msgspec.Struct, kw_only=True):
    """BoundDevice. What Mooring does not know has a default of null."""

    productKey: str
    deviceKey: str
    productName: str
    deviceName: str
    sn: str | None
    uid: str
    deviceType: int
    ownerUid: str | None
    userName: str | None
    phone: str | None
    accessType: str
    networkType: str
    protocol: str
    deviceStatus: str
    onlineStatus: int
    status: int
    bindStatus: int
    bindMode: int
    bindingType: int
    verified: str
    authCode: str | None = None
    authKey: str | None = None
    bindingCode: str | None = None
    btPwd: str | None = None
    shareCode: str | None
    deviceTag: str | None = None
    fid: str | None = None
    frid: str | None = None
    gdid: str | None = None
    firstItemCode: str | None = None
    firstItemName: str | None = None
    secondItemCode: str | None
    secondItemName: str | None = None
    locateType: str | None = None
    logoImage: str | None
    signalStrength: str | None = None
    activeTime: _TextTime
    activeTimeTs: int | None
    deviceBindTime: _TextTime
    deviceBindTimeTs: int
    deviceCreateTime: _TextTime
    deviceCreateTimeTs: int
    lastConnTime: _TextTime
    lastConnTimeTs: int | None
    lastOfflineTime: _TextTime
    lastOfflineTimeTs: int | None
    invaildTime: _TextTime
    invaildTimeTs: int | None
    sharingExpireAt: _TextTime
    sharingExpireTimeTs: int | None
    btLastUseTime: int | None = None
    capabilitiesBitmask: int | None = None
    groupDeviceDeviceNum: int | None = None
    groupState: int | None = None
    isMatter: int | None = None
    isNative: int | None = None
    planId: int | None = None
    upgradeStatus: int | None = None
    userConfirmStatus: int | None = None
    lowPowerAlive: int | None = None
    lowPowerCache: int | None = None
    lowPowerProduct: bool | None = None
    lowPowerStatus: bool | None = None
    matterInfo: None = None


class _User(msgspec.Struct):
    uid: str
    userDomain: str
    nikeName: str | None
    phone: str | None
    email: str | None
    headimg: str | None
    sex: str | None
    address: str | None
    lastLoginTime: _TextTime
    lastLoginTimeTs: int | None
    alipayUserId: str | None
    facebookUserId: str | None
    qqUserId: str | None
    twitterUserId: str | None
    wechatMiniprogramUserId: str | None
    wechatOffiaccountUserId: str | None
    wechatUnionId: str | None


async def _devices(call: Call) -> bytes:
    user, _ = await user_of(call)
    number, size = page_of(call)
    found, total = await call.platform.bindings.of_user(user, skip=(number - 1) * size, rows=size)
    rows = [await _device(call, user, bound) for bound in found]
    return enterprise.page(rows, number, size, total)


async def _users(call: Call) -> bytes:
    params = call.params
    product = _product(call, 5327) if "pk" in params else None
    domain = domain_of(call, params["userDomain"]) if "userDomain" in params else None
    user = (await user_of(call, 5370))[0] if "uid" in params else None
    number, size = page_of(call)
    found, total = await call.platform.bindings.users(
        call.app, domain, product, user, skip=(number - 1) * size, rows=size
    )
    return enterprise.page([_user(call, *entry) for entry in found], number, size, total)


async def _verify(call: Call) -> bytes:
    for name, missing in (("pk", 5066), ("dk", 5067), ("bindingCode", 5179)):
        if name not in call.params:
            raise Failure(missing)
    product = _product(call, 5041)
    codes, code = call.platform.binding_codes, call.params["bindingCode"]
    codes.check_form(code)
    is_binding = whole_number(call.params, "isBinding", low=0, high=1) == 1
    device = await call.platform.devices.find(product.id, call.params["dk"])
    if device is None:
        raise Failure(5493)
    await codes.verify(device, code, is_binding=is_binding)
    return enterprise.action(_CODE_VALID)


def _product(call: Call, foreign: int) -> Product:
    product = call.platform.directory.product_by_key(call.params["pk"])
    if product is None or product.app_id != call.app.id:
        raise Failure(foreign)
    return product


async def _device(call: Call, user: EndUser, bound: BoundDevice) -> _Device:
    binding, device, product = bound.binding, bound.device, bound.product
    owner = await call.platform.end_users.by_id(binding.owner_id) if binding.owner_id is not None else None
    status = _BINDING_VALID if binding.status == VALID else _BINDING_VOID
    return _Device(
        productKey=product.product_key,
        deviceKey=device.device_key,
        productName=product.name,
        deviceName=device.name,
        sn=device.sn,
        uid=binding.uid,
        deviceType=_OWN if binding.is_own else _SHARED,
        ownerUid=owner.uid if owner is not None else None,
        userName=user.nickname,
        phone=user.phone,
        accessType=str(product.access_type),
        networkType=product.net_way,
        protocol=str(product.protocol),
        deviceStatus=str(int(device.online)),
        onlineStatus=int(device.online),
        status=status,
        bindStatus=status,
        bindMode=binding.bind_mode,
        bindingType=binding.binding_type,
        verified=str(int(binding.verified)),
        shareCode=binding.share_code,
        secondItemCode=product.item_code,
        logoImage=product.logo_path,
        activeTime=text_time(call, device.activated_at),
        activeTimeTs=device.activated_at,
        deviceBindTime=text_time(call, binding.bound_at),
        deviceBindTimeTs=binding.bound_at,
        deviceCreateTime=text_time(call, device.created_at),
        deviceCreateTimeTs=device.created_at,
        lastConnTime=text_time(call, device.last_conn_at),
        lastConnTimeTs=device.last_conn_at,
        lastOfflineTime=text_time(call, device.last_offline_at),
        lastOfflineTimeTs=device.last_offline_at,
        invaildTime=text_time(call, binding.voided_at),
        invaildTimeTs=binding.voided_at,
        sharingExpireAt=text_time(call, binding.expires_at),
        sharingExpireTimeTs=binding.expires_at,
    )


def _user(call: Call, user: EndUser, app: EndUserApp) -> _User:
    known = user.third_party
    return _User(
        uid=user.uid,
        userDomain=app.user_domain,
        nikeName=user.nickname,
        phone=user.phone,
        email=user.email,
        headimg=user.headimg,
        sex=None if user.sex is None else str(user.sex),
        address=user.address,
        lastLoginTime=text_time(call, user.last_login_at),
        lastLoginTimeTs=user.last_login_at,
        alipayUserId=known.get("alipay_user_id"),
        facebookUserId=known.get("facebook_user_id"),
        qqUserId=known.get("qq_user_id"),
        twitterUserId=known.get("twitter_user_id"),
        wechatMiniprogramUserId=known.get("wechat_miniprogram_user_id"),
        wechatOffiaccountUserId=known.get("wechat_offiaccount_user_id"),
        wechatUnionId=known.get("wechat_union_id"),
    )


_BASE = "/v2/binding/enterpriseapi"

OPERATIONS = (
    Operation("userDeviceList", "GET", f"{_BASE}/userDeviceList", "binding", _devices),
    Operation("bindUserList", "GET", f"{_BASE}/getUserListByBind", "binding", _users),
    Operation("verifyBindingCode", "POST", f"{_BASE}/verifyBindingCode", "binding", _verify),
)
