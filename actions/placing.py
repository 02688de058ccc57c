"""The one write an action makes: placing the order, and what to say when the ledger refuses."""

from __future__ import annotations

from dataclasses import replace

from actions import services, texts
from actions.questions import ask_next
from actions.turns import Turn
from bot.core.addresses import ChannelName
from bot.core.cart import repriced
from bot.core.checkout import delivered_to, reopened
from bot.core.messages import Awaiting, Purpose
from bot.core.money import francs
from bot.core.orders import OrderRequest, Placed, Rejected, SoldOut


async def place(turn: Turn) -> None:
    """Place the basket of the turn. Raises when the ledger does not answer: the turn must fail."""
    request = OrderRequest(
        turn.shop_id,
        turn.conversation_id,
        turn.customer_id,
        ChannelName(turn.channel),
        turn.basket,
        turn.turn_id,
    )
    match await services.current().place(request):
        case Placed(order_id=order_id, number=number, total_xof=total):
            method = turn.basket.checkout.payment or "cash"
            turn.say(
                "utter_order_placed",
                purpose=Purpose.ORDER_CONFIRMATION,
                number=number,
                total=francs(total),
                shop=turn.shelf.shop.name,
                how_to_pay=_how_to_pay(turn, method, total),
            )
            if turn.opens is not None:
                turn.say("utter_prepared_later", when=turn.opens)
            turn.outcome(order_id=order_id, restart=True)
            turn.close_basket()
            turn.topic = None
        case SoldOut(lines=lines):
            shelf = await services.current().shelf(turn.shop_id)
            names = [
                f"{shelf.index.products[product_id].name} ({left})"
                for product_id, left in lines
                if product_id in shelf.index.products
            ]
            turn.say("utter_sold_out_meanwhile", items=", ".join(names))
            _keep_what_is_left(turn, dict(lines))
            ask_next(turn)
        case Rejected(reason=reason):
            await _rejected(turn, reason)


def _how_to_pay(turn: Turn, method: str, total: int) -> str:
    payment = turn.shelf.shop.payments.get(method)
    english = turn.language == "en"
    if method == "cash" or payment is None or not payment.to:
        return "You pay the rider on delivery." if english else "Vous payez au livreur, à la livraison."
    name = texts.payment(method, turn.language)
    if payment.link:
        return f"Your {name} link is coming." if english else f"Votre lien de paiement {name} arrive."
    lead = "To pay" if english else "Pour payer"
    tail = "" if payment.instructions in ("", name) else f" {payment.instructions}."
    return f"{lead} : {francs(total)}, {name} {payment.to}.{tail}"


def _keep_what_is_left(turn: Turn, left: dict[str, int]) -> None:
    lines = []
    for line in turn.basket.lines:
        quantity = min(line.quantity, left.get(line.product_id, line.quantity))
        if line.product_id in left:
            left[line.product_id] -= quantity
        if quantity > 0:
            lines.append(replace(line, quantity=quantity))
    turn.basket = turn.basket.changed(lines=tuple(lines))


async def _rejected(turn: Turn, reason: str) -> None:
    shelf = await services.current().shelf(turn.shop_id)
    if reason == "unknown_commune":
        known = turn.basket.checkout
        zone = next((zone for zone in shelf.zones if zone.commune == known.commune), None)
        changed = reopened(known, "commune") if zone is None else delivered_to(known, zone)
        turn.basket = turn.basket.changed(checkout=changed)
    elif reason == "unknown_product":
        turn.basket = repriced(turn.basket, shelf.index.products)
    elif reason == "closed":
        turn.close_basket()
        turn.say("utter_already_closed", turn.simple("ask_order_status", "browse_catalogue"), Awaiting.OTHER)
        return
    turn.say("utter_confirm_again")
    ask_next(turn)
