"""How logged OpenAPI calls were answered."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision. Of calls before it no answer is kept."""
    op.add_column("request_log", sa.Column("answer", sa.Text(), nullable=True))
