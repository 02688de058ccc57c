"""The gateway's client: a whole answer or ``Unavailable``; and one vocabulary on both sides."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from bot.core.addresses import ChannelName
from bot.core.basket import MAX_QUANTITY, Basket, BasketLine, to_dict
from bot.core.messages import Awaiting, Purpose, Reply
from bot.dialogue.inside_rasa import contract
from bot.dialogue.inside_rasa.understanding import picked, plain
from bot.dialogue.rasa import RasaDialogue
from bot.ports import Answer, TurnFailed, Unavailable
from tests.dialogue.test_inside_rasa import EMPTY, turn

Serve = Callable[[int, str], Awaitable[RasaDialogue]]

WHOLE: dict[str, Any] = {
    "replies": [{"text": "Oui", "choices": [], "awaiting": None, "purpose": None, "image": None}],
    "basket": to_dict(Basket("", 1)),
    "awaiting": None,
    "customer_name": None,
    "language": None,
    "hand_over": False,
    "order_id": None,
    "move_to": None,
    "silent": False,
}


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def answering(status: int, body: str) -> RasaDialogue:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=status, text=body, content_type="application/json")

        app = web.Application()
        app.router.add_route("*", "/relais/{_:.*}", answer)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        return RasaDialogue(f"http://{host}:{port}")

    yield answering
    for runner in runners:
        await runner.cleanup()


def changed(**entries: Any) -> str:
    return json.dumps({**WHOLE, **entries})


async def test_a_whole_answer_is_an_answer(serve: Serve) -> None:
    dialogue = await serve(200, changed())
    assert await dialogue.ask(turn("lane", "x")) == Answer((Reply("Oui"),), Basket("", 1))
    assert await dialogue.ready() is True
    await dialogue.close()


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, "", "rasa: malformed answer at body"),
        (200, "[]", "rasa: malformed answer at body"),
        (200, "{}", "rasa: malformed answer at replies"),
        (200, changed(replies=[{"text": "Oui"}]), "rasa: malformed answer at replies.0.choices"),
        (200, changed(awaiting="nothing known"), "rasa: malformed answer at awaiting"),
        (200, changed(move_to="fax"), "rasa: malformed answer at move_to"),
        (200, changed(hand_over="yes"), "rasa: malformed answer at hand_over"),
        (200, changed(basket={"id": "b1"}), "rasa: malformed basket (KeyError)"),
        (200, changed(replies=[]), "rasa: an answer without a word that is not meant to be silent"),
        (204, "", "rasa: 204"),
        (400, '{"error": "malformed", "detail": "text"}', "rasa: 400 malformed text"),
        (500, "<html>", "rasa: 500"),
        (503, '{"error": "store", "detail": "load"}', "rasa: 503 store load"),
    ],
)
async def test_anything_else_is_unavailable(serve: Serve, status: int, body: str, why: str) -> None:
    dialogue = await serve(status, body)
    with pytest.raises(Unavailable) as refused:
        await dialogue.ask(turn("lane", "x"))
    assert str(refused.value) == why
    await dialogue.close()


@pytest.mark.parametrize(
    ("word", "detail", "own"),
    [
        ("bug", "KeyError", True),
        ("limit", "10 actions and no end", True),
        ("action", "action_confirm: status 500", True),
        ("action", "action_confirm: status 503", False),
        ("action", "action_a: status 500; action_b: ClientConnectorError", False),
        ("timeout", "not answered in 7.5 s", False),
        ("loading", "the model is being loaded", False),
    ],
)
async def test_a_turns_own_fault_is_told_from_what_is_away(serve: Serve, word: str, detail: str, own: bool) -> None:
    dialogue = await serve(503, json.dumps({"error": word, "detail": detail}))
    with pytest.raises(Unavailable) as refused:
        await dialogue.ask(turn("lane", "x"))
    assert isinstance(refused.value, TurnFailed) is own
    await dialogue.close()


async def test_nobody_there_is_unavailable() -> None:
    dialogue = RasaDialogue("http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="rasa: ClientConnectorError"):
        await dialogue.ask(turn("lane", "x"))
    assert await dialogue.ready() is False
    await dialogue.close()


def test_both_sides_use_the_same_words() -> None:
    assert tuple(word.value for word in Awaiting) == contract.AWAITING
    assert tuple(word.value for word in Purpose) == contract.PURPOSES
    assert tuple(word.value for word in ChannelName) == contract.CHANNELS


def test_a_full_basket_is_a_valid_answer() -> None:
    line = BasketLine("p1", "Robe", (("taille", "M"),), MAX_QUANTITY, 0)
    basket = to_dict(EMPTY.changed(lines=(line,)))
    answer = contract.whole_answer([], {"basket": basket, "silent": True}, {"basket": {}})
    assert answer["basket"] == basket


def test_half_a_character_does_not_stop_a_conversation() -> None:
    body = {"conversation_id": "c", "turn_id": "t", "text": "\ud83d salut"}
    context = {"shop_id": "s", "channel": "sms", "language": "fr", "basket": to_dict(EMPTY)}
    assert contract.read_request({**body, "context": context}).text == "� salut"


@pytest.mark.parametrize(
    ("typed", "words"),
    [("/restart", "restart"), (" // /x", "x"), ("a/b", "a/b"), ("/", ""), ("\t/é ", "é")],
)
def test_a_slash_commands_nothing(typed: str, words: str) -> None:
    assert plain(typed) == words


def test_only_known_intents_are_picked() -> None:
    assert picked("confirm", {"confirm"}) == ("confirm", [])
    assert picked("restart", {"restart"})[0] == "nlu_fallback"
    intent, entities = picked("commune=Cocody = Angré", {"choose"})
    assert (intent, entities[0]["entity"], entities[0]["value"]) == ("choose", "commune", "Cocody = Angré")
