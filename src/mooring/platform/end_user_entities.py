"""Apps, end users, bindings and shares as the services see them (domain-rules.md section 12). All immutable."""

from collections.abc import Iterable, Mapping

import msgspec

from mooring.store import Vault
from mooring.store.bindings import BindingRow
from mooring.store.end_user_apps import AppRow, GrantRow, ProductRow
from mooring.store.end_users import EndUserRow

from .secret import Secret

__all__ = [
    "THIRD_PARTIES",
    "VALID",
    "VOID",
    "Binding",
    "EndUser",
    "EndUserApp",
    "binding",
    "domain_context",
    "end_user",
    "end_user_app",
]

VALID, VOID = 1, 2  # status of a binding

THIRD_PARTIES = (
    "alipay_user_id",
    "apple_user_id",
    "facebook_user_id",
    "qq_user_id",
    "twitter_user_id",
    "wechat_miniprogram_user_id",
    "wechat_offiaccount_user_id",
    "wechat_union_id",
)
"""Who may know a user by an id of their own."""


class EndUserApp(msgspec.Struct, frozen=True):
    """One App with its user domain. `products` are the ids of the products that it may use, `saas_apps` those of the
    SaaS applications that may see its users, each with the time of it (epoch ms)."""

    id: int
    account_id: int
    name: str
    remark: str
    user_domain: str
    domain_secret: Secret
    enabled: bool
    products: Mapping[int, int]
    saas_apps: Mapping[int, int]
    created_at: int
    updated_at: int | None


class EndUser(msgspec.Struct, frozen=True):
    """One end user. `sex` 0 male, 1 female, 2 private; `third_party` by the names of `THIRD_PARTIES`. A token is alive
    only while it carries the present `token_generation`. Times are epoch ms."""

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
    third_party: Mapping[str, str]
    enabled: bool
    token_generation: int
    registered_at: int
    last_login_at: int | None
    updated_at: int | None

    def __repr__(self) -> str:
        return f"EndUser(uid={self.uid!r})"


class Binding(msgspec.Struct, frozen=True):
    """One binding of a device to a user. `owner_id` is the user who shares the device, None for an own binding.

    `binding_type` 1 SN, 2 Wi-Fi, 3 keys, 4 Bluetooth; `verified` says that possession was proved by a binding code;
    `status` 1 valid, 2 void since `voided_at`. A shared one ends at `expires_at` (epoch ms), None means never.
    """

    id: int
    device_id: int
    end_user_id: int
    end_user_app_id: int
    owner_id: int | None
    binding_type: int
    bind_mode: int
    verified: bool
    status: int
    share_code: str | None
    bound_at: int
    expires_at: int | None
    voided_at: int | None
    uid: str

    @property
    def is_own(self) -> bool:
        """Whether it is not shared by somebody else."""
        return self.owner_id is None

    def holds(self, now_ms: int) -> bool:
        """Whether it is valid and has not run out."""
        return self.status == VALID and not self.is_over(now_ms)

    def is_over(self, now_ms: int) -> bool:
        """Whether it was shared and its time has run out."""
        return self.expires_at is not None and self.expires_at <= now_ms


def domain_context(end_user_app_id: int) -> str:
    """What the secret of a user domain is sealed for."""
    return f"end_user_apps/domain_secret/{end_user_app_id}"


def end_user_app(row: AppRow, products: Iterable[ProductRow], grants: Iterable[GrantRow], vault: Vault) -> EndUserApp:
    """An App with what belongs to it. Raises SecretKeyError when its secret does not open."""
    return EndUserApp(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        remark=row.remark,
        user_domain=row.user_domain,
        domain_secret=Secret(vault.open(row.domain_secret, domain_context(row.id))),
        enabled=row.enabled,
        products={entry.product_id: entry.added_at for entry in products if entry.end_user_app_id == row.id},
        saas_apps={entry.app_id: entry.authorized_at for entry in grants if entry.end_user_app_id == row.id},
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def end_user(row: EndUserRow) -> EndUser:
    """A user."""
    members = msgspec.structs.asdict(row)
    members["third_party"] = msgspec.json.decode(row.third_party)
    return EndUser(**members)


def binding(row: BindingRow) -> Binding:
    """A binding."""
    return Binding(*msgspec.structs.astuple(row))
