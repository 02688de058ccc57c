"""Alembic's entry: runs the migrations in the transaction that ``bot.ledger.schema`` has opened."""

from typing import Any, Literal

from alembic import context

from bot.ledger import console_models, integrators, models, payment_models, product_photos, search_index
from bot.ledger.columns import Base, Text, UtcDateTime

for _table in (
    models.OrderRow,
    console_models.User,
    integrators.Subscription,
    payment_models.CheckoutRow,
    product_photos.ProductPhoto,
    search_index.MessageWords,
):
    assert _table.__table__ in Base.metadata.sorted_tables, "the models must be loaded to be compared"


def _render(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """Write our column types by what they are in the database, so that old migrations need no code of ours."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Text):
        return "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
    render_item=_render,
    compare_type=True,
    include_name=lambda name, _kind, _parents: not search_index.is_engines(name),
)
with context.begin_transaction():
    context.run_migrations()
