"""The judge stands outside: what the providers were given, what the phones showed, what the ledger holds.

Each law returns what breaks it, in words; an empty list is innocence.
"""

from __future__ import annotations

from collections import Counter

from bot.core.conversations import Conversation
from tests.simulation.market import STOCK, Market
from tests.simulation.shoppers import Shopper


async def tried(market: Market) -> list[str]:
    """Play a run and judge it, while its clock still goes."""
    await market.play()
    return verdict(market)


def verdict(market: Market) -> list[str]:
    """All that is wrong with a finished run."""
    return [wrong for law in LAWS for wrong in law(market)]


def every_shopper_is_served(market: Market) -> list[str]:
    """Once the faults are over, everybody gets what they wanted."""
    return [
        f"shopper {p.person} was served {len(p.fulfilled)} of {len(p.wishes)}"
        for p in market.people
        if len(p.fulfilled) != len(p.wishes)
    ]


def every_wish_is_one_order(market: Market) -> list[str]:
    """As many orders as fulfilled wishes, each exactly what the recap showed."""
    wrong = []
    for person in market.people:
        found = sorted(
            tuple((line.product_id, line.quantity) for line in request.basket.lines)
            for request in market.ledger.orders.values()
            if request.conversation_id in _lanes_of(market, person)
        )
        wanted = sorted(wish.lines for wish in person.fulfilled)
        if found != wanted:
            wrong.append(f"shopper {person.person}: ordered {found}, wanted {wanted}")
    return wrong


def _lanes_of(market: Market, person: Shopper) -> set[str]:
    mine: set[str] = set()
    for lane, conversation in market.lanes.states().items():
        values = {known.address.value for known in conversation.customer.addresses}
        if person.number in values or str(700_000 + person.person) in values:
            mine.add(lane)
    return mine


def stock_and_sales_are_constant(market: Market) -> list[str]:
    sold: Counter[str] = Counter()
    for request in market.ledger.orders.values():
        for line in request.basket.lines:
            sold[line.product_id] += line.quantity
    return [
        f"{product}: {left} left and {sold[product]} sold"
        for product, left in market.ledger.stock.items()
        if left + sold[product] != STOCK
    ]


def every_acknowledged_message_is_heard_once(market: Market) -> list[str]:
    heard = Counter(id_ for ids in market.archive.heard.values() for id_ in ids)
    twice = [f"{id_} heard {number} times" for id_, number in heard.items() if number > 1]
    lost = [
        f"{id_} was acknowledged and never heard"
        for id_ in market.door.acknowledged
        if heard[id_] == 0 and not _is_link(market, id_)
    ]
    return twice + lost


def _is_link(market: Market, id_: str) -> bool:
    return any(received.id == id_ and received.link_token for received in market.door.heard)


def no_item_is_sent_twice(market: Market) -> list[str]:
    """One item of the transcript is given to a provider once: every repeat is an item of its own."""
    return [
        f"{name}: {message_id} was sent {number} times: {text[:40]!r}"
        for name, carrier in market.carriers.items()
        for (message_id, text), number in carrier.calls.items()
        if number > 1
    ]


def what_was_superseded_lives_on(market: Market) -> list[str]:
    """An item that another replaced names one that exists: no reply ends in nothing."""
    items = market.archive.items
    return [
        f"{item.id} was superseded by {item.superseded_by}, which does not exist"
        for item in items.values()
        if item.superseded_by is not None and item.superseded_by not in items
    ]


def nothing_is_stuck(market: Market) -> list[str]:
    stuck = [f"lane {lane} has work that nobody does" for lane in market.lanes.stuck()]
    held = [f"lane {lane} is leased for ever" for lane in market.lanes.held()]
    waiting = [
        f"lane {lane} has {len(conversation.unanswered)} unanswered messages"
        for lane, conversation in market.lanes.states().items()
        if conversation.unanswered
    ]
    return stuck + held + waiting


def everything_said_is_settled(market: Market) -> list[str]:
    """No reply is forgotten: each ended somewhere that can be read."""
    return [
        f"{delivery.id} ended as {delivery.status}"
        for conversation in market.lanes.states().values()
        for delivery in conversation.deliveries
        if not delivery.settled and not _may_rest(conversation, delivery.status)
    ]


def _may_rest(conversation: Conversation, status: str) -> bool:
    """Accepted or unknown is an end where receipts were lost: it is told as such."""
    return status in ("accepted", "unknown")


def workers_meet_only_what_is_expected(market: Market) -> list[str]:
    return [f"{market.worker_failures} steps ended in an exception nobody expected"] if market.worker_failures else []


LAWS = (
    workers_meet_only_what_is_expected,
    no_item_is_sent_twice,
    every_acknowledged_message_is_heard_once,
    every_wish_is_one_order,
    stock_and_sales_are_constant,
    what_was_superseded_lives_on,
    nothing_is_stuck,
    everything_said_is_settled,
    every_shopper_is_served,
)
