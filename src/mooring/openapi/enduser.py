"""/v2/enduser: user domains and their users."""

import msgspec

from mooring.platform.end_user_entities import EndUser, EndUserApp

from . import enterprise
from .answers import Failure
from .enterprise import domain_of, page_of, user_of
from .operation import Call, Operation

__all__ = ["OPERATIONS"]

_STATUSES = {"0": False, "1": True}


class _Domain(msgspec.Struct):
    userDomainId: int
    userDomain: str
    userDomainSecret: str
    userDomainType: str | None
    entId: int
    enable: bool
    isEnable: bool
    remark: str
    addTime: int
    addTimeTs: int
    updateTime: int | None
    updateTimeTs: int | None


class _User(msgspec.Struct):
    uid: str
    userDomain: str
    nikeName: str | None
    phone: str | None
    email: str | None
    headimg: str | None
    sex: str | None
    address: str | None
    province: str | None
    city: str | None
    nationality: str | None
    lang: str | None
    timezone: str | None
    signature: str | None
    remark: str | None
    status: int
    logonMode: int | None
    registerTime: int
    registerTimeTs: int
    lastLoginTime: int | None
    lastLoginTimeTs: int | None
    alipayUserId: str | None
    appleUserId: str | None
    facebookUserId: str | None
    qqUserId: str | None
    twitterUserId: str | None
    wechatMiniprogramUserId: str | None
    wechatOffiaccountUserId: str | None
    wechatUnionId: str | None


async def _domains(call: Call) -> bytes:
    number, size = page_of(call)
    found = call.platform.directory.end_user_apps_of(call.app.id)
    rows = [_domain(app) for app in found[(number - 1) * size : number * size]]
    return enterprise.page(rows, number, size, len(found))


async def _users(call: Call) -> bytes:
    user_domain = call.params.get("userDomain")
    if user_domain is None:
        raise Failure(5023)
    app = domain_of(call, user_domain)
    number, size = page_of(call)
    found, total = await call.platform.end_users.page(app, number, size)
    return enterprise.page([_user(user, app) for user in found], number, size, total)


async def _info(call: Call) -> bytes:
    return enterprise.action(_user(*await user_of(call)))


async def _set_status(call: Call) -> bytes:
    user, _ = await user_of(call)
    status = call.params.get("status")
    if status is None:
        raise Failure(5487)
    if status not in _STATUSES:
        raise Failure(5488, "0 disabled, 1 normal")
    await call.platform.end_users.set_enabled(call.actor, user.uid, enabled=_STATUSES[status])
    return enterprise.action({})


def _domain(app: EndUserApp) -> _Domain:
    return _Domain(
        userDomainId=app.id,
        userDomain=app.user_domain,
        userDomainSecret=app.domain_secret.reveal(),
        userDomainType=None,
        entId=app.account_id,
        enable=app.enabled,
        isEnable=app.enabled,
        remark=app.remark,
        addTime=app.created_at,
        addTimeTs=app.created_at,
        updateTime=app.updated_at,
        updateTimeTs=app.updated_at,
    )


def _user(user: EndUser, app: EndUserApp) -> _User:
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
        province=user.province,
        city=user.city,
        nationality=user.nationality,
        lang=user.lang,
        timezone=user.timezone,
        signature=user.signature,
        remark=user.remark,
        status=int(user.enabled),
        logonMode=None,
        registerTime=user.registered_at,
        registerTimeTs=user.registered_at,
        lastLoginTime=user.last_login_at,
        lastLoginTimeTs=user.last_login_at,
        alipayUserId=known.get("alipay_user_id"),
        appleUserId=known.get("apple_user_id"),
        facebookUserId=known.get("facebook_user_id"),
        qqUserId=known.get("qq_user_id"),
        twitterUserId=known.get("twitter_user_id"),
        wechatMiniprogramUserId=known.get("wechat_miniprogram_user_id"),
        wechatOffiaccountUserId=known.get("wechat_offiaccount_user_id"),
        wechatUnionId=known.get("wechat_union_id"),
    )


_BASE = "/v2/enduser/enterpriseapi"

OPERATIONS = (
    Operation("userDomainList", "GET", f"{_BASE}/entUserDomainList", "enduser", _domains, no_store=True),
    Operation("userDomainUserList", "GET", f"{_BASE}/userDomainUserList", "enduser", _users),
    Operation("userInfo", "GET", f"{_BASE}/userInfo", "enduser", _info),
    Operation("userSetStatus", "GET", f"{_BASE}/setUserStatus", "enduser", _set_status, no_store=True),
    Operation("userSetStatusPost", "POST", f"{_BASE}/setUserStatus", "enduser", _set_status, no_store=True),
)
