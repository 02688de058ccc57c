"""The questions the bot asks, in one place, so that a question put again is the same question."""

from __future__ import annotations

from collections.abc import Iterable

from actions import texts
from actions.turns import MAX_CHOICES, Turn
from bot.core.basket import Checkout, Options
from bot.core.cart import repriced
from bot.core.catalogue import Product
from bot.core.checkout import CHECKOUT_STEPS, first_open_line, missing, open_options, prefilled
from bot.core.matching import Item
from bot.core.messages import Awaiting, Choice
from bot.core.money import francs


def ask_next(turn: Turn) -> None:
    """Ask for the first thing that is missing, or put the recap when nothing is."""
    reprice(turn)
    if turn.basket.lines:
        before = turn.last.basket.checkout if turn.last is not None else Checkout()
        name, phone = turn.customer_name or before.name, turn.known_phone or before.phone
        turn.basket = prefilled(turn.basket, name, phone)
    match missing(turn.basket, turn.products):
        case Awaiting.PRODUCT:
            ask_product(turn)
        case Awaiting.OPTION:
            ask_option(turn)
        case _ if turn.basket.items_total_xof < turn.shelf.shop.minimum_order_xof:
            minimum = francs(turn.shelf.shop.minimum_order_xof)
            turn.say("utter_minimum", minimum=minimum, total=francs(turn.basket.items_total_xof))
            ask_product(turn)
        case Awaiting.COMMUNE:
            if not _offer_last_address(turn):
                ask_commune(turn)
        case Awaiting.PAYMENT:
            _ask_payment(turn)
        case Awaiting.LANDMARK:
            turn.say(
                "utter_ask_landmark", awaiting=Awaiting.LANDMARK, commune=turn.basket.checkout.commune or ""
            )
        case Awaiting.NAME:
            turn.say("utter_ask_name", awaiting=Awaiting.NAME)
        case Awaiting.PHONE:
            turn.say("utter_ask_phone", awaiting=Awaiting.PHONE)
        case _:
            recap(turn)


def reprice(turn: Turn) -> None:
    """Today's prices; what changed since it was put into the basket is said."""
    before = turn.basket
    turn.basket = repriced(before, turn.products)
    changed = [
        f"{line.name} {francs(turn.products[line.product_id].price_xof)}"
        for line in before.lines
        if line.product_id in turn.products
        and turn.products[line.product_id].price_xof != line.unit_price_xof
    ]
    gone = [line.label for line in before.lines if line.product_id not in turn.products]
    if changed:
        turn.say("utter_price_changed", items=", ".join(dict.fromkeys(changed)))
    if gone:
        turn.say("utter_no_longer_sold", items=", ".join(gone))


def _offer_last_address(turn: Turn) -> bool:
    """Offer the last order's address and payment, where nothing about either has been told yet."""
    told = turn.basket.checkout
    declined = turn.fresh_address or (
        turn.pending is Awaiting.COMMUNE and "again=delivery" not in turn.offered
    )
    if turn.last is None or declined or any((told.landmark, told.latitude, told.payment)):
        return False
    before = turn.last.basket.checkout
    zone = next((zone for zone in turn.shelf.zones if zone.commune == before.commune), None)
    if zone is None:
        return False
    place = f"{zone.commune}, {before.landmark}" if before.landmark else zone.commune
    choices = (
        Choice("again=delivery", texts.title("again=delivery", turn.language)),
        Choice("again=other", texts.title("again=other", turn.language)),
    )
    turn.say(
        "utter_same_as_before",
        choices,
        Awaiting.COMMUNE,
        place=place,
        payment=texts.payment(before.payment or "cash", turn.language),
    )
    return True


def ask_again(turn: Turn) -> None:
    """Put the question that was pending once more, after something else was answered."""
    if turn.pending is Awaiting.PRODUCT and turn.offered:
        _offer_again(turn)
    elif turn.pending in CHECKOUT_STEPS or turn.pending is Awaiting.OPTION:
        ask_next(turn)


def ask_product(turn: Turn) -> None:
    """Show the categories to choose from."""
    turn.say("utter_categories", _categories(turn), Awaiting.PRODUCT, shop=turn.shelf.shop.name)


def _categories(turn: Turn) -> tuple[Choice, ...]:
    index = turn.shelf.index
    return tuple(
        Choice(f"category={name}", name.capitalize(), ", ".join(p.name for p in index.in_category(name)[:2]))
        for name in index.categories
    )


def _offer_again(turn: Turn) -> None:
    choices = []
    for value in turn.offered:
        name, _, rest = value.partition("=")
        product = turn.products.get(rest.split(":")[0])
        if name in ("product", "photo") and product is not None:
            choices.append(Choice(value, product.name, francs(product.price_xof)))
    turn.say("utter_which_one", tuple(choices) or _categories(turn), Awaiting.PRODUCT)


def product_choices(products: Iterable[Product], quantity: int | None = None) -> tuple[Choice, ...]:
    """Products as choices with their price; a quantity already said travels in the value."""
    return tuple(_product_choice(product, quantity, ()) for product in products)


def item_choices(item: Item, name: str = "product") -> tuple[Choice, ...]:
    """The candidates of a doubtful item, with the quantity and the options that were said.

    ``name``: what picking one means, ``product`` (it is taken) or ``photo`` (it is shown).
    """
    return tuple(
        _product_choice(candidate.product, item.quantity, candidate.options, name)
        for candidate in item.candidates
        if not candidate.product.sold_out
    )


def _product_choice(
    product: Product, quantity: int | None, options: Options, name: str = "product"
) -> Choice:
    value = f"{name}={product.id}"
    if quantity is not None or options:
        value += f":{1 if quantity is None else quantity}"
    if options:
        value += ":" + "|".join(value for _, value in options)
    return Choice(value, product.name, francs(product.price_xof))


def ask_option(turn: Turn) -> None:
    """Ask for the first option that the first incomplete line lacks."""
    position = first_open_line(turn.basket, turn.products)
    if position is None:
        return
    line = turn.basket.lines[position]
    name, values = open_options(line, turn.products[line.product_id])[0]
    choices = tuple(Choice(f"option={name}:{value}", value) for value in values)
    option = texts.option(name, turn.language)
    turn.say(
        "utter_ask_option", choices, Awaiting.OPTION, option=option, item=line.label, values=", ".join(values)
    )


def ask_commune(turn: Turn) -> None:
    """Ask where to deliver; the first communes are offered, all are understood."""
    choices = tuple(
        Choice(f"commune={zone.commune}", zone.commune, f"{francs(zone.fee_xof)}, {zone.eta_text}")
        for zone in turn.shelf.zones[:MAX_CHOICES]
    )
    turn.say("utter_ask_commune", choices, Awaiting.COMMUNE)


def _ask_payment(turn: Turn) -> None:
    choices = tuple(
        Choice(f"payment={method}", texts.payment(method, turn.language))
        for method in turn.shelf.shop.payments
    )
    turn.say("utter_ask_payment", choices, Awaiting.PAYMENT)


def lines_text(turn: Turn) -> str:
    """The basket's lines, one a row: ``2 x Foulard satin (rose) : 4 000 F``."""
    return "\n".join(
        f"{line.quantity} x {line.label} : {francs(line.total_xof)}" for line in turn.basket.lines
    )


def recap(turn: Turn) -> None:
    """Everything about the order, and the one question that may place it."""
    checkout = turn.basket.checkout
    turn.say(
        "utter_recap",
        turn.simple("confirm", "modify_order", "cancel_order"),
        Awaiting.CONFIRMATION,
        lines=lines_text(turn),
        commune=checkout.commune or "",
        fee=francs(checkout.fee_xof or 0),
        landmark=checkout.landmark or texts.shared_place(turn.language),
        name=checkout.name or "",
        phone=checkout.phone or "",
        payment=texts.payment(checkout.payment or "cash", turn.language),
        total=francs(turn.basket.total_xof),
    )
