"""The tables of both databases, written once (SQLAlchemy Core, schema only).

Times are epoch milliseconds (UTC) in BIGINT, documents and lists are JSON text, sealed secrets are bytes made by
`store.vault`. Constraint names follow one pattern so that either database's complaint can be read back to columns.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "account_packages",
    "accounts",
    "administrators",
    "audit_log",
    "directory_changes",
    "directory_state",
    "manage_tokens",
    "metadata",
    "platform_state",
    "products",
    "saas_app_packages",
    "saas_apps",
    "tsl_drafts",
    "tsl_labels",
    "tsl_releases",
]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", BigInteger, primary_key=True, autoincrement=False)


def _time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _owner(name: str, target: str, *, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger, ForeignKey(target, ondelete="CASCADE"), nullable=False, primary_key=primary_key)


platform_state = Table(
    "platform_state",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# One row. Each change of what the directory shows raises `version` inside its own transaction; the row lock makes
# the order of versions the order of commits, so a reader that follows it can never overtake a commit.
directory_state = Table(
    "directory_state",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

directory_changes = Table(
    "directory_changes",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("entity_id", BigInteger, nullable=False),
    _time("at"),
    Index(None, "at"),
)

accounts = Table(
    "accounts",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("address_list_enabled", Boolean, nullable=False),
    Column("allowed_addresses", Text, nullable=False),
    _time("created_at"),
    _time("updated_at", nullable=True),
)

administrators = Table(
    "administrators",
    metadata,
    _id(),
    _owner("account_id", "accounts.id"),
    Column("email", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("password_one_time", Boolean, nullable=False),
    _time("created_at"),
    _time("updated_at", nullable=True),
    UniqueConstraint("email"),
)

manage_tokens = Table(
    "manage_tokens",
    metadata,
    _id(),
    _owner("administrator_id", "administrators.id"),
    Column("name", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    _time("created_at"),
    _time("expires_at", nullable=True),
    UniqueConstraint("token_hash"),
    Index(None, "administrator_id"),
)

account_packages = Table(
    "account_packages",
    metadata,
    _owner("account_id", "accounts.id", primary_key=True),
    Column("package", Text, primary_key=True),
    _time("activated_at"),
)

saas_apps = Table(
    "saas_apps",
    metadata,
    _id(),
    _owner("account_id", "accounts.id"),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("access_key", Text, nullable=False),
    Column("access_secret", LargeBinary, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("api_access", Boolean, nullable=False),
    Column("token_generation", Integer, nullable=False),
    Column("address_list_enabled", Boolean, nullable=False),
    Column("allowed_addresses", Text, nullable=False),
    _time("created_at"),
    _time("updated_at", nullable=True),
    UniqueConstraint("access_key"),
    UniqueConstraint("account_id", "name"),
)

saas_app_packages = Table(
    "saas_app_packages",
    metadata,
    _owner("app_id", "saas_apps.id", primary_key=True),
    Column("package", Text, primary_key=True),
    _time("authorized_at"),
)

products = Table(
    "products",
    metadata,
    _id(),
    _owner("account_id", "accounts.id"),
    Column("product_key", Text, nullable=False),
    Column("product_secret", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("access_type", SmallInteger, nullable=False),
    Column("net_way", Text, nullable=False),
    Column("data_fmt", SmallInteger, nullable=False),
    Column("protocol", SmallInteger, nullable=False),
    Column("connect_platform", SmallInteger, nullable=False),
    Column("product_status", SmallInteger, nullable=False),
    Column("product_type", SmallInteger, nullable=False),
    Column("gateway_type", SmallInteger, nullable=False),
    Column("item_code", Text, nullable=True),
    Column("logo_path", Text, nullable=True),
    Column("allowed_limit", Integer, nullable=True),
    Column("ai_capability", Boolean, nullable=False),
    Column("app_id", BigInteger, ForeignKey("saas_apps.id", ondelete="SET NULL"), nullable=True),
    Column("released_version", Text, nullable=True),
    _time("created_at"),
    _time("updated_at", nullable=True),
    UniqueConstraint("product_key"),
    UniqueConstraint("account_id", "name"),
    Index(None, "app_id"),
)

tsl_drafts = Table(
    "tsl_drafts",
    metadata,
    _owner("product_id", "products.id", primary_key=True),
    Column("document", Text, nullable=False),
    _time("updated_at"),
)

tsl_releases = Table(
    "tsl_releases",
    metadata,
    _owner("product_id", "products.id", primary_key=True),
    Column("version", Text, primary_key=True),
    Column("document", Text, nullable=False),
    _time("released_at"),
)

tsl_labels = Table(
    "tsl_labels",
    metadata,
    _owner("product_id", "products.id", primary_key=True),
    Column("language", Text, primary_key=True),
    Column("labels", Text, nullable=False),
)

audit_log = Table(
    "audit_log",
    metadata,
    _id(),
    Column("account_id", BigInteger, nullable=False),
    _time("at"),
    Column("actor", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target_kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "account_id", "at"),
)
