"""Messages of each queue in each month."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision. What was pushed before is not counted."""
    op.create_table(
        "queue_pushes",
        sa.Column("queue_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("is_paid", sa.Boolean(), nullable=False),
        sa.Column("pushes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_queue_pushes_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("queue_id", "month", name=op.f("pk_queue_pushes")),
    )
