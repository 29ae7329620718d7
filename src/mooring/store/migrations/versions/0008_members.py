"""Members: roles, locking after failed logins, one-time codes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision. Whoever was an administrator until now is an owner."""
    op.add_column("administrators", sa.Column("role", sa.Text(), nullable=False, server_default="owner"))
    op.add_column("administrators", sa.Column("failed_logins", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("administrators", sa.Column("locked_until", sa.BigInteger(), nullable=True))
    op.add_column("administrators", sa.Column("totp_secret", sa.LargeBinary(), nullable=True))
    op.add_column("administrators", sa.Column("totp_step", sa.BigInteger(), nullable=True))
