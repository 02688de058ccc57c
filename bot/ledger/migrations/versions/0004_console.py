"""Users, audit, notes, canned answers, payments; what the console searches and sorts by."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("object", sa.String(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_shop_id_n"), "audit", ["shop_id", "n"], unique=False)
    op.create_table(
        "notes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_conversation_id_at"), "notes", ["conversation_id", "at"], unique=False)
    op.create_table(
        "canned_answers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_canned_answers_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_answers")),
        sa.UniqueConstraint("shop_id", "code", name=op.f("uq_canned_answers_shop_id_code")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('owner', 'staff', 'reader')", name=op.f("ck_users_role")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_users_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("login", name=op.f("uq_users_login")),
    )
    op.create_index(op.f("ix_users_shop_id"), "users", ["shop_id"], unique=False)
    op.create_table(
        "password_links",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_password_links_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_password_links")),
    )
    op.create_index(op.f("ix_password_links_user_id"), "password_links", ["user_id"], unique=False)
    op.create_table(
        "payments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("means", sa.String(), nullable=False),
        sa.Column("amount_xof", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payments_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
    )
    op.create_index(op.f("ix_payments_order_id"), "payments", ["order_id"], unique=False)
    op.create_index(op.f("ix_payments_shop_id_at"), "payments", ["shop_id", "at"], unique=False)
    op.add_column("conversations", sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        op.f("ix_conversations_shop_id_last_message_at_id"),
        "conversations",
        ["shop_id", "last_message_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_conversations_shop_id_mark"), "conversations", ["shop_id", "mark"], unique=False)
    op.create_index(
        op.f("ix_conversations_shop_id_status_last_message_at_id"),
        "conversations",
        ["shop_id", "status", "last_message_at", "id"],
        unique=False,
    )
    op.add_column("messages", sa.Column("folded", sa.String(), nullable=False, server_default=""))
    op.add_column("customers", sa.Column("folded_name", sa.String(), nullable=False, server_default=""))
    _fold("messages", "text", "folded", op.get_bind())
    _fold("customers", "name", "folded_name", op.get_bind())


def _fold(table: str, words: str, folded: str, connection: sa.Connection) -> None:
    """Fill a new column; the same folding as ``bot.core.words.fold`` at this revision."""
    rows = sa.table(table, sa.column("id"), sa.column(words), sa.column(folded))
    last = ""
    while some := connection.execute(
        sa.select(rows.c.id, rows.c[words].label("words")).where(rows.c.id > last).order_by(rows.c.id).limit(1000)
    ).all():
        connection.execute(
            sa.update(rows).where(rows.c.id == sa.bindparam("which")).values({folded: sa.bindparam("said")}),
            [{"which": row.id, "said": _folded(row.words or "")} for row in some],
        )
        last = some[-1].id


def _folded(text: str) -> str:
    plain = text.lower().replace("œ", "oe").replace("æ", "ae").replace("’", "'").replace("‘", "'")
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def downgrade() -> None:
    op.drop_column("customers", "folded_name")
    op.drop_column("messages", "folded")
    op.drop_index(op.f("ix_conversations_shop_id_status_last_message_at_id"), table_name="conversations")
    op.drop_index(op.f("ix_conversations_shop_id_mark"), table_name="conversations")
    op.drop_index(op.f("ix_conversations_shop_id_last_message_at_id"), table_name="conversations")
    op.drop_column("conversations", "waiting_since")
    op.drop_index(op.f("ix_payments_shop_id_at"), table_name="payments")
    op.drop_index(op.f("ix_payments_order_id"), table_name="payments")
    op.drop_table("payments")
    op.drop_index(op.f("ix_password_links_user_id"), table_name="password_links")
    op.drop_table("password_links")
    op.drop_index(op.f("ix_users_shop_id"), table_name="users")
    op.drop_table("users")
    op.drop_table("canned_answers")
    op.drop_index(op.f("ix_notes_conversation_id_at"), table_name="notes")
    op.drop_table("notes")
    op.drop_index(op.f("ix_audit_shop_id_n"), table_name="audit")
    op.drop_table("audit")
