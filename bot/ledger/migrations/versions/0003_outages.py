"""Outages: readiness and urgency by index, what incidents count, alerts, consents, a call list to work through."""

import json
import math
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _text(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _time(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.Integer(), nullable=False, server_default="0")


def _some(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.add_column("customers", _number("roads"))
    op.add_column("conversations", _number("basket_xof", sa.BigInteger()))
    op.add_column("conversations", _number("urgency", sa.Double()))
    op.add_column("messages", _number("cost_xof", sa.BigInteger()))
    for name in ("returned", "reached", "relapses"):
        op.add_column("incidents", _number(name))
    op.add_column("incidents", _time("counted_at", nullable=True))
    op.add_column("call_list", _text("name", nullable=True))
    op.add_column("call_list", _number("value_xof", sa.BigInteger()))
    op.add_column("call_list", sa.Column("say", sa.String(), nullable=False, server_default=""))
    op.add_column("call_list", _time("called_at", nullable=True))
    op.add_column("call_list", _text("called_by", nullable=True))
    op.create_table(
        "detours",
        _text("id"),
        _text("shop_id"),
        _text("conversation_id"),
        _text("kind"),
        _text("old", nullable=True),
        _text("new", nullable=True),
        _time("at"),
        sa.PrimaryKeyConstraint("id", name="pk_detours"),
    )
    op.create_table(
        "reach_outs",
        _text("incident_id"),
        _text("conversation_id"),
        sa.Column("tier", sa.Integer(), nullable=False),
        _text("road", nullable=True),
        _time("at"),
        sa.PrimaryKeyConstraint("incident_id", "conversation_id", name="pk_reach_outs"),
    )
    op.create_table(
        "alerts",
        _text("id"),
        _text("shop_id"),
        _text("incident_id", nullable=True),
        _text("kind"),
        _text("name"),
        _text("address"),
        _text("role"),
        _text("text"),
        _text("status"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _time("not_before"),
        _time("created_at"),
        _time("expires_at"),
        _time("sent_at", nullable=True),
        _text("provider_id", nullable=True),
        _text("detail", nullable=True),
        sa.Column("cost_xof", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_table(
        "consents",
        _text("id"),
        _text("shop_id"),
        _text("customer_id"),
        _text("address"),
        sa.Column("granted", sa.Boolean(), nullable=False),
        _text("how"),
        _time("at"),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
    )
    _fill()
    op.create_index("ix_detours_shop_id_at", "detours", ["shop_id", "at"])
    op.create_index("ix_alerts_due", "alerts", ["not_before"], **_some("status IN ('waiting', 'sending')"))
    op.create_index("ix_alerts_shop_id_created_at", "alerts", ["shop_id", "created_at"])
    op.create_index("ix_consents_shop_id_customer_id_at", "consents", ["shop_id", "customer_id", "at"])
    op.create_index("ix_customers_roads", "customers", ["shop_id", "roads"], **_some("erased_at IS NULL"))
    op.create_index("ix_conversations_urgency", "conversations", ["shop_id", "channel", "urgency", "id"])
    op.create_index(
        "ix_conversations_open", "conversations", ["shop_id", "customer_id"], **_some("basket_xof > 0")
    )
    op.create_index("ix_conversations_human", "conversations", ["shop_id"], **_some("status = 'human'"))
    op.create_index("ix_messages_shop_id_created_at", "messages", ["shop_id", "created_at"])
    op.create_index(
        "uq_incidents_open", "incidents", ["shop_id", "channel"], unique=True, **_some("ended_at IS NULL")
    )


def _fill() -> None:
    """What the projector would have written, for what is there already (``core.readiness``, ``core.triage``)."""
    usable = "a.customer_id = customers.id AND NOT a.opted_out AND a.proved_by <> 'stated'"
    bits = {
        1: "a.address LIKE 'whatsapp:%'",
        2: "a.address LIKE 'telegram:%'",
        4: "a.address LIKE 'tel:%' AND a.proved_by <> 'whatsapp'",
        8: "a.address LIKE 'tel:%' AND a.proved_by = 'whatsapp'",
    }
    terms = " + ".join(
        f"CASE WHEN EXISTS (SELECT 1 FROM addresses a WHERE {usable} AND {one}) THEN {bit} ELSE 0 END"
        for bit, one in bits.items()
    )
    connection = op.get_bind()
    connection.execute(sa.text(f"UPDATE customers SET roads = {terms}"))
    rows = connection.execute(
        sa.text("SELECT id, basket, snapshot, created_at FROM conversations")
    ).fetchall()
    for row in rows:
        basket, snapshot = _json(row.basket), _json(row.snapshot)
        value = sum(line["quantity"] * line["unit_price_xof"] for line in basket.get("lines", ()))
        heard = max((snapshot.get("heard_at") or {}).values(), default=snapshot.get("created_at") or 0.0)
        urgency = math.log2(max(value, 1)) + heard / 7200.0 + (1_000_000.0 if value > 0 else 0.0)
        connection.execute(
            sa.text("UPDATE conversations SET basket_xof = :value, urgency = :urgency WHERE id = :id"),
            {"value": value, "urgency": urgency, "id": row.id},
        )


def _json(value: object) -> dict[str, Any]:
    found = json.loads(value) if isinstance(value, str) else value
    return found if isinstance(found, dict) else {}


def downgrade() -> None:
    for index, table in (
        ("uq_incidents_open", "incidents"),
        ("ix_messages_shop_id_created_at", "messages"),
        ("ix_conversations_human", "conversations"),
        ("ix_conversations_open", "conversations"),
        ("ix_conversations_urgency", "conversations"),
        ("ix_customers_roads", "customers"),
    ):
        op.drop_index(index, table_name=table)
    for table in ("consents", "alerts", "reach_outs", "detours"):
        op.drop_table(table)
    for table, names in (
        ("call_list", ("called_by", "called_at", "say", "value_xof", "name")),
        ("incidents", ("counted_at", "relapses", "reached", "returned")),
        ("messages", ("cost_xof",)),
        ("conversations", ("urgency", "basket_xof")),
        ("customers", ("roads",)),
    ):
        for name in names:
            op.drop_column(table, name)
