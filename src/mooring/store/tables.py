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
    false,
    text,
    true,
)

__all__ = [
    "account_packages",
    "accounts",
    "administrators",
    "api_statistics",
    "audit_log",
    "ca_certificates",
    "commands",
    "data_log",
    "device_usage",
    "device_values",
    "devices",
    "directory_changes",
    "directory_state",
    "event_log",
    "exception_log",
    "gateway_links",
    "leases",
    "location_log",
    "manage_tokens",
    "metadata",
    "platform_state",
    "products",
    "queue_messages",
    "queue_pushes",
    "queues",
    "request_log",
    "saas_app_packages",
    "saas_apps",
    "subscriptions",
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


def _log_id() -> Column[int]:
    # SQLite: INTEGER, not BIGINT, makes the id the row's own number, so a log is one tree that grows at its end.
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False)


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
    Column("role", Text, nullable=False, server_default="owner"),
    Column("failed_logins", Integer, nullable=False, server_default="0"),
    _time("locked_until", nullable=True),
    Column("totp_secret", LargeBinary, nullable=True),
    Column("totp_step", BigInteger, nullable=True),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    _time("last_login_at", nullable=True),
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
    Column("times", Text, nullable=False, server_default="documented"),
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
    Column("dynamic_authentication", Boolean, nullable=False, server_default=true()),
    Column("require_encryption", Boolean, nullable=False, server_default=false()),
    Column("specified_gateways", Text, nullable=True),
    Column("may_change_gateway", Boolean, nullable=False, server_default=true()),
    Column("bind_mode", SmallInteger, nullable=False, server_default=text("3")),
    Column("device_sharing", Boolean, nullable=False, server_default=true()),
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

# Messages that a queue got in one month, a number such as 202511 (UTC). They outlive the queue.
queue_pushes = Table(
    "queue_pushes",
    metadata,
    Column("queue_id", BigInteger, primary_key=True, autoincrement=False),
    Column("month", Integer, primary_key=True, autoincrement=False),
    _owner("account_id", "accounts.id"),
    Column("is_paid", Boolean, nullable=False),
    Column("pushes", BigInteger, nullable=False),
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

# A deleted device keeps its row, so that its history is found when it is created or registers again.
devices = Table(
    "devices",
    metadata,
    _id(),
    _owner("product_id", "products.id"),
    Column("device_key", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sn", Text, nullable=True),
    Column("auth_mode", SmallInteger, nullable=False),
    Column("device_secret", LargeBinary, nullable=True),
    Column("secret_confirmed", Boolean, nullable=False),
    Column("fingerprint", Text, nullable=True),
    Column("enabled", Boolean, nullable=False),
    Column("is_verified", Boolean, nullable=False),
    Column("is_virtual", Boolean, nullable=False),
    Column("online", Boolean, nullable=False),
    _time("created_at"),
    _time("updated_at", nullable=True),
    _time("activated_at", nullable=True),
    _time("first_conn_at", nullable=True),
    _time("last_conn_at", nullable=True),
    _time("last_offline_at", nullable=True),
    _time("deleted_at", nullable=True),
    UniqueConstraint("client_id"),
    UniqueConstraint("product_id", "device_key"),
    UniqueConstraint("product_id", "sn"),
    Index(None, "product_id", "created_at"),
)
Index("ix_devices_online", devices.c.id, sqlite_where=devices.c.online, postgresql_where=devices.c.online)

# At which gateways a sub-device has logged in. The current link is that of its last login; it stays when the sub-device
# goes offline, and is gone when the sub-device is unbound, reset, de-registered or deleted.
gateway_links = Table(
    "gateway_links",
    metadata,
    _id(),
    _owner("sub_device_id", "devices.id"),
    _owner("gateway_id", "devices.id"),
    Column("is_current", Boolean, nullable=False),
    _time("created_at"),
    _time("last_login_at"),
    UniqueConstraint("sub_device_id", "gateway_id"),
    Index(None, "gateway_id", "is_current", "created_at"),
)
Index(
    "uq_gateway_links_current",
    gateway_links.c.sub_device_id,
    unique=True,
    sqlite_where=gateway_links.c.is_current,
    postgresql_where=gateway_links.c.is_current,
)

# The newest of everything a device reported, as JSON: properties {"<id>": [value, at_ms]}, resources
# {"<name>": [value, at_ms]}. One row a device, so that an uplink of many properties writes one row.
device_values = Table(
    "device_values",
    metadata,
    Column("device_id", BigInteger, primary_key=True, autoincrement=False),
    Column("properties", Text, nullable=False),
    Column("resources", Text, nullable=False),
    Column("location", Text, nullable=True),
    _time("created_at"),
    _time("updated_at"),
)

# Logs have no foreign key: history outlives devices. `data` is base64 as the OpenAPI shows it.
data_log = Table(
    "data_log",
    metadata,
    _log_id(),
    Column("device_id", BigInteger, nullable=False),
    Column("direction", SmallInteger, nullable=False),
    Column("cmd", Integer, nullable=False),
    Column("packet_id", Integer, nullable=True),
    Column("data", Text, nullable=False),
    Column("dm_data", Text, nullable=True),
    Column("ticket", BigInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    _time("sent_at", nullable=True),
    _time("created_at"),
    _time("updated_at"),
    Index(None, "device_id", "created_at", "id"),
)

event_log = Table(
    "event_log",
    metadata,
    _log_id(),
    Column("device_id", BigInteger, nullable=False),
    Column("type", SmallInteger, nullable=False),
    Column("ab_id", Integer, nullable=True),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("output", Text, nullable=True),
    Column("packet_id", Integer, nullable=True),
    Column("remark", Text, nullable=True),
    _time("created_at"),
    Index(None, "device_id", "created_at", "id"),
)

exception_log = Table(
    "exception_log",
    metadata,
    _log_id(),
    Column("device_id", BigInteger, nullable=False),
    Column("cmd", Integer, nullable=True),
    Column("packet_id", Integer, nullable=True),
    Column("reason", Text, nullable=False),
    Column("feature_ids", Text, nullable=False),
    Column("data", Text, nullable=False),
    _time("created_at"),
    Index(None, "device_id", "created_at", "id"),
)

location_log = Table(
    "location_log",
    metadata,
    _log_id(),
    Column("device_id", BigInteger, nullable=False),
    Column("position", Text, nullable=False),
    _time("created_at"),
    Index(None, "device_id", "created_at", "id"),
)

# One row a command and device. A time that is set is a step that has evidence; `id` is the ticket, and also the id of
# its row in data_log. `waits` while it lies in the cache, `open` until nothing more can be expected of it.
commands = Table(
    "commands",
    metadata,
    _log_id(),
    Column("device_id", BigInteger, nullable=False),
    Column("app_id", BigInteger, nullable=True),
    Column("origin", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("feature_id", Integer, nullable=True),
    Column("cmd", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("input", Text, nullable=False),
    Column("output", Text, nullable=True),
    Column("qos", SmallInteger, nullable=False),
    Column("packet_id", Integer, nullable=True),
    Column("waits", Boolean, nullable=False),
    Column("open", Boolean, nullable=False),
    _time("expires_at", nullable=True),
    Column("reply_id", BigInteger, nullable=True),
    Column("failure", Text, nullable=True),
    _time("accepted_at"),
    _time("cached_at", nullable=True),
    _time("published_at", nullable=True),
    _time("delivered_at", nullable=True),
    _time("answered_at", nullable=True),
    _time("reported_at", nullable=True),
    _time("failed_at", nullable=True),
    _time("expired_at", nullable=True),
    Index(None, "device_id", "accepted_at", "id"),
)
Index("ix_commands_open", commands.c.device_id, sqlite_where=commands.c.open, postgresql_where=commands.c.open)
Index("ix_commands_waits", commands.c.expires_at, sqlite_where=commands.c.waits, postgresql_where=commands.c.waits)

ca_certificates = Table(
    "ca_certificates",
    metadata,
    _id(),
    _owner("account_id", "accounts.id"),
    Column("name", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("code", Text, nullable=False),
    _time("code_expires_at"),
    _time("verified_at", nullable=True),
    _time("expires_at"),
    _time("created_at"),
    UniqueConstraint("account_id", "fingerprint"),
)

# Message queues of customers. `used_at` is the last time anybody consumed; the counters are of messages, ever.
queues = Table(
    "queues",
    metadata,
    _id(),
    _owner("account_id", "accounts.id"),
    _owner("app_id", "saas_apps.id"),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("is_free", Boolean, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("pushed", BigInteger, nullable=False),
    Column("acked", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    Column("overflowed", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("cleared", BigInteger, nullable=False),
    _time("used_at"),
    _time("suspended_at", nullable=True),
    _time("created_at"),
    _time("updated_at", nullable=True),
    UniqueConstraint("account_id", "name"),
)

# `level` is product, device, saas or domain; the target is the one column of its level that is set. A subscription
# outlives its target, to be shown.
subscriptions = Table(
    "subscriptions",
    metadata,
    _id(),
    _owner("account_id", "accounts.id"),
    _owner("app_id", "saas_apps.id"),
    Column("queue_id", BigInteger, ForeignKey("queues.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("product_id", BigInteger, nullable=True),
    Column("product_key", Text, nullable=True),
    Column("device_id", BigInteger, nullable=True),
    Column("device_key", Text, nullable=True),
    Column("user_domain", Text, nullable=True),
    Column("codes", Text, nullable=False),
    Column("running", Boolean, nullable=False),
    _time("created_at"),
    _time("updated_at", nullable=True),
    Index(None, "queue_id"),
)

# What waits in queues, one row a queue and message: written in the transaction of what it tells of, deleted when it is
# acknowledged, too old or over the size. Ids order a queue and tell the age of a message.
queue_messages = Table(
    "queue_messages",
    metadata,
    _log_id(),
    Column("queue_id", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _time("created_at"),
    Index(None, "queue_id", "id"),
)

# What only one process does at a time: `turn` grows for as long as its holder lives (0: nobody holds it).
leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", BigInteger, nullable=False),
    Column("turn", BigInteger, nullable=False),
)

# Calls of the OpenAPI in an hour (its first moment in epoch ms). `to_…_ms` count the calls that took at most so
# long and longer than the column before; the rest took longer still. Each process adds what it counted.
api_statistics = Table(
    "api_statistics",
    metadata,
    Column("app_id", BigInteger, primary_key=True, autoincrement=False),
    Column("operation", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    *(
        Column(name, BigInteger, nullable=False)
        for name in (
            "calls",
            "failures",
            "total_us",
            "longest_us",
            "to_1_ms",
            "to_3_ms",
            "to_10_ms",
            "to_30_ms",
            "to_100_ms",
            "to_300_ms",
            "to_1000_ms",
        )
    ),
    Index(None, "hour"),
)

# The newest calls of each application. `tickets` are those of the commands it led to, `,1,2,`.
request_log = Table(
    "request_log",
    metadata,
    _log_id(),
    Column("app_id", BigInteger, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("code", Integer, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("took_us", BigInteger, nullable=False),
    Column("request", Text, nullable=False),
    Column("message", Text, nullable=True),
    Column("tickets", Text, nullable=True),
    _time("created_at"),
    Column("answer", Text, nullable=True),
    Index(None, "app_id", "id"),
)

# Messages of a device on one day (days since 1970-01-01 UTC), in units of 512 bytes.
device_usage = Table(
    "device_usage",
    metadata,
    Column("device_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("units", BigInteger, nullable=False),
    Index(None, "day"),
)
