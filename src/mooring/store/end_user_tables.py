"""The tables of end users: Apps with their user domains, users, bindings, shares (domain-rules.md section 12)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from .tables import metadata

__all__ = [
    "binding_codes",
    "binding_versions",
    "bindings",
    "end_user_app_grants",
    "end_user_app_products",
    "end_user_apps",
    "end_users",
    "sequences",
    "shares",
]


def _id() -> Column[int]:
    return Column("id", BigInteger, primary_key=True, autoincrement=False)


def _time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _owner(name: str, target: str, *, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger, ForeignKey(target, ondelete="CASCADE"), nullable=False, primary_key=primary_key)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=True)


# Numbers that are counted up and never given twice, not even when what had them is deleted.
sequences = Table(
    "sequences",
    metadata,
    Column("name", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
)

end_user_apps = Table(
    "end_user_apps",
    metadata,
    _id(),
    _owner("account_id", "accounts.id"),
    Column("name", Text, nullable=False),
    Column("remark", Text, nullable=False),
    Column("user_domain", Text, nullable=False),
    Column("domain_secret", LargeBinary, nullable=False),
    Column("enabled", Boolean, nullable=False),
    _time("created_at"),
    _time("updated_at", nullable=True),
    UniqueConstraint("user_domain"),
    UniqueConstraint("account_id", "name"),
)

end_user_app_products = Table(
    "end_user_app_products",
    metadata,
    _owner("end_user_app_id", "end_user_apps.id", primary_key=True),
    _owner("product_id", "products.id", primary_key=True),
    _time("added_at"),
    Index(None, "product_id"),
)

end_user_app_grants = Table(
    "end_user_app_grants",
    metadata,
    _owner("end_user_app_id", "end_user_apps.id", primary_key=True),
    _owner("app_id", "saas_apps.id", primary_key=True),
    _time("authorized_at"),
    Index(None, "app_id"),
)

# `third_party` is a JSON object, member of the wire → id. Of texts that are null nothing is known.
end_users = Table(
    "end_users",
    metadata,
    _id(),
    Column("uid", Text, nullable=False),
    _owner("end_user_app_id", "end_user_apps.id"),
    _text("nickname"),
    _text("international_code"),
    _text("phone"),
    _text("email"),
    _text("headimg"),
    Column("sex", SmallInteger, nullable=True),
    _text("address"),
    _text("province"),
    _text("city"),
    _text("nationality"),
    _text("lang"),
    _text("timezone"),
    _text("signature"),
    _text("remark"),
    Column("third_party", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("token_generation", Integer, nullable=False),
    _time("registered_at"),
    _time("last_login_at", nullable=True),
    _time("updated_at", nullable=True),
    UniqueConstraint("uid"),
    UniqueConstraint("end_user_app_id", "phone", "international_code"),
    UniqueConstraint("end_user_app_id", "email"),
    Index(None, "end_user_app_id", "registered_at", "id"),
)

# A user has at most one binding to a device: an own one, or one that `owner_id` shares. Status 1 valid, 2 void.
bindings = Table(
    "bindings",
    metadata,
    _id(),
    _owner("device_id", "devices.id"),
    _owner("end_user_id", "end_users.id"),
    Column("end_user_app_id", BigInteger, nullable=False),
    Column("owner_id", BigInteger, ForeignKey("end_users.id", ondelete="CASCADE"), nullable=True),
    Column("binding_type", SmallInteger, nullable=False),
    Column("bind_mode", SmallInteger, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("status", SmallInteger, nullable=False),
    _text("share_code"),
    _time("bound_at"),
    _time("expires_at", nullable=True),
    _time("voided_at", nullable=True),
    UniqueConstraint("device_id", "end_user_id"),
    Index(None, "end_user_id", "bound_at", "id"),
    Index(None, "owner_id"),
)
Index(
    "ix_bindings_expires_at",
    bindings.c.expires_at,
    sqlite_where=bindings.c.expires_at.is_not(None),
    postgresql_where=bindings.c.expires_at.is_not(None),
)

# Every change of a device's bindings raises its version, so that of two that were decided on the same state one fails.
binding_versions = Table(
    "binding_versions",
    metadata,
    _owner("device_id", "devices.id", primary_key=True),
    Column("version", BigInteger, nullable=False),
)

# The code that a device showed last; only its SHA-256 is kept.
binding_codes = Table(
    "binding_codes",
    metadata,
    _owner("device_id", "devices.id", primary_key=True),
    Column("code_hash", LargeBinary, nullable=False),
    _time("reported_at"),
    _time("expires_at"),
)

shares = Table(
    "shares",
    metadata,
    _id(),
    Column("code", Text, nullable=False),
    _owner("device_id", "devices.id"),
    _owner("owner_id", "end_users.id"),
    Column("cover", SmallInteger, nullable=False),
    _time("accept_until"),
    _time("use_until", nullable=True),
    Column("accepted_by", BigInteger, ForeignKey("end_users.id", ondelete="SET NULL"), nullable=True),
    _time("accepted_at", nullable=True),
    _time("created_at"),
    UniqueConstraint("code"),
    Index(None, "owner_id", "created_at"),
    Index(None, "device_id"),
    Index(None, "accepted_by"),
)
