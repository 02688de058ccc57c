"""A turn's replies leave as one message, and nothing that was said is lost by it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.basket import Basket
from bot.core.conversations import Conversation
from bot.core.customers import Customer
from bot.core.messages import Awaiting, Choice, MessageStatus, Purpose, Reply
from bot.core.speaking import answer, joined

NOW = 1_800_000_000.0
FRESH = Conversation(LaneId("ab12"), ShopId("awa"), Customer("cu-1"), ChannelName.WHATSAPP, Basket("b0"), NOW)
NOTED = Reply("C'est noté.")
WHERE = Reply("Quelle commune ?", Purpose.QUESTION, (Choice("commune=Cocody", "Cocody"),), Awaiting.COMMUNE)
PAID = Reply("Comment payer ?", Purpose.QUESTION, (), Awaiting.PAYMENT)


def test_a_note_and_a_question_are_one_message_that_ends_with_the_question() -> None:
    [one] = joined((NOTED, WHERE))
    assert (one.text, one.lead, one.question) == ("C'est noté.\nQuelle commune ?", "C'est noté.", WHERE.text)
    assert (one.choices, one.awaiting, one.purpose) == (WHERE.choices, Awaiting.COMMUNE, Purpose.QUESTION)


def test_the_question_put_again_is_the_question_alone() -> None:
    asked = answer(FRESH, (NOTED, WHERE), NOW)
    assert asked.question is not None
    assert asked.question.text == "Quelle commune ?"


def test_an_order_confirmation_stays_one() -> None:
    [one] = joined((Reply("Commande confirmée.", Purpose.ORDER_CONFIRMATION), NOTED))
    assert one.purpose is Purpose.ORDER_CONFIRMATION


def test_words_join_a_picture_but_not_a_second_one() -> None:
    picture = replace(NOTED, text="Le sac : 9 000 F.", image_url="/photos/a/sac/1")
    other = replace(picture, image_url="/photos/a/pagne/2")
    offer = Reply("Voulez-vous le prendre ?", Purpose.QUESTION, (Choice("product=sac", "Ajouter"),), Awaiting.PRODUCT)
    [said] = joined((picture, offer))
    assert said == replace(offer, text=f"{picture.text}\n{offer.text}", asks=offer.text, image_url=picture.image_url)
    assert joined((picture, other)) == (picture, other)
    assert joined((picture, NOTED, other)) == (replace(picture, text=f"{picture.text}\n{NOTED.text}"), other)


def test_the_words_of_a_person_stay_alone() -> None:
    vendor = replace(NOTED, author="vendor")
    assert joined((NOTED, vendor)) == (NOTED, vendor)


def test_what_has_not_left_grows_and_its_dead_question_is_dropped() -> None:
    """The next turn's answer joins the message that waits; the item keeps its id in the transcript."""
    first = answer(FRESH, (NOTED, WHERE), NOW)
    both = answer(replace(first, pending=None), (PAID,), NOW)
    [delivery] = both.deliveries
    assert delivery.id == first.deliveries[0].id
    assert delivery.reply.text == "C'est noté.\nComment payer ?"
    assert both.awaiting is Awaiting.PAYMENT
    assert delivery.question == both.pending


def test_what_has_left_grows_no_more() -> None:
    first = answer(FRESH, (NOTED, WHERE), NOW)
    [gone] = first.deliveries
    sent = first.with_delivery(replace(gone, status=MessageStatus.ACCEPTED, attempts=1))
    assert len(answer(sent, (PAID,), NOW).deliveries) == 2


REPLIES = st.lists(
    st.one_of(
        st.builds(Reply, st.text("abc ", min_size=1).map(str.strip).filter(bool)),
        st.sampled_from((WHERE, PAID, replace(NOTED, purpose=Purpose.ORDER_CONFIRMATION))),
    ),
    min_size=1,
    max_size=6,
)


@given(REPLIES)
def test_every_statement_and_the_last_question_are_said_once_joined(replies: list[Reply]) -> None:
    [whole] = joined(tuple(replies))
    asked = [reply for reply in replies if reply.awaiting is not None]
    said = [reply.text for reply in replies if reply.awaiting is None]
    assert whole.text.split("\n") == said + [reply.text for reply in asked[-1:]]
    assert whole.awaiting == (asked[-1].awaiting if asked else None)
    assert whole.question == (asked[-1].text if asked else "")
