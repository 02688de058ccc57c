"""An order to be paid by link gets one, once; it is paid once, by nothing but the provider's word; nothing hangs on it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select

from bot.core.addresses import ChannelName, ShopId
from bot.core.orders import OrderStatus
from bot.core.payments import LOOKS, Checkout, NoSession, Session, SessionState, Settled
from bot.flows.collect import Collector
from bot.ledger.checkouts import LedgerCheckouts
from bot.ledger.engine import Ledger
from bot.ledger.erasing import erase
from bot.ledger.models import Customer, OrderRow, OutboxRow, Shop
from bot.ledger.numbering import Numberer
from bot.ledger.order_board import LedgerOrderBoard
from bot.ledger.order_changes import OrderChange, change_order
from bot.ledger.settling import LedgerSettling
from bot.ledger.times import utc_now
from bot.storage import codec
from tests.flows.test_tell_orders import PAID, ledger, place, tell
from tests.flows.world import SHOP, World

__all__ = ["ledger"]

DOWN = NoSession("status 503", again=True)


@dataclass
class Till:
    """In the provider's place: a session for each idempotency key, or what a test says."""

    answers: list[Session | NoSession] = field(default_factory=list)
    sessions: dict[str, Session] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    world: World | None = None

    def of(self, shop: ShopId, provider: str) -> Till | None:
        return self if (shop, provider) == (SHOP, "wave") else None

    async def open(self, checkout: Checkout) -> Session | NoSession:
        assert self.world is not None
        self.opened.append(checkout.id)
        if self.answers:
            return self.answers.pop(0)
        return self.sessions.setdefault(
            checkout.id,
            Session(
                f"cos-{checkout.id}",
                checkout.id,
                checkout.amount_xof,
                "XOF",
                SessionState.OPEN,
                f"https://pay.example/{checkout.id}",
                self.world.clock.now() + 1800,
            ),
        )

    async def look(self, session_id: str) -> Session | NoSession:
        assert self.world is not None
        self.looks.append(self.world.clock.now())
        return next((one for one in self.sessions.values() if one.id == session_id), DOWN)

    def paid(self) -> Session:
        """The only session, paid from now on."""
        ((key, session),) = self.sessions.items()
        self.sessions[key] = replace(session, state=SessionState.PAID)
        return self.sessions[key]


@dataclass
class Counter:
    """A shop with one shopper who has ordered and wants to pay by Wave."""

    world: World
    ledger: Ledger
    till: Till
    order: str
    settling: LedgerSettling
    collector: Collector

    async def work(self) -> None:
        await Numberer(self.ledger).once()
        while await self.collector.once():
            pass
        await tell(self.ledger, self.world)

    async def turn(self, seconds: float) -> None:
        await self.world.turn(seconds)
        await self.work()

    async def settle(self, session: Session) -> Settled:
        outcome = await self.settling.settle(SHOP, "wave", session)
        await self.work()
        return outcome

    @property
    def said(self) -> Sequence[str]:
        """What was said of the order's payment, without the first greeting."""
        return self.world.whatsapp.texts[1:]

    async def row(self) -> Any:
        async with self.ledger.reading() as connection:
            return (await connection.execute(select(OrderRow.__table__).where(OrderRow.id == self.order))).one()

    async def checkouts(self) -> Sequence[Any]:
        return await LedgerCheckouts(self.ledger).of_order(SHOP, self.order)


@pytest.fixture
async def shop(ledger: Ledger) -> Counter:
    async with ledger.writing() as connection:
        settings = dict(await connection.scalar(select(Shop.settings).where(Shop.id == SHOP)) or {})
        settings["payments"]["wave"] |= {"link": True}
        await connection.execute(Shop.__table__.update().where(Shop.id == SHOP).values(settings=settings))
    world = World()
    await world.write("Bonjour")
    order = await place(ledger, world.lane())
    async with ledger.writing() as connection:
        placed = datetime.fromtimestamp(world.clock.now(), UTC)
        await connection.execute(OrderRow.__table__.update().values(payment_method="wave"))
        await connection.execute(OutboxRow.__table__.update().values(occurred_at=placed))
    till = Till(world=world)
    settling = LedgerSettling(ledger, lambda: datetime.fromtimestamp(world.clock.now(), UTC))
    collector = Collector(LedgerCheckouts(ledger), settling, till, world.lanes, codec, world.clock)
    return Counter(world, ledger, till, order, settling, collector)


async def test_the_link_comes_once_and_the_payment_is_told_once(shop: Counter) -> None:
    await shop.work()
    await shop.work()
    (link,) = shop.said
    assert f"https://pay.example/{shop.order}-1" in link and "AM-1001" in link
    session = shop.till.paid()
    assert [await shop.settle(session) for _ in range(3)] == [Settled.PAID, Settled.REPEATED, Settled.REPEATED]
    assert (await shop.row()).payment_status == "paid"
    assert list(shop.said)[1:] == ["Commande AM-1001 : paiement reçu, merci."]
    (noted,) = await LedgerOrderBoard(shop.ledger).payments(SHOP, shop.order)
    assert (noted.means, noted.source, noted.who, noted.amount_xof) == (
        "wave",
        "provider",
        "Wave",
        session.amount_xof,
    )


async def test_a_provider_that_is_down_leaves_the_order_and_the_instructions(shop: Counter) -> None:
    shop.till.answers = [DOWN] * 3
    await shop.work()
    assert list(shop.said) == []
    for _ in range(4):
        await shop.turn(10)
    (words,) = shop.said
    assert re.search(r"AM-1001 est bien enregistrée.*Wave \+2250700000199\. Gardez le reçu\.", words)
    assert (len(shop.till.opened), set(shop.till.opened)) == (3, {f"{shop.order}-1"})
    # Only who asks gets the link later.
    await LedgerCheckouts(shop.ledger).ask(shop.world.lane(), "turn 9", shop.world.clock.now())
    await shop.work()
    assert f"https://pay.example/{shop.order}-2" in shop.said[-1]


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(shop: Counter) -> None:
    shop.till.answers = [NoSession("no answer in time", again=True)]
    await shop.work()
    await shop.turn(4)
    assert (shop.till.opened, len(shop.said)) == ([f"{shop.order}-1"] * 2, 1)


async def test_a_refusal_is_not_repeated(shop: Counter) -> None:
    shop.till.answers = [NoSession("status 401", again=False)]
    await shop.work()
    assert len(shop.till.opened) == 1 and "ne répond pas" in shop.said[0]


@pytest.mark.parametrize(
    ("change", "trouble"),
    [({"amount_xof": 100}, "wrong_amount"), ({"amount_xof": None}, "wrong_amount"), ({"currency": "XAF"}, "wrong_currency")],
)
async def test_what_does_not_fit_is_noted_and_never_paid(shop: Counter, change: dict[str, Any], trouble: str) -> None:
    await shop.work()
    assert await shop.settle(replace(shop.till.paid(), **change)) is Settled.MISMATCH
    assert ((await shop.row()).payment_status, (await shop.checkouts())[0].trouble) == ("unpaid", trouble)
    assert await shop.settle(replace(shop.till.paid(), **change)) is Settled.MISMATCH
    assert ["une personne" in text.lower() for text in shop.said] == [False, True]  # said once
    assert (await shop.world.conversation()).human
    # The right word, when it comes, still counts.
    assert await shop.settle(shop.till.paid()) is Settled.PAID


async def test_the_word_of_another_shop_or_session_counts_for_nothing(shop: Counter) -> None:
    await shop.work()
    session = shop.till.paid()
    assert await shop.settling.settle("coton-doux", "wave", session) is Settled.UNKNOWN
    assert await shop.settling.settle(SHOP, "wave", replace(session, id="cos-other")) is Settled.UNKNOWN
    assert (await shop.row()).payment_status == "unpaid"


async def test_a_lost_callback_is_found_by_asking(shop: Counter) -> None:
    await shop.work()
    shop.till.paid()
    await shop.turn(LOOKS[0] + 1)
    assert ((await shop.row()).payment_status, len(shop.till.looks)) == ("paid", 1)
    assert shop.said[-1] == "Commande AM-1001 : paiement reçu, merci."


async def test_nobody_asks_for_ever(shop: Counter) -> None:
    await shop.work()
    began = shop.world.clock.now()
    for _ in range(200):
        await shop.turn(60)
    assert len(shop.till.looks) == len(LOOKS)
    assert shop.till.looks[-1] - began < sum(LOOKS) + 60 * len(LOOKS)
    # And yet a callback that comes then counts.
    assert await shop.settle(shop.till.paid()) is Settled.PAID


async def test_who_asks_again_gets_the_same_link_while_it_is_good_and_then_a_new_one(shop: Counter) -> None:
    await shop.work()
    book = LedgerCheckouts(shop.ledger)
    for turn in ("turn 2", "turn 2", "turn 3"):
        assert await book.ask(shop.world.lane(), turn, shop.world.clock.now()) == "AM-1001"
        await shop.work()
    assert [f"{shop.order}-1" in text for text in shop.said] == [True] * 3  # a repeated turn says nothing twice
    await shop.turn(1790)
    await book.ask(shop.world.lane(), "turn 4", shop.world.clock.now())
    await shop.work()
    assert f"{shop.order}-2" in shop.said[-1]


async def test_a_paid_order_gives_no_link_and_money_that_comes_twice_is_shown(shop: Counter) -> None:
    await shop.work()
    await change_order(shop.ledger, SHOP, shop.order, PAID)
    assert await LedgerCheckouts(shop.ledger).ask(shop.world.lane(), "t", shop.world.clock.now()) is None
    assert await shop.settle(shop.till.paid()) is Settled.PAID
    assert ((await shop.checkouts())[0].trouble, await LedgerOrderBoard(shop.ledger).payments(SHOP, shop.order)) == (
        "paid_before",
        [],
    )


async def test_callbacks_and_a_vendor_at_once_pay_and_tell_once(shop: Counter) -> None:
    await shop.work()
    session = shop.till.paid()
    told = (shop.settling.settle(SHOP, "wave", session) for _ in range(4))
    *settled, _ = await asyncio.gather(*told, change_order(shop.ledger, SHOP, shop.order, PAID))
    await shop.work()
    assert sorted(settled) == [Settled.PAID, *[Settled.REPEATED] * 3]
    assert ((await shop.row()).payment_status, list(shop.said)[1:]) == ("paid", ["Commande AM-1001 : paiement reçu, merci."])


async def test_a_callback_that_overtakes_our_own_commit_counts(shop: Counter) -> None:
    book, now = LedgerCheckouts(shop.ledger), shop.world.clock.now()
    await Numberer(shop.ledger).once()
    await book.begin(now)
    (wanted,) = await book.due(now, 9)
    session = await shop.till.open(wanted)
    assert isinstance(session, Session)
    assert await shop.settle(shop.till.paid()) is Settled.PAID
    await book.opened(wanted, session, now)  # too late to open what is paid
    await shop.turn(60)
    assert (list(shop.said), (await shop.checkouts())[0].status) == (["Commande AM-1001 : paiement reçu, merci."], "paid")


async def test_erasing_a_shopper_takes_the_link_and_what_was_to_be_said(shop: Counter) -> None:
    await shop.work()
    await LedgerCheckouts(shop.ledger).ask(shop.world.lane(), "turn 2", shop.world.clock.now())
    customer = (await shop.row()).customer_id
    async with shop.ledger.writing() as connection:
        known = {"id": customer, "shop_id": SHOP, "folded_name": "", "language": "fr", "roads": 0}
        known |= {"mark": "", "created_at": utc_now()}
        await connection.execute(insert(Customer).values(known))
    await erase(shop.ledger, SHOP, customer)
    ((link, tell, due_at, amount),) = [(c.link, c.tell, c.due_at, c.amount_xof) for c in await shop.checkouts()]
    assert (link, tell, due_at, amount > 0) == (None, None, None, True)


async def test_money_for_a_cancelled_order_is_paid_and_shown(shop: Counter) -> None:
    await shop.work()
    await change_order(shop.ledger, SHOP, shop.order, OrderChange(status=OrderStatus.CANCELLED))
    assert await shop.settle(shop.till.paid()) is Settled.PAID
    assert ((await shop.row()).payment_status, (await shop.checkouts())[0].trouble) == ("paid", "cancelled")
    assert (await shop.world.conversation()).human


async def test_without_a_key_nothing_changes(shop: Counter) -> None:
    async with shop.ledger.writing() as connection:
        settings = dict(await connection.scalar(select(Shop.settings).where(Shop.id == SHOP)) or {})
        del settings["payments"]["wave"]["link"]
        await connection.execute(Shop.__table__.update().where(Shop.id == SHOP).values(settings=settings))
    await shop.work()
    assert (list(shop.said), shop.till.opened) == ([], [])


async def test_the_link_follows_a_shopper_who_has_moved(shop: Counter) -> None:
    await shop.world.link_telegram()
    await shop.world.write("Je continue ici", ChannelName.TELEGRAM)
    await shop.work()
    there = [text for text in shop.world.telegram.texts if "pay.example" in text]
    assert len(there) == 1


async def test_a_died_job_goes_on_where_it_was(shop: Counter) -> None:
    """Between the provider's answer and the ledger, and between the lane and the ledger."""
    book = LedgerCheckouts(shop.ledger)
    now = shop.world.clock.now()
    await Numberer(shop.ledger).once()
    await book.begin(now)
    (wanted,) = await book.due(now, 9)
    await book.leaves(wanted, now + 30)
    await shop.till.open(wanted)  # and then it died
    await shop.turn(31)
    assert (shop.till.opened, len(shop.said)) == ([f"{shop.order}-1"] * 2, 1)
