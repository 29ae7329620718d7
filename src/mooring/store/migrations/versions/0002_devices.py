"""Devices, what they reported, the logs, commands, CA certificates."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "commands",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("app_id", sa.BigInteger(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("feature_id", sa.Integer(), nullable=True),
        sa.Column("cmd", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("qos", sa.SmallInteger(), nullable=False),
        sa.Column("packet_id", sa.Integer(), nullable=True),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("reply_id", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("cached_at", sa.BigInteger(), nullable=True),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=True),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.Column("expired_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commands")),
    )
    op.create_index(
        op.f("ix_commands_device_id_accepted_at_id"), "commands", ["device_id", "accepted_at", "id"], unique=False
    )
    op.create_index(
        "ix_commands_open",
        "commands",
        ["device_id"],
        unique=False,
        sqlite_where=sa.text("open"),
        postgresql_where=sa.text("open"),
    )
    op.create_index(
        "ix_commands_waits",
        "commands",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("waits"),
        postgresql_where=sa.text("waits"),
    )
    op.create_table(
        "data_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.SmallInteger(), nullable=False),
        sa.Column("cmd", sa.Integer(), nullable=False),
        sa.Column("packet_id", sa.Integer(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("dm_data", sa.Text(), nullable=True),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_log")),
    )
    op.create_index(
        op.f("ix_data_log_device_id_created_at_id"), "data_log", ["device_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "device_values",
        sa.Column("device_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.Column("resources", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_values")),
    )
    op.create_table(
        "event_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.Column("ab_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("packet_id", sa.Integer(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_log")),
    )
    op.create_index(
        op.f("ix_event_log_device_id_created_at_id"), "event_log", ["device_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "exception_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("cmd", sa.Integer(), nullable=True),
        sa.Column("packet_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("feature_ids", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exception_log")),
    )
    op.create_index(
        op.f("ix_exception_log_device_id_created_at_id"),
        "exception_log",
        ["device_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "location_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location_log")),
    )
    op.create_index(
        op.f("ix_location_log_device_id_created_at_id"), "location_log", ["device_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "ca_certificates",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_expires_at", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_ca_certificates_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ca_certificates")),
        sa.UniqueConstraint("account_id", "fingerprint", name=op.f("uq_ca_certificates_account_id_fingerprint")),
    )
    op.create_table(
        "devices",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("device_key", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sn", sa.Text(), nullable=True),
        sa.Column("auth_mode", sa.SmallInteger(), nullable=False),
        sa.Column("device_secret", sa.LargeBinary(), nullable=True),
        sa.Column("secret_confirmed", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("is_virtual", sa.Boolean(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("activated_at", sa.BigInteger(), nullable=True),
        sa.Column("first_conn_at", sa.BigInteger(), nullable=True),
        sa.Column("last_conn_at", sa.BigInteger(), nullable=True),
        sa.Column("last_offline_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_devices_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("client_id", name=op.f("uq_devices_client_id")),
        sa.UniqueConstraint("product_id", "device_key", name=op.f("uq_devices_product_id_device_key")),
        sa.UniqueConstraint("product_id", "sn", name=op.f("uq_devices_product_id_sn")),
    )
    op.create_index(
        "ix_devices_online",
        "devices",
        ["id"],
        unique=False,
        sqlite_where=sa.text("online"),
        postgresql_where=sa.text("online"),
    )
    op.create_index(op.f("ix_devices_product_id_created_at"), "devices", ["product_id", "created_at"], unique=False)
    op.add_column(
        "products", sa.Column("dynamic_authentication", sa.Boolean(), server_default=sa.true(), nullable=False)
    )
    op.add_column("products", sa.Column("require_encryption", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Back to the one before."""
    op.drop_column("products", "require_encryption")
    op.drop_column("products", "dynamic_authentication")
    op.drop_index(op.f("ix_devices_product_id_created_at"), table_name="devices")
    op.drop_index(
        "ix_devices_online", table_name="devices", sqlite_where=sa.text("online"), postgresql_where=sa.text("online")
    )
    op.drop_table("devices")
    op.drop_table("ca_certificates")
    op.drop_index(op.f("ix_location_log_device_id_created_at_id"), table_name="location_log")
    op.drop_table("location_log")
    op.drop_index(op.f("ix_exception_log_device_id_created_at_id"), table_name="exception_log")
    op.drop_table("exception_log")
    op.drop_index(op.f("ix_event_log_device_id_created_at_id"), table_name="event_log")
    op.drop_table("event_log")
    op.drop_table("device_values")
    op.drop_index(op.f("ix_data_log_device_id_created_at_id"), table_name="data_log")
    op.drop_table("data_log")
    op.drop_index(
        "ix_commands_waits", table_name="commands", sqlite_where=sa.text("waits"), postgresql_where=sa.text("waits")
    )
    op.drop_index(
        "ix_commands_open", table_name="commands", sqlite_where=sa.text("open"), postgresql_where=sa.text("open")
    )
    op.drop_index(op.f("ix_commands_device_id_accepted_at_id"), table_name="commands")
    op.drop_table("commands")
