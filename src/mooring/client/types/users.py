"""End users, and the devices bound to them (openapi-notes.md sections 7 and 8)."""

from typing import Any

from msgspec import field

from mooring.client._reading import Row
from mooring.client.types.common import Moment


class UserDomain(Row, frozen=True, kw_only=True, rename="camel"):
    """A domain of end users, which is an App."""

    user_domain: str
    user_domain_id: int | None = None
    user_domain_secret: str | None = None
    user_domain_type: str | None = None
    ent_id: int | None = None
    enable: bool | None = None
    is_enable: bool | None = None
    """Same value as enable."""
    remark: str | None = None
    add_time_ms: int | None = field(default=None, name="addTime")
    """Epoch ms."""
    update_time_ms: int | None = field(default=None, name="updateTime")
    """Epoch ms."""
    added_at = Moment("add_time_ms", "When it was added.")
    updated_at = Moment("update_time_ms", "When it last changed.")


class EndUser(Row, frozen=True, kw_only=True, rename="camel"):
    """An end user."""

    uid: str
    user_domain: str | None = None
    nickname: str | None = field(default=None, name="nikeName")
    """Nickname; the spelling is the wire spelling."""
    phone: str | None = None
    email: str | None = None
    head_image: str | None = field(default=None, name="headimg")
    sex: str | None = None
    address: str | None = None
    province: str | None = None
    city: str | None = None
    nationality: str | None = None
    lang: str | None = None
    timezone: str | None = None
    signature: str | None = None
    remark: str | None = None
    status: int | None = None
    """0 disabled, 1 normal."""
    logon_mode: int | None = None
    """How the account was registered."""
    register_time_ms: int | None = field(default=None, name="registerTime")
    """Epoch ms."""
    last_login_time_ms: int | None = field(default=None, name="lastLoginTime")
    """Epoch ms."""
    alipay_user_id: str | None = None
    apple_user_id: str | None = None
    facebook_user_id: str | None = None
    qq_user_id: str | None = None
    twitter_user_id: str | None = None
    wechat_miniprogram_user_id: str | None = None
    wechat_offiaccount_user_id: str | None = None
    wechat_union_id: str | None = None
    registered_at = Moment("register_time_ms", "When it registered.")
    last_login_at = Moment("last_login_time_ms", "When it last logged in.")


class BoundUser(Row, frozen=True, kw_only=True, rename="camel"):
    """An end user who has devices."""

    uid: str
    user_domain: str | None = None
    nickname: str | None = field(default=None, name="nikeName")
    phone: str | None = None
    email: str | None = None
    head_image: str | None = field(default=None, name="headimg")
    sex: str | None = None
    address: str | None = None
    last_login_time: str | None = None
    """Text here; its exact form is not shown."""
    last_login_time_ms: int | None = field(default=None, name="lastLoginTimeTs")
    """Epoch ms."""
    alipay_user_id: str | None = None
    facebook_user_id: str | None = None
    qq_user_id: str | None = None
    twitter_user_id: str | None = None
    wechat_miniprogram_user_id: str | None = None
    wechat_offiaccount_user_id: str | None = None
    wechat_union_id: str | None = None
    last_login_at = Moment("last_login_time_ms", "When it last logged in.")


class BoundDevice(Row, frozen=True, kw_only=True, rename="camel"):
    """A device as a user has it: owned, or shared to the user."""

    product_key: str
    """Product key (PK)."""
    device_key: str
    """Device key (DK)."""
    product_name: str | None = None
    """Name of the product."""
    device_name: str | None = None
    """Name of the device."""
    sn: str | None = None
    uid: str | None = None
    """Owner of the binding."""
    device_type: int | None = None
    """1 own, 2 shared to the user."""
    owner_uid: str | None = None
    """Who shared it."""
    user_name: str | None = None
    phone: str | None = None
    access_type: str | None = None
    """As in Product, but text."""
    network_type: str | None = None
    """1 Wi-Fi, 2 cellular, 3 NB, 5 Bluetooth; text."""
    protocol: str | None = None
    device_status: str | None = None
    """Text."""
    online_status: int | None = None
    """1 online, 0 offline."""
    status: int | None = None
    """Binding: 1 valid, 2 void."""
    bind_status: int | None = None
    """Same meaning as status."""
    bind_mode: int | None = None
    """1 many users, 2 one user, 3 takes turns."""
    binding_type: int | None = None
    """1 SN, 2 Wi-Fi, 3 PK/DK, 4 Bluetooth."""
    verified: str | None = None
    """"1" when the binding was authenticated."""
    auth_code: str | None = None
    auth_key: str | None = None
    binding_code: str | None = None
    bt_pwd: str | None = None
    share_code: str | None = None
    device_tag: str | None = None
    fid: str | None = None
    frid: str | None = None
    gdid: str | None = None
    first_item_code: str | None = None
    first_item_name: str | None = None
    second_item_code: str | None = None
    second_item_name: str | None = None
    locate_type: str | None = None
    logo_image: str | None = None
    signal_strength: str | None = None
    active_time: str | None = None
    """Text form of the matching ...Ts member; its exact form is not shown."""
    device_bind_time: str | None = None
    """Text form of the matching ...Ts member; its exact form is not shown."""
    device_create_time: str | None = None
    """Text form of the matching ...Ts member; its exact form is not shown."""
    last_connect_time: str | None = field(default=None, name="lastConnTime")
    """Text form of the matching ...Ts member; its exact form is not shown."""
    last_offline_time: str | None = None
    """Text form of the matching ...Ts member; its exact form is not shown."""
    invalid_time: str | None = field(default=None, name="invaildTime")
    """Text form of the matching ...Ts member; its exact form is not shown."""
    sharing_expire_at: str | None = None
    """Text form of the matching ...Ts member; its exact form is not shown."""
    active_time_ms: int | None = field(default=None, name="activeTimeTs")
    """Epoch ms."""
    device_bind_time_ms: int | None = field(default=None, name="deviceBindTimeTs")
    """Epoch ms."""
    device_create_time_ms: int | None = field(default=None, name="deviceCreateTimeTs")
    """Epoch ms."""
    last_connect_time_ms: int | None = field(default=None, name="lastConnTimeTs")
    """Epoch ms."""
    last_offline_time_ms: int | None = field(default=None, name="lastOfflineTimeTs")
    """Epoch ms."""
    invalid_time_ms: int | None = field(default=None, name="invaildTimeTs")
    """Epoch ms."""
    sharing_expire_time_ms: int | None = field(default=None, name="sharingExpireTimeTs")
    """Epoch ms."""
    bt_last_use_time_ms: int | None = field(default=None, name="btLastUseTime")
    """Epoch ms."""
    capabilities_bitmask: int | None = None
    group_device_device_num: int | None = None
    group_state: int | None = None
    is_matter: int | None = None
    is_native: int | None = None
    plan_id: int | None = None
    upgrade_status: int | None = None
    user_confirm_status: int | None = None
    low_power_alive: int | None = None
    """Heartbeat period, minutes."""
    low_power_cache: int | None = None
    """Cache time, seconds."""
    low_power_product: bool | None = None
    low_power_status: bool | None = None
    matter_info: Any = None
    """Matter data."""
    activated_at = Moment("active_time_ms", "When it was activated.")
    bound_at = Moment("device_bind_time_ms", "When it was bound.")
    created_at = Moment("device_create_time_ms", "When it was created.")
    last_connected_at = Moment("last_connect_time_ms", "When it last connected.")
    last_offline_at = Moment("last_offline_time_ms", "When it last went offline.")
    invalid_at = Moment("invalid_time_ms", "When it became void.")
    sharing_expires_at = Moment("sharing_expire_time_ms", "When it the sharing expires.")
    bt_last_used_at = Moment("bt_last_use_time_ms", "When it last used over Bluetooth.")
