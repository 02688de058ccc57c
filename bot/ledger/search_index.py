"""The words of all messages, found by their beginnings: a table, and the database's own full-text index over it.

The database keeps the index in step by itself, in the transaction that writes the table (migration 0007): SQLite by
triggers on an FTS5 table, PostgreSQL as a GIN index. Case and accents are folded here, so both index the same words.
Knows nothing of pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from bot.core.words import fold
from bot.ledger.columns import Base, Serial
from bot.ledger.models import MessageRow
from bot.ledger.statements import upsert

MOST_WORDS = 6
"""Of a search; the rest is not looked at."""
LONGEST = 40
"""Characters of a word that count."""
_WORD = re.compile(r"[^\W_]+")


class MessageWords(Base):
    """The different words of one message."""

    __tablename__ = "message_words"

    n: Mapped[int] = mapped_column(Serial, primary_key=True)
    """Later messages have higher ones."""
    message_id: Mapped[str] = mapped_column(unique=True)
    shop_id: Mapped[str]
    conversation_id: Mapped[str] = mapped_column(index=True)
    words: Mapped[str]
    """Folded, one space between."""


def words_of(said: str) -> list[str]:
    """The different words and numbers of a text, folded, in alphabetical order."""
    return sorted({word[:LONGEST] for word in _WORD.findall(fold(said))})


async def put(connection: AsyncConnection, messages: Sequence[str]) -> None:
    """Index what these messages (ids) now say; what is indexed so already costs nothing."""
    table = MessageRow
    said = await connection.execute(
        select(table.id, table.shop_id, table.conversation_id, table.text)
        .where(table.id.in_(messages))
        .order_by(table.created_at, table.id)
    )
    rows = [
        {
            "message_id": row.id,
            "shop_id": row.shop_id,
            "conversation_id": row.conversation_id,
            "words": " ".join(words_of(row.text)),
        }
        for row in said
    ]
    if rows:
        statement = upsert(
            connection,
            MessageWords,
            ("message_id",),
            ("n",),
            where=lambda new: MessageWords.words != new["words"],
        )
        await connection.execute(statement, rows)


async def forget(connection: AsyncConnection, conversations: Sequence[str]) -> None:
    """Erase the words of these conversations, from the index as well."""
    await connection.execute(delete(MessageWords).where(MessageWords.conversation_id.in_(conversations)))
    if connection.dialect.name == "sqlite":
        # FTS5 only notes that a row has gone; merging all of its segments into one drops the words themselves.
        await connection.execute(text("INSERT INTO message_index (message_index) VALUES ('optimize')"))


_SQLITE = text("""
    SELECT m.conversation_id, m.text
    FROM message_index JOIN message_words w ON w.n = message_index.rowid JOIN messages m ON m.id = w.message_id
    WHERE message_index MATCH :asked ORDER BY message_index.rowid DESC LIMIT :most
""")
# Materialised, so that the planner, who knows nothing of words that begin so, always takes the index.
_POSTGRESQL = text("""
    WITH hits AS MATERIALIZED (
        SELECT n, message_id FROM message_words
        WHERE array_to_tsvector(string_to_array(words, ' ') || ('/' || shop_id)) @@ CAST(:asked AS tsquery)
    ), newest AS (SELECT n, message_id FROM hits ORDER BY n DESC LIMIT :most)
    SELECT m.conversation_id, m.text FROM newest JOIN messages m ON m.id = newest.message_id
    ORDER BY newest.n DESC
""")


async def find(connection: AsyncConnection, shop: str, searched: str, most: int) -> Sequence[tuple[str, str]]:
    """(conversation, text) of the newest messages that have, for each word searched, one that begins with it."""
    wanted = words_of(searched)[:MOST_WORDS]
    if not wanted:
        return []
    # Words are letters and digits only: none of them can end a quote.
    if connection.dialect.name == "sqlite":
        begins = " AND ".join(f'"{word}"*' for word in wanted)
        asked = f'shop : "{shop.encode().hex()}" AND words : ({begins})'
        found = await connection.execute(_SQLITE, {"asked": asked, "most": most})
    else:
        asked = " & ".join([f"'/{shop}'", *(f"'{word}':*" for word in wanted)])
        found = await connection.execute(_POSTGRESQL, {"asked": asked, "most": most})
    return [(row.conversation_id, row.text) for row in found]


def is_engines(name: str | None) -> bool:
    """Does a table or index belong to the engine's index, which no model describes?"""
    return name is not None and name.startswith("message_index")
