"""What the directory shows: accounts, administrators, SaaS applications, products, released models. All immutable."""

from collections.abc import Mapping

import msgspec

from mooring.thingmodel import ModelCodec

from .addresses import AddressList
from .roles import Role
from .secret import Secret

__all__ = [
    "PACKAGES",
    "PACKAGE_PREFIXES",
    "Account",
    "Administrator",
    "App",
    "Device",
    "ManageToken",
    "Product",
    "ReleasedModel",
]

PACKAGE_PREFIXES: Mapping[str, tuple[str, ...]] = {
    "product-and-device-management": ("product", "tsl", "device", "shadow", "storage"),
    "message-subscription": ("subscription",),
    "end-user-management": ("enduser",),
    "binding-management": ("binding",),
}
"""The four service packages and the services of each (openapi.yaml `x-package-groups`)."""

PACKAGES = tuple(PACKAGE_PREFIXES)


class Account(msgspec.Struct, frozen=True):
    """One account; times are epoch ms, `packages` the activated service packages with the time of it."""

    id: int
    name: str
    kind: str
    packages: Mapping[str, int]
    address_list_enabled: bool
    allowed_addresses: tuple[str, ...]
    address_list: AddressList | None
    created_at: int
    updated_at: int | None


class Administrator(msgspec.Struct, frozen=True):
    """One member of an account; times are epoch ms. `failed_logins` since the last that succeeded; `totp_secret` is
    sealed, None while no second factor is asked for; `totp_step` is the number of the last code that was used;
    `last_login_at` is None before the first login."""

    id: int
    account_id: int
    email: str
    password_hash: Secret
    password_one_time: bool
    role: Role
    failed_logins: int
    locked_until: int | None
    totp_secret: bytes | None
    totp_step: int | None
    enabled: bool
    last_login_at: int | None
    created_at: int
    updated_at: int | None


class ManageToken(msgspec.Struct, frozen=True):
    """One bearer token of the management API; `digest` is its SHA-256, `expires_at` None means never."""

    id: int
    administrator_id: int
    name: str
    digest: bytes
    created_at: int
    expires_at: int | None


class App(msgspec.Struct, frozen=True):
    """One SaaS application. A token is alive only while it carries the present `token_generation`.

    `times` says how the OpenAPI shows it times that the contract prints as strings: `documented`, or `numbers`.
    """

    id: int
    account_id: int
    name: str
    description: str
    access_key: str
    access_secret: Secret
    enabled: bool
    api_access: bool
    token_generation: int
    packages: Mapping[str, int]
    address_list_enabled: bool
    allowed_addresses: tuple[str, ...]
    address_list: AddressList | None
    times: str
    created_at: int
    updated_at: int | None


class ReleasedModel(msgspec.Struct, frozen=True):
    """The released thing model of a product: its exported JSON by language (CN, EN), and the codec of its values."""

    version: str
    exports: Mapping[str, bytes]
    codec: ModelCodec


class Product(msgspec.Struct, frozen=True):
    """One product (domain-rules.md section 2); times are epoch ms.

    Of a product of sub-devices, `specified_gateways` are the keys of the gateway products that may carry them, None for
    any; `may_change_gateway` says whether one may move to another gateway.

    `released_version` set while `model` is None means that the stored release is gone (error 71006).
    """

    id: int
    account_id: int
    product_key: str
    product_secret: Secret
    name: str
    access_type: int
    net_way: str
    data_fmt: int
    protocol: int
    connect_platform: int
    product_status: int
    product_type: int
    gateway_type: int
    item_code: str | None
    logo_path: str | None
    allowed_limit: int | None
    ai_capability: bool
    app_id: int | None
    released_version: str | None
    dynamic_authentication: bool
    require_encryption: bool
    specified_gateways: tuple[str, ...] | None
    may_change_gateway: bool
    bind_mode: int
    device_sharing: bool
    created_at: int
    updated_at: int | None
    model: ReleasedModel | None


class Device(msgspec.Struct, frozen=True, gc=False):
    """One device (domain-rules.md section 4); times are epoch ms.

    `device_secret` is sealed, not clear. `secret_confirmed` turns true when the device has proved or used it; until
    then it may authenticate again.
    """

    id: int
    product_id: int
    device_key: str
    client_id: str
    name: str
    sn: str | None
    auth_mode: int
    device_secret: bytes | None
    secret_confirmed: bool
    fingerprint: str | None
    enabled: bool
    is_verified: bool
    is_virtual: bool
    online: bool
    created_at: int
    updated_at: int | None
    activated_at: int | None
    first_conn_at: int | None
    last_conn_at: int | None
    last_offline_at: int | None

    def __repr__(self) -> str:
        return f"Device(id={self.id}, client_id={self.client_id!r})"
