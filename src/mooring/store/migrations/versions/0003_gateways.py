"""Gateways and their sub-devices: options of products, links."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "gateway_links",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sub_device_id", sa.BigInteger(), nullable=False),
        sa.Column("gateway_id", sa.BigInteger(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_login_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["gateway_id"], ["devices.id"], name=op.f("fk_gateway_links_gateway_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sub_device_id"], ["devices.id"], name=op.f("fk_gateway_links_sub_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_links")),
        sa.UniqueConstraint("sub_device_id", "gateway_id", name=op.f("uq_gateway_links_sub_device_id_gateway_id")),
    )
    op.create_index(
        op.f("ix_gateway_links_gateway_id_is_current_created_at"),
        "gateway_links",
        ["gateway_id", "is_current", "created_at"],
        unique=False,
    )
    op.create_index(
        "uq_gateway_links_current",
        "gateway_links",
        ["sub_device_id"],
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    )
    op.add_column("products", sa.Column("specified_gateways", sa.Text(), nullable=True))
    op.add_column("products", sa.Column("may_change_gateway", sa.Boolean(), server_default=sa.true(), nullable=False))


def downgrade() -> None:
    """Back to the one before."""
    op.drop_column("products", "may_change_gateway")
    op.drop_column("products", "specified_gateways")
    op.drop_index(
        "uq_gateway_links_current",
        table_name="gateway_links",
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    )
    op.drop_index(op.f("ix_gateway_links_gateway_id_is_current_created_at"), table_name="gateway_links")
    op.drop_table("gateway_links")
