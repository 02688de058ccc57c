"""Whole turns: the tiny project's real model, the real action server, a real Redis, over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.basket import Basket, Checkout
from bot.core.messages import Awaiting, Choice, Purpose, Reply
from bot.dialogue.rasa import RasaDialogue
from bot.ports import Answer, Turn, Unavailable
from tests.dialogue.rasa_project_tiny.running import Tiny

_numbers = count(1)
EMPTY = Basket("b1", 1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiny]:
    with Tiny(tmp_path_factory.mktemp("tiny")) as parts:
        yield parts


@pytest.fixture
async def dialogue(tiny: Tiny) -> AsyncIterator[RasaDialogue]:
    client = RasaDialogue(tiny.url)
    yield client
    await client.close()


@pytest.fixture
def lane() -> str:
    return f"lane-{next(_numbers)}"


def turn(
    lane: str, text: str, choice: str | None = None, turn_id: str | None = None, basket: Basket = EMPTY
) -> Turn:
    return Turn(
        conversation_id=LaneId(lane),
        turn_id=turn_id or f"turn-{next(_numbers)}",
        text=text,
        choice=choice,
        shop_id=ShopId("chez-awa"),
        channel=ChannelName.WHATSAPP,
        language="fr",
        customer_id="c1",
        customer_name="Awa",
        known_phone=None,
        basket=basket,
        awaiting=None,
        asked_version=None,
        last_order_id=None,
    )


async def said(dialogue: RasaDialogue, asked: Turn) -> list[str]:
    return [reply.text for reply in (await dialogue.ask(asked)).replies]


async def reason(dialogue: RasaDialogue, asked: Turn) -> str:
    with pytest.raises(Unavailable) as refused:
        await dialogue.ask(asked)
    return str(refused.value)


async def kept(tiny: Tiny, lane: str) -> tuple[int, int, int]:
    """(turns ever saved, events kept, answers) of a conversation."""
    async with Redis.from_url(tiny.redis_url) as redis:
        keys = [key async for key in redis.scan_iter(match=f"relais:*:{lane}:state")]
        assert len(keys) <= 1
        if not keys:
            return (0, 0, 0)
        base = keys[0].removesuffix(b":state")
        count, events = await redis.hmget(keys[0], "count", "events")
        return (int(count), len(json.loads(events)), await redis.hlen(base + b":answers"))


def fault(tiny: Tiny, name: str) -> Path:
    path = tiny.folder / name
    path.touch()
    return path


async def test_a_turn_says_what_its_action_says(dialogue: RasaDialogue, lane: str) -> None:
    answer = await dialogue.ask(turn(lane, "bonjour"))
    greeting = Reply("Bonjour Awa !", Purpose.ANSWER, (Choice("deliver", "Livraison"),))
    assert answer == Answer((greeting,), EMPTY)


async def test_basket_question_and_picture_come_back(dialogue: RasaDialogue, lane: str) -> None:
    answer = await dialogue.ask(turn(lane, "un foulard svp"))
    assert answer.basket.version == 2
    assert [line.product_id for line in answer.basket.lines] == ["f1"]
    assert answer.replies == (
        Reply(
            "Ajouté : foulard",
            Purpose.QUESTION,
            awaiting=Awaiting.PRODUCT,
            image_url="https://shop.example/f1.jpg",
        ),
    )


async def test_everything_a_result_may_say_arrives(dialogue: RasaDialogue, lane: str) -> None:
    answer = await dialogue.ask(turn(lane, "", "done"))
    assert (answer.customer_name, answer.language, answer.hand_over) == ("Awa", "en", True)
    assert (answer.order_id, answer.move_to) == ("o1", ChannelName.TELEGRAM)


async def test_a_choice_carries_its_value(dialogue: RasaDialogue, lane: str) -> None:
    assert await said(dialogue, turn(lane, "Le bleu", "product=foulard bleu")) == ["Ajouté : foulard bleu"]


async def test_checkout_fields_become_slots(dialogue: RasaDialogue, lane: str) -> None:
    known = Basket("b1", 1, checkout=Checkout(commune="Cocody"))
    assert await said(dialogue, turn(lane, "livrez-moi", basket=known)) == ["Près de quoi ?"]


async def test_a_form_asks_until_it_has_all(dialogue: RasaDialogue, lane: str) -> None:
    first = await dialogue.ask(turn(lane, "livrez-moi"))
    second = await dialogue.ask(turn(lane, "cocody", basket=first.basket))
    assert (second.basket.checkout.commune, second.replies[0].awaiting) == ("Cocody", Awaiting.LANDMARK)
    aside = await dialogue.ask(turn(lane, "vous ouvrez à quelle heure", basket=second.basket))
    assert [reply.text for reply in aside.replies] == ["8 h à 18 h (avant : None)", "Près de quoi ?"]
    last = await said(dialogue, turn(lane, "la pharmacie", basket=aside.basket))
    assert last == ["Livré à Cocody, la pharmacie"]


async def test_the_same_turn_asked_again_gets_the_same_answer(
    tiny: Tiny, dialogue: RasaDialogue, lane: str
) -> None:
    asked = turn(lane, "un foulard svp")
    first = await dialogue.ask(asked)
    before = await kept(tiny, lane)
    assert await dialogue.ask(asked) == first
    assert (tiny.effects(lane), await kept(tiny, lane)) == ([asked.turn_id], before)


async def test_the_same_turn_asked_at_once_runs_once(tiny: Tiny, dialogue: RasaDialogue, lane: str) -> None:
    asked = turn(lane, "un foulard svp")
    slow = fault(tiny, "slow-add")
    answers = await asyncio.gather(*(dialogue.ask(asked) for _ in range(5)))
    slow.unlink()
    assert all(answer == answers[0] for answer in answers)
    assert (tiny.effects(lane), (await kept(tiny, lane))[2]) == ([asked.turn_id], 1)


async def test_a_caller_who_hangs_up_ends_nothing(tiny: Tiny, dialogue: RasaDialogue, lane: str) -> None:
    asked = turn(lane, "un foulard svp")
    slow = fault(tiny, "slow-add")
    hasty = RasaDialogue(tiny.url, timeout=0.5)
    refused = asyncio.create_task(reason(hasty, asked))
    await asyncio.sleep(0.1)
    answer = await dialogue.ask(asked)
    slow.unlink()
    assert (await refused, answer.basket.version) == ("rasa: no answer in 0.5 s", 2)
    assert tiny.effects(lane) == [asked.turn_id]
    await hasty.close()


async def test_two_turns_at_once_never_mix(tiny: Tiny, dialogue: RasaDialogue, lane: str) -> None:
    slow = fault(tiny, "slow-add")
    first, second = turn(lane, "un foulard svp"), turn(lane, "un foulard svp")
    outcomes = await asyncio.gather(dialogue.ask(first), dialogue.ask(second), return_exceptions=True)
    slow.unlink()
    refused = [str(outcome) for outcome in outcomes if isinstance(outcome, Unavailable)]
    assert (len(refused), "conflict" in refused[0], (await kept(tiny, lane))[2]) == (1, True, 1)


async def test_an_action_that_raises_fails_the_turn(tiny: Tiny, dialogue: RasaDialogue, lane: str) -> None:
    await dialogue.ask(turn(lane, "bonjour"))
    before = await kept(tiny, lane)
    asked = turn(lane, "", "boom")
    broken = fault(tiny, "raise")
    why = await reason(dialogue, asked)
    broken.unlink()
    assert (why, await kept(tiny, lane)) == ("rasa: 503 action action_boom: status 500", before)
    assert await said(dialogue, asked) == ["Rien de cassé"]


async def test_a_slow_action_fails_the_turn_in_five_seconds(
    tiny: Tiny, dialogue: RasaDialogue, lane: str
) -> None:
    asked = turn(lane, "", "boom")
    slow = fault(tiny, "slow")
    began = time.monotonic()
    why = await reason(dialogue, asked)
    slow.unlink()
    assert (why, time.monotonic() - began < 7) == ("rasa: 503 action action_boom: no answer in 5 s", True)
    assert await kept(tiny, lane) == (0, 0, 0)
    assert await said(dialogue, asked) == ["Rien de cassé"]


async def test_an_action_server_that_is_down_fails_the_turn(
    tiny: Tiny, dialogue: RasaDialogue, lane: str
) -> None:
    tiny.actions.kill()
    asked = turn(lane, "bonjour")
    why = await reason(dialogue, asked)
    assert why.startswith("rasa: 503 action action_greet: Client")
    assert await kept(tiny, lane) == (0, 0, 0)
    # The form's own validation is one of the failures that Rasa swallows.
    assert (await reason(dialogue, turn(lane, "", "deliver"))).startswith("rasa: 503 action ")
    tiny.actions.start()
    tiny.actions.wait()
    assert await said(dialogue, asked) == ["Bonjour Awa !"]


async def test_redis_out_of_reach_fails_the_turn(tiny: Tiny, dialogue: RasaDialogue, lane: str) -> None:
    first = await dialogue.ask(turn(lane, "livrez-moi"))
    tiny.redis.kill()
    asked = turn(lane, "cocody", basket=first.basket)
    assert (await reason(dialogue, asked)).startswith("rasa: 503 store load")
    tiny.redis.start()
    tiny.redis.wait()
    assert await said(dialogue, asked) == ["Près de quoi ?"]


async def test_rasa_killed_in_mid_turn_forgets_it_whole(
    tiny: Tiny, dialogue: RasaDialogue, lane: str
) -> None:
    await dialogue.ask(turn(lane, "bonjour"))
    before = await kept(tiny, lane)
    asked = turn(lane, "un foulard svp")
    slow = fault(tiny, "slow-add")
    refused = asyncio.create_task(reason(dialogue, asked))
    while not tiny.effects(lane):
        await asyncio.sleep(0.01)
    tiny.rasa.kill()
    assert (await refused, await kept(tiny, lane)) == ("rasa: ServerDisconnectedError", before)
    slow.unlink()
    assert await dialogue.ready() is False
    tiny.rasa.start()
    while not (why := await reason(dialogue, asked)).startswith("rasa: 503"):
        await asyncio.sleep(0.02)
    assert why == "rasa: 503 loading the model is being loaded"
    tiny.rasa.wait()
    assert await dialogue.ready() is True
    assert (await dialogue.ask(asked)).basket.version == 2
    assert (await kept(tiny, lane))[2] == 2


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        ("endless", "rasa: 503 limit 10 actions and no end"),
        ("mute", "rasa: 503 silence nothing was said, and no action says that this is right"),
        ("unworded", "rasa: 503 nlg no response utter_nobody_wrote fits"),
        ("remind", "rasa: 503 action action_remind schedules a reminder, which Rasa keeps in memory only"),
        ("broken_answer", "rasa: 503 answer awaiting: not a valid enum"),
    ],
)
async def test_what_rasa_would_hide_fails_the_turn(
    tiny: Tiny, dialogue: RasaDialogue, lane: str, choice: str, why: str
) -> None:
    assert await reason(dialogue, turn(lane, "", choice)) == why
    assert await kept(tiny, lane) == (0, 0, 0)


async def test_an_action_may_choose_silence(dialogue: RasaDialogue, lane: str) -> None:
    assert await dialogue.ask(turn(lane, "", "hush")) == Answer((), EMPTY)


@pytest.mark.parametrize(
    "text", ["/boom", '/choose{"product": "x"}', " /endless", "//hush", "/ /boom", "\n/restart"]
)
async def test_what_a_shopper_types_is_never_a_command(dialogue: RasaDialogue, lane: str, text: str) -> None:
    told = await said(dialogue, turn(lane, text))
    assert told[0].startswith(("Pas compris", "Bonjour", "Ajouté :", "8 h"))
    assert "x" not in told[0].split(" | ")[0].removeprefix(f"Pas compris : {text}")


@pytest.mark.parametrize("text", ["", "/", "  "])
async def test_no_words_are_not_understood_and_kept_as_they_came(
    dialogue: RasaDialogue, lane: str, text: str
) -> None:
    assert await said(dialogue, turn(lane, text)) == [f"Pas compris : {text} | {text}"]


@pytest.mark.parametrize("choice", ["restart", "session_start", "back", "no_such_intent", "/boom"])
async def test_a_choice_that_is_no_intent_of_ours_is_not_understood(
    dialogue: RasaDialogue, lane: str, choice: str
) -> None:
    assert await said(dialogue, turn(lane, "mot", choice)) == ["Pas compris : mot | mot"]


async def test_a_restart_leaves_the_past_behind(tiny: Tiny, dialogue: RasaDialogue, lane: str) -> None:
    await dialogue.ask(turn(lane, "bonjour"))
    told = (await kept(tiny, lane))[1]
    await dialogue.ask(turn(lane, "", "done"))
    assert (await kept(tiny, lane))[1] < told
    # Slots are carried over, as the domain says; the greeting before is no longer part of the story.
    assert await said(dialogue, turn(lane, "horaires d'ouverture")) == ["8 h à 18 h (avant : greeting)"]
    assert await said(dialogue, turn(lane, "non merci")) == ["Bonjour Awa !"]


async def test_a_conversation_stays_small(tiny: Tiny, dialogue: RasaDialogue, lane: str) -> None:
    sizes = []
    for _ in range(12):
        await dialogue.ask(turn(lane, "bonjour"))
        sizes.append((await kept(tiny, lane))[1])
    assert sizes[-1] == sizes[5]


async def test_only_the_last_answers_are_kept(tiny: Tiny, dialogue: RasaDialogue, lane: str) -> None:
    for _ in range(53):
        await dialogue.ask(turn(lane, "", "hush"))
    assert (await kept(tiny, lane))[2] == 50


async def test_a_forgotten_conversation_is_gone(tiny: Tiny, dialogue: RasaDialogue) -> None:
    lane = "chez-awa:whatsapp:+2250707000001/é"
    await dialogue.ask(turn(lane, "bonjour"))
    await dialogue.forget(lane)
    assert await kept(tiny, lane) == (0, 0, 0)


MALFORMED: list[Any] = [
    None,
    [],
    {},
    {"conversation_id": "c", "turn_id": "", "text": "", "context": {}},
    {"conversation_id": "c", "turn_id": "t", "text": 3, "context": {}},
    {"conversation_id": "c", "turn_id": "t", "text": "", "context": {"basket": {}}},
]


@pytest.mark.parametrize("body", MALFORMED)
async def test_a_malformed_request_is_told_so(tiny: Tiny, body: Any) -> None:
    async with httpx.AsyncClient(base_url=tiny.url, trust_env=False) as client:
        assert (await client.post("/relais/turn", json=body)).status_code == 400
        assert (await client.post("/relais/turn", content=b"{")).status_code == 400


async def test_it_stops_when_told_to_also_while_it_loads(tiny: Tiny) -> None:
    assert tiny.rasa.stop() == 0
    tiny.rasa.start()
    async with httpx.AsyncClient(base_url=tiny.url, trust_env=False) as client:
        while not await _listens(client):
            await asyncio.sleep(0.05)
    began = time.monotonic()
    assert (tiny.rasa.stop(), time.monotonic() - began < 10) == (0, True)
    tiny.rasa.start()
    tiny.rasa.wait()


async def _listens(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/relais/ready")).status_code == 503
    except httpx.TransportError:
        return False
