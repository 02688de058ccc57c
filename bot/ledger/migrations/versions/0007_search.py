"""The words of messages, with the database's own full-text index over them; ``messages.folded`` is no longer needed."""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SQLITE = (
    # The index alone: the words stand in message_words. Our words have no accents left to remove.
    """
    CREATE VIRTUAL TABLE message_index USING fts5(
        shop, words, content='', columnsize=0, tokenize="unicode61 remove_diacritics 0"
    )
    """,
    """
    CREATE TRIGGER message_words_in AFTER INSERT ON message_words BEGIN
        INSERT INTO message_index (rowid, shop, words) VALUES (new.n, hex(new.shop_id), new.words);
    END
    """,
    """
    CREATE TRIGGER message_words_out AFTER DELETE ON message_words BEGIN
        INSERT INTO message_index (message_index, rowid, shop, words)
        VALUES ('delete', old.n, hex(old.shop_id), old.words);
    END
    """,
    """
    CREATE TRIGGER message_words_changed AFTER UPDATE OF words ON message_words BEGIN
        INSERT INTO message_index (message_index, rowid, shop, words)
        VALUES ('delete', old.n, hex(old.shop_id), old.words);
        INSERT INTO message_index (rowid, shop, words) VALUES (new.n, hex(new.shop_id), new.words);
    END
    """,
)
# No parser and no dictionary of PostgreSQL's: the lexemes are our words, and the shop behind a slash, which no word has.
_POSTGRESQL = """
    CREATE INDEX message_index ON message_words
    USING gin (array_to_tsvector(string_to_array(words, ' ') || ('/' || shop_id)))
"""


def upgrade() -> None:
    op.create_table(
        "message_words",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_message_words")),
        sa.UniqueConstraint("message_id", name=op.f("uq_message_words_message_id")),
    )
    op.create_index(op.f("ix_message_words_conversation_id"), "message_words", ["conversation_id"])
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for statement in _SQLITE:
            op.execute(statement)
    _fill(connection)
    if connection.dialect.name == "postgresql":
        op.execute(_POSTGRESQL)
    op.drop_column("messages", "folded")


def _fill(connection: sa.Connection) -> None:
    """Index what is there, oldest first."""
    names = ("id", "shop_id", "conversation_id", "text", "created_at")
    said = sa.table("messages", *(sa.column(name) for name in names))
    target = sa.table(
        "message_words",
        *(sa.column(name) for name in ("message_id", "shop_id", "conversation_id", "words")),
    )
    found = connection.execute(sa.select(said).order_by(said.c.created_at, said.c.id))
    for rows in found.partitions(1000):
        new = [
            {
                "message_id": row.id,
                "shop_id": row.shop_id,
                "conversation_id": row.conversation_id,
                "words": " ".join(_words(row.text)),
            }
            for row in rows
        ]
        connection.execute(sa.insert(target), new)


def _words(text: str) -> list[str]:
    """The same as ``bot.ledger.search_index.words_of`` at this revision."""
    return sorted({word[:40] for word in re.findall(r"[^\W_]+", _folded(text))})


def _folded(text: str) -> str:
    plain = text.lower().replace("œ", "oe").replace("æ", "ae").replace("’", "'").replace("‘", "'")
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def downgrade() -> None:
    connection = op.get_bind()
    op.add_column("messages", sa.Column("folded", sa.String(), nullable=False, server_default=""))
    rows = sa.table("messages", sa.column("id"), sa.column("text"), sa.column("folded"))
    for some in connection.execute(sa.select(rows.c.id, rows.c.text)).partitions(1000):
        connection.execute(
            sa.update(rows).where(rows.c.id == sa.bindparam("which")).values(folded=sa.bindparam("said")),
            [{"which": row.id, "said": _folded(row.text)} for row in some],
        )
    if connection.dialect.name == "sqlite":
        op.execute("DROP TABLE message_index")
    op.drop_table("message_words")
