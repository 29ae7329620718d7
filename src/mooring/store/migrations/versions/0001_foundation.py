"""Accounts, SaaS applications, products, thing models, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address_list_enabled", sa.Boolean(), nullable=False),
        sa.Column("allowed_addresses", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target_kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index(op.f("ix_audit_log_account_id_at"), "audit_log", ["account_id", "at"], unique=False)

    op.create_table(
        "directory_changes",
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_directory_changes")),
    )
    op.create_index(op.f("ix_directory_changes_at"), "directory_changes", ["at"], unique=False)

    op.create_table(
        "directory_state",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_directory_state_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_state")),
    )
    op.create_table(
        "platform_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_platform_state")),
    )
    op.create_table(
        "account_packages",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("package", sa.Text(), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_packages_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "package", name=op.f("pk_account_packages")),
    )
    op.create_table(
        "administrators",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("password_one_time", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_administrators_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_administrators")),
        sa.UniqueConstraint("email", name=op.f("uq_administrators_email")),
    )
    op.create_table(
        "saas_apps",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("access_key", sa.Text(), nullable=False),
        sa.Column("access_secret", sa.LargeBinary(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("api_access", sa.Boolean(), nullable=False),
        sa.Column("token_generation", sa.Integer(), nullable=False),
        sa.Column("address_list_enabled", sa.Boolean(), nullable=False),
        sa.Column("allowed_addresses", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_saas_apps_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saas_apps")),
        sa.UniqueConstraint("access_key", name=op.f("uq_saas_apps_access_key")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_saas_apps_account_id_name")),
    )
    op.create_table(
        "manage_tokens",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("administrator_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["administrator_id"],
            ["administrators.id"],
            name=op.f("fk_manage_tokens_administrator_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manage_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_manage_tokens_token_hash")),
    )
    op.create_index(op.f("ix_manage_tokens_administrator_id"), "manage_tokens", ["administrator_id"], unique=False)

    op.create_table(
        "products",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("product_key", sa.Text(), nullable=False),
        sa.Column("product_secret", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("access_type", sa.SmallInteger(), nullable=False),
        sa.Column("net_way", sa.Text(), nullable=False),
        sa.Column("data_fmt", sa.SmallInteger(), nullable=False),
        sa.Column("protocol", sa.SmallInteger(), nullable=False),
        sa.Column("connect_platform", sa.SmallInteger(), nullable=False),
        sa.Column("product_status", sa.SmallInteger(), nullable=False),
        sa.Column("product_type", sa.SmallInteger(), nullable=False),
        sa.Column("gateway_type", sa.SmallInteger(), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=True),
        sa.Column("logo_path", sa.Text(), nullable=True),
        sa.Column("allowed_limit", sa.Integer(), nullable=True),
        sa.Column("ai_capability", sa.Boolean(), nullable=False),
        sa.Column("app_id", sa.BigInteger(), nullable=True),
        sa.Column("released_version", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_products_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["app_id"], ["saas_apps.id"], name=op.f("fk_products_app_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_products_account_id_name")),
        sa.UniqueConstraint("product_key", name=op.f("uq_products_product_key")),
    )
    op.create_index(op.f("ix_products_app_id"), "products", ["app_id"], unique=False)

    op.create_table(
        "saas_app_packages",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("package", sa.Text(), nullable=False),
        sa.Column("authorized_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["saas_apps.id"], name=op.f("fk_saas_app_packages_app_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("app_id", "package", name=op.f("pk_saas_app_packages")),
    )
    op.create_table(
        "tsl_drafts",
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_tsl_drafts_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_tsl_drafts")),
    )
    op.create_table(
        "tsl_labels",
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_tsl_labels_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", "language", name=op.f("pk_tsl_labels")),
    )
    op.create_table(
        "tsl_releases",
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_tsl_releases_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", "version", name=op.f("pk_tsl_releases")),
    )
    op.execute(sa.text("INSERT INTO directory_state (id, version) VALUES (1, 0)"))


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("tsl_releases")
    op.drop_table("tsl_labels")
    op.drop_table("tsl_drafts")
    op.drop_table("saas_app_packages")
    op.drop_index(op.f("ix_products_app_id"), "products")

    op.drop_table("products")
    op.drop_index(op.f("ix_manage_tokens_administrator_id"), "manage_tokens")

    op.drop_table("manage_tokens")
    op.drop_table("saas_apps")
    op.drop_table("administrators")
    op.drop_table("account_packages")
    op.drop_table("platform_state")
    op.drop_table("directory_state")
    op.drop_index(op.f("ix_directory_changes_at"), "directory_changes")

    op.drop_table("directory_changes")
    op.drop_index(op.f("ix_audit_log_account_id_at"), "audit_log")

    op.drop_table("audit_log")
    op.drop_table("accounts")
