"""Members who are switched off, and when each logged in last."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision. Whoever is a member goes on."""
    op.add_column("administrators", sa.Column("enabled", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("administrators", sa.Column("last_login_at", sa.BigInteger(), nullable=True))
