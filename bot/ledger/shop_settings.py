"""What a vendor changes of a shop's settings: checked like shop.yml, and from then on the ledger's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger.engine import Ledger
from bot.ledger.models import FieldChange, Shop
from bot.ledger.shop_yaml import Alert, Day, Failover, Span
from bot.ledger.statements import insert_if_new

_HOURS = TypeAdapter(dict[Day, Span])
_ALERTS = TypeAdapter(list[Alert])


class NotValid(ValueError):
    """A value that shop.yml would refuse as well."""


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes in the form the ledger keeps. Raises NotValid."""
    try:
        found: dict[str, Any] = {}
        for name, value in changes.items():
            match name:
                case "hours":
                    found[name] = _HOURS.validate_python(value)
                case "failover":
                    found[name] = Failover.model_validate(value).model_dump(mode="json")
                case "alerts":
                    found[name] = [alert.model_dump(mode="json") for alert in _ALERTS.validate_python(value)]
                case "opening_hours":
                    found[name] = str(value)[:200]
                case _:
                    raise NotValid(name)
    except ValidationError as error:
        raise NotValid(str(error.errors()[0]["loc"])) from error
    return found


async def change(ledger: Ledger, shop_id: str, changes: Mapping[str, Any], by: str, at: datetime) -> bool:
    """Write them; files leave these fields alone from now on. False when nothing is new. Raises NotValid, Unavailable."""
    new = checked(changes)

    async def work(connection: AsyncConnection) -> bool:
        old = await connection.scalar(select(Shop.settings).where(Shop.id == shop_id).with_for_update())
        fields = [] if old is None else [name for name, value in new.items() if old.get(name) != value]
        if old is None or not fields:
            return False
        await connection.execute(
            update(Shop).where(Shop.id == shop_id).values(settings={**old, **new}, updated_at=at)
        )
        marks = [
            {
                "shop_id": shop_id,
                "kind": "shop",
                "item": "",
                "field": name,
                "changed_at": at,
                "changed_by": by,
            }
            for name in fields
        ]
        keys = ("shop_id", "kind", "item", "field")
        await connection.execute(insert_if_new(connection, FieldChange, *keys), marks)
        return True

    return await ledger.write(work)
