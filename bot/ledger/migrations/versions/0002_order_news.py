"""Orders from outside know where their shopper is told; our own jobs know how far they have read the feed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("address", sa.String(), nullable=True))
    op.create_table(
        "feed_readers",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "shop_id", name=op.f("pk_feed_readers")),
    )


def downgrade() -> None:
    op.drop_table("feed_readers")
    op.drop_column("orders", "address")
