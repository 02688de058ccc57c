"""Rasa's place at the table, taken by ``bot.dialogue.scripted``: same HTTP, same promises, a millisecond a turn.

For crowds: what they prove is about roads and lanes, and hundreds of real turns would only take time. The orders are
the ledger's own. Nothing but what is said is scripted.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict
from typing import Any

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, empty, json

from bot import settings
from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.basket import from_dict, to_dict
from bot.core.messages import Awaiting
from bot.dialogue.scripted import ScriptedDialogue
from bot.ledger.catalogue import LedgerCatalogue
from bot.ledger.engine import open_ledger
from bot.ledger.orders import LedgerOrders
from bot.ports import Answer, Turn, Unavailable


def turn_of(body: dict[str, Any]) -> Turn:
    """The inside of ``dialogue.rasa``'s request."""
    context = dict(body["context"])
    awaiting = context.pop("awaiting")
    return Turn(
        conversation_id=LaneId(body["conversation_id"]),
        turn_id=body["turn_id"],
        text=body["text"],
        choice=body["choice"],
        shop_id=ShopId(context.pop("shop_id")),
        channel=ChannelName(context.pop("channel")),
        basket=from_dict(context.pop("basket")),
        awaiting=Awaiting(awaiting) if awaiting else None,
        offered=tuple(context.pop("offered")),
        **context,
    )


def body_of(answer: Answer) -> dict[str, Any]:
    """What ``inside_rasa`` would answer."""
    replies = [
        {
            "text": reply.text,
            "choices": [asdict(choice) for choice in reply.choices],
            "awaiting": reply.awaiting,
            "purpose": reply.purpose,
            "image": reply.image_url,
        }
        for reply in answer.replies
    ]
    return {
        "replies": replies,
        "basket": to_dict(answer.basket),
        "awaiting": next((r["awaiting"] for r in reversed(replies) if r["awaiting"]), None),
        "customer_name": answer.customer_name,
        "language": answer.language,
        "hand_over": answer.hand_over,
        "order_id": answer.order_id,
        "move_to": answer.move_to,
        "silent": not replies,
    }


def make_app() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("scripted_rasa", configure_logging=False)
    ledger = open_ledger(settings.of_child(os.environ).database_url)
    catalogue, orders = LedgerCatalogue(ledger), LedgerOrders(ledger)
    shops: dict[str, ScriptedDialogue] = {}

    @app.get("/relais/ready")
    async def ready(_: Request) -> HTTPResponse:
        return empty(200)

    @app.post("/relais/turn")
    async def turn(request: Request) -> HTTPResponse:
        asked = turn_of(request.json)
        try:
            if asked.shop_id not in shops:
                shop = asked.shop_id
                products, zones = await catalogue.catalogue(shop), await catalogue.zones(shop)
                shops[shop] = ScriptedDialogue(products, zones, orders)
            return json(body_of(await shops[asked.shop_id].ask(asked)))
        except Unavailable as error:
            return json({"error": "action", "detail": str(error)}, status=503)

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    make_app().run(host="127.0.0.1", port=port, single_process=True, access_log=False, motd=False)
