"""Alembic's entry: runs the migrations in the transaction that ``bot.ledger.schema`` has opened."""

from alembic import context

from bot.ledger import models
from bot.ledger.columns import Text, UtcDateTime


def _render(kind: str, item: object, _context: object) -> str | bool:
    """Write our column types by what they are in the database, so that old migrations need no code of ours."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Text):
        return "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=models.Base.metadata,
    transactional_ddl=True,
    render_item=_render,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
