"""Whole conversations through real Rasa, the real action server and a real ledger, each ending in exactly one order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count

import pytest
from sqlalchemy import select, update

from bot.core.addresses import ChannelName
from bot.core.messages import Awaiting, Purpose
from bot.dialogue.rasa import RasaDialogue
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.models import OrderLine, OrderRow, Product
from tests.dialogue.conftest import Backend
from tests.dialogue.shopper import Shopper

_numbers = count(1)

Ordered = tuple[list[tuple[str, str, int]], str, str, str, str, str, int]
"""(lines, commune, landmark, name, phone, payment, total)"""


@pytest.fixture
async def ledger(backend: Backend) -> AsyncIterator[Ledger]:
    opened = open_ledger(backend.database_url)
    yield opened
    await opened.close()


@pytest.fixture
def shopper(dialogue: RasaDialogue) -> Shopper:
    return Shopper(dialogue, lane=f"shopper-{next(_numbers)}")


async def ordered(ledger: Ledger, shopper: Shopper) -> list[Ordered]:
    """All orders of a conversation as the ledger holds them."""
    async with ledger.reading() as connection:
        orders = await connection.execute(
            select(OrderRow.__table__)
            .where(OrderRow.conversation_id == shopper.lane)
            .order_by(OrderRow.number)
        )
        found = []
        for row in orders.all():
            lines = await connection.execute(
                select(OrderLine.__table__).where(OrderLine.order_id == row.id).order_by(OrderLine.ordinal)
            )
            taken = [
                (line.product_id, "/".join(value for _, value in line.options), line.quantity)
                for line in lines.all()
            ]
            found.append(
                (
                    taken,
                    row.commune,
                    row.landmark,
                    row.name,
                    row.phone,
                    row.payment_method,
                    row.total_xof,
                )
            )
    return found


PHONE = "+2250707000001"


async def test_one_thing_after_the_other(shopper: Shopper, ledger: Ledger) -> None:
    """The plain way: greet, order, answer each question, confirm."""
    await shopper.say("bonjour", "je veux 2 foulards wax", "non c'est tout", "Yopougon")
    await shopper.say("derrière la pharmacie siporex", "Aya Koffi", "wave")
    assert await ordered(ledger, shopper) == []
    answer = await shopper.say("oui")
    assert answer.replies[-1].purpose is Purpose.ORDER_CONFIRMATION
    assert await ordered(ledger, shopper) == [
        (
            [("foulard-wax", "", 2)],
            "Yopougon",
            "derrière la pharmacie siporex",
            "Aya Koffi",
            PHONE,
            "wave",
            7000,
        )
    ]
    assert shopper.basket.closed


async def test_everything_in_one_message(shopper: Shopper, ledger: Ledger) -> None:
    """Items, commune and payment told at once are not asked again."""
    await shopper.say("2 foulards satin rose et 1 foulard wax, c'est pour Yop, je paye MoMo")
    assert shopper.awaiting is Awaiting.LANDMARK
    await shopper.say("à côté de la mosquée", "moi c'est Fatou", "oui oui c'est bien ça")
    lines = [("foulard-satin", "rose", 2), ("foulard-wax", "", 1)]
    assert await ordered(ledger, shopper) == [
        (lines, "Yopougon", "à côté de la mosquée", "Fatou", PHONE, "mtn_momo", 8500)
    ]


async def test_by_taps_alone(shopper: Shopper, ledger: Ledger) -> None:
    """Every question that has choices can be answered by a tap."""
    await shopper.say("bonjour")
    for value in (
        "browse_catalogue",
        "category=robes",
        "product=robe-wax-courte",
        "option=taille:M",
        "checkout",
    ):
        await shopper.pick(value)
    await shopper.pick("commune=Cocody")
    await shopper.say("Angré 8e tranche", "Jean")
    await shopper.pick("payment=cash")
    await shopper.pick("confirm")
    assert await ordered(ledger, shopper) == [
        ([("robe-wax-courte", "M", 1)], "Cocody", "Angré 8e tranche", "Jean", PHONE, "cash", 14000)
    ]


async def test_a_doubtful_name_is_asked_not_guessed(shopper: Shopper, ledger: Ledger) -> None:
    """Two boubous: both are offered, the quantity said before is kept."""
    await shopper.say("mets moi 2 boubous")
    assert shopper.offered == ("product=boubou-homme:2", "product=boubou-femme:2")
    await shopper.say("celui pour femme", "bleu", "enlève 1", "je commande", "Adjamé Bracodi", "portail vert")
    await shopper.say("Koné", "orange", "oui")
    assert await ordered(ledger, shopper) == [
        ([("boubou-femme", "bleu", 1)], "Adjamé", "portail vert", "Koné", PHONE, "orange_money", 35500)
    ]


async def test_questions_in_the_middle_are_answered_and_the_open_one_put_again(
    shopper: Shopper, ledger: Ledger
) -> None:
    await shopper.say("1 foulard satin noir", "commander", "c'est combien la robe wax courte ?")
    assert "12 500 F" in shopper.heard
    assert shopper.awaiting is Awaiting.COMMUNE
    await shopper.say("moi je suis à Yop", "vous fermez à quelle heure ?")
    assert "19 h 30" in shopper.heard
    assert shopper.awaiting is Awaiting.LANDMARK
    await shopper.say("terminus 47", "merci")
    assert shopper.awaiting is Awaiting.NAME
    await shopper.say("je m'appelle Affoué Marie", "wave ou OM ?")
    assert shopper.awaiting is Awaiting.PAYMENT
    await shopper.say("cash", "oui")
    assert await ordered(ledger, shopper) == [
        ([("foulard-satin", "noir", 1)], "Yopougon", "terminus 47", "Affoué Marie", PHONE, "cash", 4000)
    ]


async def test_a_mind_changed_at_the_recap(shopper: Shopper, ledger: Ledger) -> None:
    """Removing a line and moving to another commune lead to a new recap each time."""
    await shopper.say(
        "je prends une chemise lin noire en M et une chemise wax en L livraison plateau paiement wave"
    )
    await shopper.say("immeuble alpha", "Serge")
    assert shopper.awaiting is Awaiting.CONFIRMATION
    await shopper.say("enlève la chemise wax", "livrez plutôt à Cocody", "riviera 2 derrière pharmacie")
    assert "13 500 F" in shopper.heard
    await shopper.say("oui oui")
    lines = [("chemise-lin-homme", "M/noir", 1)]
    assert await ordered(ledger, shopper) == [
        (lines, "Cocody", "riviera 2 derrière pharmacie", "Serge", PHONE, "wave", 13500)
    ]


async def test_a_phone_is_asked_only_when_none_is_known(shopper: Shopper, ledger: Ledger) -> None:
    shopper.phone = None
    await shopper.say("1 pagne fancy rose", "c'est tout", "marcory", "zone 4 face lycée", "Yao")
    assert shopper.awaiting is Awaiting.PHONE
    await shopper.say("0708", "appelez le 05 06 07 08 09", "momo", "c'est bon")
    assert await ordered(ledger, shopper) == [
        (
            [("pagne-fancy", "rose", 1)],
            "Marcory",
            "zone 4 face lycée",
            "Yao",
            "+2250506070809",
            "mtn_momo",
            9000,
        )
    ]


async def test_sizes_split_one_product(shopper: Shopper, ledger: Ledger) -> None:
    await shopper.say(
        "2 t-shirts elephant orange, 1 M et 1 L", "je commande", "abobo", "carrefour", "Awa", "om"
    )
    await shopper.say("non je paye wave", "oui")
    lines = [("tshirt-elephants", "M/orange", 1), ("tshirt-elephants", "L/orange", 1)]
    assert await ordered(ledger, shopper) == [(lines, "Abobo", "carrefour", "Awa", PHONE, "wave", 12000)]


async def test_in_english(shopper: Shopper, ledger: Ledger) -> None:
    """English is understood and answered in English from the first message."""
    await shopper.say("hello, how much is the long wax dress please")
    assert "Would you like" in shopper.heard
    await shopper.say(
        "I want 2 wax scarves", "that's all", "deliver to Cocody please", "next to the pharmacy"
    )
    await shopper.say("my name is Grace", "cash on delivery", "yes confirm")
    assert "Thank you" in shopper.heard
    assert await ordered(ledger, shopper) == [
        ([("foulard-wax", "", 2)], "Cocody", "next to the pharmacy", "Grace", PHONE, "cash", 6500)
    ]


async def test_more_than_is_left_is_offered_as_what_is_left(shopper: Shopper, ledger: Ledger) -> None:
    shopper.shop = "zoe-accessoires"
    await shopper.say("10 parures")
    assert shopper.offered == ("product=parure-mariage:3",)
    await shopper.say("oui", "c'est tout", "treich", "avenue 16 rue 25", "Zadi", "flooz", "je confirme")
    assert await ordered(ledger, shopper) == [
        ([("parure-mariage", "", 3)], "Treichville", "avenue 16 rue 25", "Zadi", PHONE, "moov_money", 46500)
    ]


async def test_another_shop_with_shorthand(shopper: Shopper, ledger: Ledger) -> None:
    shopper.shop = "coton-doux"
    await shopper.say(
        "4 serviettes nuit et 2 jour pour marcory", "zone 4 derrière le lycée", "Mariam", "wave"
    )
    await shopper.say("attends, c'est 3 serviettes jour finalement", "oui")
    lines = [("serviette-nuit", "", 4), ("serviette-jour", "", 3)]
    assert await ordered(ledger, shopper) == [
        (lines, "Marcory", "zone 4 derrière le lycée", "Mariam", PHONE, "wave", 17500)
    ]


async def test_the_same_turn_again_places_one_order(
    shopper: Shopper, ledger: Ledger, dialogue: RasaDialogue
) -> None:
    """A repeated turn id gets the first answer; the same basket confirmed by another turn is the same order."""
    await shopper.say("1 foulard wax pour yop wave", "carrefour sable", "Ange")
    turn = shopper.turn("oui")
    first = await dialogue.ask(turn)
    assert await dialogue.ask(turn) == first
    again = await dialogue.ask(replace(turn, turn_id="another"))
    assert again.order_id == first.order_id
    assert len(await ordered(ledger, shopper)) == 1


async def test_a_cancelled_basket_is_no_order_and_the_next_item_opens_another(
    shopper: Shopper, ledger: Ledger
) -> None:
    await shopper.say("1 foulard wax pour yop wave", "carrefour sable", "Ange")
    await shopper.pick("cancel_order")
    assert shopper.basket.closed
    cancelled = shopper.basket.id
    await shopper.say("1 foulard satin noir", "c'est tout", "anyama", "gare", "cash", "oui")
    assert shopper.basket.id != cancelled
    assert await ordered(ledger, shopper) == [
        ([("foulard-satin", "noir", 1)], "Anyama", "gare", "Ange", PHONE, "cash", 5000)
    ]


@pytest.mark.parametrize("word", ["oui", "ok", "c'est bon", "je confirme"])
async def test_yes_without_a_question_confirms_nothing(shopper: Shopper, ledger: Ledger, word: str) -> None:
    answer = await shopper.say(word)
    assert answer.order_id is None
    assert await ordered(ledger, shopper) == []


async def test_a_yes_to_an_older_recap_gets_a_new_one(shopper: Shopper, ledger: Ledger) -> None:
    await shopper.say("1 foulard wax pour yop wave", "carrefour sable", "Ange")
    assert shopper.asked_version is not None
    shopper.asked_version -= 1
    await shopper.say("oui")
    assert shopper.awaiting is Awaiting.CONFIRMATION
    assert await ordered(ledger, shopper) == []


@pytest.mark.parametrize("text", ["lkjlkj", "oui mais attends", "qsdqsd", "/restart", "hein ?", "Ali"])
async def test_what_is_not_a_clear_yes_places_nothing(shopper: Shopper, ledger: Ledger, text: str) -> None:
    await shopper.say("1 foulard wax pour yop wave", "carrefour sable", "Ange")
    answer = await shopper.say(text)
    assert answer.order_id is None
    assert await ordered(ledger, shopper) == []


async def test_a_price_that_changed_since_the_recap_is_shown_before_it_counts(
    shopper: Shopper, ledger: Ledger
) -> None:
    await shopper.say("1 kita pour yop wave", "carrefour sable", "Ange")
    async with ledger.writing() as connection:
        await connection.execute(
            update(Product).where(Product.id == "pagne-kita").values(price_xof=36000, stock=5)
        )
    async with asyncio.timeout(20):  # the actions read a catalogue again after some seconds
        while "36 000 F" not in shopper.heard:
            await shopper.say("c'est combien le kita ?")
    assert "Total : 38 000 F" in shopper.heard
    await shopper.say("oui")
    assert [order[-1] for order in await ordered(ledger, shopper)] == [38000]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mets 0 foulard wax", "au moins 1"),
        ("-2 foulard wax", "au moins 1"),
        ("100000 foulard wax", "il n'en reste que"),
        ("je veux un pagne baoulé", "il n'y en a plus"),
    ],
)
async def test_impossible_quantities_change_nothing(shopper: Shopper, text: str, said: str) -> None:
    await shopper.say(text)
    assert said in shopper.heard
    assert shopper.lines == []


async def test_an_unserved_place_is_told_which_are_served(shopper: Shopper) -> None:
    await shopper.say("1 foulard wax", "commander", "je suis à San Pedro")
    assert "Bingerville" in shopper.heard
    assert shopper.awaiting is Awaiting.COMMUNE


async def test_a_person_is_called(shopper: Shopper) -> None:
    assert (await shopper.say("je veux parler à quelqu'un")).hand_over


async def test_misunderstanding_three_times_calls_a_person(shopper: Shopper) -> None:
    answer = await shopper.say("asdkjh qsd", "qsdqsd", "xxxx ttt")
    assert answer.hand_over


async def test_the_shopper_asks_to_go_on_elsewhere(shopper: Shopper) -> None:
    answer = await shopper.say("mon whatsapp rame, écris moi par sms")
    assert answer.move_to is ChannelName.SMS


async def test_the_last_order_is_found_again(shopper: Shopper) -> None:
    await shopper.say("1 foulard wax pour yop wave", "carrefour sable", "Ange", "oui", "ma commande est où ?")
    assert "confirmée" in shopper.heard
    assert "AM-" in shopper.heard


async def test_a_price_of_the_shopper_is_no_price(shopper: Shopper) -> None:
    await shopper.say("1 foulard wax à 10 F")
    assert shopper.basket.items_total_xof == 2500
