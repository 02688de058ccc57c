"""What a conversation does beside selling: bursts, files and places, edits, a person who does not come."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.addresses import ChannelName
from bot.core.bursts import TYPING
from bot.core.flood import BURST
from bot.core.messages import Attachment, Awaiting, Choice, Command, Purpose, Received, Reply
from bot.ports import Answer, FileOutcome, Turn
from tests.flows.world import Waiter, World

T = ChannelName.TELEGRAM


class Echo(Waiter):
    """Repeats what it hears; "vendeur" calls a person; "?" is answered with a question."""

    def _answer(self, turn: Turn) -> Answer:
        if turn.text == "vendeur":
            return Answer((Reply("Je préviens la boutique."),), turn.basket, hand_over=True)
        if turn.text == "?":
            return Answer((Reply("Quel repère ?", awaiting=Awaiting.LANDMARK),), turn.basket)
        return Answer((Reply(f"[{turn.text}]"),), turn.basket)


def typing() -> World:
    world = World(settling=TYPING)
    use(world, Echo())
    return world


def use(world: World, waiter: Waiter) -> None:
    world.waiter = waiter
    world.desk = replace(world.desk, dialogue=waiter)


async def pass_(world: World, seconds: float) -> None:
    """Let time pass in tenths, working."""
    for _ in range(round(seconds * 10)):
        world.clock.time += 0.1
        await world.work()


async def test_a_lone_message_is_answered_at_once() -> None:
    world = typing()
    await world.write("2 foulards")
    assert world.whatsapp.texts == ["[2 foulards]"]


async def test_a_burst_is_answered_by_one_message_in_its_order() -> None:
    world = typing()
    for text in ("slt", "je veux 2 foulards", "livraison yop"):
        await world.write(text)
        await pass_(world, 0.5)
    await pass_(world, 2)
    assert world.whatsapp.texts == ["[slt]\n[je veux 2 foulards]\n[livraison yop]"]
    assert [turn.text for turn in world.waiter.turns] == ["slt", "je veux 2 foulards", "livraison yop"]


async def test_a_shopper_who_types_on_and_on_is_answered_in_the_middle() -> None:
    world = typing()
    await world.write("slt")
    for number in range(10):
        await pass_(world, 0.6)
        await world.write(f"mot {number}")
    assert world.whatsapp.texts


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["slt", "2 foulards", "et", "yop", "oui"]), st.floats(0, 3)), max_size=7))
def test_every_message_is_one_turn_in_order_and_every_answer_is_said_once(said: list[tuple[str, float]]) -> None:
    """Whatever the gaps: the same turns, the same words, only fewer messages; nothing waits longer than the limit."""

    async def play() -> None:
        world = typing()
        for text, gap in said:
            await world.write(text)
            await pass_(world, gap)
        await pass_(world, TYPING.most)
        assert [turn.text for turn in world.waiter.turns] == [text for text, _ in said]
        lines = [line for text in world.whatsapp.texts for line in text.split("\n")]
        assert lines == [f"[{text}]" for text, _ in said]

    asyncio.run(play())


async def wait(world: World, seconds: float) -> None:
    """Let much time pass, working every ten seconds."""
    for _ in range(round(seconds / 10)):
        world.clock.time += 10
        await world.work()


def with_(message: Received, *attachments: Attachment, text: str = "") -> Received:
    return replace(message, text=text, attachments=attachments)


@pytest.mark.parametrize(
    ("kind", "said"), [("audio", "vocal"), ("image", "Photo"), ("document", "Bien reçu"), ("contact", "Contact")]
)
async def test_a_file_is_acknowledged_and_the_question_put_again(kind: str, said: str) -> None:
    world = World()
    use(world, Echo())
    await world.write("?")
    await world.put(with_(world.message(""), Attachment(kind, "https://x.example/1")))
    await world.work()
    [_, text] = world.whatsapp.texts
    assert said in text
    assert text.endswith("Quel repère ?")
    assert (await world.conversation()).awaiting is Awaiting.LANDMARK


SEEN = "Photo bien reçue, la boutique la verra."


async def test_the_words_under_a_picture_are_answered_and_the_picture_acknowledged_in_one_message() -> None:
    world = World()
    await world.put(with_(world.message(""), Attachment("image", "https://x.example/1"), text="2 pagnes"))
    await world.work()

    assert [turn.text for turn in world.waiter.turns] == ["2 pagnes"]
    assert world.whatsapp.texts == [f"{SEEN}\nRecap 1 : on confirme ?"]
    question = (await world.conversation()).question
    assert question is not None and question.text == "Recap 1 : on confirme ?"


async def test_the_pictures_of_an_album_are_acknowledged_once() -> None:
    world = World()
    for number, text in enumerate(("2 pagnes", "", "")):
        await world.put(with_(world.message(""), Attachment("image", f"https://x.example/{number}"), text=text))
        await world.work()
        world.clock.time += 1

    assert [text.count(SEEN) for text in world.whatsapp.texts] == [1]


@pytest.mark.parametrize("kind", ["sticker", "reaction", "unknown"])
async def test_a_sticker_or_a_reaction_changes_nothing(kind: str) -> None:
    world = World()
    use(world, Echo())
    await world.write("?")
    await world.put(with_(world.message(""), Attachment(kind)))
    await world.work()
    assert world.whatsapp.texts == ["Quel repère ?"]
    assert (await world.conversation()).awaiting is Awaiting.LANDMARK


async def test_a_place_goes_to_the_dialogue_with_its_position() -> None:
    world = World()
    await world.put(with_(world.message(""), Attachment("location", latitude=5.36, longitude=-3.99)))
    await world.work()
    assert [turn.place for turn in world.waiter.turns] == [(5.36, -3.99)]


async def test_an_edited_message_is_no_second_order() -> None:
    world = World()
    await world.write("2 pagnes", T)
    await world.put(replace(world.message("2 pagnes rouges", T), edited=True))
    await world.work()
    assert len(world.waiter.turns) == 1
    assert "modifié" in world.telegram.texts[-1]
    assert "on confirme ?" in world.telegram.texts[-1]


async def human() -> World:
    world = World()
    quiet(world)
    await world.write("vendeur")
    return world


def quiet(world: World) -> None:
    """A channel without receipts, so that hours may pass without a word about them."""
    use(world, Echo())
    world.whatsapp.capabilities = replace(world.whatsapp.capabilities, receipts=False)


def events(world: World) -> list[str]:
    return [event.type for entry in world.journal for event in entry.events]


async def test_the_bot_is_silent_while_a_person_has_the_word() -> None:
    world = await human()
    await world.write("allo ?")
    assert world.whatsapp.texts == ["Je préviens la boutique."]


async def test_after_ten_minutes_without_a_word_the_vendor_is_alerted_once_and_the_shopper_told() -> None:
    world = await human()
    await wait(world, 590)
    assert "conversation.waiting_for_person" not in events(world)
    await wait(world, 600)
    assert events(world).count("conversation.waiting_for_person") == 1
    assert world.whatsapp.texts[1:] == ["La boutique n'a pas encore répondu, je la relance. Votre message est gardé."]


async def test_after_two_hours_the_bot_offers_to_go_on() -> None:
    world = await human()
    await wait(world, 7200)
    assert "On continue ensemble" in world.whatsapp.texts[-1]
    await world.write("oui")
    back = await world.conversation()
    assert not back.human
    await world.write("2 foulards")
    assert world.whatsapp.texts[-1] == "[2 foulards]"


async def test_who_prefers_to_wait_is_not_asked_again() -> None:
    world = await human()
    await wait(world, 7200)
    await world.write("non")
    count = len(world.whatsapp.texts)
    await wait(world, 7300)
    assert (await world.conversation()).human
    assert len(world.whatsapp.texts) == count


async def test_a_word_of_the_vendor_ends_the_wait() -> None:
    world = await human()
    await world.lanes.put(world.lane(), "c1", world.encoded(Command("c1", "say", 0.0, (("text", "J'arrive"),))))
    await wait(world, 7300)
    assert "conversation.waiting_for_person" not in events(world)
    assert world.whatsapp.texts[-1] == "J'arrive"


async def test_the_shopper_who_writes_after_the_vendor_waits_anew() -> None:
    world = await human()
    await world.lanes.put(world.lane(), "c1", world.encoded(Command("c1", "say", 0.0, (("text", "J'arrive"),))))
    await world.work()
    await world.write("merci")
    await wait(world, 700)
    assert "conversation.waiting_for_person" not in events(world)
    await world.write("c'est combien alors ?")
    await wait(world, 600)
    assert "conversation.waiting_for_person" in events(world)


async def test_closing_time_comes_before_the_two_hours() -> None:
    world = World()
    quiet(world)
    hour = world.clock.time % 86400 // 3600
    closes = {day: ("00:00", f"{int(hour) + 1:02d}:00") for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    world.shops.shop = replace(world.shops.shop, hours=closes)
    await world.write("vendeur")
    await wait(world, 3600)
    assert "On continue ensemble" in world.whatsapp.texts[-1]


async def test_annule_alone_in_a_checkout_asks_what_is_meant() -> None:
    world = World()
    await world.write("2 pagnes")
    await world.write("annule")
    assert world.whatsapp.texts[-1] == "Que faut-il arrêter : la commande ou les messages ?"
    assert len(world.waiter.turns) == 1


async def test_annuler_as_the_answer_to_a_recap_is_the_order() -> None:
    world = World()
    await world.write("2 pagnes")
    await world.write("annuler")
    assert [turn.choice for turn in world.waiter.turns] == [None, "deny"]


class Keeper(Echo):
    """ "2 pagnes" fills the basket; "au revoir" asks whether to remind."""

    def _answer(self, turn: Turn) -> Answer:
        if turn.text == "au revoir":
            choices = (Choice("remind_yes", "Oui"), Choice("remind_no", "Non"))
            return Answer((Reply("Je vous le rappelle ?", Purpose.QUESTION, choices, Awaiting.OTHER),), turn.basket)
        return Waiter._answer(self, turn) if turn.text == "2 pagnes" else super()._answer(turn)


async def left_basket(answer: str, quiet_hours: tuple[str, str] | None = None) -> World:
    world = World()
    quiet(world)
    use(world, Keeper())
    world.shops.shop = replace(world.shops.shop, policy=replace(world.shops.shop.policy, quiet_hours=quiet_hours))
    for text in ("2 pagnes", "au revoir", answer):
        await world.write(text)
    return world


def reminded(world: World) -> int:
    return sum("votre panier vous attend" in text for text in world.whatsapp.texts)


async def test_who_agreed_is_reminded_once_of_the_basket() -> None:
    world = await left_basket("oui")
    await wait(world, 3 * 3600 - 10)
    assert reminded(world) == 0
    await wait(world, 3600)
    assert "Panier : 2 articles, 32 000 F" in world.whatsapp.texts[-1]
    await wait(world, 30 * 3600)
    assert reminded(world) == 1


async def test_who_did_not_agree_or_came_back_is_not_reminded() -> None:
    declined, returned = await left_basket("non"), await left_basket("oui")
    await returned.write("c'est combien ?")
    for world in (declined, returned):
        await wait(world, 8 * 3600)
        assert reminded(world) == 0


async def test_a_reminder_waits_for_the_end_of_quiet_hours() -> None:
    """The world's clock stands at 08:00 UTC: three hours later is quiet until 15:00."""
    world = await left_basket("oui", ("09:00", "15:00"))
    now = world.clock.time % 86400 / 3600
    await wait(world, (15 - now) * 3600 - 60)
    assert reminded(world) == 0
    await wait(world, 120)
    assert reminded(world) == 1


async def test_a_file_is_fetched_once_and_stands_in_the_transcript_under_its_name() -> None:
    world = World()
    await world.put(with_(world.message(""), Attachment("audio", "https://x.example/1", "audio/ogg")))
    await world.work()
    [file] = world.drawer.asked
    [item] = [item for entry in world.journal for item in entry.messages if item.attachments]
    assert item.attachments[0]["file"] == file.name
    assert events(world).count("message.file_kept") == 1
    assert (await world.conversation()).files == ()


async def test_a_file_that_cannot_be_had_is_tried_again_and_then_given_up() -> None:
    world = World()
    quiet(world)
    world.drawer.outcome = FileOutcome.LATER
    await world.put(with_(world.message(""), Attachment("image", "https://x.example/1")))
    await world.work()
    await wait(world, 20 * 3600)
    assert len(world.drawer.asked) == 6
    assert events(world).count("message.file_lost") == 1


async def test_a_flood_of_one_shopper_is_kept_and_answered_in_part() -> None:
    world = World()
    use(world, Echo())
    for number in range(BURST + 20):
        await world.write(f"spam {number}")
    assert sum("spam" in text for text in world.whatsapp.texts) == BURST
    assert sum("plus vite" in text for text in world.whatsapp.texts) == 1
    heard = [m.text for entry in world.journal for m in entry.messages if m.direction == "in"]
    assert heard == [f"spam {number}" for number in range(BURST + 20)]
    world.clock.time += 60
    await world.write("2 foulards")
    assert world.whatsapp.texts[-1] == "[2 foulards]"


async def test_stop_is_heard_in_a_flood() -> None:
    world = World()
    use(world, Echo())
    for number in range(BURST + 5):
        await world.write(f"spam {number}")
    await world.write("STOP")
    assert all(known.opted_out for known in (await world.conversation()).customer.addresses if known.address.scheme.value == "whatsapp")
