"""Statistics and log of OpenAPI calls, messages of devices by day, the times switch of applications."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COUNTS = (
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


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "api_statistics",
        sa.Column("app_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint("app_id", "operation", "hour", name=op.f("pk_api_statistics")),
    )
    op.create_index(op.f("ix_api_statistics_hour"), "api_statistics", ["hour"], unique=False)
    op.create_table(
        "device_usage",
        sa.Column("device_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "day", name=op.f("pk_device_usage")),
    )
    op.create_index(op.f("ix_device_usage_day"), "device_usage", ["day"], unique=False)
    op.create_table(
        "request_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("took_us", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("tickets", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_log")),
    )
    op.create_index(op.f("ix_request_log_app_id_id"), "request_log", ["app_id", "id"], unique=False)
    op.add_column("saas_apps", sa.Column("times", sa.Text(), server_default="documented", nullable=False))
