"""Who asks an action can tell a ledger that is away from an action that fails over this turn."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sanic import Sanic

from bot.actions_server import create_app
from bot.ports import Unavailable
from tests.dialogue.memory_ledger import SHOPS, MemoryLedger
from tests.dialogue.test_actions import READY, tracker

LEDGER = MemoryLedger(SHOPS)


@pytest.fixture
async def ask() -> AsyncIterator[httpx.AsyncClient]:
    Sanic._app_registry.pop("rasa_sdk", None)
    app = create_app(LEDGER)
    app.config.TOUCHUP = False
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = await app.create_server(sock=listening, return_asyncio_server=True, access_log=False)
        assert server is not None
        await server.startup()
        await server.before_start()
        host, port = listening.getsockname()
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client:
            yield client
        await server.close()


def call(**slots: Any) -> dict[str, Any]:
    given = tracker(READY)
    state = given.current_state()
    return {"next_action": "action_confirm", "sender_id": "lane-1", "domain": {}, "version": "3.6.21",
            "tracker": {**state, "slots": {**state["slots"], **slots}}}


@pytest.mark.parametrize("away", [Unavailable("the ledger"), ConnectionError(), TimeoutError()])
async def test_a_ledger_that_is_away_is_503(
    ask: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, away: Exception
) -> None:
    async def place(request: Any) -> Any:
        raise away

    monkeypatch.setattr(LEDGER, "place", place)
    assert (await ask.post("/webhook", json=call())).status_code == 503


async def test_an_action_that_fails_over_the_turn_is_500(ask: httpx.AsyncClient) -> None:
    assert (await ask.post("/webhook", json=call(turn={"shop_id": "awa-mode"}))).status_code == 500
