"""Statements that SQLite and PostgreSQL spell the same but SQLAlchemy keeps apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert_if_new(connection: AsyncConnection, table: Any, *keys: str) -> Insert:
    """``INSERT .. ON CONFLICT DO NOTHING``: a rival's row is waited for, then left as it is."""
    return _insert(connection, table).on_conflict_do_nothing(index_elements=list(keys))


def upsert(
    connection: AsyncConnection,
    table: Any,
    keys: tuple[str, ...],
    keep: tuple[str, ...] = (),
    *,
    newer: str | None = None,
    where: Callable[[Any], ColumnElement[bool]] | None = None,
) -> Insert:
    """Insert, or overwrite all columns but ``keys`` and ``keep``.

    With ``newer`` a row is overwritten only by one whose value in that column is greater; with ``where`` only if the
    condition holds, which is given the new row's columns.
    """
    statement = _insert(connection, table)
    columns = [column.name for column in table.__table__.columns if column.name not in (*keys, *keep)]
    condition = where(statement.excluded) if where is not None else None
    if newer is not None:
        condition = table.__table__.c[newer] < statement.excluded[newer]
    return statement.on_conflict_do_update(
        index_elements=list(keys),
        set_={name: statement.excluded[name] for name in columns},
        where=condition,
    )


def _insert(connection: AsyncConnection, table: Any) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
