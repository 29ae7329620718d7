"""End users: Apps with their user domains, users, bindings, shares; how devices of a product are bound."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "sequences",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sequences")),
    )
    op.create_table(
        "end_user_apps",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("user_domain", sa.Text(), nullable=False),
        sa.Column("domain_secret", sa.LargeBinary(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_end_user_apps_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_end_user_apps")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_end_user_apps_account_id_name")),
        sa.UniqueConstraint("user_domain", name=op.f("uq_end_user_apps_user_domain")),
    )
    op.create_table(
        "end_user_app_grants",
        sa.Column("end_user_app_id", sa.BigInteger(), nullable=False),
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("authorized_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["saas_apps.id"], name=op.f("fk_end_user_app_grants_app_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["end_user_app_id"],
            ["end_user_apps.id"],
            name=op.f("fk_end_user_app_grants_end_user_app_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("end_user_app_id", "app_id", name=op.f("pk_end_user_app_grants")),
    )
    op.create_index(op.f("ix_end_user_app_grants_app_id"), "end_user_app_grants", ["app_id"], unique=False)
    op.create_table(
        "end_users",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("end_user_app_id", sa.BigInteger(), nullable=False),
        sa.Column("nickname", sa.Text(), nullable=True),
        sa.Column("international_code", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("headimg", sa.Text(), nullable=True),
        sa.Column("sex", sa.SmallInteger(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("nationality", sa.Text(), nullable=True),
        sa.Column("lang", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("third_party", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("token_generation", sa.Integer(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("last_login_at", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["end_user_app_id"], ["end_user_apps.id"], name=op.f("fk_end_users_end_user_app_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_end_users")),
        sa.UniqueConstraint("end_user_app_id", "email", name=op.f("uq_end_users_end_user_app_id_email")),
        sa.UniqueConstraint(
            "end_user_app_id",
            "phone",
            "international_code",
            name=op.f("uq_end_users_end_user_app_id_phone_international_code"),
        ),
        sa.UniqueConstraint("uid", name=op.f("uq_end_users_uid")),
    )
    op.create_index(
        op.f("ix_end_users_end_user_app_id_registered_at_id"),
        "end_users",
        ["end_user_app_id", "registered_at", "id"],
        unique=False,
    )
    op.create_table(
        "end_user_app_products",
        sa.Column("end_user_app_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["end_user_app_id"],
            ["end_user_apps.id"],
            name=op.f("fk_end_user_app_products_end_user_app_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_end_user_app_products_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("end_user_app_id", "product_id", name=op.f("pk_end_user_app_products")),
    )
    op.create_index(op.f("ix_end_user_app_products_product_id"), "end_user_app_products", ["product_id"], unique=False)
    op.create_table(
        "binding_codes",
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_binding_codes_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_binding_codes")),
    )
    op.create_table(
        "binding_versions",
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_binding_versions_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_binding_versions")),
    )
    op.create_table(
        "bindings",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("end_user_id", sa.BigInteger(), nullable=False),
        sa.Column("end_user_app_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("binding_type", sa.SmallInteger(), nullable=False),
        sa.Column("bind_mode", sa.SmallInteger(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("share_code", sa.Text(), nullable=True),
        sa.Column("bound_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("voided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_bindings_device_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["end_user_id"], ["end_users.id"], name=op.f("fk_bindings_end_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["end_users.id"], name=op.f("fk_bindings_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bindings")),
        sa.UniqueConstraint("device_id", "end_user_id", name=op.f("uq_bindings_device_id_end_user_id")),
    )
    op.create_index(
        op.f("ix_bindings_end_user_id_bound_at_id"), "bindings", ["end_user_id", "bound_at", "id"], unique=False
    )
    op.create_index(
        "ix_bindings_expires_at",
        "bindings",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_bindings_owner_id"), "bindings", ["owner_id"], unique=False)
    op.create_table(
        "shares",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("cover", sa.SmallInteger(), nullable=False),
        sa.Column("accept_until", sa.BigInteger(), nullable=False),
        sa.Column("use_until", sa.BigInteger(), nullable=True),
        sa.Column("accepted_by", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["accepted_by"], ["end_users.id"], name=op.f("fk_shares_accepted_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_shares_device_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["owner_id"], ["end_users.id"], name=op.f("fk_shares_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
        sa.UniqueConstraint("code", name=op.f("uq_shares_code")),
    )
    op.create_index(op.f("ix_shares_accepted_by"), "shares", ["accepted_by"], unique=False)
    op.create_index(op.f("ix_shares_device_id"), "shares", ["device_id"], unique=False)
    op.create_index(op.f("ix_shares_owner_id_created_at"), "shares", ["owner_id", "created_at"], unique=False)
    op.add_column("products", sa.Column("bind_mode", sa.SmallInteger(), server_default=sa.text("3"), nullable=False))
    op.add_column("products", sa.Column("device_sharing", sa.Boolean(), server_default=sa.true(), nullable=False))


def downgrade() -> None:
    """Back to the one before."""
    op.drop_column("products", "device_sharing")
    op.drop_column("products", "bind_mode")
    op.drop_index(op.f("ix_shares_owner_id_created_at"), table_name="shares")
    op.drop_index(op.f("ix_shares_device_id"), table_name="shares")
    op.drop_index(op.f("ix_shares_accepted_by"), table_name="shares")
    op.drop_table("shares")
    op.drop_index(op.f("ix_bindings_owner_id"), table_name="bindings")
    op.drop_index(
        "ix_bindings_expires_at",
        table_name="bindings",
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_bindings_end_user_id_bound_at_id"), table_name="bindings")
    op.drop_table("bindings")
    op.drop_table("binding_versions")
    op.drop_table("binding_codes")
    op.drop_index(op.f("ix_end_user_app_products_product_id"), table_name="end_user_app_products")
    op.drop_table("end_user_app_products")
    op.drop_index(op.f("ix_end_users_end_user_app_id_registered_at_id"), table_name="end_users")
    op.drop_table("end_users")
    op.drop_index(op.f("ix_end_user_app_grants_app_id"), table_name="end_user_app_grants")
    op.drop_table("end_user_app_grants")
    op.drop_table("end_user_apps")
    op.drop_table("sequences")
